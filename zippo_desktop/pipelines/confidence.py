"""How far a matte can be believed, without the truth: whether the network's views agree, and are decided.

The figures behind these choices come from benchmarks/confidence.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from zippo_desktop.imaging.layers import Matte
from zippo_desktop.imaging.resize import resize
from zippo_desktop.pipelines.network_matte import NetworkMatte
from zippo_desktop.pipelines.second_pass import OTHERS_FROM, SUBJECT_FROM, decidedness

UNCERTAIN_BELOW = 0.8  # confidence; and each of its parts, for the doubt that belongs to it
NOTHING_BELOW, EVERYTHING_FROM = 1e-4, 0.98  # of the frame, by the subject
TOUCHING_FROM = 0.01  # of the frame's border
COARSE_PX = 256  # longer side of the matte in which area and parts are measured

NOTHING = "Nothing was found."
EVERYTHING = "Nearly the whole photo was taken for the subject."
MIRROR = "The mirror image gives another matte."
SCALE = "A closer look gives another matte."
SOFT = "Much of the subject is half transparent."
TOUCHING = "The subject touches the frame."
PARTS = "There are several separate parts."


@dataclass(frozen=True)
class Assessment:
    """How far a matte can be believed, 0..1, and what to look for in it, in sentences for people."""

    confidence: float
    doubts: tuple[str, ...]


def assess(found: NetworkMatte, matte: Matte) -> Assessment:
    """Judge what the network found in a photo, and the matte [H,W] of the photo's size that became of it.

    The confidence is the mean of what speaks for the matte, a rough estimate of its IoU with the truth. An
    uncertain one has at least one doubt. A matte that takes nothing or everything is no cut-out: confidence
    0. The frame and the number of parts are only told: whether they mean an error depends on the photos.
    """
    coarse = _shrunk(matte)
    share = float(np.mean(coarse >= SUBJECT_FROM))
    if share < NOTHING_BELOW:
        return Assessment(0.0, (NOTHING,))
    if share >= EVERYTHING_FROM:
        return Assessment(0.0, (EVERYTHING,))
    signals = signals_of(found)
    doubts = [doubt for doubt, value in signals.items() if value < UNCERTAIN_BELOW]
    return Assessment(float(np.mean(list(signals.values()))), (*doubts, *_observations(matte, coarse)))


def signals_of(found: NetworkMatte) -> dict[str, float]:
    """What speaks for a matte, each in 0..1, by the doubt that there is without it; what is known of it."""
    seen = found.counted if found.sketch is None else found.sketch
    signals = {MIRROR: found.mirror_agreement, SCALE: found.scale_agreement, SOFT: decidedness(seen)}
    return {doubt: value for doubt, value in signals.items() if value is not None}


def _observations(matte: Matte, coarse: Matte) -> Iterator[str]:
    """What may be as it should, but is worth a look."""
    border = np.concatenate([matte[0], matte[-1], matte[:, 0], matte[:, -1]])
    if np.mean(border >= SUBJECT_FROM) >= TOUCHING_FROM:
        yield TOUCHING
    areas = _areas(coarse >= SUBJECT_FROM)
    if np.count_nonzero(areas >= OTHERS_FROM * areas.max(initial=0)) > 1:
        yield PARTS


def _areas(mask: NDArray[np.bool_]) -> NDArray[np.int32]:
    """The pixels of each connected part of a mask [h,w]."""
    _, _, statistics, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    return np.asarray(statistics[1:, cv2.CC_STAT_AREA])  # the first is what the mask leaves out


def _shrunk(matte: Matte) -> Matte:
    """A matte [H,W] at no more than `COARSE_PX`."""
    factor = min(1.0, COARSE_PX / max(matte.shape))
    height, width = (max(1, round(side * factor)) for side in matte.shape)
    return resize(matte, height, width)
