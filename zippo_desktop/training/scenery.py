"""Backgrounds to put a subject before: photographs, studio sheets, cloud noise, clutter."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from zippo_desktop.training.optics import blur
from zippo_desktop.training.placement import Array, Rng, over, place, random_pose, resize

Source = Callable[[Rng], NDArray[np.uint8]]


def background(draw: Source, draw_cutout: Source, size: int, rng: Rng) -> Array:
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
            pose = random_pose(rng, rng.uniform(0.15, 0.4), rng.uniform(0, 360), 0.5)
            colour, matte = place(draw_cutout(rng), size, pose)
            canvas = over(colour, matte, canvas)
        canvas = blur(canvas, rng.uniform(0.8, 3.0) * size / 128)
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
    return resize(crop, size, size)


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
