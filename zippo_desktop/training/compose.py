"""Writing composed pairs to disk: a fixed evaluation set that anybody can measure any program on."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from zippo_desktop.training.config import DataConfig
from zippo_desktop.training.cutouts import Cutout
from zippo_desktop.training.evaluation_index import INDEX_COLUMNS, INDEX_NAME
from zippo_desktop.training.metrics import SOFT_RANGE
from zippo_desktop.training.new_folder import check_new_folder
from zippo_desktop.training.pairs import PairSource

Array = NDArray[np.float32]

# Manifest's soft share from which a thing that is no fur and no glass counts as soft: foliage, nets, blinds.
SOFT_FROM = 0.05


def write_evaluation_set(
    cutouts: tuple[Path, ...],
    backgrounds: tuple[Path, ...],
    output: Path,
    split: str = "test",
    count: int = 200,
    size_px: int = 256,
    seed: int = 1,
    small: float = 0.0,
) -> None:
    """Write `count` scenes of `size_px` pixels as `output/image/NNNN.png` and `output/matte/NNNN.png`.

    `index.csv` beside them tells each subject's name and pack, and whether it is soft (`evaluation_index`).

    With `split` "test", objects and backgrounds are ones that training with the same folders never
    sees. A share `small` of the subjects is small in its frame (`composites.SMALL`), and alone there.
    The same arguments give the same pictures. Raises UsageError if `output` holds a set already.
    """
    check_new_folder(output)
    source = _SubjectSource(DataConfig(cutouts, backgrounds, size_px, small=small), split, seed)
    manifest = _manifest_rows(cutouts)
    rows = []
    for name in ("image", "matte"):
        (output / name).mkdir(parents=True, exist_ok=True)
    for index in range(count):
        pair = source.scene(index).pair
        for name, plane in (("image", pair.image), ("matte", pair.matte)):
            Image.fromarray(np.rint(plane * 255).astype(np.uint8)).save(output / name / f"{index:04}.png")
        row = manifest.get(source.subject.path, {})
        rows.append(_index_row(f"{index:04}.png", source.subject, row, pair.matte))
    with (output / INDEX_NAME).open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, INDEX_COLUMNS)
        writer.writeheader()
        writer.writerows(rows)


def training_mean_area(cutouts: tuple[Path, ...], backgrounds: tuple[Path, ...], count: int = 500) -> float:
    """Mean share of the frame that the subject covers in training scenes, for the ellipse baseline."""
    source = PairSource(DataConfig(cutouts, backgrounds), "train")
    return float(np.mean([source.scene(index).pair.matte.mean() for index in range(count)]))


class _SubjectSource(PairSource):
    """Remembers the cut-out that the last pair was made of: the one that a caption was drawn for."""

    subject: Cutout

    def _caption(self, cutout: Cutout, rng: np.random.Generator) -> str:
        self.subject = cutout
        return super()._caption(cutout, rng)


def is_soft(row: dict[str, str]) -> bool:
    """Whether a manifest's row is of fur, hair, foliage or glass: by its pack, else by its `soft` share."""
    pack = row.get("pack", "")
    return pack == "fur" or pack.startswith("glass-") or float(row.get("soft") or 0) >= SOFT_FROM


def _index_row(file: str, subject: Cutout, row: dict[str, str], matte: Array) -> dict[str, str]:
    return {
        "file": file,
        "name": row.get("name") or subject.captions[0],
        "pack": row.get("pack", ""),
        "soft": f"{((matte > SOFT_RANGE[0]) & (matte < SOFT_RANGE[1])).mean():.4f}",
        "is_soft": str(int(is_soft(row))),
    }


def _manifest_rows(folders: tuple[Path, ...]) -> dict[Path, dict[str, str]]:
    """The rows of all manifests by the path of their picture."""
    rows: dict[Path, dict[str, str]] = {}
    for folder in folders:
        path = folder / "manifest.csv"
        if path.is_file():
            with path.open(newline="", encoding="utf-8") as file:
                rows |= {folder / row["file"]: row for row in csv.DictReader(file)}
    return rows
