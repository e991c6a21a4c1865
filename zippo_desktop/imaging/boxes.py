"""Boxes of whole pixels, and the one round a matte's subject."""

from __future__ import annotations

import math
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from zippo_desktop.imaging.layers import Matte
from zippo_desktop.imaging.resize import resize

SEEN_FROM = 0.05  # a fainter matte is no part of the subject's box
MIN_MASS = 0.001  # a detached part with a smaller share of the largest part's mass is a speck

_COARSE_PX = 1024  # longer side of the picture in which parts are told apart
_COARSE_SEEN_FROM = 0.02  # lower, for thin hair is averaged with what is around it


class Box(NamedTuple):
    """A rectangle of whole pixels, right and bottom exclusive. It may reach beyond its picture."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        """In pixels."""
        return self.right - self.left

    @property
    def height(self) -> int:
        """In pixels."""
        return self.bottom - self.top

    @property
    def slices(self) -> tuple[slice, slice]:
        """Rows and columns; for a box inside its picture."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    def grown(self, across: int, down: int) -> Box:
        """Wider by `across` and higher by `down` at either side."""
        return Box(self.left - across, self.top - down, self.right + across, self.bottom + down)

    def within(self, other: Box) -> Box:
        """What of this box lies in another."""
        return Box(
            max(self.left, other.left),
            max(self.top, other.top),
            min(self.right, other.right),
            min(self.bottom, other.bottom),
        )


def whole_of(shape: tuple[int, ...]) -> Box:
    """The box of a picture of this shape [H,W,...]."""
    return Box(0, 0, shape[1], shape[0])


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
    coarse_box = bounds((masses >= max(MIN_MASS * masses.max(), 1e-9))[labels])
    if coarse_box is None:
        return None
    down, across = matte.shape[0] / height, matte.shape[1] / width
    near = Box(
        math.floor((coarse_box.left - 1) * across),
        math.floor((coarse_box.top - 1) * down),
        math.ceil((coarse_box.right + 1) * across),
        math.ceil((coarse_box.bottom + 1) * down),
    ).within(whole_of(matte.shape))
    exact = bounds(matte[near.slices] > SEEN_FROM)
    if exact is None:
        return None
    left, top = near.left, near.top
    return Box(exact.left + left, exact.top + top, exact.right + left, exact.bottom + top)


def bounds(is_seen: NDArray[np.bool_]) -> Box | None:
    """The smallest box round all that is true in [H,W], None where nothing is."""
    rows, columns = np.flatnonzero(is_seen.any(axis=1)), np.flatnonzero(is_seen.any(axis=0))
    if not len(rows):
        return None
    return Box(int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)
