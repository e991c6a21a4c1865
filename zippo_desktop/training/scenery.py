"""Backgrounds to put a subject before: photographs, studio sheets, cloud noise, dead leaves, clutter.

Where pictures are large, `is_sharp` makes many of them as sharp as any subject: else a network learns that
what is sharp is the subject.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from zippo_desktop.training.optics import blur
from zippo_desktop.training.placement import Array, Rng, over, place, random_pose, resize

Source = Callable[[Rng], NDArray[np.uint8]]
LEAVES = 600
KINDS = (0.68, 0.84, 1.0)  # up to where a random number means a photograph, a sheet, noise; beyond it leaves
SHARP_KINDS = (0.60, 0.74, 0.86)


def background(draw: Source, draw_cutout: Source, size: int, rng: Rng, is_sharp: bool = False) -> Array:
    """A crop of a photograph (mostly), a plain or graded sheet, noise, leaves, or clutter: [S,S,3] 0..1."""
    kind = rng.random()
    photographs, sheets, noise = SHARP_KINDS if is_sharp else KINDS
    if kind < photographs:
        canvas = photo_crop(draw(rng), size, rng, is_sharp)
    elif kind < sheets:
        canvas = _gradient(size, rng)
    elif kind < noise:
        canvas = _cloud(size, rng)
    else:
        canvas = _dead_leaves(draw(rng), size, rng)
    if rng.random() < 0.15:
        for _ in range(rng.integers(3, 8)):
            pose = random_pose(rng, rng.uniform(0.15, 0.4), rng.uniform(0, 360), 0.5)
            colour, matte = place(draw_cutout(rng), size, pose)
            canvas = over(colour, matte, canvas)
        canvas = blur(canvas, rng.uniform(0.8, 3.0) * size / 128)
    return canvas


def photo_crop(picture: NDArray[np.uint8], size: int, rng: Rng, is_sharp: bool) -> Array:
    """A square window of a picture [H,W,3] uint8, maybe mirrored, with exchanged colours: [S,S,3] 0..1."""
    height, width = picture.shape[:2]
    side = round(min(height, width) * rng.uniform(0.4, 1.0))
    top, left = rng.integers(0, height - side + 1), rng.integers(0, width - side + 1)
    crop = picture[top : top + side, left : left + side].astype(np.float32) / 255.0
    if rng.random() < 0.5:
        crop = crop[:, ::-1]
    if rng.random() < 0.3:
        crop = crop[..., rng.permutation(3)]
    if is_sharp and side < size and rng.random() < 0.5:
        return _mirrored(crop, size, int(rng.integers(2, 4)))
    return resize(crop, size, size)


def _mirrored(crop: Array, size: int, count: int) -> Array:
    """A crop of few pixels `count` times along each side, every other one mirrored, so that it is sharp."""
    small = resize(crop, -(-size // count), -(-size // count))
    height, width = (small.shape[axis] * (count - 1) for axis in (0, 1))
    return np.pad(small, ((0, height), (0, width), (0, 0)), mode="symmetric")[:size, :size]


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


def _dead_leaves(picture: NDArray[np.uint8], size: int, rng: Rng) -> Array:
    """Ellipses and rectangles that cover each other, in a photograph's colours.

    Their sizes follow a power law, which gives a picture the statistics of natural ones
    (Lee, Mumford and Huang 2001, "Occlusion Models for Natural Images").
    """
    colours = picture.reshape(-1, 3)[rng.integers(0, picture.shape[0] * picture.shape[1], LEAVES)] / 255.0
    canvas = np.empty((size, size, 3), np.float32)
    canvas[:] = colours[0]
    smallest, largest = rng.uniform(0.006, 0.02) * size, rng.uniform(0.15, 0.5) * size
    shares = rng.random(LEAVES)
    radii = (shares * smallest**-2 + (1 - shares) * largest**-2) ** -0.5  # density r^-3 between the two
    for colour, radius in zip(colours.tolist(), np.sort(radii)[::-1].tolist(), strict=True):
        centre = rng.uniform(0, size, 2)
        axes = (radius, radius * rng.uniform(0.3, 1.0))
        box = (tuple(map(float, centre)), (2 * axes[0], 2 * axes[1]), float(rng.uniform(0, 180)))
        if rng.random() < 0.6:
            cv2.ellipse(canvas, box, colour, -1, cv2.LINE_AA)
        else:
            corners = np.rint(cv2.boxPoints(box)).astype(np.int32)
            cv2.fillConvexPoly(canvas, corners, colour, cv2.LINE_AA)
    grain = rng.standard_normal((size, size, 1), dtype=np.float32) * rng.uniform(0.0, 0.06)
    return np.clip(canvas + grain, 0.0, 1.0)
