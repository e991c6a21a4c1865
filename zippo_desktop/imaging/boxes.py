"""Boxes of whole pixels, the smallest round what is marked, and the one round a matte's subject."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from zippo_desktop.imaging.layers import Matte
from zippo_desktop.imaging.resize import resize

SEEN_FROM = 0.05  # a fainter matte is no part of the subject's box
MIN_MASS = 0.001  # a detached part with a smaller share of the largest part's mass is a speck

_COARSE_PX = 1024  # longer side of the picture in which parts are told apart
_COARSE_SEEN_FROM = 0.02  # lower, for thin hair is averaged with what is around it


@dataclass(frozen=True)
class Box:
    """A rectangle of whole pixels; `bottom` and `right` are exclusive. It may reach beyond its picture."""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def height(self) -> int:
        """In pixels."""
        return self.bottom - self.top

    @property
    def width(self) -> int:
        """In pixels."""
        return self.right - self.left

    @property
    def area(self) -> int:
        """In pixels."""
        return self.height * self.width

    @property
    def slices(self) -> tuple[slice, slice]:
        """What to index an array [H,W,...] with."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    def moved(self, down_px: int, right_px: int) -> Box:
        """The box of a part of a picture as one of the whole picture, where the part begins there."""
        return Box(self.top + down_px, self.left + right_px, self.bottom + down_px, self.right + right_px)

    def grown(self, margin_px: int, height: int, width: int) -> Box:
        """With a margin on each side, as far as the picture of this height and width goes."""
        return Box(
            max(self.top - margin_px, 0),
            max(self.left - margin_px, 0),
            min(self.bottom + margin_px, height),
            min(self.right + margin_px, width),
        )

    def scaled(self, source: tuple[int, ...], target: tuple[int, ...]) -> Box:
        """The box of a picture of `source` height and width in one of `target` size, rounded outward."""
        down, across = target[0] / source[0], target[1] / source[1]
        return Box(
            max(int(np.floor(self.top * down)), 0),
            max(int(np.floor(self.left * across)), 0),
            min(int(np.ceil(self.bottom * down)), target[0]),
            min(int(np.ceil(self.right * across)), target[1]),
        )

    def within(self, other: Box) -> Box:
        """What of this box lies in another."""
        return Box(
            max(self.top, other.top),
            max(self.left, other.left),
            min(self.bottom, other.bottom),
            min(self.right, other.right),
        )


def whole_of(shape: tuple[int, ...]) -> Box:
    """The box of a picture of this shape [H,W,...]."""
    return Box(0, 0, shape[0], shape[1])


def box_of(mask: NDArray[np.bool_]) -> Box | None:
    """The smallest box that holds every marked pixel [H,W]; None if there is none."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return None
    return Box(int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1)


def subject_box(matte: Matte) -> Box | None:
    """The smallest box round all of the matte [H,W] that is above `SEEN_FROM`, but for specks.

    Connected parts below `MIN_MASS` of the largest part's mass (the sum of its matte) do not widen it,
    wherever they lie. None for a matte without a subject.
    """
    factor = max(1.0, max(matte.shape) / _COARSE_PX)
    height, width = (max(1, round(side / factor)) for side in matte.shape)
    coarse = resize(matte, height, width)
    count, labels = cv2.connectedComponents((coarse > _COARSE_SEEN_FROM).astype(np.uint8), connectivity=8)
    masses = np.bincount(labels.ravel(), coarse.ravel(), count)
    masses[0] = 0
    coarse_box = box_of((masses >= max(MIN_MASS * masses.max(), 1e-9))[labels])
    if coarse_box is None:
        return None
    down, across = matte.shape[0] / height, matte.shape[1] / width
    near = Box(
        math.floor((coarse_box.top - 1) * down),
        math.floor((coarse_box.left - 1) * across),
        math.ceil((coarse_box.bottom + 1) * down),
        math.ceil((coarse_box.right + 1) * across),
    ).within(whole_of(matte.shape))
    exact = box_of(matte[near.slices] > SEEN_FROM)
    return None if exact is None else exact.moved(near.top, near.left)
