"""WebP, AVIF and JPEG through Pillow: 8 bits for each channel, with profile, EXIF, XMP and resolution.

JPEG has IPTC as well, for which the others have no place; of the three it alone has a resolution
outside of the EXIF. Generation parameters are written to PNG only.
"""

from __future__ import annotations

import io
import logging
import struct
from typing import Any, BinaryIO

from PIL import Image

from zippo_desktop.errors import ExportError
from zippo_desktop.export.embedded import photoshop_resource
from zippo_desktop.imaging.layers import Metadata, Pixels

logger = logging.getLogger(__name__)

_WEBP_METHOD = 0  # at 24 megapixels 1.8 s for 2.9 MB; method 4 takes 4.5 s for 2.2 MB
_AVIF_SPEED = 9  # 2.5 s for 3.5 MB; speed 8 takes 5.2 s for 3.1 MB
_MAX_SIDE_PX = {"WEBP": 16_383, "AVIF": 65_536, "JPEG": 65_500}
_MAX_SEGMENT = 65_533  # bytes in a JPEG's marker segment behind its length
_EXIF, _XMP, _PHOTOSHOP = b"Exif\0\0", b"http://ns.adobe.com/xap/1.0/\0", b"Photoshop 3.0\0"
_APP1, _APP13 = b"\xff\xe1", b"\xff\xed"


def write_webp(samples: Pixels, metadata: Metadata, file: BinaryIO, quality: int, is_exact: bool) -> None:
    """Write RGB [H,W,3] or straight RGBA [H,W,4], uint8; alpha is exact, colour too at quality 100.

    Unless `is_exact` the encoder may change the colour under alpha 0. Raises ExportError for a side
    over 16,383 pixels.
    """
    options = {"quality": quality, "method": _WEBP_METHOD, "exact": is_exact}
    if quality == 100:
        options |= {"quality": 0, "lossless": True}  # where it says how hard to search
    file.write(_encoded(samples, "WEBP", **options, **_embedded(metadata)))


def write_avif(samples: Pixels, metadata: Metadata, file: BinaryIO, quality: int) -> None:
    """Write RGB [H,W,3] or straight RGBA [H,W,4], uint8; alpha is exact. Raises ExportError.

    Colour has its full resolution: at half of it, saturated edges would run out into the transparency.
    """
    options = {"quality": quality, "speed": _AVIF_SPEED, "subsampling": "4:4:4", "codec": "aom"}
    advanced = {"alpha:lossless": "1"}
    file.write(_encoded(samples, "AVIF", **options, advanced=advanced, **_embedded(metadata)))


def write_jpeg(samples: Pixels, metadata: Metadata, file: BinaryIO, quality: int) -> None:
    """Write RGB [H,W,3], uint8, with full colour resolution for the subject's edges, and optimised tables.

    Metadata too long for the format is left out, and logged. Raises ExportError for a side over 65,500
    pixels.
    """
    options: dict[str, Any] = {"quality": quality, "subsampling": "4:4:4", "optimize": True}
    if metadata.dpi:
        options["dpi"] = metadata.dpi
    if metadata.icc_profile:
        options["icc_profile"] = metadata.icc_profile
    file.write(_encoded(samples, "JPEG", **options, extra=_segments(metadata)))


def _encoded(samples: Pixels, name: str, **options: Any) -> memoryview:
    """The file of a Pillow format; encoded in memory, so that every error here is the encoder's."""
    height, width = samples.shape[:2]
    if max(width, height) > _MAX_SIDE_PX[name]:
        raise _refused(samples, name, f"{_MAX_SIDE_PX[name]} is the longest side")
    buffer = io.BytesIO()
    try:
        Image.fromarray(samples).save(buffer, name, **options)
    except (OSError, RuntimeError, ValueError) as error:
        raise _refused(samples, name, str(error)) from error
    return buffer.getbuffer()


def _refused(samples: Pixels, name: str, reason: str) -> ExportError:
    height, width = samples.shape[:2]
    message = f"A picture of {width} x {height} pixels cannot be written as {name}: {reason}."
    return ExportError(message, "Choose png or tiff, or scale it down with a long edge.")


def _embedded(metadata: Metadata) -> dict[str, bytes]:
    """Pillow's options for what there is."""
    parts = {"icc_profile": metadata.icc_profile, "exif": metadata.exif, "xmp": metadata.xmp}
    return {name: content for name, content in parts.items() if content}


def _segments(metadata: Metadata) -> bytes:
    """EXIF, XMP and IPTC as marker segments (CIPA DC-008, 4.7.2; XMP Specification Part 3, 1.1.3)."""
    segments = b""
    if metadata.exif:
        segments += _segment("EXIF", _APP1, _EXIF + metadata.exif)
    if metadata.xmp:
        segments += _segment("XMP", _APP1, _XMP + metadata.xmp)
    if metadata.iptc:
        segments += _segment("IPTC", _APP13, _PHOTOSHOP + photoshop_resource(metadata.iptc))
    return segments


def _segment(name: str, marker: bytes, content: bytes) -> bytes:
    if len(content) > _MAX_SEGMENT:
        logger.warning("%s of %d bytes is more than a JPEG can hold: left out.", name, len(content))
        return b""
    return marker + struct.pack(">H", 2 + len(content)) + content
