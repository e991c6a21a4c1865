"""The evaluation set of photographic cut-outs: Tux Paint's stamps over photos that training never sees.

The stamps (Debian's `tuxpaint-stamps-default`, GPL-2) are fetched to be measured with, and for nothing else:
no training reads them and no picture of theirs is passed on. Backgrounds are wallpapers under CC-BY 4.0
from Debian's `lomiri-wallpapers-16.04`, and scenes of the test split of local background folders.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from zippo_desktop.errors import InputError
from zippo_desktop.export.atomic import make_folder_atomically, make_output_dir
from zippo_desktop.training.cutouts import load_rgb, read_backdrops
from zippo_desktop.training.evaluation_index import INDEX_COLUMNS, INDEX_NAME
from zippo_desktop.training.harmonise import Placement, compose, crop_to
from zippo_desktop.training.new_folder import check_new_folder
from zippo_desktop.training.packages import DEBIAN_POOL, Package, debian_members, fetch

STAMPS = Package(
    name="tuxpaint-stamps-default",
    version="2022.06.04-1",
    file="tuxpaint-stamps-default_2022.06.04-1_all.deb",
    url=f"{DEBIAN_POOL}/t/tuxpaint-stamps/tuxpaint-stamps-default_2022.06.04-1_all.deb",
    sha256="6db6c1bfc870a47f1499d6203b083522eacb57c5f9c87d468f2e92eb6d9d5f34",
    licence="GPL-2",
)
WALLPAPERS = Package(
    name="lomiri-wallpapers-16.04",
    version="20.04.0-2",
    file="lomiri-wallpapers-16.04_20.04.0-2_all.deb",
    url=f"{DEBIAN_POOL}/l/lomiri-wallpapers/lomiri-wallpapers-16.04_20.04.0-2_all.deb",
    sha256="a99ff6a3bfe451e4cc0682ecb3cc82e71740626d59e4845ae34a0a0e45421eab",
    licence="CC0-1.0, CC-BY-4.0 and CC-BY-SA-4.0, by picture",
)
# Aitzol Berasategi, 2018, CC-BY 4.0: the scenes without anything that a person might take for the subject.
SCENES = tuple(
    f"{name}_by_Aitzol_Berasategi.jpg" for name in ("aitzgorri", "life", "picosdeeuropa", "sunset")
)
# Panoramas whose crops have black rings round their lights, from the scaling of more than white.
SPOILED = {"backdrop esplanade", "backdrop night"}
SCENE_SIDE = 2048  # px; wallpapers are kept at this
WALLPAPER_SHARE = 0.6  # the rest are crops of the test split's panoramas

STAMPS_DIR = PurePosixPath("usr/share/tuxpaint/stamps")
# Folders of drawings, signs, renderings and pictures of celestial bodies.
NOT_PHOTOGRAPHS = {"cartoon", "symbols", "roadsigns", "flags", "toys", "plastic", "planets", "moon"}
NOT_PHOTOGRAPHS |= {"seasonal", "houses"}
# Drawn or rendered although the measures say otherwise, or twice the same; found by eye.
LEFT_OUT = {"button", "tiger_sumatran", "fireman200b", "ww2_german_gun", "explosion", "fire", "sedan_police"}
MIN_COLOURS = 1.8  # colours of 5 bits a channel, by the root of the number of opaque pixels
MAX_FLAT = 0.17  # share of the inner pixels whose Laplacian is below one grey level of 255
MIN_SIDE, MIN_LONG_SIDE, MIN_PIXELS = 48, 96, 2500
SOFT_FOLDERS = {"mammals", "trees"}
HAIRLESS = {"aquatic", "elephant", "hippopotamus"}
SOFT_NAMES = {"lavender", "lettuce_bolted", "thyme", "eggplant", "Lightbulb", "holly_leaves"}

CANVAS_SIDES = (256, 512)
LARGEST_SCALE = 1.25  # nothing is enlarged more, or its alpha would be soft where the photograph's was not


@dataclass(frozen=True)
class Stamp:
    """One photographic stamp [h,w,4] uint8 straight, its caption, and where in the package it is."""

    name: str
    caption: str
    folder: PurePosixPath
    rgba: NDArray[np.uint8]

    @property
    def is_soft(self) -> bool:
        """Whether it is of fur, hair, foliage or glass, by the kind of thing that it shows."""
        has_fur = SOFT_FOLDERS & set(self.folder.parts) and not HAIRLESS & {*self.folder.parts, self.name}
        return bool(has_fur) or self.name in SOFT_NAMES


def write_stamp_set(
    output: Path, downloads_dir: Path, backgrounds: Sequence[Path], count: int = 200, seed: int = 1
) -> int:
    """Write `image/NNN.png`, `matte/NNN.png` and `index.csv` into a new folder; return how many pictures.

    Each stamp appears once, in an order by the seed; fewer than `count` if there are fewer stamps. Canvases
    are as large as the stamp needs without being enlarged much, 256 to 512 px, square or 4:3: most stamps
    have 100 to 400 px. `backgrounds` are folders of which only test scenes are taken.
    Fetches the two packages into `downloads_dir`. Raises UsageError, InputError and ExportError.
    """
    check_new_folder(output)
    stamps = read_stamps(fetch(STAMPS, downloads_dir))
    scenes = read_scenes(fetch(WALLPAPERS, downloads_dir))
    crops = [crop.path for crop in read_backdrops(backgrounds, "test") if crop.group not in SPOILED]
    order = np.random.default_rng([seed, 0]).permutation(len(stamps))[:count]
    make_output_dir(output.parent)
    with make_folder_atomically(output) as draft:
        for kind in ("image", "matte"):
            (draft / kind).mkdir()
        rows = []
        for index, number in enumerate(order):
            rng = np.random.default_rng([seed, 1, index])
            name, background = _background(scenes, crops, rng)
            rows.append(_write_picture(draft, f"{index:03}.png", stamps[number], (name, background), rng))
        with (draft / INDEX_NAME).open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, [*INDEX_COLUMNS, "stamp", "background", "blend"])
            writer.writeheader()
            writer.writerows(rows)
    return len(rows)


def read_stamps(package: Path) -> list[Stamp]:
    """The photographic stamps of the package, sorted by folder and name; raises InputError for none."""
    pictures: dict[PurePosixPath, bytes] = {}
    captions: dict[PurePosixPath, str] = {}
    for name, content in debian_members(package):
        path = PurePosixPath(name)
        if STAMPS_DIR in path.parents and not NOT_PHOTOGRAPHS & set(path.parent.parts):
            place = path.relative_to(STAMPS_DIR).with_suffix("")
            is_twin = path.stem.endswith(("_mirror", "_flip"))
            if path.suffix == ".png" and path.stem not in LEFT_OUT and not is_twin:
                pictures[place] = content
            elif path.suffix == ".txt":
                captions[place] = content.decode("utf-8", "replace").partition("\n")[0].strip()
    found = [
        Stamp(place.name, captions.get(place, place.name), place.parent, rgba)
        for place, content in sorted(pictures.items())
        if is_photograph(rgba := _rgba(content))
    ]
    if not found:
        raise InputError(f"{package} holds no stamps.")
    return found


def is_photograph(rgba: NDArray[np.uint8]) -> bool:
    """Whether a cut-out [h,w,4] is large enough, of many colours, and almost nowhere flat: no drawing."""
    height, width = rgba.shape[:2]
    opaque = rgba[..., 3] > 250
    count = int(opaque.sum())
    if min(height, width) < MIN_SIDE or max(height, width) < MIN_LONG_SIDE or count < MIN_PIXELS:
        return False
    levels = (rgba[..., :3] >> 3).astype(np.int32) @ np.array([1024, 32, 1], np.int32)
    grey = cv2.cvtColor(np.ascontiguousarray(rgba[..., :3]), cv2.COLOR_RGB2GRAY).astype(np.float32)
    inner = cv2.erode(opaque.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    flat = np.abs(cv2.Laplacian(grey, cv2.CV_32F))[inner] < 1
    colours = len(np.unique(levels[opaque])) / np.sqrt(count)
    return bool(colours >= MIN_COLOURS and flat.size > 0 and flat.mean() <= MAX_FLAT)


def read_scenes(package: Path) -> dict[str, NDArray[np.uint8]]:
    """The wallpapers of `SCENES` by name, [H,W,3] uint8 of at most `SCENE_SIDE`; raises InputError."""
    scenes = {}
    for name, content in debian_members(package):
        path = PurePosixPath(name)
        if path.name in SCENES:
            with Image.open(io.BytesIO(content)) as picture:
                picture.draft("RGB", (SCENE_SIDE, SCENE_SIDE))
                scene = picture.convert("RGB")
            scene.thumbnail((SCENE_SIDE, SCENE_SIDE), Image.Resampling.LANCZOS)
            scenes[path.stem] = np.asarray(scene)
    if not scenes:
        raise InputError(f"{package} does not hold the wallpapers {', '.join(SCENES)}.")
    return scenes


def canvas_for(stamp: NDArray[np.uint8], rng: np.random.Generator) -> tuple[int, int, Placement]:
    """Height and width of a canvas for a stamp [h,w,4], and where on it the stamp goes, whole."""
    height, width = stamp.shape[:2]
    share = rng.uniform(0.45, 0.85)  # of the canvas, by the tighter side
    across, down = ((1.0, 1.0), (1.0, 0.75), (0.75, 1.0))[int(rng.integers(3))]
    fitting = max(width / across, height / down) / share * rng.uniform(1.0, LARGEST_SCALE)
    long_side = min(max(fitting, CANVAS_SIDES[0]), CANVAS_SIDES[1])
    canvas_height, canvas_width = round(down * long_side), round(across * long_side)
    scale = min(share * canvas_width / width, share * canvas_height / height, LARGEST_SCALE)
    w, h = max(1, round(width * scale)), max(1, round(height * scale))
    left = round((canvas_width - w) * rng.uniform(0.2, 0.8))
    top = round((canvas_height - h) * rng.uniform(0.2, 0.8))
    return canvas_height, canvas_width, Placement(w, h, left, top)


def _background(
    scenes: dict[str, NDArray[np.uint8]], crops: Sequence[Path], rng: np.random.Generator
) -> tuple[str, NDArray[np.uint8]]:
    if crops and rng.random() >= WALLPAPER_SHARE:
        path = crops[int(rng.integers(len(crops)))]
        return path.stem, load_rgb(path, SCENE_SIDE)
    name = sorted(scenes)[int(rng.integers(len(scenes)))]
    return name, scenes[name]


def _write_picture(
    folder: Path, file: str, stamp: Stamp, background: tuple[str, NDArray[np.uint8]], rng: np.random.Generator
) -> dict[str, str]:
    trimmed = _trim(stamp.rgba)
    height, width, placement = canvas_for(trimmed, rng)
    composite = compose(trimmed, crop_to(background[1], height, width, rng), placement, rng)
    Image.fromarray(composite.image).save(folder / "image" / file)
    Image.fromarray(composite.matte).save(folder / "matte" / file)
    soft = float(((composite.matte > 5) & (composite.matte < 250)).mean())
    return {
        "file": file,
        "name": stamp.caption,
        "pack": "tuxpaint-stamps-default",
        "soft": f"{soft:.4f}",
        "is_soft": str(int(stamp.is_soft)),
        "stamp": (stamp.folder / stamp.name).as_posix(),
        "background": background[0],
        "blend": composite.blend,
    }


def _trim(rgba: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The stamp without empty margins, but for one pixel, which keeps Lanczos from repeating its rim."""
    padded = np.pad(rgba, ((1, 1), (1, 1), (0, 0)))
    rows, columns = (np.flatnonzero((padded[..., 3] > 0).any(axis=axis)) for axis in (1, 0))
    return padded[rows[0] - 1 : rows[-1] + 2, columns[0] - 1 : columns[-1] + 2]


def _rgba(content: bytes) -> NDArray[np.uint8]:
    with Image.open(io.BytesIO(content)) as picture:
        return np.asarray(picture.convert("RGBA"))
