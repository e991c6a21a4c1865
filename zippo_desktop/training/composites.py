"""Training pairs out of cut-outs: scenes like a camera's for matting, and studio shots on plain grey.

A *scene* is a subject over a background, half of the time with distractors beside it, with shadows,
matched light, motion, exposure, defocus, noise and JPEG. A *studio* shot is a whole subject on
`STUDIO_GREY`: painting and joint generation learn from these, since colour over a known grey can be
taken apart exactly again.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zippo_desktop.imaging.backdrop import STUDIO_GREY
from zippo_desktop.training.optics import (
    blur,
    camera,
    cast_shadow,
    contact_shadow,
    match_light,
    motion_blur,
)
from zippo_desktop.training.placement import Array, Pose, Rng, over, place, random_pose
from zippo_desktop.training.scenery import Source, background, photo_crop
from zippo_desktop.training.surfaces import vary_surface

BLURRED, SHARP_BLURRED = 0.5, 0.35  # of the backgrounds, out of focus
SMALL = (0.1, 0.45)  # of the frame: what is less than any subject that is not meant to be small
LARGE, VARIED_LARGE = (0.15, 1.3), (0.25, 1.6)  # the share that outgrow the frame, and how far


@dataclass(frozen=True)
class Pair:
    """A picture [S,S,3] and its true matte [S,S], both float32 in 0..1."""

    image: Array
    matte: Array


def scene(
    subject: NDArray[np.uint8],
    distractor: Source,
    backdrop: Source,
    size: int,
    rng: Rng,
    is_sharp: bool = False,
    is_varied: bool = False,
    small: float = 0.0,
) -> Pair:
    """Compose `subject` ([H,W,4] uint8) into a scene of `size` pixels.

    `distractor` and `backdrop` draw further material ([H,W,4] and [H,W,3] uint8). With `is_sharp` more
    backgrounds are in focus; with `is_varied` surfaces, sizes and the picture's sharpness differ more. Of the
    subjects a share `small` is small, and alone: any other object beside it would be a subject, too.
    """
    is_small = bool(small) and rng.random() < small
    canvas = background(backdrop, distractor, size, rng, is_sharp)
    if not is_small and rng.random() < 0.5:
        for _ in range(rng.integers(1, 3)):
            canvas = _add_distractor(canvas, distractor(rng), size, rng)
    if rng.random() < (SHARP_BLURRED if is_sharp else BLURRED):
        canvas = blur(canvas, rng.uniform(0.3, 2.5) * size / 128)
    colour, matte = place(_jitter_colour(subject, rng), size, _subject_pose(rng, is_varied, is_small))
    if is_varied:
        colour = vary_surface(colour, matte, lambda: photo_crop(backdrop(rng), size, rng, is_sharp), rng)
    if rng.random() < 0.3:
        colour = match_light(colour, matte, canvas, rng)
    if rng.random() < 0.1:
        length, angle = rng.uniform(2, 9) * size / 128, rng.uniform(0, np.pi)
        colour, matte = (motion_blur(plane, length, angle) for plane in (colour, matte))
    for shadow, chance in ((cast_shadow, 0.4), (contact_shadow, 0.2)):
        if rng.random() < chance:
            canvas = canvas * (1.0 - shadow(matte, rng))
    return Pair(*camera(over(colour, matte, canvas), matte, rng, is_varied))


def studio(subject: NDArray[np.uint8], size: int, rng: Rng) -> Pair:
    """A whole, upright `subject` ([H,W,4] uint8) on plain `STUDIO_GREY`, for the generative branches."""
    flip = rng.random() < 0.5
    pose = random_pose(rng, rng.uniform(0.72, 0.9), 0.0, 0.03, flip)
    colour, matte = place(subject, size, pose)
    return Pair(over(colour, matte, np.full((size, size, 3), STUDIO_GREY, np.float32)), matte)


def _subject_pose(rng: Rng, is_varied: bool, is_small: bool) -> Pose:
    scale = rng.uniform(*SMALL) if is_small else _usual_scale(rng, is_varied)
    angle = rng.uniform(-25, 25) if rng.random() < 0.4 else 0.0
    room = 0.5 * max(0.0, 1.0 - scale) + 0.08
    return random_pose(rng, scale, angle, room, rng.random() < 0.5)


def _usual_scale(rng: Rng, is_varied: bool) -> float:
    large, largest = VARIED_LARGE if is_varied else LARGE
    return rng.uniform(SMALL[1], 1.0) if rng.random() < 1 - large else rng.uniform(1.0, largest)


def _add_distractor(canvas: Array, cutout: NDArray[np.uint8], size: int, rng: Rng) -> Array:
    """A smaller object near the frame's edge: part of the background, not of the subject."""
    direction, reach = rng.uniform(0, 2 * np.pi), rng.uniform(0.36, 0.55)
    scale, angle = rng.uniform(0.2, 0.42), rng.uniform(-20, 20)
    pose = Pose(scale, angle, reach * np.cos(direction), reach * np.sin(direction))
    colour, matte = place(cutout, size, pose)
    return over(colour, matte, canvas)


def _jitter_colour(cutout: NDArray[np.uint8], rng: Rng) -> NDArray[np.uint8]:
    """Exposure and tint of the object alone, so that its light differs from the background's."""
    if rng.random() < 0.5:
        return cutout
    gain = rng.uniform(0.75, 1.25) * rng.uniform(0.92, 1.08, 3)
    jittered = cutout.copy()
    jittered[..., :3] = np.clip(cutout[..., :3] * gain, 0, 255)
    return jittered
