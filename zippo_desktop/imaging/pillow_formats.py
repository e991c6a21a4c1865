"""JPEG, PNG, WebP, TIFF, BMP, GIF and AVIF: Pillow decodes them, complete or not at all."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from zippo_desktop.errors import InputError
from zippo_desktop.imaging import deep_formats, metadata
from zippo_desktop.imaging.colour import cmyk_converter, srgb_profile
from zippo_desktop.imaging.layers import Pixels
from zippo_desktop.imaging.raster import (
    Raster,
    as_stored,
    check_size,
    damage_told,
    strips,
    turned,
    upright_shape,
)

_FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF", "AVIF")
_MODES = {
    "1": "L",
    "L": "L",
    "La": "LA",
    "LA": "LA",
    "P": "RGB",
    "PA": "RGBA",
    "RGB": "RGB",
    "RGBX": "RGB",
    "RGBa": "RGBA",
    "RGBA": "RGBA",
    "YCbCr": "RGB",
    "CMYK": "CMYK",
}

# Pillow's own limit holds for a whole process, ours for each call (`check_size`).
Image.MAX_IMAGE_PIXELS = None
# Pillow's warnings, on damaged metadata, would only spoil a progress bar.
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")


def read(path: Path, content: bytes, max_pixels: int) -> Raster:
    """Read a file's content. Raises InputError."""
    with damage_told(path):
        if content.startswith(b"\xff\xd8"):
            # A copy that broke off may go on in zeros, which libjpeg would show as grey.
            content = content.rstrip(b"\0")
        image = Image.open(io.BytesIO(content), formats=_FORMATS)
        check_size(path, *image.size, max_pixels)
        if image.mode not in _MODES and not image.mode.startswith("I;16"):
            hint = "Save it as RGB or greyscale with 8 or 16 bits."
            raise InputError(f"{path} has a colour mode that is not supported ({image.mode}).", hint)
        # This must be asked before load(), which turns TIFFs itself and forgets what it has done.
        orientation = metadata.orientation(image)
        deep = deep_formats.samples(image, content, _mode(image).endswith("A"), path)
        if deep is None:
            image.load()
        kept = metadata.read(image, is_turned=orientation >= 5)
    if deep is not None:
        return Raster(turned(deep, orientation), kept)
    if image.format == "TIFF":
        orientation = 1
    if image.mode == "CMYK":
        samples = _samples(image, orientation, cmyk_converter(kept.icc_profile))
        return Raster(samples, replace(kept, icc_profile=srgb_profile()))
    return Raster(_samples(image, orientation, _own_samples), kept)


def _mode(image: Image.Image) -> str:
    """The mode that a picture's samples are taken in; its letters are the channels, A for alpha."""
    if image.mode.startswith("I;16"):
        return "L"
    mode = _MODES[image.mode]
    return mode + "A" if image.has_transparency_data and mode in ("L", "RGB") else mode


def _samples(image: Image.Image, orientation: int, convert: Callable[[Image.Image], Pixels]) -> Pixels:
    """All that Pillow holds, converted to [H,W,C], upright. In strips, for Pillow hands over copies."""
    width, height = image.size
    first = convert(_rows(image, slice(0, 1)))
    shape = (*upright_shape(width, height, orientation), first.shape[2])
    upright: Pixels = np.empty(shape, first.dtype)
    stored = as_stored(upright, orientation)
    for rows in strips(height):
        stored[rows] = convert(_rows(image, rows))
    return upright


def _rows(image: Image.Image, rows: slice) -> Image.Image:
    return image.crop((0, rows.start, image.width, rows.stop))


def _own_samples(image: Image.Image) -> Pixels:
    """The samples of a loaded picture, [h,w,C]; 8 bit, or 16 for grey."""
    if image.mode.startswith("I;16"):
        return np.asarray(image).astype(np.uint16)[..., None]
    mode = _mode(image)
    samples = np.asarray(image if image.mode == mode else image.convert(mode))
    return samples[..., None] if samples.ndim == 2 else samples
