"""What a decoded file says beside its pixels: orientation, EXIF, colour profile and resolution."""

from __future__ import annotations

import logging
import math
import struct

import numpy as np
from PIL import ExifTags, Image, TiffImagePlugin

from zippo_desktop.imaging.layers import Pixels

logger = logging.getLogger(__name__)

MAX_DPI = 30_000  # more is a mistake, and PSD ends at 32767; 1 is what Pillow says where a TIFF says nothing

# A TIFF's tags describe its own layout as well; only these say something about the picture.
_TIFF_TAGS_KEPT = frozenset(
    {
        ExifTags.Base.ImageDescription,
        ExifTags.Base.Make,
        ExifTags.Base.Model,
        ExifTags.Base.Software,
        ExifTags.Base.DateTime,
        ExifTags.Base.Artist,
        ExifTags.Base.Copyright,
        ExifTags.IFD.Exif,
        ExifTags.IFD.GPSInfo,
    }
)
# Pillow parses and writes EXIF without checking it first: broken entries surface as any of these.
_EXIF_ERRORS = (
    ArithmeticError,
    AttributeError,
    LookupError,
    OSError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
)


def orientation(image: Image.Image) -> int:
    """The EXIF (or XMP) orientation, 1..8; 1 where there is none or none that makes sense."""
    try:
        value = image.getexif().get(ExifTags.Base.Orientation, 1)
    except _EXIF_ERRORS:
        return 1
    return value if value in range(1, 9) else 1


def upright(samples: Pixels, orientation: int) -> Pixels:
    """Turn and mirror stored samples [H,W,...] so that the picture stands upright."""
    if orientation in (2, 7):
        samples = samples[:, ::-1]
    if orientation in (4, 5):
        samples = samples[::-1]
    quarter_turns = {3: 2, 5: -1, 6: -1, 7: -1, 8: 1}.get(orientation, 0)
    return np.ascontiguousarray(np.rot90(samples, quarter_turns))


def kept_exif(image: Image.Image) -> bytes | None:
    """The EXIF to write on, as a TIFF structure: upright pixels need no orientation tag.

    The embedded preview is left out, for it would still show the background. EXIF that cannot be
    written again is dropped.
    """
    try:
        exif = image.getexif()
        for tag in list(exif):
            is_kept = tag in _TIFF_TAGS_KEPT if image.format == "TIFF" else tag != ExifTags.Base.Orientation
            if not is_kept:
                del exif[tag]
        return exif.tobytes().removeprefix(b"Exif\x00\x00") if len(exif) else None
    except _EXIF_ERRORS as error:
        logger.info("Unreadable EXIF is dropped: %r", error)
        return None


def icc_profile(image: Image.Image) -> bytes | None:
    """The embedded colour profile as it stands in the file, valid or not."""
    profile = image.info.get("icc_profile")
    return profile if isinstance(profile, bytes) and profile else None  # a broken TIFF may hold text


def dpi(image: Image.Image, is_turned: bool) -> tuple[float, float] | None:
    """Resolution of the upright picture across and down, where the file states a sensible one."""
    try:
        across, down = (float(value) for value in image.info["dpi"])
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return None
    if not all(math.isfinite(value) and 1 < value <= MAX_DPI for value in (across, down)):
        return None
    return (down, across) if is_turned else (across, down)


def has_16_bit_channels(image: Image.Image, content: bytes) -> bool:
    """Whether a PNG or TIFF holds 16 bits for each of several channels, of which Pillow keeps 8."""
    if image.format == "PNG":
        return content[24] == 16 and image.mode != "I;16"  # the bit depth in IHDR
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        bits = image.tag_v2.get(TiffImagePlugin.BITSPERSAMPLE, ())
        return image.mode in ("RGB", "RGBA") and set(bits) == {16}
    return False


def has_separate_planes(image: Image.Image) -> bool:
    """Whether a TIFF stores all red first, then all green, and so on."""
    if not isinstance(image, TiffImagePlugin.TiffImageFile):
        return False
    return bool(image.tag_v2.get(TiffImagePlugin.PLANAR_CONFIGURATION) == 2)
