"""Colour profiles: what the network sees is sRGB, what is written stays in the photo's own profile."""

from __future__ import annotations

import io
import logging
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from zippo_desktop.imaging.layers import Pixels

if TYPE_CHECKING:
    from zippo_desktop.imaging.decode import Photo

logger = logging.getLogger(__name__)

_PROFILE_ERRORS = (ImageCms.PyCMSError, OSError, ValueError)


def to_srgb(photo: Photo) -> NDArray[np.float32]:
    """The photo's colours as the network knows them: sRGB [H,W,3] float32 in 0..1.

    With a profile the conversion is made at 8 bit, which is all that the network can tell apart.
    A profile that cannot be used counts as sRGB.
    """
    pixels, profile = photo.pixels, photo.metadata.icc_profile
    if profile is not None:
        try:
            pixels = np.asarray(_convert_to_srgb(Image.fromarray(to_8_bit(pixels)), profile))
        except _PROFILE_ERRORS as error:
            logger.info("%s: the colour profile is taken for sRGB: %s", photo.path, error)
    scaled = pixels.astype(np.float32)
    scaled /= np.iinfo(pixels.dtype).max
    return scaled


def to_8_bit(pixels: Pixels) -> NDArray[np.uint8]:
    """Samples of 8 or 16 bit to 8 bit, each to the nearest."""
    if pixels.dtype == np.uint8:
        return pixels.astype(np.uint8, copy=False)
    return ((pixels.astype(np.uint32) + 128) // 257).astype(np.uint8)  # 257 = 65535 / 255


def colour_space(profile: bytes | None) -> str:
    """The space that an ICC profile is for: "RGB", "CMYK", "GRAY", another, or "" where it is broken."""
    if not profile:
        return ""
    try:
        return ImageCms.ImageCmsProfile(io.BytesIO(profile)).profile.xcolor_space.strip()
    except _PROFILE_ERRORS:
        return ""


def cmyk_to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """A CMYK picture as sRGB: by its profile, or by the plain formula where it has none that works."""
    if colour_space(profile) == "CMYK" and profile is not None:
        try:
            return _convert_to_srgb(image, profile)
        except _PROFILE_ERRORS as error:
            logger.info("The CMYK profile cannot be used: %s", error)
    return image.convert("RGB")


def grey_to_srgb(grey: Pixels, profile: bytes) -> Pixels:
    """Grey of 8 or 16 bit, any shape, through its grey profile to sRGB grey of the same depth.

    The profile is read as a curve of 256 points, between which 16-bit values are interpolated.
    """
    ramp = Image.fromarray(np.arange(256, dtype=np.uint8)[None])
    try:
        curve = np.asarray(_convert_to_srgb(ramp, profile))[0, :, 1]
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


def _convert_to_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    converted = ImageCms.profileToProfile(
        image,
        ImageCms.ImageCmsProfile(io.BytesIO(profile)),
        ImageCms.createProfile("sRGB"),
        renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
        outputMode="RGB",
        flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
    )
    if converted is None:  # only when converting in place
        raise ValueError("no picture came back")
    return converted
