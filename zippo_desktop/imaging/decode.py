"""Image files to arrays: upright, complete or not at all, with profile, metadata and resolution.

Bytes are read here and never by a library's own file access, for OpenCV crashes on some file names.
What a file holds decides about its reader, not what it is called; only camera RAW is known by name as well.
"""

from __future__ import annotations

import stat
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from zippo_desktop.errors import InputError
from zippo_desktop.imaging import heif, layered_formats, pillow_formats, raw
from zippo_desktop.imaging.colour import colour_space, grey_to_srgb, srgb_profile
from zippo_desktop.imaging.layers import Matte, Metadata, Pixels
from zippo_desktop.imaging.raster import MAX_PIXELS, Raster, unit_scaled
from zippo_desktop.imaging.raw import RAW_SUFFIXES

__all__ = ["IMAGE_SUFFIXES", "MAX_PIXELS", "Photo", "decode", "decode_matte", "is_image_name"]

# RAW files count even where they cannot be read, so that a photographer is told what is missing.
IMAGE_SUFFIXES = RAW_SUFFIXES | {
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".tif", ".tiff", ".bmp", ".gif"),
    *(".avif", ".heic", ".heif", ".hif"),
}


@dataclass(frozen=True)
class Photo:
    """A decoded picture in its own colour profile.

    `pixels` is [H,W,3] uint8 or uint16, upright; `alpha` [H,W] float32 in 0..1, straight, None where the
    picture is opaque. A profile in `metadata` is always one for RGB.
    """

    path: Path
    pixels: Pixels
    alpha: Matte | None
    metadata: Metadata

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        height, width = self.pixels.shape[:2]
        return width, height


def is_image_name(path: Path) -> bool:
    """Whether a file's name says that it is an image that can be decoded here."""
    is_apple_double = path.name.startswith("._")  # a Mac's notes on a file, under the file's name
    return path.suffix.lower() in IMAGE_SUFFIXES and not is_apple_double


def decode(path: Path, max_pixels: int = MAX_PIXELS) -> Photo:
    """Decode a photo: RGB of 8 or 16 bit, upright. Animations and albums give their first picture.

    CMYK and grey pictures with a profile of their own are converted to sRGB, camera RAW is developed
    to it. Raises InputError for whatever is missing, damaged, incomplete, no image, or of more than
    `max_pixels` by its header. Of PSD, PSB and OpenRaster files it is the merged picture; folders are not
    searched for them, since they are mostly results.
    """
    raster = _read_raster(path, max_pixels)
    colour, profile = raster.colour, raster.metadata.icc_profile
    if profile and colour.shape[2] == 1 and colour_space(profile) == "GRAY":
        colour, profile = grey_to_srgb(colour, profile), srgb_profile()
    kept = replace(raster.metadata, icc_profile=profile if colour_space(profile) == "RGB" else None)
    return Photo(path, _rgb(colour), raster.alpha, kept)


def decode_matte(path: Path, max_pixels: int = MAX_PIXELS) -> Matte:
    """Decode a matte, [H,W] float32 in 0..1: the alpha where there is one, else the grey values.

    A colour picture whose channels are equal is grey. Profiles do not matter. Raises InputError as
    `decode` does, and for a colour picture.
    """
    raster = _read_raster(path, max_pixels)
    alpha, colour = raster.alpha, raster.colour
    if alpha is not None:
        return alpha
    grey = colour[..., 0]
    if not all(np.array_equal(grey, colour[..., i]) for i in range(1, colour.shape[2])):
        hint = "Give a grey image, or one with transparency."
        raise InputError(f"{path} is a colour picture, not a matte.", hint)
    return unit_scaled(grey)


def _rgb(colour: Pixels) -> Pixels:
    """[H,W,1] or [H,W,3] to [H,W,3], contiguous."""
    return np.ascontiguousarray(np.broadcast_to(colour, (*colour.shape[:2], 3)))


def _read_raster(path: Path, max_pixels: int) -> Raster:
    content = _read(path)
    if heif.is_iso_media(content):
        heif.check_boxes(path, content)
    if raw.is_raw(path, content):
        return raw.read(path, content, max_pixels)
    if heif.is_heif(content):
        return heif.read(path, content, max_pixels)
    if layered_formats.is_layered(content):
        return layered_formats.read(path, content, max_pixels)
    return pillow_formats.read(path, content, max_pixels)


def _read(path: Path) -> bytes:
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise InputError(f"{path} is a folder, not an image.", "Give the images in it.")
        if not stat.S_ISREG(mode):  # reading a pipe or a device might never end
            raise InputError(f"{path} is not a regular file.", "Give an image file.")
        content = path.read_bytes()
    except FileNotFoundError:
        raise InputError(f"{path} does not exist.", "Check its name and folder.") from None
    except PermissionError:
        raise InputError(f"{path} may not be read.", "Check the file's permissions.") from None
    except (OSError, ValueError) as error:  # ValueError: a name that cannot be a file's
        reason = getattr(error, "strerror", None) or error
        raise InputError(
            f"{path} cannot be read: {reason}.", "Check its name and the disk it is on."
        ) from error
    if not content:
        raise InputError(f"{path} is empty (0 bytes).", "Copy it again from where it came from.")
    return content
