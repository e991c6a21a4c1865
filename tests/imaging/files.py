"""Image files that Pillow and OpenCV cannot write."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import tifffile
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


def heif_with_turns(content: bytes, quarter_turns: int, mirror_axis: int | None) -> bytes:
    """A HEIC or AVIF from heif-enc with boxes that turn its picture: anti-clockwise, and then mirrored.

    Axis 0 exchanges above and below, 1 left and right (ISO/IEC 23008-12:2022, 6.5.10 and 6.5.12).
    """
    boxes = [struct.pack(">I4sB", 9, b"irot", quarter_turns)] if quarter_turns else []
    if mirror_axis is not None:
        boxes.append(struct.pack(">I4sB", 9, b"imir", mirror_axis))
    meta, iloc, iprp, ipco, ipma = (
        content.index(kind) - 4 for kind in (b"meta", b"iloc", b"iprp", b"ipco", b"ipma")
    )
    primary = content[content.index(b"pitm") + 8 :][:2]
    number = len(_children(content, ipco)) + 1
    entry = content.index(primary, ipma + 16)  # item, count, one byte for each property
    links_end = entry + 3 + content[entry + 2]
    links = bytes(0x80 | number + i for i in range(len(boxes)))  # essential

    turned = bytearray(content)
    turned[entry + 2] += len(boxes)
    turned[links_end:links_end] = links
    turned[ipma:ipma] = b"".join(boxes)  # the properties end where their links begin
    added = len(links) + 9 * len(boxes)
    _add(turned, ipma + 9 * len(boxes), len(links))
    _add(turned, ipco, 9 * len(boxes))
    for box in (iprp, meta):
        _add(turned, box, added)
    # Places of content, each in one 32-bit extent; version 1 counts some from another beginning.
    version = content[iloc + 8]
    for item in range(iloc + 16, iloc + _size(content, iloc), 20 if version else 18):
        if not version or content[item + 2 : item + 4] == b"\0\0":
            _add(turned, item + (6 if version else 4), added)
    return bytes(turned)


def dng_bytes(
    linear: NDArray,
    *,
    orientation: int = 1,
    preview: NDArray | None = None,
    neutral: tuple[float, float, float] = (1, 1, 1),
    xmp: bytes | None = None,
    compression: int | None = None,
) -> bytes:
    """A 14-bit Bayer DNG of linear sRGB [H,W,3] in 0..1, with a preview as cameras write it.

    The sensor's channels are sRGB's, scaled so that `neutral` is what it sees of white.
    """
    seen = np.clip(linear * np.asarray(neutral), 0, 1)
    sensor = np.empty(linear.shape[:2])
    for y, x in ((0, 0), (0, 1), (1, 0), (1, 1)):
        sensor[y::2, x::2] = seen[y::2, x::2, y + x]  # red, green; green, blue
    stored = np.rint(256 + sensor * (16383 - 256)).astype(np.uint16)
    to_xyz = np.array([[0.4125, 0.3576, 0.1804], [0.2127, 0.7152, 0.0722], [0.0193, 0.1192, 0.9503]])
    matrix = np.diag(neutral) @ np.linalg.inv(to_xyz)
    camera = [
        (50706, "B", 4, (1, 4, 0, 0)),  # DNGVersion, DNGBackwardVersion
        (50707, "B", 4, (1, 3, 0, 0)),
        (271, "s", None, "Maker"),
        (272, "s", None, "Camera"),
        (50708, "s", None, "Maker Camera"),
        (50721, "2i", 9, [part for value in matrix.ravel() for part in (round(value * 10000), 10000)]),
        (50728, "2I", 3, [part for value in neutral for part in (round(value * 10000), 10000)]),
        (50778, "H", 1, 21),  # D65
        (274, "H", 1, orientation),
        *([(700, "B", len(xmp), xmp)] if xmp else []),
    ]
    bayer = [
        (33421, "H", 2, (2, 2)),  # CFARepeatPatternDim, CFAPattern
        (33422, "B", 4, bytes((0, 1, 1, 2))),
        (50714, "H", 1, 256),  # black and white
        (50717, "H", 1, 16383),
    ]
    sensor_tags = bayer if preview is not None else camera + bayer
    common = {"metadata": None, "software": False}
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer) as writer:
        if preview is not None:
            first = {"photometric": "rgb", "subfiletype": 1, "subifds": 1, "extratags": _own(camera)}
            writer.write(preview, **first, **common)
        second = {"photometric": 32803, "subfiletype": 0, "extratags": _own(sensor_tags)}
        writer.write(stored, **second, **common, compression=compression)
    return buffer.getvalue()


def _own(tags: list[tuple]) -> list[tuple]:
    return [(*tag, True) for tag in tags]


def _children(content: bytes, box: int) -> list[int]:
    places, place = [], box + 8
    while place < box + _size(content, box):
        places.append(place)
        place += _size(content, place)
    return places


def _size(content: bytes, box: int) -> int:
    return int.from_bytes(content[box : box + 4], "big")


def _add(content: bytearray, place: int, added: int) -> None:
    """Add to the 32-bit number at a place."""
    content[place : place + 4] = (_size(content, place) + added).to_bytes(4, "big")


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
