"""What a decoded file says beside its pixels: orientation, EXIF, XMP, IPTC, colour profile and resolution."""

from __future__ import annotations

import logging
import math
import struct

from PIL import ExifTags, Image, TiffImagePlugin

from zippo_desktop.imaging import iptc, xmp
from zippo_desktop.imaging.layers import Metadata

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
# XMP and IPTC travel by themselves; a copy within the EXIF would contradict them once they are edited.
_TAGS_DROPPED = frozenset({ExifTags.Base.Orientation, 700, 33723, 34377})
# Pillow parses and writes EXIF without checking it first: broken entries surface as any of these.
EXIF_ERRORS = (
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
    """The EXIF (or XMP) orientation, 1..8; 1 where there is none or none that makes sense.

    In an AVIF only the file's boxes turn the picture: Pillow puts theirs in place of the EXIF's.
    """
    try:
        exif = parse_exif(image.info.get("exif", b"")) if image.format == "AVIF" else image.getexif()
        value = exif.get(ExifTags.Base.Orientation, 1)
    except EXIF_ERRORS:
        return 1
    return value if value in range(1, 9) else 1


def read(image: Image.Image, is_turned: bool) -> Metadata:
    """All that is kept of an opened picture, for pixels that are upright (`is_turned`: by a quarter turn)."""
    return Metadata(
        icc_profile=icc_profile(image),
        exif=kept_exif(image),
        xmp=xmp.kept(_xmp_packet(image)),
        iptc=_iptc_records(image),
        dpi=dpi(image, is_turned),
    )


def parse_exif(content: bytes) -> Image.Exif:
    """EXIF from its TIFF structure, or from a whole TIFF. Raises any of `EXIF_ERRORS`."""
    exif = Image.Exif()
    exif.load(content)
    return exif


def exif_bytes(exif: Image.Exif) -> bytes | None:
    """EXIF as a TIFF structure; None where nothing is in it. Raises any of `EXIF_ERRORS`."""
    return exif.tobytes().removeprefix(b"Exif\x00\x00") if len(exif) else None


def kept_exif(image: Image.Image) -> bytes | None:
    """The EXIF to write on, as a TIFF structure: upright pixels need no orientation tag.

    The embedded preview is left out, for it would still show the background. EXIF that cannot be
    written again is dropped.
    """
    try:
        return upright_exif(image.getexif(), is_tiff=image.format == "TIFF")
    except EXIF_ERRORS as error:
        logger.info("Unreadable EXIF is dropped: %r", error)
        return None


def upright_exif(exif: Image.Exif, is_tiff: bool) -> bytes | None:
    """EXIF without what is told elsewhere, or no longer true; `is_tiff` where a TIFF's own tags are mixed in.

    Raises any of `EXIF_ERRORS`.
    """
    for tag in list(exif):
        if tag in _TAGS_DROPPED or (is_tiff and tag not in _TIFF_TAGS_KEPT):
            del exif[tag]
    return exif_bytes(exif)


def icc_profile(image: Image.Image) -> bytes | None:
    """The embedded colour profile as it stands in the file, valid or not."""
    profile = image.info.get("icc_profile")
    return profile if isinstance(profile, bytes) and profile else None  # a broken TIFF may hold text


def dpi(image: Image.Image, is_turned: bool) -> tuple[float, float] | None:
    """Resolution of the upright picture across and down, where the file or its EXIF states a sensible one."""
    try:
        across, down = (float(value) for value in image.info.get("dpi") or _exif_resolution(image))
    except EXIF_ERRORS:
        return None
    if not all(math.isfinite(value) and 1 < value <= MAX_DPI for value in (across, down)):
        return None
    return (down, across) if is_turned else (across, down)


def _exif_resolution(image: Image.Image) -> tuple[float, float]:
    """As stored, in dots per inch. Raises any of `EXIF_ERRORS`."""
    exif = image.getexif()
    unit_inches = {2: 1.0, 3: 1 / 2.54}[exif.get(ExifTags.Base.ResolutionUnit, 2)]
    across, down = exif[ExifTags.Base.XResolution], exif[ExifTags.Base.YResolution]
    return float(across) / unit_inches, float(down) / unit_inches


def _xmp_packet(image: Image.Image) -> bytes | None:
    packet = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp")
    return packet.encode() if isinstance(packet, str) else packet


def _iptc_records(image: Image.Image) -> bytes | None:
    """IPTC-IIM from a TIFF's tag, or from Photoshop's resources in a JPEG."""
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        # The tag's plain bytes: Pillow takes the first number for the whole where it is said to hold numbers.
        stored = image.tag_v2._tagdata.get(TiffImagePlugin.IPTC_NAA_CHUNK)
        return iptc.kept(iptc.from_tiff(stored)) if isinstance(stored, bytes) else None
    return iptc.kept(image.info.get("photoshop", {}).get(iptc.PHOTOSHOP_RESOURCE))
