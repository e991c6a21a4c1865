"""The subject's colours carried outward under an empty matte, for engines that filter textures.

Whoever averages straight colours, as a game engine does when it shrinks a sprite, averages those of
invisible pixels too: black under alpha 0 makes a dark fringe. The hole is filled from a pyramid by pull
and push (Gortler and others, The Lumigraph, SIGGRAPH 1996, section 3.4).
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from zippo_desktop.imaging.layers import Matte, Pixels
from zippo_desktop.imaging.matte import quantise
from zippo_desktop.imaging.resize import resize

Array = NDArray[np.float32]

STRIP_ROWS = 256  # even, for the first level is made of halved strips


def bleed(pixels: Pixels, matte: Matte) -> Pixels:
    """Colours [H,W,3] that go on where the matte [H,W] rounds to 0 at their depth; all others stay.

    Where the matte is empty everywhere there is no colour to carry, and all is black.
    """
    height, width = matte.shape
    filled = _fill(_weighted_colours(pixels, matte))  # [H/2,W/2,3]
    result = pixels.copy()
    for start in range(0, height, STRIP_ROWS):
        rows = slice(start, min(start + STRIP_ROWS, height))
        is_empty = _is_empty(matte[rows], pixels)
        if is_empty.any():
            colours = _doubled_rows(filled, rows)[:, :width]
            np.copyto(result[rows], colours, casting="unsafe", where=is_empty[..., None])
    return result


def _is_empty(matte: Matte, pixels: Pixels) -> NDArray[np.bool_]:
    return np.asarray(quantise(matte, pixels.dtype) == 0)


def _weighted_colours(pixels: Pixels, matte: Matte) -> Array:
    """The picture at half its size, rounded up: premultiplied colours and their weight, [h,w,4].

    The weight is the matte, for the colour of what is hardly seen is hardly known.
    """
    height, width = matte.shape
    halved = np.empty(((height + 1) // 2, (width + 1) // 2, 4), np.float32)
    for start in range(0, height, STRIP_ROWS):
        rows = slice(start, start + STRIP_ROWS)
        weight = np.where(_is_empty(matte[rows], pixels), np.float32(0), matte[rows])[..., None]
        strip = np.concatenate([pixels[rows] * weight, weight], axis=2)
        padding = (0, strip.shape[0] % 2), (0, strip.shape[1] % 2), (0, 0)
        halved[start // 2 : (start + STRIP_ROWS) // 2] = _pulled(np.pad(strip, padding))
    return halved


def _pulled(level: Array) -> Array:
    """The next smaller level [h/2,w/2,4]: the sum of 2 x 2 pixels, but a weight of 1 is enough."""
    height, width = ((side + 1) // 2 for side in level.shape[:2])
    smaller = cv2.resize(level, (width, height), interpolation=cv2.INTER_AREA) * np.float32(4)
    smaller /= np.maximum(smaller[..., 3:], 1)
    return np.asarray(smaller)


def _fill(level: Array) -> Array:
    """Straight colours [h,w,3] for weighted ones [h,w,4]: where weight is missing, the smaller level's."""
    height, width = level.shape[:2]
    if height == width == 1:
        return np.asarray(level[..., :3] / np.maximum(level[..., 3:], np.finfo(np.float32).tiny))
    colours = resize(_fill(_pulled(level)), height, width)
    colours *= 1 - level[..., 3:]
    colours += level[..., :3]
    return colours


def _doubled_rows(filled: Array, rows: slice) -> Array:
    """Rounded rows [n,2w,3] of what `filled` [h,w,3] is at twice its size."""
    first = max(rows.start // 2 - 1, 0)  # enlarging looks at one row above and below
    part = filled[first : rows.stop // 2 + 2]
    size = (2 * part.shape[1], 2 * part.shape[0])
    doubled = cv2.resize(part, size, interpolation=cv2.INTER_LINEAR)[rows.start - 2 * first :]
    return np.rint(doubled[: rows.stop - rows.start])
