"""The subject's shadow as the opacity of a black layer: cast on a wall behind it, or where it stands.

Lengths are shares of the subject's longer side, so that the same numbers suit every size.
"""

from __future__ import annotations

import math
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from zippo_desktop.imaging.arrangement import ShadowKind
from zippo_desktop.imaging.boxes import subject_box
from zippo_desktop.imaging.layers import Matte
from zippo_desktop.imaging.resize import resize

Array = NDArray[np.float32]

SIGMA_PX = 4.0  # a wider blur is made in a smaller picture, where it is so wide
GROUND_PX = 800  # longer side of the subject in the picture in which it stands

# All of the ground's numbers were chosen by eye, on chairs, bottles, shoes, boxes, balls, cars and animals.
_STANDS_FROM = 0.25  # of the matte: glass is no denser at its foot
_IS_FOOT = 0.4  # of how much a column stands
_STEEP = 0.6  # slope of the lower edge at which it leaves the ground
_FAR_ABOVE = 0.25  # of the longer side: feet in the distance stand so much higher in the picture
_CLEARANCE = 0.15  # of the longer side: what hangs so high above the ground darkens it by 1 / e
_JUMP_PX = 3  # from one column to the next: the edge of a leg
_POOL = 0.7  # opacity of the soft shadow
_POOL_BEHIND, _POOL_BEFORE = 1.5, 0.65  # how far it reaches from the ground's line, in distances
_POOL_FLATNESS = 0.4  # vertical against horizontal blur
_LINE_GAIN = 2.5  # of the dark line at the contact: a foot is narrow, and yet dark beneath
_LINE_WIDE, _LINE_HIGH = 0.16, 0.22  # its blur, in distances


def cast_shadow(
    matte: Matte, kind: ShadowKind, *, opacity: float, blur: float, distance: float, angle: float
) -> Matte:
    """Opacity [H,W] in 0..`opacity` of the black shadow of a matte [H,W].

    "drop": the silhouette, moved by `distance` away from the light and blurred. "contact": a flat shadow
    on the ground, a dark line under each place where the subject touches it, and a soft pool that ends
    about `distance` in front and is paler where the subject is off the ground.

    `blur` (standard deviation) and `distance` are shares of the subject's longer side. `angle` says
    where the light comes from, in degrees: 90 is above, 0 the right. Nothing falls outside the picture.
    """
    shadow = np.zeros_like(matte)
    box = subject_box(matte)
    if box is None:
        return shadow
    longer = max(box.width, box.height)
    sigma, length = blur * longer, distance * longer
    reach = math.ceil(4 * sigma + 2 * length) + 2
    region = box.grown(reach, *matte.shape).slices
    across, down = -length * math.cos(math.radians(angle)), length * math.sin(math.radians(angle))
    if kind == "drop":
        soft = _drop(matte[region], sigma, across, down)
    else:
        soft = _contact(matte[region], longer, sigma, length, across / 4)
    np.clip(soft, 0, 1, out=soft)
    np.multiply(soft, np.float32(opacity), out=shadow[region])
    return shadow


def _drop(matte: Matte, sigma: float, across: float, down: float) -> Array:
    """A silhouette [h,w] moved and blurred; lengths in its pixels."""
    small, factor = _reduced(matte, sigma / SIGMA_PX)
    moved = _moved(small, across / factor, down / factor)
    return resize(_blurred(moved, sigma / factor, sigma / factor), *matte.shape)


def _contact(matte: Matte, longer: float, sigma: float, length: float, across: float) -> Array:
    """The shadow [h,w] on the ground on which a silhouette stands; lengths in its pixels."""
    # 1. where is the ground, and what is how far above it
    small, factor = _reduced(matte, longer / GROUND_PX)
    longer, sigma, length, across = (value / factor for value in (longer, sigma, length, across))
    bottoms = _bottoms(small)  # [w]
    standing = _standing(bottoms, longer)  # [w] 0..1
    ground = _ground(bottoms, standing)  # [w]
    clearance = np.where(bottoms >= 0, np.maximum(ground - bottoms, 0), np.inf)
    # 2. the soft pool below all of the subject, a little away from the light
    pool = _pool(len(small), ground, np.exp(-clearance / (_CLEARANCE * longer)), length)
    pool = _blurred(_moved(pool, across, 0), sigma, sigma * _POOL_FLATNESS)
    # 3. the dark line where it touches the ground
    line = _line(small.shape, bottoms, standing, length * _LINE_WIDE, length * _LINE_HIGH)
    light = (1 - np.float32(_POOL) * pool) * np.exp(np.float32(-_LINE_GAIN) * line)
    return resize(1 - light, *matte.shape)


def _bottoms(silhouette: Matte) -> Array:
    """For each column of [h,w] the row below its lowest part, -1 where there is none."""
    is_there = silhouette >= _STANDS_FROM
    lowest = len(silhouette) - np.argmax(is_there[::-1], axis=0)
    return np.where(is_there.any(axis=0), lowest, -1).astype(np.float32)


def _standing(bottoms: Array, longer: float) -> Array:
    """How much each column [w] touches the ground, 0..1.

    It does where the lower edge is level, and little higher than the lowest point; but a rung between
    two legs does not.
    """
    rise = (bottoms.max() - bottoms) / (_FAR_ABOVE * longer)
    slope = _slopes(bottoms, max(2, round(longer / 100))) / _STEEP
    is_off_ground = (bottoms < 0) | _hangs(bottoms)
    return np.where(is_off_ground, 0, np.exp(-(rise**4) - slope**2)).astype(np.float32)


def _slopes(bottoms: Array, step: int) -> Array:
    """Slope of the lower edge [w] to the side where it is less, so that a narrow foot is level."""
    padded = np.pad(bottoms, step, mode="edge")
    left, right = padded[: len(bottoms)], padded[2 * step :]
    return np.asarray(np.minimum(abs(bottoms - left), abs(bottoms - right)) / step, np.float32)


def _hangs(bottoms: Array) -> NDArray[np.bool_]:
    """Which columns [w] belong to an unbroken edge between two that are lower: rungs, seats, handles."""
    hangs = np.zeros(len(bottoms), bool)
    jumps = np.flatnonzero(abs(np.diff(bottoms)) > _JUMP_PX) + 1
    for first, end in pairwise(jumps.tolist()):
        hangs[first:end] = bottoms[first - 1] > bottoms[first] and bottoms[end] > bottoms[end - 1]
    return hangs


def _ground(bottoms: Array, standing: Array) -> Array:
    """The row of the ground in each column [w]: straight lines between where the subject stands.

    They are the lower convex hull of the feet, and go on level outside them.
    """
    feet = np.flatnonzero(standing > _IS_FOOT)
    if not len(feet):
        return np.full_like(bottoms, bottoms.max())
    hull: list[int] = []
    for foot in feet.tolist():
        while len(hull) > 1 and _is_above(hull[-1], hull[-2], foot, bottoms):
            hull.pop()
        hull.append(foot)
    return np.asarray(np.interp(np.arange(len(bottoms)), hull, bottoms[hull]), np.float32)


def _is_above(middle: int, left: int, right: int, bottoms: Array) -> bool:
    """Whether a column's lower edge is higher in the picture than the line between two others'."""
    share = (middle - left) / (right - left)
    return bool(bottoms[middle] <= bottoms[left] + share * (bottoms[right] - bottoms[left]))


def _pool(height: int, ground: Array, weights: Array, length: float) -> Array:
    """A band [height,w] along the ground's rows [w], each column times its weight; not yet blurred."""
    below = np.arange(height, dtype=np.float32)[:, None] - ground
    reach = np.where(below > 0, _POOL_BEFORE, -_POOL_BEHIND) * np.float32(max(length, 1e-3))
    return np.asarray(np.clip(1.5 - below / reach, 0, 1) * weights, np.float32)


def _line(shape: tuple[int, ...], rows: Array, weights: Array, wide: float, high: float) -> Array:
    """A line [h,w] above `rows` [w], blurred; where it is long and of weight 1 it is 1 in its middle."""
    line = np.zeros(shape, np.float32)
    drawn = np.flatnonzero(weights > 0)
    line[rows[drawn].astype(int) - 1, drawn] = weights[drawn]
    high = max(high, 0.4)  # narrower than a row it would not be 1 in its middle
    return _blurred(line, wide, high) * np.float32(math.sqrt(2 * math.pi) * high)


def _reduced(plane: Array, factor: float) -> tuple[Array, float]:
    """A plane made smaller by a factor, and that factor; as it is, and 1, where it is below 1."""
    factor = max(1.0, factor)
    height, width = (max(1, round(side / factor)) for side in plane.shape)
    return resize(plane, height, width), factor


def _moved(plane: Array, across: float, down: float) -> Array:
    """A plane moved right and down. What its border cuts off is taken to go on beyond it."""
    move = np.array([[1, 0, across], [0, 1, down]], np.float64)
    moved = cv2.warpAffine(plane, move, plane.shape[::-1], borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(moved, np.float32)


def _blurred(plane: Array, wide: float, high: float) -> Array:
    wide, high = max(wide, 0.01), max(high, 0.01)  # OpenCV takes 0 for "choose yourself"
    return np.asarray(cv2.GaussianBlur(plane, (0, 0), wide, sigmaY=high, borderType=cv2.BORDER_REPLICATE))
