"""Whether a matte is that of one whole object, free in its frame: what a cut-out must be to be of use."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from zippo_desktop.imaging.layers import Matte

PART_ALPHA = 0.1  # pixels above it, 8-connected, make a part
MIN_LARGEST_PART = 0.95  # of the alpha mass
AREA_RANGE = (0.03, 0.80)  # mean alpha over the frame
MIN_FRAME_MARGIN = 0.01  # of the longer side
MIN_PART = 0.02  # of the mass of all parts: less is a speck
SOFT_EDGE = 1 / 64  # of the longer side: haze this near to a part is its edge


@dataclass(frozen=True)
class Cleanness:
    """What decides whether a matte is that of one whole object, free in its frame."""

    largest_part: float  # its share of the alpha mass; 0 for an empty matte
    area: float  # mean alpha
    touches_border: bool  # alpha over 0.1 within a hundredth of the side of the frame's border

    @property
    def is_one_part(self) -> bool:
        """Whether next to nothing floats apart."""
        return self.largest_part >= MIN_LARGEST_PART

    @property
    def has_fair_area(self) -> bool:
        """Whether the object is neither a speck nor the whole picture."""
        return AREA_RANGE[0] <= self.area <= AREA_RANGE[1]

    @property
    def is_clean(self) -> bool:
        """Whether all three conditions hold."""
        return self.is_one_part and self.has_fair_area and not self.touches_border

    @property
    def rank(self) -> tuple[int, float]:
        """What to compare two mattes by: the conditions that hold, then how little floats apart, in percent.

        No finer, so that two engines, which differ in the last digits, choose the same one.
        """
        held = self.is_one_part + self.has_fair_area + (not self.touches_border)
        return held, round(self.largest_part, 2)


def cleanness(matte: Matte) -> Cleanness:
    """Measure a matte [h,w] in 0..1."""
    eight_bit = np.rint(matte * 255).astype(np.uint8)
    return Cleanness(_largest_part(matte), float(matte.mean()), is_clipped(eight_bit))


def is_clipped(alpha: NDArray[np.uint8]) -> bool:
    """Whether the object [H,W] touches the frame's border, so that part of it may be missing."""
    margin = max(1, round(MIN_FRAME_MARGIN * max(alpha.shape)))
    inner = alpha[margin:-margin, margin:-margin]
    return bool((alpha > 25).sum() > (inner > 25).sum())


def cleared(matte: Matte) -> Matte:
    """A matte [h,w] in 0..1 without the specks, and without the haze, that lie around its object.

    For pictures of objects before an empty backdrop, where all of that is noise. What an object encloses, as
    the clear middle of a glass, and what adjoins it, is left as it is.
    """
    count, labels = _parts(matte)
    masses = np.bincount(labels.ravel(), weights=matte.ravel(), minlength=count)[1:]
    kept = 1 + np.flatnonzero(masses >= MIN_PART * masses.sum())
    parts = np.pad(np.isin(labels, kept), 1).astype(np.uint8)
    cv2.floodFill(parts, None, (0, 0), (2,))  # all around them
    reach = 2 * max(1, round(SOFT_EDGE * max(matte.shape))) + 1
    near = cv2.dilate((parts != 2).astype(np.uint8), np.ones((reach, reach), np.uint8))
    return np.where(near[1:-1, 1:-1] > 0, matte, np.float32(0))


def _largest_part(matte: Matte) -> float:
    count, labels = _parts(matte)
    masses = np.bincount(labels.ravel(), weights=matte.ravel(), minlength=count)
    total = float(matte.sum())
    return float(masses[1:].max() / total) if count > 1 and total else 0.0


def _parts(matte: Matte) -> tuple[int, NDArray[np.int32]]:
    """The number of labels and the label [h,w] of each pixel; 0 is what belongs to no part."""
    count, labels = cv2.connectedComponents((matte > PART_ALPHA).astype(np.uint8), connectivity=8)
    return count, np.asarray(labels, np.int32)
