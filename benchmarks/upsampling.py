"""Guided against linear enlarging of a small matte: mean absolute error on composites with known alpha.

    python benchmarks/upsampling.py [--tune]

Nine synthetic 2048 px composites of a soft-edged shape over texture, blurred a little and noisy, as a
camera gives; the true matte averaged down to the network's size stands for the network's answer, and
averaged and blurred by one of its pixels for a less sure one. With `--tune` also other windows and epsilons.
Last, what it costs to enlarge to 24 megapixels, and how much memory over picture and small matte.
"""

from __future__ import annotations

import argparse
import resource
import time
from itertools import product

import cv2
import numpy as np

from zippo_desktop.imaging.matte import EPSILON, RADIUS_PX, upsample_guided
from zippo_desktop.imaging.resize import resize

SIDE = 2048
SIZES = (128, 256, 512)
RADII, EPSILONS = (1, 2, 3), (1e-5, 1e-4, 1e-3)


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
    return np.rint(np.clip(image, 0, 1) * 255).astype(np.uint8), matte.astype(np.float32)


def compare(pictures: list[tuple[np.ndarray, np.ndarray]], blur_px: float, tunes: bool) -> None:
    """Print one line for each size of the small matte, which is blurred by `blur_px` of its pixels."""
    settings = product(RADII, EPSILONS) if tunes else [(RADIUS_PX, EPSILON)]
    for size, (radius_px, epsilon) in product(SIZES, list(settings)):
        errors = []
        for image, matte in pictures:
            small = resize(matte, size, size)
            if blur_px:
                small = cv2.GaussianBlur(small, (0, 0), blur_px)
            ways = (resize(small, SIDE, SIDE), upsample_guided(small, image, radius_px, epsilon))
            errors.append([float(np.abs(way - matte).mean()) for way in ways])
        linear, guided = np.mean(errors, axis=0)
        print(
            f"from {size:4} px, blurred by {blur_px:g}, radius {radius_px}, epsilon {epsilon:g}: "
            f"linear {linear:.4f}, guided {guided:.4f}, ratio {guided / linear:.2f}"
        )


def cost() -> None:
    """Print processor time and the growth of the process's peak at 24 megapixels."""
    image = np.random.default_rng(0).integers(0, 256, (4000, 6000, 3), np.uint8)
    small = np.random.default_rng(0).random((85, 128), np.float32)
    before, started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    upsample_guided(small, image)
    peak = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    print(f"to 24 MP: {time.process_time() - started:.2f} s of the processor, peak {peak:.0f} MiB higher")


def main() -> None:
    """Print the cost first: a peak is only seen while it is the highest."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tune", action="store_true")
    given = parser.parse_args()
    cost()
    pictures = [composite(seed) for seed in range(9)]
    for blur_px in (0.0, 1.0):
        compare(pictures, blur_px, given.tune)


if __name__ == "__main__":
    main()
