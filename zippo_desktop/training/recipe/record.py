"""The build's journal, one line for each work that is made, and the manifests and credits written from it."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from zippo_desktop.export.atomic import make_output_dir, open_atomically
from zippo_desktop.training.cutouts import read_backdrops, read_cutouts, split_of
from zippo_desktop.training.recipe.frames import find_duplicates
from zippo_desktop.training.recipe.notice import credit_lines
from zippo_desktop.training.recipe.works import BACKGROUNDS

CUTOUT_COLUMNS: tuple[str, ...] = (
    "file",
    "name",
    "category",
    "creator",
    "licence",
    "pack",
    "model",
    "view",
    "colour",
    "tags",
)
CUTOUT_COLUMNS += ("foreground", "soft", "light", "split")
BACKDROP_COLUMNS = (
    "file",
    "panorama",
    "creator",
    "source",
    "licence",
    "fov",
    "yaw",
    "pitch",
    "light",
    "split",
)


@dataclass
class Made:
    """What became of one work: a row and the size of each file, and why views were dropped."""

    key: str
    folder: str
    settings: str
    rows: list[dict[str, Any]] = field(default_factory=list)
    sizes: dict[str, int] = field(default_factory=dict)
    prints: dict[str, list[int]] = field(default_factory=dict)
    dropped: dict[str, int] = field(default_factory=dict)


class Record:
    """The journal `.work/journal.jsonl` of one data folder."""

    def __init__(self, output: Path) -> None:
        self._output = output
        self._path = output / ".work" / "journal.jsonl"
        self._made: dict[str, Made] = {}
        self._duplicates = self._read_duplicates()
        if self._path.is_file():
            for line in self._path.read_text(encoding="utf-8").splitlines():
                self._take(line)

    def is_made(self, key: str, settings: str) -> bool:
        """Whether a work was made with these settings, and all its files are still there, whole."""
        made = self._made.get(key)
        return made is not None and made.settings == settings and self._is_whole(made)

    def add(self, made: Made) -> None:
        """Note a work whose files are written."""
        make_output_dir(self._path.parent)
        with self._path.open("a", encoding="utf-8") as file:
            # The line end in front keeps this line apart from one that a kill cut short.
            file.write("\n" + json.dumps(asdict(made)) + "\n")
        for name in made.sizes:
            self._duplicates.discard(f"{made.folder}/{name}")
        self._made[made.key] = made

    def write_manifests(self) -> Counter[str]:
        """Remove repeated frames, write every manifest and NOTICE; returns the dropped by reason."""
        whole = [made for _, made in sorted(self._made.items()) if self._is_whole(made)]
        dropped: Counter[str] = Counter()
        for made in whole:
            dropped.update(made.dropped)
        for folder in sorted({made.folder for made in whole}):
            dropped["duplicate"] += self._write_folder(
                folder, [made for made in whole if made.folder == folder]
            )
        manifests = sorted(self._output.glob("*/manifest.csv"))
        if manifests:
            _write_text(self._output / "NOTICE", "\n".join(credit_lines(manifests)) + "\n")
        return dropped

    def _take(self, line: str) -> None:
        """One line of the journal; the last one may be cut short by a kill, and is made again."""
        try:
            made = Made(**json.loads(line))
        except (ValueError, TypeError):
            return
        self._made[made.key] = made

    def _is_whole(self, made: Made) -> bool:
        folder = self._output / made.folder
        return all(
            f"{made.folder}/{name}" in self._duplicates
            or ((folder / name).is_file() and (folder / name).stat().st_size == size)
            for name, size in made.sizes.items()
        )

    def _write_folder(self, folder: str, works: list[Made]) -> int:
        """The manifest of one folder; returns how many of its frames are duplicates."""
        self._remove_duplicates(folder, works)
        rows = [
            row for made in works for row in made.rows if f"{folder}/{row['file']}" not in self._duplicates
        ]
        columns = BACKDROP_COLUMNS if folder == BACKGROUNDS else CUTOUT_COLUMNS
        path = self._output / folder / "manifest.csv"
        _write_table(path, columns, rows)
        splits = _splits(path.parent, is_backdrop=folder == BACKGROUNDS)
        _write_table(path, columns, [row | {"split": splits.get(row["file"], "")} for row in rows])
        return sum(name.startswith(f"{folder}/") for name in self._duplicates)

    def _remove_duplicates(self, folder: str, works: list[Made]) -> None:
        prints = {
            name: numbers
            for made in works
            for name, numbers in made.prints.items()
            if f"{folder}/{name}" not in self._duplicates
        }
        names = list(prints)
        repeated = [names[place] for place in find_duplicates(list(prints.values()))]
        self._duplicates |= {f"{folder}/{name}" for name in repeated}
        _write_text(self._duplicates_path, "\n".join(sorted(self._duplicates)))
        for name in repeated:
            (self._output / folder / name).unlink(missing_ok=True)

    @property
    def _duplicates_path(self) -> Path:
        return self._path.with_name("duplicates.txt")

    def _read_duplicates(self) -> set[str]:
        path = self._duplicates_path
        return set(path.read_text(encoding="utf-8").split("\n")) - {""} if path.is_file() else set()


def _splits(folder: Path, is_backdrop: bool) -> dict[str, str]:
    """The split of each file, as the training's own reader decides it."""
    found = read_backdrops([folder]) if is_backdrop else read_cutouts([folder])
    return {item.path.relative_to(folder).as_posix(): split_of(item.group) for item in found}


def _write_table(path: Path, columns: Iterable[str], rows: list[dict[str, Any]]) -> None:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(columns), restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    _write_text(path, text.getvalue())


def _write_text(path: Path, text: str) -> None:
    make_output_dir(path.parent)
    with open_atomically(path) as file:
        file.write(text.encode())
