"""The furniture catalogue of Sweet Home 3D: its models, their names and who made them."""

from __future__ import annotations

import re
import zipfile
from dataclasses import dataclass
from pathlib import Path

from zippo_desktop.errors import InputError

PROPERTIES = "PluginFurnitureCatalog.properties"
# Licences as Debian's copyright file and each collection's LICENSE.TXT state them.
LICENCES = {
    "BlendSwap-CC-0": "CC0-1.0",
    "BlendSwap-CC-BY": "CC-BY-3.0",
    "KatorLegaz": "CC-BY-3.0",
    "Reallusion": "CC-BY-3.0",
    "Scopia": "CC-BY-3.0",
}
BRANDED = re.compile(r"\b(apple|iphone|imac|vw|smart car|playstation|car model)\b|phone$", re.IGNORECASE)
NOT_BRANDED = {"headphones", "xylophone"}


@dataclass(frozen=True)
class Model:
    """One model: `member` is its OBJ file in the collection `archive`; sizes in metres."""

    archive: Path
    index: int
    name: str
    category: str
    creator: str
    tags: tuple[str, ...]
    member: str
    turn: tuple[float, ...]
    size_m: tuple[float, float, float]

    @property
    def pack(self) -> str:
        """The collection's name."""
        return self.archive.stem

    @property
    def licence(self) -> str:
        """The licence of the collection."""
        return LICENCES[self.pack]


def read_models(folder: Path) -> list[Model]:
    """All models in the collections (*.sh3f) below `folder`, without doors, windows and branded things."""
    return [
        model
        for archive in sorted(folder.rglob("*.sh3f"))
        if archive.stem in LICENCES
        for model in _read_archive(archive)
    ]


def extract_model(model: Model, folder: Path) -> Path:
    """Unpack what lies beside the model's OBJ file into `folder`; returns the OBJ file's path there."""
    beside = model.member.rpartition("/")[0] + "/"
    with zipfile.ZipFile(model.archive) as archive:
        for member in archive.namelist():
            if member.startswith(beside):
                archive.extract(member, folder)
    return folder / model.member


def _read_archive(archive: Path) -> list[Model]:
    try:
        with zipfile.ZipFile(archive) as file:
            text = file.read(PROPERTIES).decode("latin-1")
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise InputError(f"{archive} is not a furniture collection ({error}).") from error
    entries: dict[int, dict[str, str]] = {}
    for key, index, value in re.findall(r"^(\w+)#(\d+)=(.*?)\s*$", text, re.MULTILINE):
        entries.setdefault(int(index), {})[key] = _unescaped(value)
    return [_model(archive, index, entry) for index, entry in sorted(entries.items()) if _is_wanted(entry)]


def _is_wanted(entry: dict[str, str]) -> bool:
    name = entry["name"].strip().lower()
    is_opening = entry.get("doorOrWindow") == "true" or entry["category"] == "Doors and windows"
    return not is_opening and (name in NOT_BRANDED or not BRANDED.search(name))


def _model(archive: Path, index: int, entry: dict[str, str]) -> Model:
    width, depth, height = (float(entry[key]) / 100 for key in ("width", "depth", "height"))
    return Model(
        archive=archive,
        index=index,
        name=entry["name"].strip(),
        category=entry["category"].strip(),
        creator=entry.get("creator", "").strip(),
        tags=tuple(tag.strip() for tag in entry.get("tags", "").split(",") if tag.strip()),
        member=entry["model"].lstrip("/"),
        turn=tuple(float(number) for number in entry.get("modelRotation", "").split()),
        size_m=(width, depth, height),
    )


def _unescaped(value: str) -> str:
    """Java's properties write characters beyond Latin-1 as \\uXXXX."""
    return re.sub(r"\\u([0-9a-fA-F]{4})", lambda match: chr(int(match[1], 16)), value)
