"""Credits for the material that a model was trained on, from the manifests of its cut-out sets."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from zippo_desktop.errors import InputError


def credit_lines(manifests: Iterable[Path]) -> list[str]:
    """One line for each licence, creator and pack, naming every work of theirs once, alphabetically.

    A manifest is a CSV with `name`, `creator`, `licence` and `pack`, or, for backgrounds,
    `panorama`, `source` and `licence`. Raises InputError for one that cannot be read.
    """
    works: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    for path in manifests:
        for row in _rows(path):
            name = (row.get("name") or row.get("panorama") or row["file"]).removeprefix("glass ")
            creator = row.get("creator") or "creator not named"
            source = (row.get("pack") or row.get("source") or path.parent.name).removeprefix("glass-")
            works[row["licence"], creator, source].add(name.strip())
    return [
        f"{licence}, {creator} ({source}): {', '.join(sorted(names, key=str.lower))}"
        for (licence, creator, source), names in sorted(works.items(), key=lambda item: str(item[0]).lower())
    ]


def _rows(path: Path) -> list[dict[str, str]]:
    try:
        with path.open(newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))
    except (OSError, ValueError) as error:
        raise InputError(f"The manifest {path} cannot be read ({error}).") from error
