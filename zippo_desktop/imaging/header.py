"""What a picture's header says, without decoding it: its upright size, and when it was taken."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from PIL import ExifTags, Image

from zippo_desktop.imaging.metadata import EXIF_ERRORS

_DAMAGE = (*EXIF_ERRORS, EOFError, MemoryError, RuntimeError, zlib.error, Image.DecompressionBombError)
_EXIF_TIME = "%Y:%m:%d %H:%M:%S"


@dataclass(frozen=True)
class Header:
    """Width and height of the upright picture, 0 where unknown, and the day that it, or the file, is of."""

    width: int
    height: int
    day: date


def read_header(path: Path) -> Header:
    """Read a picture's header. Never raises: what is damaged is told when it is decoded.

    Kinds that Pillow does not know by itself (HEIC, camera RAW) give the file's day, and no size.
    """
    day = _file_day(path)
    try:
        with path.open("rb") as file, Image.open(file) as image:
            exif = Image.Image.getexif(image)  # a PNG's own would decode the picture first
            # Pillow tells a TIFF's upright size itself.
            is_turned = image.format != "TIFF" and exif.get(ExifTags.Base.Orientation, 1) >= 5
            width, height = reversed(image.size) if is_turned else image.size
            taken = exif.get_ifd(ExifTags.IFD.Exif).get(ExifTags.Base.DateTimeOriginal)
    except _DAMAGE:
        return Header(0, 0, day)
    return Header(width, height, _day(taken) or day)


def _day(taken: object) -> date | None:
    try:
        return datetime.strptime(str(taken).strip("\0 "), _EXIF_TIME).date()
    except ValueError:
        return None


def _file_day(path: Path) -> date:
    try:
        return datetime.fromtimestamp(path.stat().st_mtime).date()
    except (OSError, OverflowError, ValueError):  # a time that no calendar has
        return date.today()
