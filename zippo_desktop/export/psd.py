"""Layered Photoshop files of 8 and 16 bit, whose subject keeps its matte as a live layer mask.

Follows Adobe's Photoshop File Formats Specification (2019). psd-tools packs the bytes; its layer
interface is not used, for it holds masks to 8 bit and takes five times as long.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator, Mapping, Sequence
from typing import BinaryIO

import numpy as np
from PIL import Image

from zippo_desktop import __version__
from zippo_desktop.errors import ExportError
from zippo_desktop.imaging.colour import to_8_bit
from zippo_desktop.imaging.layers import Layer, LayerStack, Metadata, Pixels
from zippo_desktop.imaging.matte import quantise
from zippo_desktop.imaging.resize import resize

MAX_SIDE_PX = 30_000
MAX_BYTES = 2 * 1024**3 - 1

_TRANSPARENCY, _MASK = -1, -2  # channel ids beside 0, 1, 2 for red, green, blue
_RLE = struct.pack(">H", 1)
_RGB_MODE = 3
_EVERY_LOCK = 0x8000_0007  # transparency, pixels, position, and the flag for all of them together
_THUMBNAIL_PX = 160
_RESOLUTION, _THUMBNAIL, _ICC_PROFILE, _VERSION, _EXIF = 1005, 1036, 1039, 1057, 1058  # resource ids


def write_psd(stack: LayerStack, file: BinaryIO) -> None:
    """Write the layers of `stack` and their merged picture, with profile, EXIF and resolution.

    Raises ExportError for pictures beyond the format: a side over 30,000 pixels, or 2 GB in all.
    """
    width, height = stack.size
    if max(width, height) > MAX_SIDE_PX:
        raise _too_large(f"it is {width} x {height} pixels, and {MAX_SIDE_PX} is the longest side")
    merged = _merged_planes(stack)
    depth = stack.subject.dtype.itemsize * 8
    sections = [
        struct.pack(">4sH6xHIIHH", b"8BPS", 1, len(merged), height, width, depth, _RGB_MODE),
        _block(b""),  # no palette
        _block(b"".join(_resources(stack.metadata, _thumbnail(merged[:3])))),
        *_layer_section(stack.layers, depth),
        _RLE,
        _packed(merged),
    ]
    if sum(map(len, sections)) > MAX_BYTES:
        raise _too_large("it would take more than 2 GB")
    file.writelines(sections)


def _too_large(reason: str) -> ExportError:
    return ExportError(
        f"The picture is too large for a PSD file: {reason}.", "Use the formats layers or png."
    )


def _merged_planes(stack: LayerStack) -> list[Pixels]:
    """Red, green, blue and alpha [H,W] of the visible layers; the colour lies over white, as PSD wants it."""
    alpha = quantise(stack.matte, stack.subject.dtype)
    return [*(_over_white(stack.subject[..., i], alpha) for i in range(3)), alpha]


def _over_white(colour: Pixels, alpha: Pixels) -> Pixels:
    white = np.float32(np.iinfo(alpha.dtype).max)
    composite = 1 + alpha / white * (colour / white - 1)
    return quantise(composite.astype(np.float32, copy=False), alpha.dtype)


def _thumbnail(planes: Sequence[Pixels]) -> Image.Image:
    height, width = planes[0].shape
    factor = min(1, _THUMBNAIL_PX / max(height, width))
    size = max(1, round(height * factor)), max(1, round(width * factor))
    small = [resize(to_8_bit(plane).astype(np.float32), *size) for plane in planes]
    return Image.fromarray(np.rint(np.dstack(small)).astype(np.uint8))


def _resources(metadata: Metadata, thumbnail: Image.Image) -> Iterator[bytes]:
    if metadata.dpi:
        across, down = (round(value * 65536) for value in metadata.dpi)
        yield _resource(_RESOLUTION, struct.pack(">IHHIHH", across, 1, 1, down, 1, 1))  # per inch
    yield _resource(_THUMBNAIL, _jpeg_thumbnail(thumbnail))
    if metadata.icc_profile:
        yield _resource(_ICC_PROFILE, metadata.icc_profile)
    program = _unicode(f"Zippo Desktop {__version__}")
    yield _resource(_VERSION, struct.pack(">I?", 1, True) + program * 2 + struct.pack(">I", 1))
    if metadata.exif:
        yield _resource(_EXIF, metadata.exif)


def _jpeg_thumbnail(thumbnail: Image.Image) -> bytes:
    buffer = io.BytesIO()
    thumbnail.save(buffer, "JPEG", quality=85)
    row_bytes = (thumbnail.width * 24 + 31) // 32 * 4
    sizes = row_bytes, row_bytes * thumbnail.height, buffer.tell()
    return struct.pack(">6I2H", 1, *thumbnail.size, *sizes, 24, 1) + buffer.getvalue()


def _layer_section(layers: Sequence[Layer], depth: int) -> list[bytes]:
    """Layer and mask information; at 16 bit the layers stand in a block of their own behind it."""
    records: list[bytes] = []
    channels: list[bytes] = []
    for layer in layers:
        packed = {channel: _RLE + _packed([plane]) for channel, plane in _planes(layer).items()}
        records.append(_record(layer, {channel: len(content) for channel, content in packed.items()}))
        channels += packed.values()
    # A negative count says that the merged picture's fourth channel is its transparency.
    body = [struct.pack(">h", -len(layers)), *records, *channels]
    length = sum(map(len, body))
    body.append(bytes(-length % 4))
    length += -length % 4
    if depth == 8:
        body = [struct.pack(">I", length), *body, _block(b"")]
    else:
        # Lr16 stands first, for GIMP 2.10 looks no further than the first block.
        before = _block(b"") + _block(b"") + b"8BIMLr16" + struct.pack(">I", length)
        body = [before, *body, b"8BIMMt16" + _block(b"")]
    return [struct.pack(">I", sum(map(len, body))), *body]


def _planes(layer: Layer) -> dict[int, Pixels]:
    """The layer's channels by id, each [H,W]; always with transparency, or it would be a Background."""
    dtype = layer.pixels.dtype
    opaque = np.full(layer.pixels.shape[:2], np.iinfo(dtype).max, dtype)
    planes = {_TRANSPARENCY: opaque} | {i: layer.pixels[..., i] for i in range(3)}
    return planes if layer.mask is None else planes | {_MASK: quantise(layer.mask, dtype)}


def _record(layer: Layer, channel_bytes: Mapping[int, int]) -> bytes:
    height, width = layer.pixels.shape[:2]
    bounds = struct.pack(">4i", 0, 0, height, width)
    channels = b"".join(struct.pack(">hI", *item) for item in channel_bytes.items())
    flags = 1 * layer.is_locked | 2 * (not layer.is_visible) | 8
    blending = b"8BIMnorm" + struct.pack(">BBBx", 255, 0, flags)  # opaque, not clipped
    mask = b"" if layer.mask is None else bounds + bytes(4)  # black outside, enabled
    extra = [
        _block(mask),
        _block(b""),  # blending ranges: all
        _pascal(layer.name),
        b"8BIMluni" + _block(_unicode(layer.name)),
        b"8BIMlspf" + _block(struct.pack(">I", _EVERY_LOCK if layer.is_locked else 0)),
    ]
    return bounds + struct.pack(">H", len(channel_bytes)) + channels + blending + _block(b"".join(extra))


def _packed(planes: Sequence[Pixels]) -> bytes:
    """Planes [H,W] as PackBits: the byte counts of all rows of all planes, then the rows."""
    from psd_tools.compression import compress  # half a second that only a PSD has to wait for
    from psd_tools.constants import Compression

    height, width = planes[0].shape
    depth = planes[0].dtype.itemsize * 8
    samples = b"".join(plane.astype(plane.dtype.newbyteorder(">")).tobytes() for plane in planes)
    return compress(samples, Compression.RLE, width, height * len(planes), depth)


def _block(content: bytes) -> bytes:
    """Content behind its length."""
    return struct.pack(">I", len(content)) + content


def _resource(number: int, content: bytes) -> bytes:
    return b"8BIM" + struct.pack(">Hxx", number) + _block(content) + bytes(len(content) % 2)


def _pascal(name: str) -> bytes:
    """A name as programs before Photoshop 5 read it, padded to four bytes."""
    encoded = name.encode("mac_roman", "replace")[:255]
    return bytes([len(encoded)]) + encoded + bytes(-(len(encoded) + 1) % 4)


def _unicode(text: str) -> bytes:
    """UTF-16 behind its number of units."""
    encoded = text.encode("utf-16-be")
    return struct.pack(">I", len(encoded) // 2) + encoded
