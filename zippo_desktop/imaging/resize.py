"""Pictures to the network's size and back."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
Picture = Array | NDArray[np.uint8]  # [H,W,C]: floats in 0..1, or bytes in 0..255

LARGE = 12_000_000  # samples; a picture of more is not copied to floats as a whole


@dataclass(frozen=True)
class Fit:
    """A picture as the network takes it, and where in it the picture ends and the padding begins.

    `image` is [h,w,C] float32, sides multiples of the network's; the picture lies in the first
    `height` rows and `width` columns, its own edges are repeated beyond. `detailed` is the same
    picture with `detail` times the pixels along a side; `image` is its local mean. `proportions` are the
    height and width of what the picture had to be stretched from, None where it kept its shape.
    """

    image: Array
    height: int
    width: int
    detailed: Array
    proportions: tuple[int, int] | None = None


def fit_to_network(image: Picture, size_px: int, multiple_px: int, detail: int = 1) -> Fit:
    """Scale [H,W,C] so that the long side is `size_px`, keep its shape, pad to multiples of `multiple_px`.

    Bytes become floats in 0..1; no float copy of the whole picture is made.
    """
    height, width = _sides_within(size_px, image)
    scaled = resize_picture(image, height * detail, width * detail)
    padding = [(0, -height % multiple_px * detail), (0, -width % multiple_px * detail), (0, 0)]
    detailed = np.pad(scaled, padding, mode="edge")
    return Fit(local_mean(detailed, detail), height, width, detailed)


def stretch_to_network(image: Picture, size_px: int) -> Fit:
    """Scale [H,W,C] to a square of `size_px`, whatever its shape, for a network that was trained so."""
    square = resize_picture(image, size_px, size_px)
    return Fit(square, size_px, size_px, square, _sides_within(size_px, image))


def _sides_within(size_px: int, image: Picture) -> tuple[int, int]:
    """Height and width of a picture [H,W,C] whose longer side is `size_px`."""
    factor = size_px / max(image.shape[:2])
    return max(1, round(image.shape[0] * factor)), max(1, round(image.shape[1] * factor))


def local_mean(image: Array, factor: int) -> Array:
    """Shrink [H,W,C] by a whole factor: each pixel the mean of factor x factor."""
    if factor == 1:
        return image
    height, width = image.shape[0] // factor, image.shape[1] // factor
    return resize(image, height, width)


def unfit(array: Array, fit: Fit) -> Array:
    """Take the padding off what the network made of `fit.image`: [h,w,...] to [fit.height,fit.width,...].

    What is as large as `fit.detailed` stays so. What was stretched gets its `proportions` back.
    """
    scale = array.shape[0] // fit.image.shape[0]
    inner = np.ascontiguousarray(array[: scale * fit.height, : scale * fit.width])
    return inner if fit.proportions is None else resize(inner, *fit.proportions)


def resize(image: Array, height: int, width: int) -> Array:
    """Scale [H,W] or [H,W,C] to a size: averaged when smaller, linear when larger; never out of range."""
    is_smaller = height * width < image.shape[0] * image.shape[1]
    interpolation = cv2.INTER_AREA if is_smaller else cv2.INTER_LINEAR
    scaled = np.asarray(cv2.resize(image, (width, height), interpolation=interpolation), np.float32)
    return scaled.reshape(height, width, *image.shape[2:])  # OpenCV drops a single channel's axis


def resize_picture(image: Picture, height: int, width: int) -> Array:
    """Scale [H,W,C] to floats in 0..1, whatever it was, as `resize` does.

    Large pictures of bytes are first averaged as bytes, by a whole factor to at least twice the size if
    that can be, so that the rounding averages out: nothing large is made of floats.
    """
    if image.dtype != np.uint8:
        return resize(np.asarray(image, np.float32), height, width)
    factor = min(image.shape[0] // (2 * height), image.shape[1] // (2 * width))
    if factor > 1:
        image = _averaged(image, image.shape[0] // factor, image.shape[1] // factor)
    elif image.size > LARGE and height <= image.shape[0] and width <= image.shape[1]:
        image = _averaged(image, height, width)
    return resize(image.astype(np.float32) / np.float32(255), height, width)


def _averaged(image: Picture, height: int, width: int) -> NDArray[np.uint8]:
    """Bytes [H,W,C] shrunk to bytes."""
    averaged = np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
    return averaged.reshape(height, width, *image.shape[2:])  # OpenCV drops a single channel's axis
