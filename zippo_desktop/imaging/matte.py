"""Mattes between the network's size and the photo's, and between float and integer."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import DTypeLike, NDArray

from zippo_desktop.imaging.layers import Matte, Pixels
from zippo_desktop.imaging.resize import Picture, resize, resize_picture

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
    matte: Matte, guide: Picture, radius_px: int = RADIUS_PX, epsilon: float = EPSILON
) -> Matte:
    """Enlarge a matte [h,w] to its picture's size, along the edges of the picture `guide` [H,W,3].

    The guide is of bytes, or of floats in 0..1. Fast guided filter (He and Sun, arXiv 1505.00996) with a
    colour guide (He, Sun, Tang, TPAMI 2013, eq. 19-21): around each small pixel the matte is fitted as a
    linear function of the colour, and the fits, enlarged, are applied to the large picture in strips of
    rows: nothing but the result [H,W], in 0..1, is ever made of floats as a whole. A constant matte stays
    exactly what it is. A matte that is as large as the picture, or larger, has nothing to gain: it is
    only scaled.
    """
    height, width = guide.shape[:2]
    if matte.shape[0] >= height and matte.shape[1] >= width:
        return np.clip(resize(matte, height, width), 0, 1)
    # Fitted around the middle of its range, a constant matte has coefficients of exactly zero.
    middle = (matte.min() + matte.max()) / 2
    small_guide = resize_picture(guide, *matte.shape)
    coefficients = _fit_colours(small_guide, matte - middle, radius_px, epsilon)  # [h,w,4]
    result = np.empty((height, width), np.float32)
    for start in range(0, height, STRIP_ROWS):
        rows = slice(start, min(start + STRIP_ROWS, height))
        fitted = _apply_colours(_enlarged_rows(coefficients, rows, height), guide[rows])
        fitted += middle
        np.clip(fitted, 0, 1, out=result[rows])
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


def _enlarged_rows(coefficients: Array, rows: slice, height: int) -> Array:
    """Some rows of `coefficients` [h,w,C] enlarged linearly to [height,w,C]."""
    last = len(coefficients) - 1
    centres = (np.arange(rows.start, rows.stop, dtype=np.float32) + 0.5) * ((last + 1) / height) - 0.5
    centres = np.clip(centres, 0, last)
    above = np.minimum(centres.astype(np.intp), max(last - 1, 0))
    below = np.minimum(above + 1, last)
    weights = (centres - above).astype(np.float32)[:, None, None]
    upper, lower = coefficients[above], coefficients[below]
    return np.asarray(upper + weights * (lower - upper), np.float32)


def _apply_colours(coefficients: Array, guide: Picture) -> Matte:
    """slopes . colour + offset [h,W], where the coefficients [h,w,4] are first widened to the guide [h,W,3].

    Plane by plane, OpenCV does this several times as fast as NumPy does with triples of channels.
    """
    height, width = guide.shape[:2]
    scale = 1 / 255 if guide.dtype == np.uint8 else 1
    *slopes, fitted = (
        np.asarray(cv2.resize(np.ascontiguousarray(plane), (width, height)), np.float32)
        for plane in np.moveaxis(coefficients, 2, 0)
    )
    for slope, colour in zip(slopes, cv2.split(guide), strict=True):
        fitted += cv2.multiply(slope, colour, dst=slope, scale=scale, dtype=cv2.CV_32F)
    return fitted
