"""Writing composed pairs to disk: a fixed evaluation set that anybody can measure any program on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from zippo_desktop.training.config import DataConfig
from zippo_desktop.training.new_folder import check_new_folder
from zippo_desktop.training.pairs import PairSource


def write_evaluation_set(
    cutouts: tuple[Path, ...],
    backgrounds: tuple[Path, ...],
    output: Path,
    split: str = "test",
    count: int = 200,
    size_px: int = 256,
    seed: int = 1,
) -> None:
    """Write `count` scenes of `size_px` pixels as `output/image/NNNN.png` and `output/matte/NNNN.png`.

    With `split` "test", objects and backgrounds are ones that training with the same folders never
    sees. The same arguments give the same pictures. Raises UsageError if `output` holds a set already.
    """
    check_new_folder(output)
    source = PairSource(DataConfig(cutouts, backgrounds, size_px), split, seed)
    for name in ("image", "matte"):
        (output / name).mkdir(parents=True, exist_ok=True)
    for index in range(count):
        pair = source.scene(index).pair
        for name, plane in (("image", pair.image), ("matte", pair.matte)):
            Image.fromarray(np.rint(plane * 255).astype(np.uint8)).save(output / name / f"{index:04}.png")


def training_mean_area(cutouts: tuple[Path, ...], backgrounds: tuple[Path, ...], count: int = 500) -> float:
    """Mean share of the frame that the subject covers in training scenes, for the ellipse baseline."""
    source = PairSource(DataConfig(cutouts, backgrounds), "train")
    return float(np.mean([source.scene(index).pair.matte.mean() for index in range(count)]))
