"""PNG: cut-outs, mattes and pictures of 8 and 16 bit, with profile, EXIF, XMP, IPTC, resolution and text.

Written in strips of rows, with one filter and run-length matching: on photos as small as the usual
search for repetitions, and many times as fast.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from zippo_desktop.export.embedded import photoshop_resource
from zippo_desktop.imaging.layers import Metadata, Pixels

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_COLOUR_TYPES = {1: 0, 3: 2, 4: 6}  # by channels: grey, RGB, RGBA
_AVERAGE = 3  # the filter
_STRIP_BYTES = 1 << 18  # a strip and its filtered copies stay in the processor's cache
_CHUNK_BYTES = 1 << 20
_METRES_PER_INCH = 0.0254
_MAX_KEYWORD = 79
_HEX_LINE = 72


def encode_png(samples: Pixels, metadata: Metadata) -> bytes:
    """What `write_png` writes."""
    file = io.BytesIO()
    write_png(samples, metadata, file)
    return file.getvalue()


def write_png(samples: Pixels, metadata: Metadata, file: BinaryIO) -> None:
    """Write grey [H,W], RGB [H,W,3] or straight RGBA [H,W,4], uint8 or uint16.

    A profile in `metadata` must be for the samples' colour space.
    """
    height, width = samples.shape[:2]
    samples = samples.reshape(height, width, -1)
    depth, colour_type = samples.dtype.itemsize * 8, _COLOUR_TYPES[samples.shape[2]]
    file.write(_SIGNATURE)
    file.write(_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, 0)))
    file.writelines(_metadata_chunks(metadata))
    for content in _compressed(samples):
        file.write(_chunk(b"IDAT", content))
    file.write(_chunk(b"IEND", b""))


def _compressed(samples: Pixels) -> Iterator[bytes]:
    """One zlib stream of all rows, in pieces of about `_CHUNK_BYTES`."""
    compressor = zlib.compressobj(1, zlib.DEFLATED, 15, 9, zlib.Z_RLE)
    waiting: list[bytes] = []
    for filtered in _filtered_strips(samples):
        waiting.append(compressor.compress(filtered.data))
        if sum(map(len, waiting)) >= _CHUNK_BYTES:
            yield b"".join(waiting)
            waiting = []
    yield b"".join([*waiting, compressor.flush()])


def _filtered_strips(samples: Pixels) -> Iterator[NDArray[np.uint8]]:
    """Rows as PNG wants them, each behind its filter's number: [h, 1 + bytes in a row]."""
    height, width, channels = samples.shape
    pixel_bytes = channels * samples.dtype.itemsize
    rows = max(1, _STRIP_BYTES // (width * pixel_bytes))
    above = np.zeros(width * pixel_bytes, np.uint8)
    for start in range(0, height, rows):
        strip = samples[start : start + rows]
        big_endian = strip.astype(strip.dtype.newbyteorder(">"), order="C", copy=False)
        stored = big_endian.view(np.uint8).reshape(len(strip), -1)
        yield _filtered(stored, above, pixel_bytes)
        above = stored[-1]


def _filtered(stored: NDArray[np.uint8], above: NDArray[np.uint8], pixel_bytes: int) -> NDArray[np.uint8]:
    """Each byte less the mean, rounded down, of those to the left and above (PNG, third edition, 9.2)."""
    filtered = np.empty((len(stored), 1 + stored.shape[1]), np.uint8)
    filtered[:, 0] = _AVERAGE
    body = filtered[:, 1:]
    up = np.vstack([above, stored[:-1]])
    np.subtract(stored[:, :pixel_bytes], up[:, :pixel_bytes] >> 1, out=body[:, :pixel_bytes])
    left, up = stored[:, :-pixel_bytes], up[:, pixel_bytes:]
    mean = left ^ up  # (a + b) / 2 without a ninth bit: what differs, halved, and what both have
    mean >>= 1
    mean += left & up
    np.subtract(stored[:, pixel_bytes:], mean, out=body[:, pixel_bytes:])
    return filtered


def _metadata_chunks(metadata: Metadata) -> Iterator[bytes]:
    """iCCP, pHYs, eXIf, iTXt and zTXt, as the PNG specification (third edition, 11.3) has them.

    XMP stands where Adobe puts it (XMP Specification Part 3, 1.1.5), IPTC where ImageMagick and ExifTool do.
    """
    if metadata.icc_profile:
        yield _chunk(b"iCCP", b"ICC profile\0\0" + zlib.compress(metadata.icc_profile))
    if metadata.dpi:
        across, down = (round(value / _METRES_PER_INCH) for value in metadata.dpi)
        yield _chunk(b"pHYs", struct.pack(">IIB", across, down, 1))
    if metadata.exif:
        yield _chunk(b"eXIf", metadata.exif)
    if metadata.xmp:
        yield _text(b"XML:com.adobe.xmp", metadata.xmp)
    if metadata.iptc:
        yield _chunk(b"zTXt", _raw_profile(b"iptc", photoshop_resource(metadata.iptc)))
    for key, value in metadata.parameters.items():
        keyword = key.encode("latin-1", "replace")[:_MAX_KEYWORD]
        yield _text(keyword, value.replace("\0", " ").encode("utf-8", "replace"))


def _text(keyword: bytes, text: bytes) -> bytes:
    return _chunk(b"iTXt", keyword + b"\0\0\0\0\0" + text)  # not compressed, no language given


def _raw_profile(kind: bytes, content: bytes) -> bytes:
    """ImageMagick's convention for what has no chunk of its own: hexadecimal lines behind name and length."""
    digits = content.hex().encode()
    lines = [digits[start : start + _HEX_LINE] for start in range(0, len(digits), _HEX_LINE)]
    text = b"\n".join([b"", kind, b"%8d" % len(content), *lines, b""])
    return b"Raw profile type " + kind + b"\0\0" + zlib.compress(text)


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
