"""What generation is measured on: the names with most views, these in two parts, and paraphrases.

A name is split by view, since the judge has to know it: it learns from the known views, and is itself
measured, like the real pictures in a report, on the unseen ones.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from zippo_desktop.errors import InputError
from zippo_desktop.imaging.cleanness import is_clipped
from zippo_desktop.training.cutouts import Cutout, load_rgba, read_cutouts

MIN_VIEWS = 4
UNSEEN_SHARE = 0.25  # of a name's views, and at least one of them
LOAD_PX = 320

SAME_THING = (frozenset({"sofa", "couch"}), frozenset({"glass", "drinking glass"}))

PARAPHRASES = {
    "chair": "a wooden seat with a backrest and four legs",
    "armchair": "a comfy upholstered seat for one person",
    "table": "an old dining board on four legs",
    "sofa": "a padded settee for the living room",
    "bed": "somewhere to sleep, with a mattress and pillows",
    "desk": "an office workstation with a writing surface",
    "lamp": "a bedside light with a shade",
    "stool": "an old wooden barstool",
    "vase": "a ceramic pot for cut flowers",
    "washbasin": "a bathroom sink with a tap",
    "glass": "a tumbler to drink from",
    "bookcase": "wooden shelves full of novels",
    "box": "a cardboard carton",
    "male": "a standing man",
    "tool": "a wrench from the workshop",
    "iron railing": "a wrought metal balustrade",
    "wardrobe": "a tall closet for clothes",
    "plant": "a leafy houseplant in a pot",
    "rock": "a grey boulder",
    "toilets unit": "a white porcelain lavatory",
    "towel": "a folded terry cloth for the bath",
    "truck": "a heavy lorry",
    "holding female": "a woman carrying something",
    "porch column": "a tall classical pillar",
    "scooter": "a small moped",
    "sitting female": "a seated woman",
    "bowl": "a round dish for soup",
    "child swing": "a playground seat hanging on ropes",
    "christmas tree": "a decorated fir with baubles",
    "coffee cup": "an espresso mug",
    "drawers cabinet": "a chest of drawers",
    "fireplace": "a hearth with a mantelpiece",
    "hanging clothes": "shirts on coat hangers",
    "horse": "a brown stallion",
    "knife stand": "a wooden block with kitchen blades",
    "pedestrian railing": "a street barrier made of steel bars",
    "sitting girl": "a seated young lady",
    "tulips": "a bouquet of spring flowers",
    "umbrella": "a large parasol",
    "bamboo": "tall green canes with leaves",
    "bench": "a long park seat",
    "candle": "a burning wax light",
    "concept sedan 01": "a futuristic sports car",
    "ficus": "a weeping fig tree",
    "football goal": "a soccer net with white posts",
    "hanging light": "a pendant fixture for the ceiling",
    "hedge": "a clipped green shrub",
    "hood": "a kitchen extractor",
    "watch": "a timepiece with a leather strap for the wrist",
    "skirt": "a pleated garment for women",
}


@dataclass(frozen=True)
class NamedViews:
    """One name's cut-outs: those the judge learns from, and those it never sees."""

    name: str
    known: tuple[Path, ...]
    unseen: tuple[Path, ...]


@dataclass(frozen=True)
class PromptFor:
    """What to ask a model for, and the name that the judge should then see."""

    text: str
    name: str


def choose_names(folders: Sequence[Path], count: int) -> list[NamedViews]:
    """The `count` training names with most views that are whole in their frame; ties by the alphabet.

    Left out: procedural things, whose names are numbers; a name that contains a chosen one as words
    ("coffee table" after "table"), or is the same thing by `SAME_THING`; fewer than 4 whole views.
    Raises InputError if fewer than two names are left.
    """
    views = _views_by_name(read_cutouts(folders, "train"))
    chosen: list[NamedViews] = []
    for name in sorted(views, key=lambda name: (-len(views[name]), name)):
        if len(chosen) == count or len(views[name]) < MIN_VIEWS:
            break
        if any(_is_kind_of(name, other.name) for other in chosen):
            continue
        whole = [path for path in views[name] if not is_clipped(load_rgba(path, LOAD_PX)[..., 3])]
        if len(whole) >= MIN_VIEWS:
            chosen.append(_split(name, whole))
    if len(chosen) < 2:
        raise InputError(
            f"{', '.join(map(str, folders))} have fewer than two names with {MIN_VIEWS} whole views each.",
            "The judge learns a name from its views; add cut-outs that show one thing several times.",
        )
    return chosen


def paraphrases(names: Sequence[NamedViews], folders: Sequence[Path]) -> list[PromptFor]:
    """One paraphrase for each name that has one written down and that is no training caption itself."""
    captions = {caption for cutout in read_cutouts(folders, "train") for caption in cutout.captions}
    written = [(PARAPHRASES.get(views.name), views.name) for views in names]
    return [PromptFor(text, name) for text, name in written if text and text not in captions]


def load_view(path: Path) -> NDArray[np.uint8]:
    """A view at the size that measuring works from: [H,W,4] uint8 straight."""
    return load_rgba(path, LOAD_PX)


def _views_by_name(cutouts: Sequence[Cutout]) -> dict[str, list[Path]]:
    views: dict[str, list[Path]] = {}
    for cutout in cutouts:
        if not cutout.group.startswith("fur "):
            views.setdefault(cutout.captions[0], []).append(cutout.path)
    return views


def _is_kind_of(name: str, other: str) -> bool:
    return f" {other} " in f" {name} " or any({name, other} <= same for same in SAME_THING)


def _split(name: str, paths: Sequence[Path]) -> NamedViews:
    """Deal a name's views out by a hash of their file names alone."""
    dealt = sorted(paths, key=lambda path: hashlib.sha256(f"judge {path.name}".encode()).digest())
    unseen = max(1, round(UNSEEN_SHARE * len(dealt)))
    return NamedViews(name, tuple(dealt[unseen:]), tuple(dealt[:unseen]))
