"""Cut-outs on a canvas: scaled, turned and moved by a pose; and the resizing that all of composing shares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
Rng = np.random.Generator


@dataclass(frozen=True)
class Pose:
    """Where an object goes: longer side and offset from the centre as shares of the frame; degrees."""

    scale: float
    angle: float
    dx: float
    dy: float
    is_flipped: bool = False


def random_pose(rng: Rng, scale: float, angle: float, room: float, is_flipped: bool = False) -> Pose:
    """A pose anywhere within `room`, a share of the frame, of its centre."""
    dx, dy = rng.uniform(-room, room, 2)
    return Pose(scale, angle, dx, dy, is_flipped)


def place(cutout: NDArray[np.uint8], size: int, pose: Pose) -> tuple[Array, Array]:
    """Scale, turn and move the object's bounding box: premultiplied colour [S,S,3] and matte [S,S]."""
    rgba = _crop_to_object(cutout).astype(np.float32) / 255.0
    rgba[..., :3] *= rgba[..., 3:]
    if pose.is_flipped:
        rgba = rgba[:, ::-1]
    factor = pose.scale * size / max(rgba.shape[:2])
    width, height = (max(2, round(side * factor)) for side in (rgba.shape[1], rgba.shape[0]))
    rgba = resize(rgba, width, height)
    matrix = np.array(cv2.getRotationMatrix2D((width / 2, height / 2), pose.angle, 1.0), np.float64)
    matrix[:, 2] += (size * (0.5 + pose.dx) - width / 2, size * (0.5 + pose.dy) - height / 2)
    placed = float32(cv2.warpAffine(rgba, matrix, (size, size), flags=cv2.INTER_LINEAR))
    return placed[..., :3], placed[..., 3]


def _crop_to_object(cutout: NDArray[np.uint8]) -> NDArray[np.uint8]:
    rows, columns = (np.flatnonzero((cutout[..., 3] > 8).any(axis=axis)) for axis in (1, 0))
    if not len(rows):
        return cutout
    return cutout[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def over(colour: Array, matte: Array, canvas: Array) -> Array:
    """Premultiplied colour [S,S,3] under a matte [S,S], laid over a canvas [S,S,3]."""
    return colour + canvas * (1.0 - matte[..., None])


def resize(image: Array, width: int, height: int) -> Array:
    """Area average to shrink, cubic to enlarge."""
    shrinks = width < image.shape[1]
    method = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    return np.clip(float32(cv2.resize(image, (width, height), interpolation=method)), 0.0, 1.0)


def float32(array: Any) -> Array:
    """OpenCV's answer, which its stubs call any number or nothing, as what it is here."""
    return np.asarray(array, np.float32)
