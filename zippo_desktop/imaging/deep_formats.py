"""The 10 to 16 bits of PNG, TIFF and AVIF files of which Pillow would hand over 8."""

from __future__ import annotations

import io
import logging
from pathlib import Path

import numpy as np
from PIL import Image, TiffImagePlugin

from zippo_desktop.imaging.layers import Pixels
from zippo_desktop.imaging.raster import full_range_16_bit, unpremultiplied

logger = logging.getLogger(__name__)

_PREMULTIPLIED = 1  # TIFF 6.0, section 18: the meanings of ExtraSamples
_PLANES = 2  # PlanarConfiguration: all red first, then all green, and so on

# tifffile tells of damage by its logger, before it raises an error.
logging.getLogger("tifffile").setLevel(logging.CRITICAL)


def samples(image: Image.Image, content: bytes, has_alpha: bool, path: Path) -> Pixels | None:
    """All bits of an opened, unloaded picture, [H,W,C] uint16 as stored; None where 8 are all.

    None also for 16-bit grey, which Pillow holds itself. Damage raises what the decoders choose to.
    """
    deep = _decoded(image, content)
    if deep is None:
        return None
    is_same_size = sorted(deep.shape[:2]) == sorted(image.size)  # Pillow tells a TIFF's upright size
    if is_same_size and deep.ndim == 3 and deep.shape[2] in ((2, 4) if has_alpha else (1, 3)):
        return deep
    logger.warning("%s: this kind of 16-bit file is read with 8 bits for each channel.", path)
    return None


def _decoded(image: Image.Image, content: bytes) -> Pixels | None:
    if image.format == "PNG" and content[24] == 16 and not image.mode.startswith("I;16"):  # the depth in IHDR
        import imagecodecs

        return np.asarray(imagecodecs.png_decode(content), np.uint16)
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        bits = image.tag_v2.get(TiffImagePlugin.BITSPERSAMPLE, ())
        if image.mode in ("LA", "RGB", "RGBA", "RGBX") and set(bits) == {16}:
            return _tiff(content)[..., : 3 if image.mode == "RGBX" else None]
    return _avif(content) if image.format == "AVIF" else None


def _tiff(content: bytes) -> Pixels:
    """The first picture's samples [H,W,C], straight; in any layout and compression."""
    import tifffile

    with tifffile.TiffFile(io.BytesIO(content)) as file:
        page = file.pages.first
        stored = np.asarray(page.asarray(), np.uint16)
        if page.planarconfig == _PLANES:
            stored = stored.transpose(1, 2, 0)
        return unpremultiplied(stored) if _PREMULTIPLIED in page.extrasamples else stored


def _avif(content: bytes) -> Pixels | None:
    """The 10 or 12 bits of an AVIF [H,W,C], spread over 16; None where it has 8.

    The depth stands in the decoder's configuration (AV1 Codec ISO Media File Format Binding, 2.3.3).
    """
    place = content.find(b"av1C")
    if place < 0 or not content[place + 6] & 0x40:
        return None
    import imagecodecs

    stored = np.asarray(imagecodecs.avif_decode(content, index=0), np.uint16)
    bits = 12 if content[place + 6] & 0x20 else 10
    return full_range_16_bit(stored[..., None] if stored.ndim == 2 else stored, bits)
