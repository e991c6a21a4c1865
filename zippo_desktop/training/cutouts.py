"""Reading training material: folders of RGBA cut-outs with captions, and folders of backgrounds.

A folder may hold a `manifest.csv` (`file`, `name`, and if known `colour`, `tags`, `pack`, `model`);
without one, or for files it does not list, `NAME.txt` beside a picture is its caption.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from zippo_desktop.errors import InputError

PICTURE_SUFFIXES = {".webp", ".png", ".jpg", ".jpeg", ".tif", ".tiff"}
TEST_PERCENT = 10
PROCEDURAL_PACKS = {"fur", "foliage", "glass-vessels"}


@dataclass(frozen=True)
class Cutout:
    """One RGBA cut-out on disk. `group` decides its split: equal groups never get separated."""

    path: Path
    captions: tuple[str, ...]
    group: str


@dataclass(frozen=True)
class Backdrop:
    """One background picture on disk; `group` as in `Cutout`."""

    path: Path
    group: str


def split_of(group: str) -> str:
    """Either "train" or "test" (about one in ten), from a hash of the group alone."""
    digest = hashlib.sha256(f"zippo split 15 {group}".encode()).digest()
    return "test" if int.from_bytes(digest[:4], "big") % 100 < TEST_PERCENT else "train"


def read_cutouts(folders: Sequence[Path], split: str | None = None) -> list[Cutout]:
    """All cut-outs of `folders` that belong to `split` (None: all), in a stable order.

    Raises InputError if a folder is missing or nothing is found.
    """
    cutouts = [_cutout(path, row) for path, row in _pictures(folders)]
    chosen = [cutout for cutout in cutouts if split in (None, split_of(cutout.group))]
    if not chosen:
        raise InputError(
            f"No cut-outs for the {split or 'whole'} set in {', '.join(map(str, folders))}.",
            "A cut-out set is a folder of RGBA pictures with a manifest.csv or a .txt caption beside each.",
        )
    return chosen


def read_backdrops(folders: Sequence[Path], split: str | None = None) -> list[Backdrop]:
    """All backgrounds of `folders` that belong to `split`, grouped by their `panorama` column."""
    backdrops = [Backdrop(path, _scene_name(path, row)) for path, row in _pictures(folders)]
    return [backdrop for backdrop in backdrops if split in (None, split_of(backdrop.group))]


def load_rgba(path: Path, side: int) -> NDArray[np.uint8]:
    """A cut-out, shrunk so that its longer side is at most `side`: [H,W,4] uint8 straight."""
    return _load(path, side, "RGBA")


def load_rgb(path: Path, side: int) -> NDArray[np.uint8]:
    """A background, shrunk so that its longer side is at most `side`: [H,W,3] uint8."""
    return _load(path, side, "RGB")


def caption_beside(path: Path) -> str | None:
    """What `NAME.txt` beside a picture says of it; None where there is none.

    Raises InputError if it cannot be read.
    """
    sidecar = path.with_suffix(".txt")
    if not sidecar.is_file():
        return None
    try:
        return sidecar.read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        raise InputError(f"The caption {sidecar} cannot be read ({error}).", "Save it as UTF-8.") from error


def _load(path: Path, side: int, mode: str) -> NDArray[np.uint8]:
    try:
        with Image.open(path) as image:
            picture = image.convert(mode)
    except OSError as error:
        raise InputError(f"{path} cannot be read as a picture ({error}).") from error
    if max(picture.size) > side:
        # Pillow premultiplies RGBA by itself. Lanczos overshoots where alpha saturates: a bright rim.
        picture.thumbnail((side, side), Image.Resampling.HAMMING)
    return np.asarray(picture)


def _pictures(folders: Sequence[Path]) -> list[tuple[Path, dict[str, str]]]:
    found = []
    for folder in folders:
        if not folder.is_dir():
            raise InputError(f"The folder {folder} does not exist.", "Check the paths in the configuration.")
        rows = _manifest(folder / "manifest.csv")
        paths = (path for path in folder.rglob("*") if path.suffix.lower() in PICTURE_SUFFIXES)
        found += [(path, rows.get(path.relative_to(folder).as_posix(), {})) for path in sorted(paths)]
    return found


def _manifest(path: Path) -> dict[str, dict[str, str]]:
    if not path.is_file():
        return {}
    with path.open(newline="", encoding="utf-8") as file:
        return {row["file"]: row for row in csv.DictReader(file)}


def _cutout(path: Path, row: dict[str, str]) -> Cutout:
    if row.get("name"):
        return Cutout(path, _captions(row), _group(row))
    caption = caption_beside(path)
    caption = path.stem if caption is None else caption
    return Cutout(path, (caption,), caption.lower())


def _scene_name(path: Path, row: dict[str, str]) -> str:
    """The panorama that a background was cropped from, without its collection: scenes recur."""
    return f"backdrop {(row.get('panorama') or path.stem).removeprefix('pmndrs_')}"


def _group(row: dict[str, str]) -> str:
    """The object's name, furry or not; in procedural packs, where one name covers many things, its number."""
    if row.get("pack") in PROCEDURAL_PACKS:
        return f"{row['pack']} {row['model']}"
    return row["name"].strip().lower().removeprefix("fluffy ")


def _captions(row: dict[str, str]) -> tuple[str, ...]:
    """Several phrasings of one object: plain, as a photo, as a render, with its colour, by its tags."""
    name = row["name"].strip().lower()
    if row.get("pack", "").startswith("glass-") and "glass" not in name:
        name = f"glass {name}"
    names = [name, f"{row['colour']} {name}"] if row.get("colour") else [name]
    captions = [phrase for words in names for phrase in _phrases(words)]
    captions += [tag for tag in row.get("tags", "").split("|")[:5] if tag]
    return tuple(captions)


def _phrases(words: str) -> list[str]:
    """Ways to ask for one thing."""
    with_article = f"{_article(words)} {words}"
    return [words, with_article, f"a photo of {with_article}", f"{words}, 3-D render"]


def _article(words: str) -> str:
    return "an" if words[0] in "aeiou" else "a"
