"""The connected parts of a matte and its holes: which of them stay, and which are filled."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from zippo_desktop.imaging.boxes import Box
from zippo_desktop.imaging.layers import Matte

Flags = NDArray[np.bool_]  # [H,W]

OPAQUE = 0.5  # from here on a pixel counts as subject, where a part or a hole has to be told
FAINT = 0.02  # what is fainter connects nothing: networks leave such a haze between subjects
RIVAL_SHARE = 0.01  # of the largest part's area: a smaller part that hangs on to it by its fringe is a strand
RING_PX, RING_FADE_PX = 16.0, 8.0  # how far round a filled hole its soft border may reach, and its end


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
