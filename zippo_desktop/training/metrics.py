"""How far a predicted alpha matte is from the true one: SAD, MSE, MAD, Grad, Conn and IoU.

Mattes are [H,W] float32 in 0..1 at their native size. Unless a region is given, every pixel of the picture
counts, so numbers over a trimap's unknown region, as the trimap literature prints them, are not comparable.
Rhemann et al. 2009: "A perceptually motivated online benchmark for image matting", CVPR.
Xu et al. 2017: "Deep Image Matting", CVPR; the usual evaluation code goes back to its authors'.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import ceil, log, pi, sqrt

import cv2
import numpy as np
from numpy.typing import NDArray

Matte = NDArray[np.float32]  # [H,W] 0..1
Region = NDArray[np.bool_]  # [H,W] the pixels that count

SOFT_RANGE = (0.02, 0.98)  # alpha strictly between these is neither background nor foreground
GRADIENT_SIGMA = 1.4
CONNECTIVITY_STEP = 0.1
CONNECTIVITY_THETA = 0.15


@dataclass(frozen=True)
class MatteScores:
    """All measures of one matte; lower is better but for `iou`."""

    sad: float  # thousands
    mse: float  # 0..1
    mad: float  # 0..1
    grad: float  # thousands
    conn: float  # thousands
    iou: float  # 0..1
    band_mad: float  # 0..1, MAD within `soft_band` of the true matte


def score(predicted: Matte, true: Matte) -> MatteScores:
    """Measure one matte over the whole picture, and its MAD in the soft band of the true matte."""
    return MatteScores(
        sad=sum_absolute_difference(predicted, true),
        mse=mean_squared_error(predicted, true),
        mad=mean_absolute_difference(predicted, true),
        grad=gradient_error(predicted, true),
        conn=connectivity_error(predicted, true),
        iou=intersection_over_union(predicted, true),
        band_mad=mean_absolute_difference(predicted, true, soft_band(true)),
    )


def sum_absolute_difference(predicted: Matte, true: Matte, region: Region | None = None) -> float:
    """SAD = sum |a - a*| / 1000, in thousands of fully wrong pixels (Rhemann et al. 2009)."""
    return _total(np.abs(_difference(predicted, true)), region) / 1000.0


def mean_squared_error(predicted: Matte, true: Matte, region: Region | None = None) -> float:
    """MSE = mean (a - a*)^2, in 0..1 (Rhemann et al. 2009); papers often print it times 1000."""
    return _mean(np.square(_difference(predicted, true)), region)


def mean_absolute_difference(predicted: Matte, true: Matte, region: Region | None = None) -> float:
    """MAD = mean |a - a*|, in 0..1: SAD freed of the picture's size; papers often print it times 1000."""
    return _mean(np.abs(_difference(predicted, true)), region)


def gradient_error(predicted: Matte, true: Matte, region: Region | None = None) -> float:
    """Grad = sum (|grad a| - |grad a*|)^2 / 1000, in thousands: over-smoothed and over-sharp edges.

    The gradient's magnitude comes from first-order Gaussian derivative filters of sigma 1.4, each scaled to
    unit energy (Rhemann et al. 2009, with q = 2; filter size and scale as in the usual evaluation code).
    """
    _require_same_shape(predicted, true)
    difference = _gradient_magnitude(predicted) - _gradient_magnitude(true)
    return _total(np.square(difference), region) / 1000.0


def connectivity_error(predicted: Matte, true: Matte, region: Region | None = None) -> float:
    """Conn = sum |phi(a) - phi(a*)| / 1000, in thousands: parts cut off from the subject.

    phi(a) = 1 - d where d = a - l reaches theta = 0.15, else 1; l is the highest threshold, in steps of 0.1,
    up to which a pixel belongs to the largest 4-connected part that both mattes share at that threshold
    (Rhemann et al. 2009, with p = 1; without the distance weight, as the usual evaluation code has it).
    """
    _require_same_shape(predicted, true)
    connected = _connected_level(np.minimum(predicted, true))
    difference = _connectedness(predicted, connected) - _connectedness(true, connected)
    return _total(np.abs(difference), region) / 1000.0


def intersection_over_union(predicted: Matte, true: Matte, threshold: float = 0.5) -> float:
    """IoU of the pixels with alpha >= `threshold`, in 0..1; 1 where neither matte has any.

    The Jaccard index, as segmentation benchmarks use it (Everingham et al. 2010, "The Pascal Visual Object
    Classes Challenge"). Below 0.5 the wrong subject was picked.
    """
    _require_same_shape(predicted, true)
    predicted_mask, true_mask = predicted >= threshold, true >= threshold
    union = np.count_nonzero(predicted_mask | true_mask)
    return float(np.count_nonzero(predicted_mask & true_mask) / union) if union else 1.0


def soft_band(true: Matte, radius_px: int | None = None) -> Region:
    """Mark the pixels that have both not-opaque and not-empty alpha within `radius_px`.

    That is the soft alpha strictly between 0.02 and 0.98, dilated, and a band along hard edges too: what a
    trimap would call unknown. The default radius is 0.5 % of the longer side, at least 2 pixels.
    """
    radius = max(2, round(max(true.shape) / 200)) if radius_px is None else radius_px
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    low, high = SOFT_RANGE
    return np.asarray((cv2.dilate(true, kernel) > low) & (cv2.erode(true, kernel) < high))


def _difference(predicted: Matte, true: Matte) -> Matte:
    _require_same_shape(predicted, true)
    return predicted - true


def _require_same_shape(predicted: Matte, true: Matte) -> None:
    if predicted.shape != true.shape or predicted.ndim != 2:
        raise ValueError(f"two mattes of one [H,W] are wanted, not {predicted.shape} and {true.shape}")


def _total(errors: Matte, region: Region | None) -> float:
    # In float64: a sum over 24 million float32 pixels loses digits.
    return float(errors.sum(dtype=np.float64) if region is None else errors[region].sum(dtype=np.float64))


def _mean(errors: Matte, region: Region | None) -> float:
    """Mean over the region; 0 where the region is empty, since nothing is wrong in it."""
    count = errors.size if region is None else np.count_nonzero(region)
    return float(_total(errors, region) / count) if count else 0.0


def _gradient_magnitude(matte: Matte) -> Matte:
    """|grad a| [H,W]; the two-dimensional filters are separable, and so is their scale to unit energy."""
    smooth, derive = _gaussian_filters(GRADIENT_SIGMA)
    along_x = cv2.sepFilter2D(matte, cv2.CV_32F, derive, smooth, borderType=cv2.BORDER_REPLICATE)
    along_y = cv2.sepFilter2D(matte, cv2.CV_32F, smooth, derive, borderType=cv2.BORDER_REPLICATE)
    # Not cv2.magnitude: its last bit depends on where in memory the arrays happen to lie.
    return np.sqrt(np.square(along_x) + np.square(along_y))


def _gaussian_filters(sigma: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Sample a Gaussian and its derivative until the Gaussian falls to 0.01; both of unit energy."""
    half = ceil(sigma * sqrt(-2.0 * log(sqrt(2.0 * pi) * sigma * 0.01)))
    x = np.arange(-half, half + 1, dtype=np.float64)
    smooth = np.exp(-np.square(x) / (2.0 * sigma**2))
    derive = -x * smooth
    return smooth / np.linalg.norm(smooth), derive / np.linalg.norm(derive)


def _connected_level(shared: Matte) -> Matte:
    """Give each pixel the highest threshold up to which it stays in the largest shared part, [H,W]."""
    thresholds = np.linspace(0.0, 1.0, round(1.0 / CONNECTIVITY_STEP) + 1, dtype=np.float32)
    level = np.ones_like(shared)
    is_connected = np.ones(shared.shape, dtype=bool)
    for below, threshold in pairwise(thresholds):
        still_connected = is_connected & _largest_part(shared >= threshold)
        level[is_connected & ~still_connected] = below
        is_connected = still_connected
    return level


def _largest_part(mask: Region) -> Region:
    """The largest 4-connected part of the mask; empty for an empty mask, the first of equals."""
    _, labels, statistics, _ = cv2.connectedComponentsWithStats(mask.view(np.uint8), connectivity=4)
    areas = statistics[1:, cv2.CC_STAT_AREA]  # label 0 is what the mask leaves out
    if areas.size == 0:
        return np.zeros_like(mask)
    return np.asarray(labels == 1 + int(areas.argmax()))


def _connectedness(matte: Matte, connected: Matte) -> Matte:
    """phi [H,W]: 1 for a pixel as connected as it is opaque, less by what stands out beyond theta."""
    excess = matte - connected
    return np.where(excess >= CONNECTIVITY_THETA, 1.0 - excess, 1.0).astype(np.float32)
