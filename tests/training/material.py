"""Small cut-out and background folders for the training tests."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from zippo_desktop.training.config import DataConfig

NAMES = (
    "red ball",
    "green box",
    "blue cone",
    "yellow star",
    "white cup",
    "black hat",
    "grey pot",
    "pink pen",
)


def write_material(folder: Path, size_px: int = 32, names: tuple[str, ...] = NAMES) -> DataConfig:
    """One cut-out for each of `names`, six backgrounds, and the configuration that reads them."""
    rng = np.random.default_rng(0)
    for index, name in enumerate(names):
        write_cutout(folder / "cutouts" / f"{index}.png", rng)
        (folder / "cutouts" / f"{index}.txt").write_text(name, encoding="utf-8")
    for index in range(6):
        write_background(folder / "backgrounds" / f"{index}.png", rng)
    return DataConfig((folder / "cutouts",), (folder / "backgrounds",), size_px, workers=0)


def write_cutout(path: Path, rng: np.random.Generator, side: int = 48) -> None:
    """An opaque disc of one colour with a soft rim, whole in its frame."""
    y, x = np.mgrid[0:side, 0:side] - (side - 1) / 2
    alpha = np.clip(side * 0.4 - np.hypot(x, y), 0, 4) / 4
    rgba = np.empty((side, side, 4), np.uint8)
    rgba[..., :3] = rng.integers(0, 256, 3)
    rgba[..., 3] = np.rint(alpha * 255)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(rgba).save(path)


def write_background(path: Path, rng: np.random.Generator, side: int = 64) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(rng.integers(0, 256, (side, side, 3), np.uint8)).save(path)


def write_photos(folder: Path, names: Sequence[str], side: tuple[int, int] = (60, 90)) -> Path:
    """For each name a photo of a bright disc before dark noise and its matte, as `evaluate` takes them."""
    rng = np.random.default_rng(1)
    height, width = side
    y, x = np.mgrid[0:height, 0:width]
    for name in names:
        centre_y, centre_x = rng.uniform(0.3, 0.7, 2) * side
        alpha = np.clip(height * 0.2 - np.hypot(y - centre_y, x - centre_x), 0, 4) / 4
        noise = rng.integers(0, 60, (height, width, 3))
        picture = noise * (1 - alpha[..., None]) + 240 * alpha[..., None]
        for kind, pixels in (("image", picture), ("matte", 255 * alpha)):
            path = folder / kind / f"{name}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.rint(pixels).astype(np.uint8)).save(path)
    return folder


def write_captioned(folder: Path, captions: Sequence[str]) -> Path:
    """A picture of noise for each caption."""
    rng = np.random.default_rng(2)
    for index, caption in enumerate(captions):
        write_background(folder / f"{index}.png", rng)
        (folder / f"{index}.txt").write_text(caption, encoding="utf-8")
    return folder
