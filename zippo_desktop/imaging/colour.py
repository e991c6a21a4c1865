"""Colour profiles: what the network sees is sRGB, what is written stays in the photo's own profile."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable
from functools import cache, lru_cache, partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from zippo_desktop.imaging.layers import Pixels
from zippo_desktop.imaging.raster import strips

if TYPE_CHECKING:
    from zippo_desktop.imaging.decode import Photo

logger = logging.getLogger(__name__)

_PROFILE_ERRORS = (ImageCms.PyCMSError, OSError, ValueError)


def to_srgb(photo: Photo) -> NDArray[np.float32]:
    """The photo's colours as the network knows them: sRGB [H,W,3] float32 in 0..1.

    Made at 8 bit, which is all that the network can tell apart. Twelve bytes a pixel: where parts of a
    photo serve, take them from `srgb_8_bit`.
    """
    scaled = srgb_8_bit(photo).astype(np.float32)
    scaled /= 255
    return scaled


def srgb_8_bit(photo: Photo) -> NDArray[np.uint8]:
    """The photo's colours in sRGB, [H,W,3]. The photo's own pixels where these are that already.

    A profile that cannot be used counts as sRGB.
    """
    pixels, profile = photo.pixels, photo.metadata.icc_profile
    if profile is None or is_srgb(profile):
        return to_8_bit(pixels)
    transform = _to_srgb(profile, "RGB")  # `is_srgb` has seen that it can be used
    converted = np.empty(pixels.shape, np.uint8)
    for rows in strips(len(pixels)):
        converted[rows] = _applied(transform, Image.fromarray(to_8_bit(pixels[rows])))
    return converted


def to_8_bit(pixels: Pixels) -> NDArray[np.uint8]:
    """Samples of 8 or 16 bit to 8 bit, each to the nearest. Those of 8 bit are handed back as they are."""
    if pixels.dtype == np.uint8:
        return pixels.astype(np.uint8, copy=False)
    eight = np.empty(pixels.shape, np.uint8)
    for rows in strips(len(pixels)):
        eight[rows] = (pixels[rows].astype(np.uint32) + 128) // 257  # 257 = 65535 / 255
    return eight


@lru_cache(maxsize=32)
def is_srgb(profile: bytes) -> bool:
    """Whether an RGB profile is sRGB by its effect: no 8-bit value moves by more than one.

    Names tell nothing: there is a linear sRGB, too. A profile that cannot be used counts as sRGB.
    """
    levels = np.arange(0, 256, 15, dtype=np.uint8)
    probe = np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(1, -1, 3)
    try:
        converted = _applied(_to_srgb(profile, "RGB"), Image.fromarray(probe))
    except _PROFILE_ERRORS as error:
        logger.info("A colour profile is taken for sRGB: %s", error)
        return True
    return int(np.abs(converted.astype(np.int16) - probe).max()) <= 1


def colour_space(profile: bytes | None) -> str:
    """The space that an ICC profile is for: "RGB", "CMYK", "GRAY", another, or "" where it is broken."""
    if not profile:
        return ""
    try:
        return ImageCms.ImageCmsProfile(io.BytesIO(profile)).profile.xcolor_space.strip()
    except _PROFILE_ERRORS:
        return ""


def cmyk_converter(profile: bytes | None) -> Callable[[Image.Image], NDArray[np.uint8]]:
    """What turns CMYK pictures into sRGB [h,w,3]: the profile, or the plain formula where none works."""
    if colour_space(profile) == "CMYK" and profile is not None:
        try:
            return partial(_applied, _to_srgb(profile, "CMYK"))
        except _PROFILE_ERRORS as error:
            logger.info("The CMYK profile cannot be used: %s", error)
    return lambda image: np.asarray(image.convert("RGB"))


def grey_to_srgb(grey: Pixels, profile: bytes) -> Pixels:
    """Grey of 8 or 16 bit, any shape, through its grey profile to sRGB grey of the same depth.

    The profile is read as a curve of 256 points, between which 16-bit values are interpolated.
    """
    ramp = Image.fromarray(np.arange(256, dtype=np.uint8)[None])
    try:
        curve = _applied(_to_srgb(profile, "L"), ramp)[0, :, 1]
    except _PROFILE_ERRORS as error:
        logger.info("The grey profile is taken for sRGB: %s", error)
        return grey
    if grey.dtype == np.uint8:
        return curve[grey]
    full_curve = np.interp(np.arange(65536) / 257, np.arange(256), curve.astype(np.float64) * 257)
    return np.rint(full_curve).astype(np.uint16)[grey]


@cache
def srgb_profile() -> bytes:
    """The ICC profile of sRGB. Its date is fixed, so that the same picture gives the same file."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    profile[24:36] = np.array([2024, 1, 1, 0, 0, 0], dtype=">u2").tobytes()  # ICC.1:2022, 7.2.10
    return bytes(profile)


def _to_srgb(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform:
    """The conversion of pictures of a Pillow mode. Raises any of `_PROFILE_ERRORS`."""
    return ImageCms.buildTransform(
        ImageCms.ImageCmsProfile(io.BytesIO(profile)),
        ImageCms.createProfile("sRGB"),
        mode,
        "RGB",
        renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
        flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
    )


def _applied(transform: ImageCms.ImageCmsTransform, image: Image.Image) -> NDArray[np.uint8]:
    return np.asarray(transform.apply(image))
