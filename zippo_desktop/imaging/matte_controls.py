"""The matte's own sliders, as retouchers know them: in floating point, and all off by default."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from zippo_desktop.errors import UsageError
from zippo_desktop.imaging.layers import Matte
from zippo_desktop.imaging.resize import resize
from zippo_desktop.imaging.tiles import Box, tiles

Flags = NDArray[np.bool_]  # [H,W]

MAX_EXPAND_PX = 100.0
MAX_FEATHER_PX = 250.0

TILE_PX = 512
STRIP_ROWS = 256
OPAQUE = 0.5  # from here on a pixel counts as subject, where a part or a hole has to be told
FAINT = 0.02  # what is fainter connects nothing: networks leave such a haze between subjects
RIVAL_SHARE = 0.01  # of the largest part's area: a smaller part that hangs on to it by its fringe is a strand
RING_PX, RING_FADE_PX = 16.0, 8.0  # how far round a filled hole its soft border may reach, and its end
STEP_RADIUS_SQUARED = 85  # of the disc that large distances are walked with: no other of its size is as round
DIRECTIONS = 24  # of the fractional rest: the edge is short of the distance by 1 - cos(pi / 24) < 1 % at most
FRACTIONS = 32  # of a pixel, as OpenCV counts: sums of such weights are exact, so that 1 stays 1
SHARPEST = 16.0  # the curve's slope in its middle at contrast 1
BLUR_DIRECTLY_PX = 8.0


@dataclass(frozen=True)
class MatteControls:
    """What is done to a matte [H,W] of the photo's size, in this order. Lengths are in its pixels.

    Raises `UsageError` for values that make no sense.
    """

    keep_largest: bool = False  # only the largest connected part stays
    fill_holes_px: int = 0  # transparent holes of at most so many pixels of area are filled; 0 fills none
    expand_px: float = 0.0  # the edge moves outward, or inward where negative
    contrast: float = 0.0  # 0 leaves the soft edge, 1 makes it nearly hard, negative softens
    feather_px: float = 0.0  # standard deviation of a Gaussian blur

    def __post_init__(self) -> None:
        if not isinstance(self.keep_largest, bool):
            raise UsageError(f"keep_largest is {self.keep_largest!r}.", "It is true or false.")
        if isinstance(self.fill_holes_px, float):
            raise UsageError(f"fill_holes_px is {self.fill_holes_px!r}.", "It is a whole number of pixels.")
        _check_range("fill_holes_px", self.fill_holes_px, 0, math.inf)
        _check_range("expand_px", self.expand_px, -MAX_EXPAND_PX, MAX_EXPAND_PX)
        _check_range("contrast", self.contrast, -1, 1)
        _check_range("feather_px", self.feather_px, 0, MAX_FEATHER_PX)


def _check_range(name: str, value: float, low: float, high: float) -> None:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not (is_number and low <= value <= high):  # NaN is in no range
        upper = f"at most {high:g}" if math.isfinite(high) else "any number above"
        raise UsageError(f"{name} is {value!r}.", f"It is at least {low:g} and {upper}.")


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


def keep_largest(matte: Matte) -> Matte:
    """Only the largest connected part of what is at least half opaque, with all of its fringe.

    Whatever hangs together with it through pixels above `FAINT` belongs to it, as hair does. Where
    another large part hangs on to it in this way (`RIVAL_SHARE`), each fringe pixel goes with the
    nearer of the two. The faint rest goes with the nearest pixel of the others.
    """
    main, rivals = _largest_part(matte)
    if main is None:
        return matte
    visible = matte > FAINT
    count, labels = cv2.connectedComponents(visible.view(np.uint8))
    is_ours = labels == labels[np.unravel_index(np.argmax(main), main.shape)]
    del labels
    has_rivals = bool((rivals & is_ours).any())
    if count == 2 and not has_rivals:  # the background and one part
        return matte
    result = matte.copy()
    nearest = is_ours  # what faint pixels are measured to
    if has_rivals:
        share = _share_of(main, rivals)
        result *= share
        nearest = is_ours & (share >= 0.5)
        del share
    others = visible & ~nearest
    if others.any():
        is_ours |= ~visible & (distance_to(nearest) <= distance_to(others))
    result[~is_ours] = 0
    return result


def _largest_part(matte: Matte) -> tuple[Flags | None, Flags]:
    """Where the largest part is, None where there is none, and where other large ones are."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats((matte >= OPAQUE).view(np.uint8))
    areas = stats[:, cv2.CC_STAT_AREA].copy()
    areas[0] = 0  # the background
    largest = int(areas.argmax())
    is_rival = areas >= max(1, RIVAL_SHARE * areas[largest])
    is_rival[largest] = False
    return (labels == largest if areas[largest] else None), _looked_up(is_rival, np.asarray(labels, np.int32))


def _looked_up(table: Flags, labels: NDArray[np.int32]) -> Flags:
    """`table[labels]` row by row: NumPy would make indices of 64 bits of the whole."""
    result = np.empty(labels.shape, np.bool_)
    for row, of_row in zip(result, labels, strict=True):
        row[...] = table[of_row]
    return result


def _share_of(ours: Flags, theirs: Flags) -> Matte:
    """1 where our pixels are nearer than theirs, 0 where they are farther, and a slope of 2 px between."""
    difference = distance_to(theirs)
    difference -= distance_to(ours)
    difference *= 0.25  # it grows by 2 for each pixel, and is at least 2 in ours
    difference += 0.5
    return np.clip(difference, 0, 1, out=difference)


def distance_to(flags: Flags) -> Matte:
    """Distance in pixels to the nearest True, within 2 % of the Euclidean."""
    return np.asarray(cv2.distanceTransform((~flags).view(np.uint8), cv2.DIST_L2, 5), np.float32)


def fill_holes(matte: Matte, max_area_px: int) -> Matte:
    """Fill regions below half opacity that are enclosed and have at most `max_area_px` pixels.

    A hole gets the highest opacity found round it, and so does its soft border, up to the middle
    between hole and outside: no dark ring is left, and the outer edge stays as it is.
    """
    _, labels, stats, _ = cv2.connectedComponentsWithStats((matte < OPAQUE).view(np.uint8), connectivity=4)
    left, top, width, height, area = stats.T[:5]
    right, bottom = left + width, top + height
    is_hole = (left > 0) & (top > 0) & (right < matte.shape[1]) & (bottom < matte.shape[0])
    is_hole &= area <= max_area_px
    is_hole[0] = False  # the subject
    if not is_hole.any():
        return matte
    box = Box(top[is_hole].min(), left[is_hole].min(), bottom[is_hole].max(), right[is_hole].max())
    part = box.grown(math.ceil(RING_PX) + 1, *matte.shape).slices
    holes = _looked_up(is_hole, np.asarray(labels[part], np.int32))
    del labels
    result = matte.copy()
    result[part] = _filled(matte[part], holes)
    return result


def _filled(matte: Matte, holes: Flags) -> Matte:
    """`matte` with its `holes` and their soft borders raised to what surrounds each."""
    distance, nearest = cv2.distanceTransformWithLabels((~holes).view(np.uint8), cv2.DIST_L2, 5)
    outside = (matte < OPAQUE) & ~holes
    lead = np.full_like(matte, RING_PX)  # how much nearer the hole is than the outside
    if outside.any():
        lead = distance_to(outside) - np.asarray(distance, np.float32)
    near = (distance < RING_PX) & (lead >= 0)  # [H,W]; below [K], for its True pixels
    which, opacity, distance = nearest[near].astype(np.intp), matte[near], distance[near]
    level = np.zeros(int(which.max()) + 1, np.float32)
    np.maximum.at(level, which, opacity)
    weight = np.clip(lead[near], 0, 1) * np.clip((RING_PX - distance) / RING_FADE_PX, 0, 1)
    result = matte.copy()
    result[near] = np.maximum(opacity, level[which] * weight)
    return result


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
