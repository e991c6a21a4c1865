"""TIFF of 8 and 16 bit with straight alpha, profile, EXIF, XMP, IPTC and resolution.

Follows TIFF 6.0 (1992) and Adobe's TIFF Technical Notes (2002). EXIF is a TIFF itself: the file begins
with its bytes as they are, so that all positions in them hold, those of the camera's own notes as well.
"""

from __future__ import annotations

import logging
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import BinaryIO, Literal

import numpy as np

from zippo_desktop.errors import ExportError
from zippo_desktop.imaging.layers import Metadata, Pixels

logger = logging.getLogger(__name__)

ByteOrder = Literal["<", ">"]

_STRIP_BYTES = 1 << 18
MAX_BYTES = 2**32 - 1  # positions are 32-bit numbers
_BYTE, _SHORT, _LONG, _RATIONAL, _UNDEFINED = 1, 3, 4, 5, 7  # kinds of value
_BYTES = {_BYTE: 1, _SHORT: 2, _LONG: 4, _RATIONAL: 8, _UNDEFINED: 1}
_NUMBER = {_SHORT: "H", _LONG: "I", _RATIONAL: "I"}
_NO_EXIF = struct.pack("<2sHI", b"II", 42, 0)
_ENTRY_BYTES = 12
# What the EXIF's first directory says of the picture: description, maker, model, software, date, artist,
# host, copyright, ratings, Windows' texts, and where the EXIF and GPS directories are.
_DESCRIPTIVE = frozenset((270, 271, 272, 305, 306, 315, 316, 18246, 18249, 33432, 34665, 34853))
_DESCRIPTIVE |= frozenset(range(40091, 40096))


@dataclass(frozen=True)
class _Value:
    """A tag's value: numbers, or bytes that stand for themselves."""

    kind: int
    content: tuple[int, ...] | bytes

    def packed(self, order: ByteOrder) -> bytes:
        """The value as it stands in a file of byte order "<" or ">"."""
        if isinstance(self.content, bytes):
            return self.content
        return struct.pack(f"{order}{len(self.content)}{_NUMBER[self.kind]}", *self.content)

    @property
    def count(self) -> int:
        """How many values of this kind there are."""
        return len(self.packed("<")) // _BYTES[self.kind]


def write_tiff(samples: Pixels, metadata: Metadata, file: BinaryIO) -> None:
    """Write grey [H,W], RGB [H,W,3] or straight RGBA [H,W,4], uint8 or uint16, from the file's beginning.

    Compressed as Adobe's deflate with differences between neighbours, without loss. A profile in `metadata`
    must be for the samples' colour space. Raises ExportError where the file would be over 4 GB.
    """
    beginning, order, entries = _beginning(metadata.exif)
    file.write(beginning)
    samples = samples.reshape(*samples.shape[:2], -1)
    rows = max(1, _STRIP_BYTES // samples[0].nbytes)
    strips = [_append(file, strip) for strip in _compressed_strips(samples, rows, order)]
    for tag, value in (_layout(samples, rows, strips) | _embedded(metadata)).items():
        entries[tag] = _entry(file, order, tag, value)
    directory = b"".join(entries[tag] for tag in sorted(entries))
    start, _ = _append(file, struct.pack(f"{order}H", len(entries)) + directory + bytes(4))  # and no other
    file.seek(4)
    file.write(struct.pack(f"{order}I", start))


def _beginning(exif: bytes | None) -> tuple[bytes, ByteOrder, dict[int, bytes]]:
    """What the file starts with, its byte order, and the EXIF's own entries for the file's directory, by tag.

    EXIF that is no TIFF structure is left out.
    """
    orders: dict[bytes, ByteOrder] = {b"II*\0": "<", b"MM\0*": ">"}
    order = orders.get(exif[:4]) if exif else None
    if exif and order:
        try:
            return exif, order, _descriptive_entries(exif, order)
        except struct.error as error:
            logger.info("Unreadable EXIF is left out: %s", error)
    return _NO_EXIF, "<", {}


def _descriptive_entries(exif: bytes, order: ByteOrder) -> dict[int, bytes]:
    """Entries of the first directory, by tag. Raises struct.error where it is cut off."""
    (start,) = struct.unpack_from(f"{order}I", exif, 4)
    (count,) = struct.unpack_from(f"{order}H", exif, start)
    found = {}
    for place in range(start + 2, start + 2 + count * _ENTRY_BYTES, _ENTRY_BYTES):
        (entry,) = struct.unpack_from(f"{_ENTRY_BYTES}s", exif, place)
        (tag,) = struct.unpack_from(f"{order}H", entry)
        if tag in _DESCRIPTIVE:
            found[tag] = entry
    return found


def _compressed_strips(samples: Pixels, rows: int, order: ByteOrder) -> Iterator[bytes]:
    """Strips of rows, each pixel less the one to its left (TIFF 6.0, section 14)."""
    stored = samples.dtype.newbyteorder(order)
    for start in range(0, len(samples), rows):
        strip = samples[start : start + rows]
        differences = np.array(strip, order="C")
        np.subtract(strip[:, 1:], strip[:, :-1], out=differences[:, 1:])
        compressor = zlib.compressobj(1, zlib.DEFLATED, 15, 9, zlib.Z_RLE)
        yield compressor.compress(differences.astype(stored, copy=False).data) + compressor.flush()


def _entry(file: BinaryIO, order: ByteOrder, tag: int, value: _Value) -> bytes:
    """A directory's entry; values of more than four bytes are appended to the file."""
    packed = value.packed(order)
    if len(packed) > 4:
        start, _ = _append(file, packed)
        packed = struct.pack(f"{order}I", start)
    return struct.pack(f"{order}HHI", tag, value.kind, value.count) + packed.ljust(4, b"\0")


def _append(file: BinaryIO, content: bytes) -> tuple[int, int]:
    """Write at an even position; that position, and the number of bytes. Raises ExportError."""
    file.write(bytes(file.tell() % 2))
    start = file.tell()
    if start + len(content) > MAX_BYTES:
        message = "The picture is too large for a TIFF file: it would take more than 4 GB."
        raise ExportError(message, "Use the format png.")
    file.write(content)
    return start, len(content)


def _layout(samples: Pixels, rows: int, strips: list[tuple[int, int]]) -> dict[int, _Value]:
    """How the pixels are stored."""
    height, width, channels = samples.shape
    starts, lengths = zip(*strips, strict=True)
    layout = {
        256: _Value(_LONG, (width,)),
        257: _Value(_LONG, (height,)),
        258: _Value(_SHORT, (samples.dtype.itemsize * 8,) * channels),
        259: _Value(_SHORT, (8,)),  # deflate
        262: _Value(_SHORT, (1 if channels == 1 else 2,)),  # black is zero, or RGB
        273: _Value(_LONG, starts),
        274: _Value(_SHORT, (1,)),  # upright
        277: _Value(_SHORT, (channels,)),
        278: _Value(_LONG, (rows,)),
        279: _Value(_LONG, lengths),
        284: _Value(_SHORT, (1,)),  # channels interleaved
        317: _Value(_SHORT, (2,)),  # differences
    }
    return (
        layout | {338: _Value(_SHORT, (2,))} if channels == 4 else layout
    )  # alpha, colour not multiplied by it


def _embedded(metadata: Metadata) -> dict[int, _Value]:
    """Resolution, XMP, IPTC and profile."""
    values = {}
    if metadata.dpi:
        for tag, dpi in zip((282, 283), metadata.dpi, strict=True):
            exact = Fraction(dpi).limit_denominator(10_000)
            values[tag] = _Value(_RATIONAL, (exact.numerator, exact.denominator))
        values[296] = _Value(_SHORT, (2,))  # per inch
    if metadata.xmp:
        values[700] = _Value(_BYTE, metadata.xmp)
    if metadata.iptc:  # said to be 32-bit numbers, as all readers expect, but in no byte order
        values[33723] = _Value(_LONG, metadata.iptc + bytes(-len(metadata.iptc) % 4))
    if metadata.icc_profile:
        values[34675] = _Value(_UNDEFINED, metadata.icc_profile)
    return values
