"""Image files that Pillow and OpenCV cannot write, byte by byte."""

from __future__ import annotations

import struct
import zlib

import numpy as np
from numpy.typing import NDArray

PNG_KINDS = {1: 0, 2: 4, 3: 2, 4: 6}  # channels: colour type


def png_bytes(samples: NDArray, exif: bytes | None = None, size: tuple[int, int] | None = None) -> bytes:
    """A PNG of [H,W,C] samples, 8 or 16 bit; `size` (width, height) is what the header claims instead."""
    height, width, channels = samples.shape
    width, height = size or (width, height)
    depth = samples.dtype.itemsize * 8
    rows = b"".join(b"\0" + row.astype(row.dtype.newbyteorder(">")).tobytes() for row in samples)
    header = struct.pack(">IIBBBBB", width, height, depth, PNG_KINDS[channels], 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    if exif:
        chunks.insert(1, (b"eXIf", exif))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*chunk) for chunk in chunks)


def tiff_bytes(
    samples: NDArray, *, orientation: int = 1, is_planar: bool = False, extra_sample: int = 2
) -> bytes:
    """An uncompressed little-endian TIFF of RGB or RGBA samples; `extra_sample` 1 is premultiplied alpha."""
    height, width, channels = samples.shape
    stored = np.moveaxis(samples, 2, 0) if is_planar else samples
    data = stored.astype(samples.dtype.newbyteorder("<")).tobytes()
    strips = channels if is_planar else 1
    strip_bytes = len(data) // strips
    pixels_at = 8
    tables_at = pixels_at + len(data)
    bits_at, offsets_at, counts_at = (
        tables_at,
        tables_at + 2 * channels,
        tables_at + 2 * channels + 4 * strips,
    )
    directory_at = counts_at + 4 * strips
    entries = [
        (256, 4, 1, width),
        (257, 4, 1, height),
        (258, 3, channels, bits_at),
        (259, 3, 1, 1),
        (262, 3, 1, 2),
        (273, 4, strips, offsets_at if strips > 1 else pixels_at),
        (274, 3, 1, orientation),
        (277, 3, 1, channels),
        (278, 4, 1, height),
        (279, 4, strips, counts_at if strips > 1 else strip_bytes),
        (284, 3, 1, 2 if is_planar else 1),
    ]
    if channels == 4:
        entries.append((338, 3, 1, extra_sample))
    tables = struct.pack(f"<{channels}H", *[samples.dtype.itemsize * 8] * channels)
    tables += struct.pack(f"<{strips}I", *(pixels_at + i * strip_bytes for i in range(strips)))
    tables += struct.pack(f"<{strips}I", *[strip_bytes] * strips)
    directory = struct.pack("<H", len(entries)) + b"".join(struct.pack("<HHII", *entry) for entry in entries)
    return struct.pack("<2sHI", b"II", 42, directory_at) + data + tables + directory + bytes(4)


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
