"""Sharp backgrounds: crops of Budgie's desktop photographs (CC0), as large as a camera's detail needs.

Panorama crops are soft beyond 256 px, and a network that sees more pixels than that learns from them
that whatever is sharp is the subject.
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from PIL import Image

from zippo_desktop.training.packages import Package

SIDE_PX = 768
CROPS = 40  # of each picture
SMALLEST = 0.25  # of the shorter side of what may be shown
WEBP_QUALITY = 90
COLUMNS = ("file", "panorama", "creator", "source", "licence")

# What may be shown of each picture, as (left, top, right, bottom) in shares: where no animal or person is.
WHOLE = (0.0, 0.0, 1.0, 1.0)
SHOWN = {
    "abstract-spiral": WHOLE,
    "beacon-street-sunset": WHOLE,
    "blue-periwinkle": WHOLE,
    "canyon-wren": (0.0, 0.5, 1.0, 1.0),
    "casa-mila": WHOLE,
    "high-trestle-trail": WHOLE,
    "lake-sherburne": WHOLE,
    "ocean-waves": WHOLE,
    "perched-osprey": (0.5, 0.0, 1.0, 1.0),
    "piazza-gae-aulenti": WHOLE,
    "roman-colosseum": WHOLE,
    "singaporean-cityscape": WHOLE,
    "tea-gardens": WHOLE,
}


def build_photographs(package: Package, unpacked: Path, target: Path, limit: int | None = None) -> int:
    """Write square crops as WebP and their `manifest.csv` into the folder `target`; returns how many.

    `limit` takes the first so many pictures, for trials. Raises OSError if a picture is missing.
    """
    rows = []
    for name, shown in list(SHOWN.items())[:limit]:
        with Image.open(unpacked / "usr/share/backgrounds/budgie" / f"{name}.jpg") as picture:
            photo = picture.convert("RGB")
        rng = np.random.default_rng([len(name), *name.encode()])
        for number in range(CROPS):
            file = f"budgie-{name}_{number:02}.webp"
            crop = photo.crop(_box(photo.size, shown, rng)).resize(
                (SIDE_PX, SIDE_PX), Image.Resampling.LANCZOS
            )
            crop.save(target / file, quality=WEBP_QUALITY)
            rows.append((file, f"budgie_{name}", "Budgie Desktop Developers", package.label, package.licence))
    with (target / "manifest.csv").open("w", newline="", encoding="utf-8") as table:
        csv.writer(table).writerows([COLUMNS, *rows])
    return len(rows)


def _box(
    size: tuple[int, int], shown: tuple[float, float, float, float], rng: np.random.Generator
) -> tuple[int, int, int, int]:
    """A random square within the shown part, in pixels; small ones are as likely as large ones."""
    left, top, right, bottom = (
        round(share * side) for share, side in zip(shown, (*size, *size), strict=True)
    )
    longest = min(right - left, bottom - top)
    side = round(longest * SMALLEST ** rng.uniform(0.0, 1.0))
    x, y = left + rng.integers(0, right - left - side + 1), top + rng.integers(0, bottom - top - side + 1)
    return int(x), int(y), int(x) + side, int(y) + side
