"""Pictures to the network's size and back."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Fit:
    """A picture as the network takes it, and where in it the picture ends and the padding begins.

    `image` is [h,w,C] float32, sides multiples of the network's; the picture lies in the first
    `height` rows and `width` columns, its own edges are repeated beyond. `detailed` is the same
    picture with `detail` times the pixels along a side; `image` is its local mean.
    """

    image: Array
    height: int
    width: int
    detailed: Array


def fit_to_network(image: Array, size_px: int, multiple_px: int, detail: int = 1) -> Fit:
    """Scale [H,W,C] so that the long side is `size_px`, keep its shape, pad to multiples of `multiple_px`."""
    factor = size_px / max(image.shape[:2])
    height, width = (max(1, round(side * factor)) for side in image.shape[:2])
    scaled = resize(image, height * detail, width * detail)
    padding = [(0, -height % multiple_px * detail), (0, -width % multiple_px * detail), (0, 0)]
    detailed = np.pad(scaled, padding, mode="edge")
    return Fit(local_mean(detailed, detail), height, width, detailed)


def local_mean(image: Array, factor: int) -> Array:
    """Shrink [H,W,C] by a whole factor: each pixel the mean of factor x factor."""
    if factor == 1:
        return image
    height, width = image.shape[0] // factor, image.shape[1] // factor
    return resize(image, height, width)


def unfit(array: Array, fit: Fit) -> Array:
    """Take the padding off what the network made of `fit.image`: [h,w,...] to [fit.height,fit.width,...]."""
    return np.ascontiguousarray(array[: fit.height, : fit.width])


def resize(image: Array, height: int, width: int) -> Array:
    """Scale [H,W] or [H,W,C] to a size: averaged when smaller, linear when larger; never out of range."""
    is_smaller = height * width < image.shape[0] * image.shape[1]
    interpolation = cv2.INTER_AREA if is_smaller else cv2.INTER_LINEAR
    scaled = np.asarray(cv2.resize(image, (width, height), interpolation=interpolation), np.float32)
    return scaled.reshape(height, width, *image.shape[2:])  # OpenCV drops a single channel's axis
