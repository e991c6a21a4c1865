"""Moving, steepening and blurring a matte's soft edge, and all of its sliders in their order."""

from __future__ import annotations

import math
from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from zippo_desktop.imaging.layers import Matte
from zippo_desktop.imaging.matte_controls import MatteControls
from zippo_desktop.imaging.matte_parts import fill_holes, keep_largest
from zippo_desktop.imaging.resize import resize
from zippo_desktop.imaging.tiles import tiles

TILE_PX = 512
STRIP_ROWS = 256
STEP_RADIUS_SQUARED = 85  # of the disc that large distances are walked with: round within 3 %
DIRECTIONS = 24  # of the fractional rest: the edge is short of the distance by 1 - cos(pi / 24) < 1 % at most
FRACTIONS = 32  # of a pixel, as OpenCV counts: sums of such weights are exact, so that 1 stays 1
SHARPEST = 16.0  # the curve's slope in its middle at contrast 1
BLUR_DIRECTLY_PX = 8.0


def apply_controls(matte: Matte, controls: MatteControls) -> Matte:
    """What the controls make of a matte [H,W] in 0..1: a new one, or the same array where all are off."""
    if controls.keep_largest:
        matte = keep_largest(matte)
    if controls.fill_holes_px:
        matte = fill_holes(matte, controls.fill_holes_px)
    if controls.expand_px:
        matte = expand(matte, controls.expand_px)
    if controls.contrast:
        matte = add_contrast(matte, controls.contrast)
    if controls.feather_px:
        matte = feather(matte, controls.feather_px)
    return matte


def expand(matte: Matte, distance_px: float) -> Matte:
    """Move every edge outward by a distance, a fraction too, or inward where negative.

    Grey-scale dilation (or erosion) with a disc: each level of the matte moves as far, so a soft
    edge stays as soft, and thin hairs take part. Beyond the picture its border pixels go on.
    """

    def moved(window: Matte) -> Matte:
        return _dilated(window, distance_px) if distance_px > 0 else 1 - _dilated(1 - window, -distance_px)

    return _in_tiles(matte, math.ceil(abs(distance_px)) + 2, moved)


def _dilated(matte: Matte, radius_px: float) -> Matte:
    """Maximum within a disc: in steps of a disc of whole pixels, then a fractional rest.

    After the first step the disc's outline does for the whole disc: its inside is already covered.
    """
    step = _disc(STEP_RADIUS_SQUARED)
    hull = cv2.convexHull(np.argwhere(step).astype(np.int32))
    inside = cv2.erode(step, np.ones((3, 3)), borderType=cv2.BORDER_CONSTANT, borderValue=0)
    outline = np.asarray(step - inside, np.uint8)
    step_px = cv2.arcLength(hull, True) / math.tau  # a convex shape's mean radius, after Cauchy
    steps, rest_px = divmod(radius_px, step_px)
    for _ in range(int(steps)):
        matte = _widest(matte, step)
        step = outline
    result = _widest(matte, _disc(rest_px**2))
    for angle in np.arange(DIRECTIONS) * (math.tau / DIRECTIONS):
        np.maximum(result, _shifted(matte, rest_px * math.sin(angle), rest_px * math.cos(angle)), out=result)
    return result


def _widest(matte: Matte, shape: NDArray[np.uint8]) -> Matte:
    """The maximum of the pixels under a shape."""
    dilated = cv2.dilate(matte, shape, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(dilated, np.float32).reshape(matte.shape)


def _disc(radius_squared: float) -> NDArray[np.uint8]:
    reach = math.isqrt(int(radius_squared))
    squares = np.arange(-reach, reach + 1) ** 2
    return (squares[:, None] + squares <= radius_squared).astype(np.uint8)


def _shifted(matte: Matte, down: float, right: float) -> Matte:
    """The matte as seen from (down, right): linear between pixels, its border pixels going on."""
    down, right = (round(share * FRACTIONS) / FRACTIONS for share in (down, right))
    step = np.array([[1, 0, right], [0, 1, down]], np.float32)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    size = matte.shape[1::-1]
    shifted = cv2.warpAffine(matte, step, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(shifted, np.float32).reshape(matte.shape)


def add_contrast(matte: Matte, contrast: float) -> Matte:
    """Steepen the soft edge for a contrast in 0..1, flatten it in -1..0; opposite values undo each other.

    The gain curve of Schlick (Graphics Gems IV, 1994): 0, 0.5 and 1 stay what they are, and the
    slope in the middle is `SHARPEST` to the power of `contrast`.
    """
    slope = np.float32(SHARPEST**contrast)
    result = np.empty_like(matte)
    for start in range(0, len(matte), STRIP_ROWS):
        strip = matte[start : start + STRIP_ROWS]
        darker = 2 * np.minimum(strip, 1 - strip)  # either half of the curve, as 0..1
        darker /= 2 * (darker + slope * (1 - darker))
        result[start : start + STRIP_ROWS] = np.where(strip > 0.5, 1 - darker, darker)
    return result


def feather(matte: Matte, sigma_px: float) -> Matte:
    """Gaussian blur. Beyond the picture its border pixels go on: a subject that is cut there stays whole."""
    if sigma_px <= BLUR_DIRECTLY_PX:
        return _in_tiles(matte, math.ceil(4 * sigma_px), lambda window: _blurred(window, sigma_px, sigma_px))
    # A wide blur loses nothing at a smaller size. Averaging over s pixels and linear enlarging have
    # themselves the variance s^2 / 12 + s^2 / 6, in small pixels 1 / 4.
    height, width = (math.ceil(side / (sigma_px // 4)) for side in matte.shape)
    small = resize(matte, height, width)
    sigmas = (sigma_px * now / full for now, full in zip(small.shape, matte.shape, strict=True))
    down, across = (math.sqrt(max(sigma**2 - 0.25, 0)) for sigma in sigmas)
    return resize(_blurred(small, down, across), *matte.shape)


def _blurred(matte: Matte, down_px: float, across_px: float) -> Matte:
    blurred = cv2.GaussianBlur(matte, (0, 0), across_px, sigmaY=down_px, borderType=cv2.BORDER_REPLICATE)
    clipped = np.asarray(np.clip(blurred, 0, 1, out=blurred), np.float32)  # sums of weights may exceed 1
    return clipped.reshape(matte.shape)


def _in_tiles(matte: Matte, reach_px: int, change: Callable[[Matte], Matte]) -> Matte:
    """Apply a `change` of values within `reach_px` tile by tile, and not where all of them are equal.

    Most of a matte is plain 0 or 1, which costs nothing so.
    """
    result = np.empty_like(matte)
    height, width = matte.shape
    for tile in tiles(height, width, TILE_PX):
        window = tile.grown(reach_px, *matte.shape)
        low, high, _, _ = cv2.minMaxLoc(matte[window.slices])
        if low == high:
            result[tile.slices] = low
        else:
            inner = tile.moved(-window.top, -window.left)
            result[tile.slices] = change(matte[window.slices])[inner.slices]
    return result
