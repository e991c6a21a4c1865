"""Fine edges: the soft band of a matte solved again at a finer scale, tile by tile, from the photo's colours.

A classical step, not a second network: tiles that the network matted again, from noise or from the partly
noised coarse matte, were measured and were no better than guided enlarging where it matters, in hair.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from zippo_desktop.imaging.boxes import box_of
from zippo_desktop.imaging.layers import Matte
from zippo_desktop.imaging.matte import upsample_guided
from zippo_desktop.imaging.matting_laplacian import MattingLaplacian, solve_near
from zippo_desktop.imaging.resize import Picture, resize, resize_picture
from zippo_desktop.imaging.tiles import blend_window, tiles

Array = NDArray[np.float32]
Region = NDArray[np.bool_]

FINER = 2  # pixels of the solved matte for one of the coarse one, along a side
LONGEST_PX = 2048  # of the solved matte: bounds time and memory
SURE = 0.02  # alpha so near to 0 or 1 is taken as it is, away from the band
BAND_PX = 0.5  # of the coarse matte's pixels, around all that is not sure
RADIUS_PX, EPSILON = 3, 2e-6  # of the matting Laplacian's windows, at the finer scale
# Trust in the coarse matte, against the Laplacian, by the share of soft pixels round a pixel: a network that
# is sure draws an edge one or two of its pixels wide, and rightly so; a wide one is a guess.
TRUST_SHARP, TRUST_WIDE = 1.0, 0.03
SHARP_SHARE, WIDE_SHARE, SHARE_PX = 0.25, 0.55, 7  # the last: side of the window, in coarse pixels
STEPS = 30
TILE_PX, OVERLAP_PX = 256, 24
GUARD_PX = 4  # coarse pixels: the scale at which the coarse matte has decided
FREE_CHANGE, MOST_CHANGE = 0.1, 0.25  # of alpha at that scale: taken as it is; not taken at all


def refine(matte: Matte, image: Picture) -> Matte:
    """A coarse matte [h,w] of a photo `image` [H,W,3], solved along the photo's edges at a finer scale.

    The result is `FINER` times as large, but no larger than the photo, nor than `LONGEST_PX`. Where the
    coarse matte is sure, it stays. What is solved: the matting Laplacian of Levin, Lischinski and Weiss,
    with the coarse matte as a weak prior in the band and as the truth outside it.
    """
    height, width = image.shape[:2]
    finer = min(FINER * max(matte.shape), LONGEST_PX, max(height, width)) / max(height, width)
    picture = resize_picture(image, round(height * finer), round(width * finer))  # [h',w',3] 0..1
    start = upsample_guided(matte, picture)
    rows, columns = start.shape
    is_open, trust = _band(matte, start), _trust(matte, rows, columns)
    total, weights = np.zeros_like(start), np.zeros_like(start)
    for tile in tiles(rows, columns, TILE_PX):
        part = box_of(is_open[tile.slices])
        if part is None:
            continue
        box = part.moved(tile.top, tile.left).grown(OVERLAP_PX, rows, columns)
        inside = box.slices
        laplacian = MattingLaplacian.of(picture[inside], RADIUS_PX, EPSILON)
        solved = solve_near(laplacian, start[inside], is_open[inside], trust[inside], STEPS)
        window = blend_window(box, rows, columns, 2 * OVERLAP_PX) + np.float32(1e-6)
        total[inside] += window * solved
        weights[inside] += window
    change = np.where(weights > 0, total / np.maximum(weights, 1e-6) - start, np.float32(0))
    return guarded(start, change, rows / len(matte))


def _band(matte: Matte, start: Matte) -> Region:
    """All that is soft in the coarse matte or in its guided enlargement, and what is near."""
    unsure = np.zeros(start.shape, np.uint8)
    for each in (start, resize(matte, *start.shape)):
        unsure |= (each > SURE) & (each < 1 - SURE)
    reach = round(BAND_PX * len(start) / len(matte))
    return np.asarray(cv2.dilate(unsure, np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)) > 0)


def _trust(matte: Matte, height: int, width: int) -> Array:
    """How much the coarse matte counts, [height,width]: little where its edge is wide."""
    is_soft = ((matte > 0.05) & (matte < 0.95)).astype(np.float32)
    share = resize(np.asarray(cv2.blur(is_soft, (SHARE_PX, SHARE_PX)), np.float32), height, width)
    width_of_edge = np.clip((share - SHARP_SHARE) / (WIDE_SHARE - SHARP_SHARE), 0, 1)
    return np.asarray(TRUST_SHARP * (TRUST_WIDE / TRUST_SHARP) ** width_of_edge, np.float32)


def guarded(start: Matte, change: Array, finer: float) -> Matte:
    """The start and as much of the change as leaves what the coarse matte decided over wider areas.

    Where the network is unsure of a whole region, its colours alone would make background of it.
    """
    wide = np.abs(np.asarray(cv2.GaussianBlur(change, (0, 0), GUARD_PX * finer), np.float32))
    share = np.clip((MOST_CHANGE - wide) / (MOST_CHANGE - FREE_CHANGE), 0, 1)
    return np.clip(start + share * change, 0, 1)
