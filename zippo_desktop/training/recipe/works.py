"""What the recipe makes: one `Work` for each model, procedural thing, room, panorama or drawing."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from zippo_desktop.training.cutouts import split_of
from zippo_desktop.training.recipe.catalogue import Model

MAX_TABLE_M, MAX_ROOM_M = 0.6, 2.2  # the largest side of what stands there
CUTOUTS, CLIPART, BACKGROUNDS = "cutouts", "clipart", "backgrounds"
OBJECT_VIEWS, GLASS_VIEWS, ROOM_VIEWS, CROPS = 8, 3, 6, 24
FUR_COUNT, FOLIAGE_COUNT, VESSEL_COUNT, ROOM_COUNT = 480, 450, 168, 90

FUR_NAMES = {
    "pompom": ("wool pompom", "furry ball", "fluffy pompom"),
    "slipper": ("furry slipper", "fluffy slipper"),
    "cushion": ("fluffy cushion", "fur cushion", "shaggy rug"),
    "teddy": ("teddy bear", "plush toy", "plush bear"),
    "animal": ("furry animal", "plush dog", "shaggy dog"),
    "bird": ("fluffy chick", "furry bird"),
    "caterpillar": ("furry caterpillar", "woolly caterpillar"),
    "wig": ("wig", "hair", "long hair"),
}
FOLIAGE_NAMES = {
    "grass": ("tuft of grass", "grass"),
    "bush": ("bush", "shrub"),
    "branch": ("branch with leaves", "leafy branch"),
    "twigs": ("bare branch", "twig"),
    "fern": ("fern", "fern plant"),
    "palm": ("palm leaf", "palm frond"),
    "feather": ("feather", "quill"),
    "dandelion": ("dandelion clock", "dandelion"),
    "reed": ("reed", "pampas grass"),
}
VESSEL_NAMES = {
    "wine glass": "wine glass",
    "bottle": "glass bottle",
    "jar": "glass jar",
    "tumbler": "drinking glass",
    "bowl": "glass bowl",
    "vase": "glass vase",
    "ball": "glass ball",
}
GLASSY = re.compile(
    r"\b(vase|bottle|glass|glasses|jar|cup|bowl|lamp|lantern|ball|sphere|statue|sculpture|figure|pot|pitcher|carafe|"
    r"candle|plate|ashtray|mug|teapot|chess|duck|horse|cat|bust|goblet|trophy)\b",
    re.IGNORECASE,
)
FURRY = re.compile(
    r"\b(cushion|pillow|pouf|ottoman|rug|carpet|stool|armchair|cat|dog|horse|bear|sheep|teddy|rabbit|monkey|hat)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Work:
    """One asset to be made. `source` is what `--only` calls it; `folder` is the set that it belongs to."""

    source: str
    folder: str
    kind: str
    name: str
    category: str
    creator: str
    licence: str
    pack: str
    model: str
    views: int
    shape: str = ""
    tags: tuple[str, ...] = ()
    models: tuple[Model, ...] = ()
    panorama: Path | None = None
    svg: str = ""

    @property
    def key(self) -> str:
        """Its name in the journal, and the beginning of its files' names."""
        return re.sub(r"[^\w.-]+", "-", f"{self.pack}_{self.model}")


def objects(models: Iterable[Model], views: int | None) -> Iterator[Work]:
    """Every model of the catalogue in its own materials."""
    for model in models:
        yield _of_model("objects", "model", model, model.name, model.pack, views or OBJECT_VIEWS)


def glass(models: Iterable[Model], views: int | None) -> Iterator[Work]:
    """Vessels off a lathe, and fitting models of the catalogue, in clear or tinted glass."""
    for number, shape in _cycle(list(VESSEL_NAMES), VESSEL_COUNT):
        name = VESSEL_NAMES[shape]
        yield _procedural("glass", shape, name, "Glass", "glass-vessels", number, views or 1)
    for model in models:
        if GLASSY.search(model.name):
            yield _of_model("glass", "glass", model, model.name, f"glass-{model.pack}", views or GLASS_VIEWS)


def fur(models: Iterable[Model], views: int | None) -> Iterator[Work]:
    """Welded balls, and fitting models of the catalogue, with hair."""
    for number, shape in _cycle(list(FUR_NAMES), FUR_COUNT):
        name = FUR_NAMES[shape][number // len(FUR_NAMES) % len(FUR_NAMES[shape])]
        yield _procedural("fur", shape, name, "Fur and hair", "fur", number, views or 1)
    for model in models:
        if FURRY.search(model.name):
            yield _of_model(
                "fur", "fur", model, f"fluffy {model.name.lower()}", f"furry-{model.pack}", views or 2
            )


def foliage(views: int | None) -> Iterator[Work]:
    """Grass, leaves, fronds and feathers."""
    for number, shape in _cycle(list(FOLIAGE_NAMES), FOLIAGE_COUNT):
        names = FOLIAGE_NAMES[shape]
        name = names[number // len(FOLIAGE_NAMES) % len(names)]
        yield _procedural("foliage", shape, name, "Foliage", "foliage", number, views or 1)


def rooms(models: list[Model], views: int | None, seed: int) -> Iterator[Work]:
    """Rooms, and tables full of small things.

    Each holds models of its own split only, so that no test object is seen in training.
    """
    for number in range(ROOM_COUNT):
        scene = f"room_{number:04d}"
        split = split_of(f"backdrop {scene}")
        shape, limit_m = ("table", MAX_TABLE_M) if number % 2 else ("room", MAX_ROOM_M)
        usable = [
            model
            for model in models
            if split_of(model.name.lower()) == split and max(model.size_m) <= limit_m
        ]
        ranks = sorted(usable, key=lambda model: _rank(f"{seed} {scene} {model.pack} {model.index}"))
        yield Work(
            source="rooms",
            folder=BACKGROUNDS,
            kind="room",
            name=scene,
            category="Rooms",
            creator=", ".join(sorted({model.creator for model in ranks[: _crowd(number)]})),
            licence="CC-BY-3.0",
            pack="rooms",
            model=f"{number:04d}",
            views=views or ROOM_VIEWS,
            shape=shape,
            models=tuple(ranks[: _crowd(number)]),
        )


def panoramas(files: Iterable[Path], views: int | None) -> Iterator[Work]:
    """Crops of each panorama; the courtyard, which has a dog in it, is left out."""
    for path in files:
        if path.stem != "courtyard":
            pack = "panoramas" if path.stem.startswith("pmndrs_") else "studiolights"
            yield Work(
                source="panoramas",
                folder=BACKGROUNDS,
                kind="panorama",
                name=path.stem,
                category="Panoramas",
                creator="",
                licence="CC0-1.0",
                pack=pack,
                model=path.stem,
                views=views or CROPS,
                panorama=path,
            )


def _crowd(number: int) -> int:
    """How many things stand in a room: few to many."""
    return 8 + number * 7 % 15


def _rank(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _cycle(shapes: list[str], count: int) -> Iterator[tuple[int, str]]:
    return ((number, shapes[number % len(shapes)]) for number in range(count))


def _procedural(kind: str, shape: str, name: str, category: str, pack: str, number: int, views: int) -> Work:
    return Work(
        source=kind,
        folder=CUTOUTS,
        kind=kind,
        name=name,
        category=category,
        pack=pack,
        model=f"{number:04d}",
        views=views,
        shape=shape,
        creator="procedural",
        licence="CC0-1.0",
    )


def _of_model(source: str, kind: str, model: Model, name: str, pack: str, views: int) -> Work:
    return Work(
        source=source,
        folder=CUTOUTS,
        kind=kind,
        name=name,
        category=model.category,
        creator=model.creator,
        licence=model.licence,
        pack=pack,
        model=str(model.index),
        views=views,
        tags=model.tags,
        models=(model,),
    )
