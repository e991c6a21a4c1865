"""Cut-outs of names with several views each, for the judge and the evaluation of generation."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from PIL import Image

COLOURS = {"chair": (220, 30, 30), "table": (30, 60, 220), "stool": (240, 220, 40)}


def write_named_views(folder: Path, views: int = 6, side: int = 48) -> Path:
    """Discs of a colour for each name, and what must be passed over: few, clipped, of a kind, procedural."""
    rows = [(name, "objects", view, colour, 0.4) for name, colour in COLOURS.items() for view in range(views)]
    rows += [("rare", "objects", view, (90, 90, 90), 0.4) for view in range(2)]
    rows += [("clipped", "objects", view, (90, 90, 90), 0.7) for view in range(views)]
    rows += [("coffee table", "objects", view, (90, 90, 90), 0.4) for view in range(views - 1)]
    rows += [("furry thing", "fur", view, (90, 90, 90), 0.4) for view in range(views + 3)]
    folder.mkdir(parents=True)
    with (folder / "manifest.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["file", "name", "pack", "model"])
        for name, pack, view, colour, radius in rows:
            path = folder / f"{name}_{view}.png"
            _disc(colour, side, radius - 0.02 * view).save(path)
            writer.writerow([path.name, name, pack, view])
    return folder


def _disc(colour: tuple[int, int, int], side: int, radius: float) -> Image.Image:
    y, x = np.mgrid[0:side, 0:side] - (side - 1) / 2
    rgba = np.empty((side, side, 4), np.uint8)
    rgba[..., :3] = colour
    rgba[..., 3] = np.rint(np.clip(side * radius - np.hypot(x, y), 0, 1) * 255)
    return Image.fromarray(rgba)
