"""Camera RAW, by LibRaw: one plain development of the sensor's data to 16-bit sRGB.

rawpy, which brings LibRaw, is an optional dependency.
"""

from __future__ import annotations

import importlib.util
import io
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import ExifTags, Image, TiffImagePlugin

from zippo_desktop.errors import InputError
from zippo_desktop.imaging import metadata, xmp
from zippo_desktop.imaging.colour import srgb_profile
from zippo_desktop.imaging.layers import Metadata
from zippo_desktop.imaging.raster import Raster, check_size, damage_told, damaged

if TYPE_CHECKING:
    import rawpy

RAW_SUFFIXES = frozenset(
    {
        ".dng",
        *(".cr2", ".cr3", ".crw"),  # Canon
        *(".nef", ".nrw"),  # Nikon
        *(".arw", ".sr2", ".srf"),  # Sony
        *(".raf", ".orf", ".rw2", ".raw", ".rwl"),  # Fujifilm, Olympus, Panasonic, Leica
        *(".pef", ".srw", ".x3f", ".mrw"),  # Pentax, Samsung, Sigma, Minolta
        *(".3fr", ".fff", ".iiq", ".mos", ".mef"),  # Hasselblad, Phase One, Leaf, Mamiya
        *(".dcr", ".kdc", ".erf", ".gpr"),  # Kodak, Epson, GoPro
    }
)

_TIFF_STARTS = (b"II*\0", b"MM\0*")
_OWN_STARTS = (b"FUJIFILMCCD-RAW", b"FOVb", b"II\x1a\0", b"IIRO", b"IIRS", b"IIU\0", b"MMOR", b"\0MRM")
_OTHER_STARTS = (b"\xff\xd8", b"\x89PNG", b"RIFF", b"GIF8", b"BM")
_SENSOR_PHOTOMETRICS = (32803, 34892)  # DNG 1.7: colour filter array, linear raw
_DNG_VERSION = 50706
_SUB_IFDS = 330
_SAMPLE_TAGS = ((273, 279), (324, 325))  # where strips, or tiles, are, and how long
_SRGB_CURVE = (2.4, 12.92)  # IEC 61966-2-1: exponent, and slope of the straight part


def is_raw(path: Path, content: bytes) -> bool:
    """Whether a file holds a sensor's data.

    Most such files are TIFFs by their first bytes, whose first picture is a small preview: the
    photo would be mistaken for it. Their names decide, or the sensor's data where they are renamed.
    """
    if content.startswith(_OWN_STARTS) or content[4:12] == b"ftypcrx ":
        return True
    if content.startswith(_TIFF_STARTS):
        is_cr2 = content[8:10] == b"CR"
        return is_cr2 or path.suffix.lower() in RAW_SUFFIXES or _has_sensor_data(content)
    is_other = content.startswith(_OTHER_STARTS) or content[4:8] == b"ftyp"
    return path.suffix.lower() in RAW_SUFFIXES and not is_other


def read(path: Path, content: bytes, max_pixels: int) -> Raster:
    """Develop a file: sRGB of 16 bit, upright, with the camera's white balance. Raises InputError.

    The exposure is the sensor's own. LibRaw's automatic one would stretch every picture by its own
    histogram, and so give each of a series of product photos another brightness.
    """
    if importlib.util.find_spec("rawpy") is None:
        hint = 'Install it with `pip install "zippo-desktop[raw]"`, or develop the photo to TIFF first.'
        raise InputError(f"{path} is a camera RAW, and what reads those is not installed.", hint)
    import rawpy

    if _is_cut(content):
        raise damaged(path, "its end is missing")
    with damage_told(path):
        try:
            with rawpy.imread(io.BytesIO(content)) as file:
                sizes = file.sizes
                check_size(path, sizes.width, sizes.height, max_pixels)
                kept = _metadata(file, content)
                samples = _develop(file)
        except (rawpy.LibRawUnsufficientMemoryError, rawpy.LibRawTooBigError) as error:
            raise MemoryError from error
        except rawpy.LibRawFileUnsupportedError as error:
            hint = "Convert it to DNG, or develop it to TIFF, with another program."
            raise InputError(f"{path} is no camera RAW that LibRaw knows.", hint) from error
        except rawpy.LibRawError as error:
            raise damaged(path, _reason(error)) from error
    return Raster(samples, kept)


def _develop(file: rawpy.RawPy) -> Any:
    """[H,W,C] uint16. LibRaw turns the picture itself, as the camera was held."""
    samples = file.postprocess(
        use_camera_wb=True,
        no_auto_bright=True,
        output_bps=16,
        gamma=_SRGB_CURVE,
    )
    return np.asarray(samples)


def _metadata(file: rawpy.RawPy, content: bytes) -> Metadata:
    """EXIF of the file where it is built like a TIFF, else of its preview; XMP where a DNG holds some."""
    packet = None
    try:
        exif = metadata.parse_exif(content if content.startswith(_TIFF_STARTS) else _preview(file))
        packet = exif.get(ExifTags.Base.XMLPacket)
        # The maker's note is about the sensor's data, and often too large for any other format.
        if ExifTags.IFD.Exif in exif:
            exif.get_ifd(ExifTags.IFD.Exif).pop(ExifTags.Base.MakerNote, None)
        kept = metadata.upright_exif(exif, is_tiff=True)
    except metadata.EXIF_ERRORS:
        kept = None
    return Metadata(icc_profile=srgb_profile(), exif=kept, xmp=xmp.kept(packet))


def _preview(file: rawpy.RawPy) -> bytes:
    """The EXIF of the embedded JPEG. Raises ValueError where there is none."""
    import rawpy

    try:
        thumb = file.extract_thumb()
    except rawpy.LibRawError as error:
        raise ValueError("no preview") from error
    if thumb.format != rawpy.ThumbFormat.JPEG or not isinstance(thumb.data, bytes):
        raise ValueError("no JPEG preview")
    return bytes(Image.open(io.BytesIO(thumb.data), formats=("JPEG",)).info.get("exif", b""))


def _has_sensor_data(content: bytes) -> bool:
    """Whether one of a TIFF's pictures is made of a sensor's samples."""
    return any(
        _DNG_VERSION in tags or tags.get(TiffImagePlugin.PHOTOMETRIC_INTERPRETATION) in _SENSOR_PHOTOMETRICS
        for tags in _directories(content)
    )


def _is_cut(content: bytes) -> bool:
    """Whether samples lie beyond the end of a file that is built like a TIFF.

    LibRaw makes grey of what is missing from compressed samples.
    """
    for tags in _directories(content):
        for offsets, sizes in _SAMPLE_TAGS:
            pairs = zip(_numbers(tags, offsets), _numbers(tags, sizes), strict=False)
            if any(offset + size > len(content) for offset, size in pairs):
                return True
    return False


def _directories(content: bytes) -> Iterator[TiffImagePlugin.ImageFileDirectory_v2]:
    """The tags of a TIFF's pictures, also of those below others; none of what is no TIFF, or damaged."""
    stream = io.BytesIO(content)
    waiting, seen = [0], set[int]()
    while waiting and content.startswith(_TIFF_STARTS):
        place = waiting.pop(0)
        try:
            tags = TiffImagePlugin.ImageFileDirectory_v2(content[:8])
            stream.seek(place or tags.next)
            tags.load(stream)
        except metadata.EXIF_ERRORS:
            continue
        yield tags
        found = {tags.next, *_numbers(tags, _SUB_IFDS)} - seen - {0}
        seen |= found
        waiting += found


def _numbers(tags: TiffImagePlugin.ImageFileDirectory_v2, tag: int) -> list[int]:
    value = tags.get(tag, ())
    return [number for number in (value if isinstance(value, tuple) else (value,)) if isinstance(number, int)]


def _reason(error: Exception) -> str:
    """What LibRaw says, which rawpy hands over as bytes."""
    text = error.args[0] if error.args else error
    return text.decode(errors="replace") if isinstance(text, bytes) else str(text)
