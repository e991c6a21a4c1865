"""Measures of cut-outs that need no true matte: do several differ, what lies outside.

A cut-out is [h,w,4] float32 in 0..1 as the generative branches make it: colours over the grey backdrop,
then the matte.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import cv2
import numpy as np
from numpy.typing import NDArray

from zippo_desktop.imaging.backdrop import MIN_ALPHA, STUDIO_GREY, remove_backdrop

Array = NDArray[np.float32]

OUTSIDE_MARGIN = 3 / 128  # of the frame's side: what a decoder's blur may carry over the matte's edge


def pixel_diversity(cutouts: Sequence[Array]) -> float:
    """Mean over all pairs of the mean absolute difference of premultiplied RGBA, in 0..1."""
    planes = [_premultiplied(cutout) for cutout in cutouts]
    return float(np.mean([np.abs(a - b).mean() for a, b in combinations(planes, 2)]))


def feature_diversity(features: Array) -> float:
    """Mean over all pairs of one minus the cosine of two rows of [N,F]."""
    unit = features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-12)
    return float(np.mean([1.0 - a @ b for a, b in combinations(unit, 2)]))


def outside_difference(cutout: Array) -> float | None:
    """Mean absolute difference from the backdrop's grey where the matte is empty; None where it nowhere is.

    Pixels count whose neighbourhood, 3 pixels wide at a side of 128, has alpha below 0.02 throughout.
    """
    margin = max(1, round(OUTSIDE_MARGIN * max(cutout.shape[:2])))
    reach = np.ones((2 * margin + 1, 2 * margin + 1), np.uint8)
    is_outside = np.asarray(cv2.dilate(np.ascontiguousarray(cutout[..., 3]), reach)) < MIN_ALPHA
    if not is_outside.any():
        return None
    return float(np.abs(cutout[..., :3][is_outside] - STUDIO_GREY).mean())


def _premultiplied(cutout: Array) -> Array:
    matte = cutout[..., 3:]
    return np.dstack([remove_backdrop(cutout[..., :3], cutout[..., 3]) * matte, matte])
