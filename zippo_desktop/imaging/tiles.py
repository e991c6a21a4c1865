"""Overlapping tiles of a picture, and weights that join them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from zippo_desktop.imaging.boxes import Box

Array = NDArray[np.float32]


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
