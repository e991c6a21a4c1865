"""Guided against linear enlarging of a small matte: mean absolute error on composites with known alpha.

    python benchmarks/upsampling.py

Nine synthetic 2048 px composites of a soft-edged shape over texture, blurred a little and noisy, as a
camera gives; the true matte averaged down to the network's size stands for the network's answer.
"""

from __future__ import annotations

import cv2
import numpy as np

from zippo_desktop.imaging.matte import upsample_guided
from zippo_desktop.imaging.resize import resize

SIDE = 2048
SIZES = (128, 256, 512)


def composite(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A picture [H,W,3] and its matte [H,W], float32 in 0..1."""
    rng = np.random.default_rng(seed)
    coarse = rng.standard_normal((2, 24, 24)).astype(np.float32)
    shape = cv2.resize(coarse[0], (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
    hair = cv2.resize(rng.standard_normal((256, 256)).astype(np.float32), (SIDE, SIDE))
    matte = np.clip(0.5 + (shape + 0.25 * hair) * rng.uniform(2, 12), 0, 1)
    front, back = (
        np.clip(
            rng.random(3)
            + 0.2 * cv2.resize(rng.standard_normal((64, 64, 3)).astype(np.float32), (SIDE, SIDE)),
            0,
            1,
        )
        for _ in range(2)
    )
    image = front * matte[..., None] + back * (1 - matte[..., None])
    image = cv2.GaussianBlur(image, (0, 0), 0.8) + 0.01 * rng.standard_normal(image.shape)
    return np.clip(image, 0, 1).astype(np.float32), matte.astype(np.float32)


def main() -> None:
    """Print one line for each size of the small matte."""
    pictures = [composite(seed) for seed in range(9)]
    for size in SIZES:
        errors = []
        for image, matte in pictures:
            small = resize(matte, size, size)
            ways = (resize(small, SIDE, SIDE), upsample_guided(small, image))
            errors.append([float(np.abs(way - matte).mean()) for way in ways])
        linear, guided = np.mean(errors, axis=0)
        print(f"from {size:4} px: linear {linear:.4f}, guided {guided:.4f}, ratio {guided / linear:.2f}")


if __name__ == "__main__":
    main()
