"""A second, closer look: where the subject is in the first matte, and how the matte of its crop goes back.

A network that sees 128 px has few of them for a subject that is small in its frame. Whether to look again,
and whether to believe what was seen, is decided here, by numbers that docs/photo.md gives reasons for.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from zippo_desktop.imaging.boxes import Box, box_of
from zippo_desktop.imaging.layers import Matte
from zippo_desktop.imaging.matte import upsample_guided
from zippo_desktop.imaging.resize import Picture, resize, resize_picture
from zippo_desktop.imaging.tiles import blend_window

SUBJECT_FROM = 0.5  # alpha; of what is less, nobody knows whether it is the subject
SEEN_FROM = 0.1  # the highest alpha in a matte that holds a subject at all
OTHERS_FROM = 0.1  # a part with so much of the largest part's mass is a subject, too
MARGIN = 0.2  # around the subject, as a share of its longer side
LARGEST_SHARE = 0.85  # of the frame's longer side, by the crop's: beyond it a closer look shows nothing new
LEAST_AGREEMENT = 0.1  # of both mattes in the crop; a first matte of a small thing is faint, though right
# The same where the first is decided and had enough pixels along the crop's longer side to be right about it
LEAST_WITH_DECIDED, WELL_SEEN_PX = 0.6, 48
SEAM = 0.05  # of the crop's longer side: how wide its border is blended
LONGEST_PX = 2048  # of the joined matte


def close_up(first: Matte, height: int, width: int) -> Box | None:
    """The part of a photo of this size that is worth a closer look, by its first matte [h,w]; None for none.

    It holds every subject of weight with a margin, and is square as far as the photo allows: the network
    was trained on squares. A subject that fills its frame is seen well already.
    """
    box = crop_of(first, height, width)
    if box is None or max(box.height, box.width) > LARGEST_SHARE * max(height, width):
        return None
    return box


def crop_of(matte: Matte, height: int, width: int) -> Box | None:
    """The part of a photo of this size round all that a matte [h,w] says is there; None for nothing."""
    subject = box_of(_subjects(matte))
    if subject is None:
        return None
    box = subject.scaled(matte.shape, (height, width))
    return _squared(box.grown(round(MARGIN * max(box.height, box.width)), height, width), height, width)


def _squared(box: Box, height: int, width: int) -> Box:
    """The box with its shorter side made as long as the other, moved inside the photo."""
    side = max(box.height, box.width)
    top, bottom = _stretched(box.top, box.bottom, min(side, height), height)
    left, right = _stretched(box.left, box.right, min(side, width), width)
    return Box(top, left, bottom, right)


def _stretched(start: int, end: int, wanted: int, length: int) -> tuple[int, int]:
    """A span of the wanted length round the middle of another, within 0..length."""
    moved = min(max((start + end - wanted) // 2, 0), length - wanted)
    return moved, moved + wanted


def _subjects(first: Matte) -> NDArray[np.bool_]:
    """The pixels [h,w] of the heaviest part of a matte and of all that are not much lighter."""
    if first.max() < SEEN_FROM:
        return np.zeros(first.shape, np.bool_)
    mask = first >= min(SUBJECT_FROM, first.max() / 2)
    count, labels = cv2.connectedComponents(mask.astype(np.uint8))
    mass = np.bincount(labels.ravel(), weights=first.ravel(), minlength=count)
    mass[0] = 0
    return np.asarray((mass >= OTHERS_FROM * mass.max())[labels] & mask)


def agreement(first: Matte, second: Matte, box: Box, height: int, width: int) -> float:
    """The overlap of the first matte [h,w] of a photo of this size with the matte [h',w'] of a box in it."""
    before = first[box.scaled((height, width), first.shape).slices]
    return overlap(before, resize(second, *before.shape))


def is_believed(agreement: float, first: Matte, box: Box, height: int, width: int) -> bool:
    """Whether a closer look at a box in a photo of this size, which agrees so far with the first matte [h,w],
    is to replace it there.

    The more decided the first, the more often it was right where the two contradict each other.
    """
    seen = box.scaled((height, width), first.shape)
    if max(seen.height, seen.width) < WELL_SEEN_PX:
        return agreement >= LEAST_AGREEMENT
    return agreement >= float(np.clip(decidedness(first) ** 2, LEAST_AGREEMENT, LEAST_WITH_DECIDED))


def overlap(one: Matte, other: Matte) -> float:
    """What two mattes [h,w] have in common, of all that either has, 0..1: soft IoU; 1 for two empty ones."""
    either = float(np.maximum(one, other).sum())
    return float(np.minimum(one, other).sum()) / either if either else 1.0


def decidedness(matte: Matte) -> float:
    """The mean alpha [h,w] of the subject's own pixels, each counted by its alpha: 1 for a hard mask.

    It falls with the share of soft pixels in the subject's area. 0 for an empty matte.
    """
    total = float(matte.sum())
    return float(np.square(matte).sum()) / total if total else 0.0


def join(first: Matte, second: Matte, box: Box, image: Picture) -> Matte:
    """One matte of the whole photo `image` [H,W,3], in the detail that the second one has in its box.

    Round the box the first matte is enlarged along the photo's edges, and it fades into the second within
    the box's border. The longer side is at most `LONGEST_PX`.
    """
    height, width = image.shape[:2]
    detail = max(second.shape[0] / box.height, second.shape[1] / box.width)
    detail = min(detail, LONGEST_PX / max(height, width), 1.0)
    size = round(height * detail), round(width * detail)
    joined = upsample_guided(first, resize_picture(image, *size))
    inner = box.scaled((height, width), size)
    weight = blend_window(inner, *size, round(SEAM * max(inner.height, inner.width)))
    closer = resize(second, inner.height, inner.width)
    joined[inner.slices] += weight * (closer - joined[inner.slices])
    return joined
