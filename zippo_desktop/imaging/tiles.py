"""Parts of a picture: boxes, the box round a subject, overlapping tiles, and weights that join them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Box:
    """A rectangle of whole pixels in a picture; `bottom` and `right` are exclusive."""

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


def whole(array: NDArray[np.generic]) -> Box:
    """The box of all of a picture [H,W,...]."""
    return Box(0, 0, array.shape[0], array.shape[1])


def box_of(mask: NDArray[np.bool_]) -> Box | None:
    """The smallest box that holds every marked pixel [H,W]; None if there is none."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return None
    return Box(int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1)


def tiles(height: int, width: int, side: int) -> Iterator[Box]:
    """The boxes of a grid of tiles of at most `side` pixels that cover a picture once, row by row.

    They are of nearly equal size. For overlap, grow them.
    """
    for top, bottom in _parts(height, side):
        for left, right in _parts(width, side):
            yield Box(top, left, bottom, right)


def _parts(length: int, longest: int) -> Iterator[tuple[int, int]]:
    count = -(-length // longest)
    ends = [round(length * number / count) for number in range(count + 1)]
    return pairwise(ends)


def blend_window(box: Box, height: int, width: int, margin_px: int) -> Array:
    """Weights [h,w] of a box in a picture: 1 inside, falling smoothly to 0 within the margin at its border.

    Where the box ends with the picture there is nothing to blend with, and they stay at 1.
    """
    down = _ramp(box.top, box.bottom, height, margin_px)
    across = _ramp(box.left, box.right, width, margin_px)
    return np.asarray(down[:, None] * across[None], np.float32)


def _ramp(start: int, end: int, length: int, margin_px: int) -> Array:
    """Half a cosine up from `start` and down to `end`, at pixel centres."""
    centres = np.arange(end - start, dtype=np.float32) + 0.5
    inward = np.full(end - start, np.inf, np.float32)
    if start > 0:
        inward = np.minimum(inward, centres)
    if end < length:
        inward = np.minimum(inward, centres[::-1])
    share = np.clip(inward / max(margin_px, 1), 0, 1)
    return np.asarray(0.5 - 0.5 * np.cos(np.pi * share), np.float32)
