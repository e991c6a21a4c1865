"""The matting Laplacian as an operator, and the matte that follows a picture's colours near a rough matte.

Nothing is ever made of the matrix: its product with a matte is the matte less its guided filtering (He, Sun
and Tang, "Fast matting using large kernel matting Laplacian matrices", CVPR 2010), a few box filters.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from zippo_desktop.imaging.layers import Matte

Array = NDArray[np.float32]
Region = NDArray[np.bool_]

TOLERANCE = 3e-3  # of the residual, by the first one: beyond it no pixel moves by a visible level


@dataclass(frozen=True)
class MattingLaplacian:
    """L of Levin, Lischinski and Weiss (TPAMI 2008, eq. 12) over a picture [h,w,3] in 0..1.

    Windows are of 2 `radius_px` + 1 pixels a side, cut off where the picture ends, so L stays symmetric.
    """

    image: Array
    radius_px: int
    count: Array  # [h,w] pixels in the window round each pixel, and so windows that hold it
    mean: Array  # [h,w,3] of each window
    inverse: Array  # [h,w,3,3] of each window's covariance with epsilon on its diagonal

    @classmethod
    def of(cls, image: Array, radius_px: int, epsilon: float) -> MattingLaplacian:
        """The operator of a picture; contrasts well below the root of `epsilon` count as noise."""
        count = _window_sum(np.ones(image.shape[:2], np.float32), radius_px)
        mean = _window_sum(image, radius_px) / count[..., None]
        products = (image[..., :, None] * image[..., None, :]).reshape(*image.shape[:2], 9)
        products = (_window_sum(products, radius_px) / count[..., None]).reshape(*image.shape[:2], 3, 3)
        covariance = products - mean[..., :, None] * mean[..., None, :]
        covariance += np.float32(epsilon) * np.eye(3, dtype=np.float32)
        return cls(image, radius_px, count, mean, np.linalg.inv(covariance))

    def apply(self, matte: Array) -> Array:
        """L times a matte [h,w]: how far it is, summed over windows, from a linear function of colour."""
        mean = _window_sum(matte, self.radius_px) / self.count
        products = _window_sum(self.image * matte[..., None], self.radius_px) / self.count[..., None]
        covariance = products - self.mean * mean[..., None]
        slopes = np.einsum("hwij,hwj->hwi", self.inverse, covariance)
        offset = mean - np.einsum("hwi,hwi->hw", slopes, self.mean)
        sums = _window_sum(np.dstack([slopes, offset]), self.radius_px)
        fitted = np.einsum("hwi,hwi->hw", sums[..., :3], self.image) + sums[..., 3]
        return np.asarray(self.count * matte - fitted, np.float32)


def solve_near(
    laplacian: MattingLaplacian, rough: Matte, is_open: Region, trust: Array, most_steps: int
) -> Matte:
    """The matte [h,w] in 0..1 that minimises a' L a + sum trust (a - rough)^2 over the open pixels.

    The others stay as they are. By conjugate gradients from the rough matte, of `most_steps` at most:
    few steps leave the rough matte's coarse structure, which is what is wanted of them.
    """
    total = rough.copy()
    residual = np.where(is_open, -laplacian.apply(rough), np.float32(0))
    direction, energy = residual.copy(), _dot(residual, residual)
    enough = TOLERANCE**2 * energy
    for _ in range(most_steps):
        if energy <= enough:
            break
        change = np.where(is_open, laplacian.apply(direction) + trust * direction, np.float32(0))
        length = energy / _dot(direction, change)
        total += np.float32(length) * direction
        residual -= np.float32(length) * change
        previous, energy = energy, _dot(residual, residual)
        direction = residual + np.float32(energy / previous) * direction
    return np.clip(total, 0, 1)


def _dot(first: Array, second: Array) -> float:
    return float(np.einsum("hw,hw->", first, second, dtype=np.float64))


def _window_sum(values: Array, radius_px: int) -> Array:
    """Sums over windows of [h,w] or [h,w,C]; nothing lies outside."""
    side = 2 * radius_px + 1
    summed = cv2.boxFilter(values, -1, (side, side), normalize=False, borderType=cv2.BORDER_CONSTANT)
    return np.asarray(summed, np.float32)
