"""Writing prompts as the files that `batch.prompts.read_prompts` reads."""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

from zippo_desktop.batch.prompts import PromptRow
from zippo_desktop.errors import UsageError
from zippo_desktop.export.atomic import open_atomically
from zippo_desktop.export.naming import safe_stem

COLUMNS = tuple(each.name for each in fields(PromptRow) if each.name != "where")
SUFFIXES = (".txt", ".csv")  # of lists of prompts
_STEM_BYTES = 60
_NOT_WORDS = re.compile(r"\W+")


def one_line(text: str) -> str:
    """A prompt as it is read from a file: on one line, with single spaces."""
    return " ".join(text.split())


def write_prompts(path: Path, rows: Sequence[PromptRow]) -> str:
    """Write a .csv table, which keeps everything, or a .txt file with a prompt a line.

    Gives back a sentence on what a .txt file could not keep, "" where nothing was lost. Raises
    `UsageError` where it cannot be read again, `ExportError` where it cannot be written.
    """
    if not rows:
        raise UsageError("There is no prompt to write.", "Add one first.")
    if path.suffix.lower() == ".csv":
        _write(path, _table(rows, path.parent))
        return ""
    if path.suffix.lower() != ".txt":
        raise UsageError(f"{path} is no .txt file and no .csv file.", "Name it so.")
    _write(path, "".join(f"{_line(row)}\n" for row in rows))
    return _lost(rows)


def write_folder(folder: Path, rows: Sequence[PromptRow]) -> str:
    """Write one .txt file a prompt into a folder that has none yet; otherwise as `write_prompts`."""
    if not rows:
        raise UsageError("There is no prompt to write.", "Add one first.")
    lines = [_line(row) for row in rows]
    present = next(folder.rglob("*.[tT][xX][tT]"), None)
    if present:
        raise UsageError(f"There are prompts in {folder} already: {present.name}.", "Choose an empty folder.")
    digits = max(3, len(str(len(rows))))
    for number, line in enumerate(lines, start=1):
        words = safe_stem(_NOT_WORDS.sub("-", line.lower()).strip("-"), _STEM_BYTES)
        _write(folder / f"{number:0{digits}}-{words}.txt", line + "\n")
    return _lost(rows)


def _table(rows: Sequence[PromptRow], folder: Path) -> str:
    """The rows with a heading; a column that no row fills is left out, but for the prompt's."""
    used = [name for name in COLUMNS if name == "prompt" or any(_cell(row, name, folder) for row in rows)]
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(used)
    for row in rows:
        writer.writerow([_cell(row, name, folder) for name in used])
    return text.getvalue()


def _cell(row: PromptRow, name: str, folder: Path) -> str:
    value = getattr(row, name)
    if isinstance(value, Path):  # as it is seen from the table, so that both can be moved together
        whole, base = os.path.abspath(value), os.path.abspath(folder)
        return os.path.relpath(whole, base) if Path(whole).is_relative_to(base) else whole
    if isinstance(value, str):
        return one_line(value)
    return "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def _line(row: PromptRow) -> str:
    line = one_line(row.prompt)
    if line.startswith("#"):
        raise UsageError(f"'{line}' would be read as a comment.", "Write a .csv table.")
    return line


def _lost(rows: Sequence[PromptRow]) -> str:
    """What a text file keeps nothing of."""
    lost = [name for name in COLUMNS[1:] if any(getattr(row, name) is not None for row in rows)]
    return f"The file keeps no {', '.join(lost)}: a .csv table does." if lost else ""


def _write(path: Path, text: str) -> None:
    with open_atomically(path) as file:
        file.write(text.encode("utf-8"))
