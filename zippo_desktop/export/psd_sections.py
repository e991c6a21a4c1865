"""The building blocks of PSD files: sections behind their length, texts, and the limits of the format."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from zippo_desktop.errors import ExportError
from zippo_desktop.export.packbits import overwrite

MAX_SIDE_PX = {False: 30_000, True: 300_000}  # of PSD, and of its large variant PSB
MAX_BYTES = 2 * 1024**3 - 1  # of PSD


@contextmanager
def section(file: BinaryIO, is_large: bool = False) -> Iterator[None]:
    """Write a length of four bytes, eight in a large document, for what is written inside the `with`."""
    code = ">Q" if is_large else ">I"
    start = file.tell()
    file.write(struct.pack(code, 0))
    yield
    length = file.tell() - start - struct.calcsize(code)
    overwrite(file, start, struct.pack(code, length))


def block(content: bytes) -> bytes:
    """Content behind its length."""
    return struct.pack(">I", len(content)) + content


def pascal(name: str, alignment: int = 1) -> bytes:
    """A name as programs before Photoshop 5 read it: at most 255 bytes, filled up to `alignment`."""
    encoded = name.encode("mac_roman", "replace")[:255]
    return bytes([len(encoded)]) + encoded + bytes(-(len(encoded) + 1) % alignment)


def unicode_text(text: str) -> bytes:
    """UTF-16 behind its number of units."""
    encoded = text.encode("utf-16-be")
    return struct.pack(">I", len(encoded) // 2) + encoded


def check_sides(width: int, height: int, is_large: bool) -> None:
    """Raise ExportError where the picture is longer than the format allows."""
    limit = MAX_SIDE_PX[is_large]
    if max(width, height) > limit:
        raise _too_large(f"it is {width} x {height} pixels, and {limit} is the longest side", is_large)


def check_length(file: BinaryIO, is_large: bool) -> None:
    """Raise ExportError where what is written so far is more than the format allows."""
    if not is_large and file.tell() > MAX_BYTES:
        raise _too_large("it would take more than 2 GB", is_large)


def _too_large(reason: str, is_large: bool) -> ExportError:
    name, others = ("PSB", "layers or png") if is_large else ("PSD", "psb, layers or png")
    return ExportError(f"The picture is too large for a {name} file: {reason}.", f"Use the formats {others}.")
