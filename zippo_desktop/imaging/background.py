"""What is laid behind a subject: one colour, a picture, or a blur of the photo it was cut from.

The result is opaque, of the stack's size and type, and in its colour profile.
"""

from __future__ import annotations

import io
import logging
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import DTypeLike, NDArray
from PIL import Image, ImageCms

from zippo_desktop.errors import InputError
from zippo_desktop.imaging.arrangement import Colour
from zippo_desktop.imaging.boxes import box_of
from zippo_desktop.imaging.colour import colour_space, srgb_profile, to_8_bit
from zippo_desktop.imaging.compositing import STRIP_ROWS, over
from zippo_desktop.imaging.decode import decode
from zippo_desktop.imaging.layers import LayerStack, Matte, Pixels
from zippo_desktop.imaging.resize import resize

logger = logging.getLogger(__name__)

Array = NDArray[np.float32]

BLUR_PX = 5.0  # the photo is made so small that the blur is so wide in it
BLUR_RANGE = BLUR_PX / 1536, BLUR_PX / 64  # smaller would cost memory, larger not tell the subject apart

_KNOWN_FROM = 0.01  # weight of the clearest pixel of a background that shows at all
_WHOLLY = 0.99  # a pixel partly beyond the photo has a colour that is partly none
_PULL = 2  # half of a coarse pixel's fine ones need to be known for it to be known


def colour_background(stack: LayerStack, colour: Colour) -> Pixels:
    """One sRGB colour everywhere, [H,W,3] in the stack's profile.

    A colour that goes through a profile is exact to 8 bit; without one also at 16 bit.
    """
    swatch = np.array([[colour]], np.uint8)
    converted = _of_depth(_converted(swatch, None, stack.metadata.icc_profile), stack.subject.dtype)
    return np.ascontiguousarray(np.broadcast_to(converted, stack.subject.shape))


def image_background(stack: LayerStack, path: Path) -> Pixels:
    """A picture that covers the whole: scaled, cut about its middle, [H,W,3] in the stack's profile.

    Its transparency is laid over white. 16-bit pictures keep their depth only if their profile is the
    stack's. Raises InputError where it cannot be read.
    """
    photo = decode(path)
    pixels = photo.pixels if photo.alpha is None else _over_white(photo.pixels, photo.alpha)
    width, height = stack.size
    covering = _cover(pixels, height, width)
    converted = _converted(covering, photo.metadata.icc_profile, stack.metadata.icc_profile)
    return _of_depth(converted, stack.subject.dtype)


def blurred_background(stack: LayerStack, blur: float) -> Pixels:
    """The original without its subject, blurred, [H,W,3]; `blur` is a standard deviation in longer sides.

    The subject's place is filled from around it before, so that no halo of the subject shows; beyond
    the photo its mirror image goes on. Raises InputError for a stack without an original.
    """
    if stack.original is None:
        hint = "A generated subject takes a colour or an image as its background."
        raise InputError("There is no original photo to blur.", hint)
    longer = max(stack.matte.shape)
    small_longer = min(longer, round(BLUR_PX / np.clip(blur, *BLUR_RANGE)))
    height, width = (max(1, round(side * small_longer / longer)) for side in stack.matte.shape)
    colour, weight = _reduced(stack, stack.original, height, width)
    soft = _filled(colour * weight, weight)
    sigma = blur * small_longer
    if sigma > 0:
        soft = np.asarray(cv2.GaussianBlur(soft, (0, 0), sigma, borderType=cv2.BORDER_REFLECT))
    result = np.empty(stack.original.shape, stack.subject.dtype)
    for channel in range(3):
        plane = resize(np.ascontiguousarray(soft[..., channel]), *stack.matte.shape)
        result[..., channel] = np.rint(plane, out=plane)
    return result


def _reduced(stack: LayerStack, original: Pixels, height: int, width: int) -> tuple[Array, Array]:
    """The original [height,width,3], and how much each pixel of it shows only background, [height,width,1].

    The matte is taken a pixel wider, for its edge is mixed into the pixels there. Beyond the photo
    both go on mirrored.
    """
    colour = _area(original, height, width)
    matte = np.asarray(cv2.dilate(_area(stack.matte, height, width), np.ones((3, 3), np.uint8)), np.float32)
    weight = (1 - matte) ** 4  # a thin subject's colour is half of its pixels'
    if stack.original_mask is not None:
        colour, weight = (_mirrored(plane, stack.original_mask) for plane in (colour, weight))
    if weight.max() < _KNOWN_FROM:  # the subject fills the photo: better its blur than nothing
        weight = np.ones_like(weight)
    return colour, np.asarray(weight[..., None], np.float32)


def _mirrored(plane: Array, original_mask: Matte) -> Array:
    """A plane [h,w,...] whose part under the photo is continued beyond it in mirror images."""
    height, width = plane.shape[:2]
    photo = box_of(_area(original_mask, height, width) > _WHOLLY)
    if photo is None:
        return plane
    room = photo.top, height - photo.bottom, photo.left, width - photo.right
    return np.asarray(cv2.copyMakeBorder(plane[photo.slices], *room, cv2.BORDER_REFLECT), np.float32)


def _filled(weighted: Array, weight: Array) -> Array:
    """Colour [h,w,3] times its weight [h,w,1], filled where the weight is below 1 from coarser pictures.

    Pull and push, after Gortler et al., The Lumigraph (SIGGRAPH 1996), section 3.6.
    """
    height, width = weight.shape[:2]
    if height == width == 1:
        return np.asarray(weighted / np.maximum(weight, 1e-6), np.float32)
    half = (height + 1) // 2, (width + 1) // 2
    coarse_weight = resize(weight, *half)
    gain = np.minimum(1, _PULL * coarse_weight) / np.maximum(coarse_weight, 1e-6)
    coarse = _filled(resize(weighted, *half) * gain, coarse_weight * gain)
    return np.asarray(weighted + (1 - weight) * resize(coarse, height, width), np.float32)


def _over_white(pixels: Pixels, alpha: Matte) -> Pixels:
    opaque = np.empty_like(pixels)
    white = np.full(3, np.iinfo(pixels.dtype).max, pixels.dtype)
    for start in range(0, len(pixels), STRIP_ROWS):
        rows = slice(start, start + STRIP_ROWS)
        opaque[rows] = over(pixels[rows], alpha[rows], white)
    return opaque


def _area(plane: NDArray, height: int, width: int) -> Array:  # type: ignore[type-arg]
    """Pixels or a matte made smaller, float32 in their own range."""
    return np.asarray(cv2.resize(plane, (width, height), interpolation=cv2.INTER_AREA), np.float32)


def _cover(pixels: Pixels, height: int, width: int) -> Pixels:
    """Cut [h,w,3] to the shape of height x width about its middle, and scale it to that size."""
    rows, columns = pixels.shape[:2]
    scale = max(height / rows, width / columns)
    high, wide = (max(1, round(side / scale)) for side in (height, width))
    top, left = (rows - high) // 2, (columns - wide) // 2
    seen = pixels[top : top + high, left : left + wide]
    interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    scaled: Pixels = cv2.resize(seen, (width, height), interpolation=interpolation)  # type: ignore[assignment]
    return scaled


def _converted(pixels: Pixels, source: bytes | None, target: bytes | None) -> Pixels:
    """From one RGB profile to another (None: sRGB), at 8 bit; unchanged where that changes nothing.

    A profile that cannot be used counts as sRGB.
    """
    source, target = (each if colour_space(each) == "RGB" else srgb_profile() for each in (source, target))
    if source == target or not (source and target):
        return pixels
    shallow = to_8_bit(pixels)
    try:
        converted = ImageCms.profileToProfile(
            Image.fromarray(shallow),
            ImageCms.ImageCmsProfile(io.BytesIO(source)),
            ImageCms.ImageCmsProfile(io.BytesIO(target)),
            renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
            outputMode="RGB",
            flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
    except (ImageCms.PyCMSError, OSError, ValueError) as error:
        logger.info("The background's colours are left as they are: %s", error)
        return pixels
    is_same = np.array_equal(np.asarray(converted), shallow)  # two makes of sRGB: keep all 16 bits
    return pixels if is_same else np.asarray(converted)


def _of_depth(pixels: Pixels, dtype: DTypeLike) -> Pixels:
    """Samples of 8 or 16 bit as the other; white stays white."""
    if pixels.dtype == dtype:
        return pixels
    return to_8_bit(pixels) if dtype == np.uint8 else pixels.astype(np.uint16) * np.uint16(257)
