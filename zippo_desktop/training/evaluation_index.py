"""The `index.csv` beside an evaluation set's folders: what each picture shows, and which are soft.

`file` (of the image), `name`, `pack`, `soft` (share of 0.02 < alpha < 0.98), `is_soft` (1 for subjects of
fur, hair, foliage or glass, whose error is reported apart); further columns are for people.
"""

from __future__ import annotations

import csv
from pathlib import Path

from zippo_desktop.errors import InputError

INDEX_NAME = "index.csv"
INDEX_COLUMNS = ("file", "name", "pack", "soft", "is_soft")


def soft_files(images_dir: Path) -> frozenset[str]:
    """Names of the images whose subject is soft, from the index beside or in their folder; else none.

    Raises InputError for an index that cannot be read.
    """
    for folder in (images_dir.parent, images_dir):
        path = folder / INDEX_NAME
        if path.is_file():
            return frozenset(row["file"] for row in _rows(path) if row["is_soft"] == "1")
    return frozenset()


def _rows(path: Path) -> list[dict[str, str]]:
    try:
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            if not {"file", "is_soft"} <= set(reader.fieldnames or ()):
                raise InputError(f"{path} has no columns 'file' and 'is_soft'.")
            return list(reader)
    except (OSError, ValueError) as error:
        raise InputError(f"The index {path} cannot be read ({error}).") from error
