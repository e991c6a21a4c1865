"""Training pairs out of cut-outs: scenes like a camera's for matting, and studio shots on plain grey.

A *scene* is a subject over a background, half of the time with distractors beside it, with shadow,
exposure, defocus, noise and JPEG. A *studio* shot is a whole subject on `STUDIO_GREY`: painting and
joint generation learn from these, since colour over a known grey can be taken apart exactly again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from zippo_desktop.imaging.backdrop import STUDIO_GREY

Array = NDArray[np.float32]
Rng = np.random.Generator
Source = Callable[[Rng], NDArray[np.uint8]]


@dataclass(frozen=True)
class Pair:
    """A picture [S,S,3] and its true matte [S,S], both float32 in 0..1."""

    image: Array
    matte: Array


def scene(subject: NDArray[np.uint8], distractor: Source, background: Source, size: int, rng: Rng) -> Pair:
    """Compose `subject` ([H,W,4] uint8) into a scene of `size` pixels.

    `distractor` and `background` draw further material ([H,W,4] and [H,W,3] uint8).
    """
    canvas = _background(background, distractor, size, rng)
    if rng.random() < 0.5:
        for _ in range(rng.integers(1, 3)):
            canvas = _add_distractor(canvas, distractor(rng), size, rng)
    if rng.random() < 0.5:
        canvas = _blur(canvas, rng.uniform(0.3, 2.5) * size / 128)
    colour, matte = _place(_jitter_colour(subject, rng), size, rng, _subject_pose(rng))
    if rng.random() < 0.4:
        canvas = canvas * (1.0 - _shadow(matte, size, rng))
    image = colour + canvas * (1.0 - matte[..., None])
    return _camera(image, matte, size, rng)


def studio(subject: NDArray[np.uint8], size: int, rng: Rng) -> Pair:
    """A whole, upright `subject` ([H,W,4] uint8) on plain `STUDIO_GREY`, for the generative branches."""
    flip = rng.random() < 0.5
    pose = _pose(rng, rng.uniform(0.72, 0.9), 0.0, 0.03, flip)
    colour, matte = _place(subject, size, rng, pose)
    return Pair(colour + STUDIO_GREY * (1.0 - matte[..., None]), matte)


@dataclass(frozen=True)
class _Pose:
    """Where an object goes: longer side and offset from the centre as shares of the frame; degrees."""

    scale: float
    angle: float
    dx: float
    dy: float
    is_flipped: bool


def _subject_pose(rng: Rng) -> _Pose:
    scale = rng.uniform(0.45, 1.0) if rng.random() < 0.85 else rng.uniform(1.0, 1.3)
    angle = rng.uniform(-25, 25) if rng.random() < 0.4 else 0.0
    room = 0.5 * max(0.0, 1.0 - scale) + 0.08
    return _pose(rng, scale, angle, room, rng.random() < 0.5)


def _pose(rng: Rng, scale: float, angle: float, room: float, is_flipped: bool = False) -> _Pose:
    """A pose anywhere within `room`, a share of the frame, of its centre."""
    dx, dy = rng.uniform(-room, room, 2)
    return _Pose(scale, angle, dx, dy, is_flipped)


def _add_distractor(canvas: Array, cutout: NDArray[np.uint8], size: int, rng: Rng) -> Array:
    """A smaller object near the frame's edge: part of the background, not of the subject."""
    direction = rng.uniform(0, 2 * np.pi)
    reach = rng.uniform(0.36, 0.55)
    pose = _Pose(
        rng.uniform(0.2, 0.42),
        rng.uniform(-20, 20),
        reach * np.cos(direction),
        reach * np.sin(direction),
        False,
    )
    colour, matte = _place(cutout, size, rng, pose)
    return colour + canvas * (1.0 - matte[..., None])


def _place(cutout: NDArray[np.uint8], size: int, rng: Rng, pose: _Pose) -> tuple[Array, Array]:
    """Scale, turn and move the object's bounding box: premultiplied colour [S,S,3] and matte [S,S]."""
    rgba = _crop_to_object(cutout).astype(np.float32) / 255.0
    rgba[..., :3] *= rgba[..., 3:]
    if pose.is_flipped:
        rgba = rgba[:, ::-1]
    factor = pose.scale * size / max(rgba.shape[:2])
    width, height = (max(2, round(side * factor)) for side in (rgba.shape[1], rgba.shape[0]))
    rgba = _resize(rgba, width, height)
    matrix = np.array(cv2.getRotationMatrix2D((width / 2, height / 2), pose.angle, 1.0), np.float64)
    matrix[:, 2] += (size * (0.5 + pose.dx) - width / 2, size * (0.5 + pose.dy) - height / 2)
    placed = _float32(cv2.warpAffine(rgba, matrix, (size, size), flags=cv2.INTER_LINEAR))
    return placed[..., :3], placed[..., 3]


def _crop_to_object(cutout: NDArray[np.uint8]) -> NDArray[np.uint8]:
    rows, columns = (np.flatnonzero((cutout[..., 3] > 8).any(axis=axis)) for axis in (1, 0))
    if not len(rows):
        return cutout
    return cutout[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _jitter_colour(cutout: NDArray[np.uint8], rng: Rng) -> NDArray[np.uint8]:
    """Exposure and tint of the object alone, so that its light differs from the background's."""
    if rng.random() < 0.5:
        return cutout
    gain = rng.uniform(0.75, 1.25) * rng.uniform(0.92, 1.08, 3)
    jittered = cutout.copy()
    jittered[..., :3] = np.clip(cutout[..., :3] * gain, 0, 255)
    return jittered


def _background(draw: Source, draw_cutout: Source, size: int, rng: Rng) -> Array:
    """A crop of a photograph (mostly), a plain or graded sheet, cloud noise, or clutter: [S,S,3] 0..1."""
    kind = rng.random()
    if kind < 0.68:
        canvas = _photo_crop(draw(rng), size, rng)
    elif kind < 0.84:
        canvas = _gradient(size, rng)
    else:
        canvas = _cloud(size, rng)
    if rng.random() < 0.15:
        for _ in range(rng.integers(3, 8)):
            pose = _pose(rng, rng.uniform(0.15, 0.4), rng.uniform(0, 360), 0.5)
            colour, matte = _place(draw_cutout(rng), size, rng, pose)
            canvas = colour + canvas * (1.0 - matte[..., None])
        canvas = _blur(canvas, rng.uniform(0.8, 3.0) * size / 128)
    return canvas


def _photo_crop(picture: NDArray[np.uint8], size: int, rng: Rng) -> Array:
    height, width = picture.shape[:2]
    side = round(min(height, width) * rng.uniform(0.4, 1.0))
    top, left = rng.integers(0, height - side + 1), rng.integers(0, width - side + 1)
    crop = picture[top : top + side, left : left + side].astype(np.float32) / 255.0
    if rng.random() < 0.5:
        crop = crop[:, ::-1]
    if rng.random() < 0.3:
        crop = crop[..., rng.permutation(3)]
    return _resize(crop, size, size)


def _gradient(size: int, rng: Rng) -> Array:
    """A studio sheet: one colour, or two that blend along a random direction, maybe with stripes."""
    first, second = rng.random((2, 3)).astype(np.float32)
    if rng.random() < 0.3:
        second = first
    angle = rng.uniform(0, 2 * np.pi)
    y, x = np.mgrid[0:size, 0:size].astype(np.float32) / size - 0.5
    ramp = x * np.cos(angle) + y * np.sin(angle)
    if rng.random() < 0.35:
        ramp = 0.5 * np.sign(np.sin(ramp * rng.uniform(10, 90)))
    share = np.clip(ramp + 0.5, 0.0, 1.0).astype(np.float32)[..., None]
    return first * (1 - share) + second * share


def _cloud(size: int, rng: Rng) -> Array:
    """Noise of several octaves in three related colours, like foliage, cloth or plaster out of focus."""
    field = np.zeros((size, size, 3), np.float32)
    for octave in range(1, 6):
        noise = rng.standard_normal((2**octave, 2**octave, 3)).astype(np.float32)
        noise += noise.mean(axis=2, keepdims=True)
        field += (
            cv2.resize(noise, (size, size), interpolation=cv2.INTER_CUBIC) * rng.uniform(0.3, 0.8) ** octave
        )
    return np.clip(rng.random(3).astype(np.float32) + 0.35 * field, 0.0, 1.0)


def _shadow(matte: Array, size: int, rng: Rng) -> Array:
    """A soft cast shadow: the matte moved, blurred and darkened, [S,S,1]."""
    dx, dy = rng.uniform(-0.1, 0.1) * size, rng.uniform(0.0, 0.12) * size
    moved = _float32(cv2.warpAffine(matte, np.array([[1, 0, dx], [0, 1, dy]], np.float32), (size, size)))
    blurred = _blur(moved, rng.uniform(1.0, 5.0) * size / 128)
    return blurred[..., None] * np.float32(rng.uniform(0.2, 0.65))


def _camera(image: Array, matte: Array, size: int, rng: Rng) -> Pair:
    """What lens, sensor and file do to the picture; blur reaches the matte too, the rest does not."""
    if rng.random() < 0.2:
        sigma = rng.uniform(0.3, 0.9) * size / 128
        image, matte = _blur(image, sigma), _blur(matte, sigma)
    gain = rng.uniform(0.75, 1.25) * rng.uniform(0.94, 1.06, 3)
    exposed = np.clip(image * gain, 0.0, 1.0) ** rng.uniform(0.75, 1.35)
    if rng.random() < 0.4:
        exposed = exposed + rng.standard_normal(image.shape) * rng.uniform(0.005, 0.04)
    image = np.clip(exposed, 0.0, 1.0).astype(np.float32)
    if rng.random() < 0.3:
        image = _jpeg(image, int(rng.integers(40, 95)))
    return Pair(image, np.clip(matte, 0.0, 1.0))


def _jpeg(image: Array, quality: int) -> Array:
    pixels = np.rint(image * 255).astype(np.uint8)
    coded = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return _float32(cv2.imdecode(coded, cv2.IMREAD_COLOR)) / np.float32(255)


def _blur(image: Array, sigma: float) -> Array:
    return _float32(cv2.GaussianBlur(image, (0, 0), float(sigma)))


def _resize(image: Array, width: int, height: int) -> Array:
    """Area average to shrink, cubic to enlarge."""
    shrinks = width < image.shape[1]
    method = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    return np.clip(_float32(cv2.resize(image, (width, height), interpolation=method)), 0.0, 1.0)


def _float32(array: Any) -> Array:
    """OpenCV's answer, which its stubs call any number or nothing, as what it is here."""
    return np.asarray(array, np.float32)
