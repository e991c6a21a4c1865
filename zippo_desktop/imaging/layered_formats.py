"""PSD, PSB and OpenRaster: the merged picture that these files carry beside their layers.

Adobe's Photoshop File Formats Specification (2019), and OpenRaster 0.0.6. Layers are passed over.
"""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from zippo_desktop.errors import InputError
from zippo_desktop.imaging import pillow_formats
from zippo_desktop.imaging.layers import Metadata, Pixels
from zippo_desktop.imaging.raster import Raster, check_size, damage_told, damaged, unpremultiplied

LAYERED_SUFFIXES = (".psd", ".psb", ".ora")
_OPENRASTER = b"mimetypeimage/openraster"  # behind the 30 bytes of a ZIP entry: the format asks for it there
_MERGED = "mergedimage.png"
_MOST_BYTES_PER_PX = 9  # of a PNG: four channels of 16 bits, and a little
_CHANNELS = {1: 1, 3: 3}  # of colour, in the modes grey and RGB
_RAW, _PACKED = 0, 1
_ICC_PROFILE = 1039
_MERGED_TRANSPARENCY = (b"8BIMMt16", b"8BIMMtrn")  # blocks that say of 16 bits what the layer count says of 8


def is_layered(content: bytes) -> bool:
    """Whether a file's content is that of a PSD, PSB or OpenRaster picture."""
    return content.startswith(b"8BPS") or content.startswith(_OPENRASTER, 30)


def read(path: Path, content: bytes, max_pixels: int) -> Raster:
    """Read the merged picture of a file's content. Raises InputError."""
    with damage_told(path):
        if content.startswith(b"8BPS"):
            return _read_psd(path, memoryview(content), max_pixels)
        picture = _merged_png(path, content, max_pixels)
    return pillow_formats.read(path, picture, max_pixels)


def _merged_png(path: Path, content: bytes, max_pixels: int) -> bytes:
    """The merged picture's file out of an OpenRaster archive."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entry = archive.getinfo(_MERGED)
            if entry.file_size > _MOST_BYTES_PER_PX * max_pixels:
                raise damaged(path, f"its {_MERGED} claims {entry.file_size} bytes")
            return archive.read(entry)
    except (zipfile.BadZipFile, KeyError) as error:
        raise damaged(path, f"no {_MERGED} can be read in it: {error}") from error


@dataclass(frozen=True)
class _Header:
    """The fixed beginning of a PSD or PSB."""

    is_large: bool
    channels: int
    height: int
    width: int
    depth: int
    mode: int

    @classmethod
    def of(cls, content: memoryview) -> _Header:
        version, *rest = struct.unpack_from(">H6xHIIHH", content, 4)
        return cls(version == 2, *rest)


def _read_psd(path: Path, content: memoryview, max_pixels: int) -> Raster:
    header = _Header.of(content)
    check_size(path, header.width, header.height, max_pixels)
    colours = _CHANNELS.get(header.mode)
    if colours is None or header.channels < colours or header.depth not in (8, 16):
        hint = "Save it as RGB or greyscale with 8 or 16 bits."
        raise InputError(f"{path} is a Photoshop file of a kind that is not supported.", hint)
    _, place = _section(content, 26, 4)  # a palette
    resources, place = _section(content, place, 4)
    layers, place = _section(content, place, 8 if header.is_large else 4)
    wanted = colours + (header.channels > colours and _has_transparency(layers, header.is_large))
    samples = _merged(path, content[place:], header, wanted)
    if wanted > colours:
        samples = _without_white(samples)
    return Raster(samples, Metadata(icc_profile=_icc_profile(resources)))


def _section(content: memoryview, start: int, length_bytes: int) -> tuple[memoryview, int]:
    """What stands behind its length, and the place after it."""
    begin = start + length_bytes
    end = begin + int.from_bytes(content[start:begin], "big")
    if end > len(content):
        raise EOFError("it ends early")
    return content[begin:end], end


def _has_transparency(layers: memoryview, is_large: bool) -> bool:
    """Whether the first channel behind the colours is the merged picture's opacity: the count is negative."""
    start = 8 if is_large else 4
    count = int.from_bytes(layers[start : start + 2], "big", signed=True) if any(layers[:start]) else 0
    if count < 0:
        return True
    held = bytes(layers)
    return any(block in held for block in _MERGED_TRANSPARENCY)


def _icc_profile(resources: memoryview) -> bytes | None:
    return next((bytes(content) for number, content in _resources(resources) if number == _ICC_PROFILE), None)


def _resources(content: memoryview) -> Iterator[tuple[int, memoryview]]:
    """The image resources by number. Each has a name, and it and what it holds fill even numbers of bytes."""
    place = 0
    while bytes(content[place : place + 4]) == b"8BIM":
        number = int.from_bytes(content[place + 4 : place + 6], "big")
        name = 1 + content[place + 6]
        held, place = _section(content, place + 6 + name + name % 2, 4)
        yield number, held
        place += len(held) % 2


def _merged(path: Path, content: memoryview, header: _Header, wanted: int) -> Pixels:
    """The first `wanted` channels of the merged picture [H,W,wanted]."""
    dtype = np.dtype(">u1" if header.depth == 8 else ">u2")
    size = header.height * header.width
    compression = int.from_bytes(content[:2], "big")
    if compression == _RAW:
        planes = np.frombuffer(content, dtype, header.channels * size, offset=2)[: wanted * size]
    elif compression == _PACKED:
        planes = _unpacked(content[2:], header, wanted).view(dtype)
    else:
        raise InputError(f"{path} is compressed in a way that is not supported.", "Save it anew.")
    stacked = planes.reshape(wanted, header.height, header.width).transpose(1, 2, 0)
    return np.ascontiguousarray(stacked, dtype.newbyteorder("="))


def _unpacked(content: memoryview, header: _Header, wanted: int) -> Pixels:
    """The bytes of `wanted` channels, whose rows are packed one by one behind a table of their lengths."""
    from imagecodecs import packbits_decode  # takes its time to load

    entry, rows = np.dtype(">u4" if header.is_large else ">u2"), header.height * header.channels
    lengths = np.frombuffer(content, entry, rows).astype(np.int64)
    ends = rows * entry.itemsize + np.cumsum(lengths)
    if ends[-1] > len(content):
        raise EOFError("it ends early")
    row_bytes = header.width * header.depth // 8
    unpacked = np.empty((wanted * header.height, row_bytes), np.uint8)
    for row, (end, length) in enumerate(zip(ends[: len(unpacked)], lengths, strict=False)):
        unpacked[row] = np.frombuffer(packbits_decode(bytes(content[end - length : end])), np.uint8)
    return unpacked.reshape(-1)


def _without_white(samples: Pixels) -> Pixels:
    """Straight colour from samples [H,W,2 or 4] whose colour was laid over white by the last channel."""
    negative = ~samples  # multiplied by its alpha, as white is its nothing
    negative[..., -1] = samples[..., -1]
    straight = unpremultiplied(negative)
    np.invert(straight[..., :-1], out=straight[..., :-1])
    return straight
