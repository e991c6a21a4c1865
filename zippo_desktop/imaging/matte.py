"""Mattes between the network's size and the photo's, and between float and integer."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import DTypeLike, NDArray

from zippo_desktop.imaging.layers import Matte, Pixels
from zippo_desktop.imaging.resize import resize

Array = NDArray[np.float32]

# benchmarks/upsampling.py: with these the mean error is 0.4 to 0.6 of linear enlarging's on composites.
RADIUS_PX = 2  # of the window, in pixels of the small matte
EPSILON = 1e-4  # on colours in 0..1: contrasts well below sqrt(EPSILON) = 1 % count as noise
STRIP_ROWS = 256


def quantise(matte: Matte, dtype: DTypeLike) -> Pixels:
    """Values in 0..1, as of a matte, to unsigned integers, each to the nearest; out of range is clipped."""
    levels = np.clip(matte, 0, 1) * np.float32(np.iinfo(dtype).max)
    return np.asarray(np.rint(levels, out=levels).astype(dtype))


def upsample_guided(
    matte: Matte, guide: Array, radius_px: int = RADIUS_PX, epsilon: float = EPSILON
) -> Matte:
    """Enlarge a matte [h,w] to its picture's size, along the edges of the picture `guide` [H,W,3] in 0..1.

    Fast guided filter (He and Sun, arXiv 1505.00996) with a colour guide (He, Sun, Tang, TPAMI 2013,
    eq. 19-21): around each small pixel the matte is fitted as a linear function of the colour, and
    the fits, enlarged, are applied to the large picture in strips of rows. The result is [H,W] in
    0..1. A constant matte stays exactly what it is. A matte that is as large as the picture, or
    larger, has nothing to gain: it is only scaled.
    """
    height, width = guide.shape[:2]
    if matte.shape[0] >= height and matte.shape[1] >= width:
        return np.clip(resize(matte, height, width), 0, 1)
    # Fitted around the middle of its range, a constant matte has coefficients of exactly zero.
    middle = (matte.min() + matte.max()) / 2
    small_guide = resize(guide, *matte.shape)
    coefficients = _fit_colours(small_guide, matte - middle, radius_px, epsilon)  # [h,w,4]
    result = np.empty((height, width), np.float32)
    for rows, strip in _enlarged_strips(coefficients, height, width):
        fitted = np.einsum("hwc,hwc->hw", strip[..., :3], guide[rows]) + strip[..., 3]
        np.clip(fitted + middle, 0, 1, out=result[rows])
    return result


def _fit_colours(guide: Array, matte: Matte, radius_px: int, epsilon: float) -> Array:
    """Smoothed slopes and offset [h,w,4] of matte = slopes . colour + offset in each window."""

    def mean(values: Array) -> Array:
        side = 2 * radius_px + 1
        return np.asarray(cv2.blur(values, (side, side), borderType=cv2.BORDER_REFLECT), np.float32)

    mean_guide, mean_matte = mean(guide), mean(matte)
    covariance = mean(guide * matte[..., None]) - mean_guide * mean_matte[..., None]  # [h,w,3]
    products = guide[..., :, None] * guide[..., None, :]  # [h,w,3,3]
    products = mean(products.reshape(*guide.shape[:2], 9)).reshape(products.shape)
    variance = products - mean_guide[..., :, None] * mean_guide[..., None, :]
    variance += np.float32(epsilon) * np.eye(3, dtype=np.float32)
    slopes = np.linalg.solve(variance, covariance[..., None])[..., 0]
    offset = mean_matte - np.einsum("hwc,hwc->hw", slopes, mean_guide)
    return mean(np.dstack([slopes, offset]))


def _enlarged_strips(coefficients: Array, height: int, width: int) -> Iterator[tuple[slice, Array]]:
    """`coefficients` [h,w,4] enlarged linearly to [height,width,4], as strips of rows.

    Equals one resize of the whole, whose memory would be that of four photos.
    """
    size = (width, len(coefficients))
    columns_done = cv2.resize(coefficients, size, interpolation=cv2.INTER_LINEAR)  # [h,width,4]
    centres = (np.arange(height, dtype=np.float32) + 0.5) * (len(coefficients) / height) - 0.5
    centres = np.clip(centres, 0, len(coefficients) - 1)
    upper = np.minimum(centres.astype(np.intp), max(len(coefficients) - 2, 0))
    lower = np.minimum(upper + 1, len(coefficients) - 1)
    weights = (centres - upper).astype(np.float32)[:, None, None]
    for start in range(0, height, STRIP_ROWS):
        rows = slice(start, min(start + STRIP_ROWS, height))
        above, below = columns_done[upper[rows]], columns_done[lower[rows]]
        yield rows, np.asarray(above + weights[rows] * (below - above), np.float32)
