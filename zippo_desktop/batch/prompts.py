"""Reading prompts: from the command line, a .txt file, a .csv table, or a folder of .txt files."""

from __future__ import annotations

import codecs
import csv
import io
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from zippo_desktop.errors import UsageError

_BYTE_ORDER_MARKS = {codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
_MOST_ERRORS_TOLD = 10


@dataclass(frozen=True)
class PromptRow:
    """One prompt and what it sets for itself; None leaves the choice to the command's options.

    `where` names the file and line it comes from, empty for a prompt given by hand.
    """

    prompt: str
    negative: str | None = None
    count: int | None = None
    seed: int | None = None
    steps: int | None = None
    guidance: float | None = None
    size: int | None = None
    name: str | None = None
    where: str = ""
    matte: Path | None = None  # for painting: what it is painted into
    tries: int | None = None  # for generation


def read_prompts(path: Path, recursive: bool = True) -> list[PromptRow]:
    """The prompts of a .txt or .csv file, or of all .txt files of a folder in the order of their names.

    All faulty lines are told at once, each with its number. Raises `UsageError`.
    """
    if path.is_dir():
        rows = [row for file in _text_files(path, recursive) for row in _read_lines(file)]
    elif path.suffix.lower() == ".csv":
        rows = _read_table(path)
    elif path.suffix.lower() == ".txt":
        rows = list(_read_lines(path))
    else:
        raise UsageError(f"{path} is no .txt file, no .csv file and no folder.")
    if not rows:
        raise UsageError(f"{path} holds no prompts.")
    return rows


def _text_files(folder: Path, recursive: bool) -> list[Path]:
    """The .txt files of a folder, and of its sub-folders; an unreadable folder is a `UsageError`."""

    def refuse(error: OSError) -> None:
        raise UsageError(f"The folder {error.filename} cannot be read: {error.strerror}.") from error

    found = []
    for parent, subfolders, names in os.walk(folder, onerror=refuse):
        found += [Path(parent, name) for name in names if name.lower().endswith(".txt")]
        if not recursive:
            subfolders.clear()
    return sorted(found)


def _read_lines(path: Path) -> Iterator[PromptRow]:
    """One prompt a line; empty lines and lines that begin with # are left out."""
    for number, line in enumerate(_text(path).splitlines(), start=1):
        prompt = line.strip()
        if prompt and not prompt.startswith("#"):
            yield PromptRow(prompt, where=f"{path.name} line {number}")


def _read_table(path: Path) -> list[PromptRow]:
    """A table with a heading; only `prompt` must be there, and an empty cell is one not given."""
    text = _text(path)
    heading = text.partition("\n")[0]
    delimiter = max(",;\t", key=heading.count)  # spreadsheets in much of Europe write semicolons
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows, errors = [], []
    try:
        _check_heading(reader.fieldnames or (), path)
        for cells in reader:
            try:
                rows.append(_row(cells, f"{path.name} line {reader.line_num}", path.parent))
            except ValueError as error:
                errors.append(f"line {reader.line_num}: {error}")
    except csv.Error as error:
        errors.append(f"line {reader.reader.line_num}: {error}")
    if errors:
        more = "; …" if len(errors) > _MOST_ERRORS_TOLD else ""
        raise UsageError(f"{path} cannot be used: {'; '.join(errors[:_MOST_ERRORS_TOLD])}{more}.")
    return rows


def _check_heading(columns: Iterable[str], path: Path) -> None:
    known = ", ".join(("prompt", *_COLUMNS))
    unknown = [column for column in columns if column.strip() not in ("prompt", *_COLUMNS)]
    if unknown:
        raise UsageError(f"{path} has an unknown column: {unknown[0]!r}.", f"Known columns are {known}.")
    if "prompt" not in (column.strip() for column in columns):
        raise UsageError(
            f"{path} has no column named prompt.", f"Its first line must name the columns: {known}."
        )


def _row(cells: Mapping[str | None, str | list[str] | None], where: str, folder: Path) -> PromptRow:
    """One line of the table, whose mattes lie in `folder`. Raises `ValueError` with what is wrong in it."""
    if None in cells:
        raise ValueError("it has more cells than the heading")
    given = {str(key).strip(): str(cell or "").strip() for key, cell in cells.items()}
    prompt = given.pop("prompt")
    if not prompt:
        raise ValueError("the prompt is empty")
    matte = folder / given["matte"] if given.get("matte") else None
    if matte and not matte.is_file():
        raise ValueError(f"the matte {given['matte']!r} is not there")
    values = {key: _value(key, cell) for key, cell in given.items() if cell and key != "matte"}
    return PromptRow(prompt, **values, matte=matte, where=where)  # type: ignore[arg-type]  # each column has its own reader


def _value(column: str, cell: str) -> str | int | float:
    try:
        return _COLUMNS[column](cell)
    except ValueError as error:
        raise ValueError(f"{column} {cell!r} {error}") from None


def _whole_number(least: int) -> Callable[[str], int]:
    def read(cell: str) -> int:
        if not cell.isdecimal() or int(cell) < least:
            raise ValueError(f"is not a whole number from {least} up")
        return int(cell)

    return read


def _guidance(cell: str) -> float:
    try:
        value = float(cell)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise ValueError("is not a number from 0 up")
    return value


_COLUMNS: dict[str, Callable[[str], str | int | float]] = {
    "negative": str,
    "count": _whole_number(1),
    "seed": _whole_number(0),
    "steps": _whole_number(1),
    "guidance": _guidance,
    "size": _whole_number(1),
    "name": str,
    "matte": str,
    "tries": _whole_number(1),
}


def _text(path: Path) -> str:
    """A text file's content: UTF-8, with or without a byte order mark, or UTF-16 with one."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UsageError(f"The prompts in {path} cannot be read: {error.strerror or error}.") from error
    try:
        return content.decode(_BYTE_ORDER_MARKS.get(content[:2], "utf-8-sig"))
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise UsageError(f"{path} line {line} is not UTF-8 text.", "Save the file as UTF-8.") from error
