"""The table of prompts, a row each, as it is edited; the rows are those that files and jobs take."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, Qt, Signal

from zippo_desktop.batch.prompts import PromptRow
from zippo_desktop.errors import printable
from zippo_desktop.gui.item_model import Index
from zippo_desktop.gui.prompt_files import one_line
from zippo_desktop.pipelines.request import GenerationRequest

SEEDS = 1_000_000  # those of chance: short enough to be read out
DEFAULT_ROLE = Qt.ItemDataRole.UserRole + 1  # what counts where a cell is empty, as text


@dataclass(frozen=True)
class Column:
    """A column: the field of `PromptRow`, its heading, what it is for, and what a cell takes."""

    field: str
    heading: str
    tip: str
    kind: Literal["text", "whole", "number", "file"] = "text"
    least: int = 0
    default: str = ""


_REQUEST = GenerationRequest
COLUMNS: Sequence[Column] = (
    Column("prompt", "Prompt", "What to make."),
    Column("negative", "Negative", "What should not be there."),
    Column("count", "Count", "Pictures for this prompt, with seeds counted up.", "whole", 1, "1"),
    Column("seed", "Seed", "Same seed, same picture.", "whole", 0, str(_REQUEST.seed)),
    Column("steps", "Steps", "Denoising steps: more take longer.", "whole", 1, str(_REQUEST.steps)),
    Column("size", "Size", "Side of the square picture, in pixels.", "whole", 1, "auto"),
    Column(
        "guidance",
        "Guidance",
        "How closely to follow the prompt; 1 is unguided.",
        "number",
        0,
        f"{_REQUEST.guidance:g}",
    ),
    Column(
        "tries",
        "Tries",
        "Pictures that are made for one that is a clean cut-out: whole, in one piece, clear of the frame.",
        "whole",
        1,
        str(_REQUEST.tries),
    ),
    Column("name", "Name", "What the file is called.", "text", 0, "by prompt"),
    Column("matte", "Matte", "What this prompt alone is painted into.", "file", 0, "all"),
)


def column_of(field: str) -> int:
    """Where the column of a field is."""
    return next(place for place, column in enumerate(COLUMNS) if column.field == field)


class PromptModel(QAbstractTableModel):
    """Prompts in their order. An empty cell leaves the choice to the defaults; a wrong one is refused."""

    refused = Signal(str)  # why, as a sentence
    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows: list[PromptRow] = []
        for signal in (self.dataChanged, self.rowsInserted, self.rowsRemoved, self.modelReset):
            signal.connect(self.changed)

    @property
    def rows(self) -> Sequence[PromptRow]:
        """All prompts."""
        return tuple(self._rows)

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008, N802  Qt's own signature
        """How many prompts there are."""
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008, N802
        """How many columns there are, shown or not."""
        return 0 if parent.isValid() else len(COLUMNS)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """What a cell says."""
        if not index.isValid():
            return None
        row, column = self._rows[index.row()], COLUMNS[index.column()]
        value = getattr(row, column.field)
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.EditRole):
            is_shown = role == Qt.ItemDataRole.DisplayRole
            return _shown(value.name if isinstance(value, Path) and is_shown else value)
        if role == DEFAULT_ROLE:
            return column.default
        if role == Qt.ItemDataRole.ToolTipRole:
            return _shown(value) if column.kind == "text" and value else column.tip
        if role == Qt.ItemDataRole.TextAlignmentRole and column.kind in ("whole", "number"):
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        return None

    def headerData(  # noqa: N802
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        """Names of the columns and numbers of the rows."""
        if orientation == Qt.Orientation.Vertical:
            return section + 1 if role == Qt.ItemDataRole.DisplayRole else None
        column = COLUMNS[section]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            side = (
                Qt.AlignmentFlag.AlignLeft if column.kind in ("text", "file") else Qt.AlignmentFlag.AlignRight
            )
            return side | Qt.AlignmentFlag.AlignVCenter
        return {Qt.ItemDataRole.DisplayRole: column.heading, Qt.ItemDataRole.ToolTipRole: column.tip}.get(
            Qt.ItemDataRole(role)
        )

    def flags(self, index: Index) -> Qt.ItemFlag:
        """Every cell can be edited."""
        flags = super().flags(index)
        return flags | Qt.ItemFlag.ItemIsEditable if index.isValid() else flags

    def setData(  # noqa: N802
        self, index: Index, value: Any, role: int = Qt.ItemDataRole.EditRole
    ) -> bool:
        """Take a cell as it was typed, or say in `refused` why not."""
        if not index.isValid() or role != Qt.ItemDataRole.EditRole:
            return False
        column = COLUMNS[index.column()]
        try:
            read = _read(column, str(value))
        except ValueError as error:
            self.refused.emit(str(error))
            return False
        row = self._rows[index.row()]
        if read != getattr(row, column.field):
            self._rows[index.row()] = replace(row, **{column.field: read})
            self.dataChanged.emit(index, index)
        return True

    def add(self, rows: Iterable[PromptRow], place: int | None = None) -> None:
        """Add prompts at a place, or below all others."""
        new = [replace(row, prompt=one_line(row.prompt)) for row in rows if row.prompt.strip()]
        if not new:
            return
        first = len(self._rows) if place is None else place
        self.beginInsertRows(QModelIndex(), first, first + len(new) - 1)
        self._rows[first:first] = new
        self.endInsertRows()

    def remove(self, places: Iterable[int]) -> None:
        """Take prompts out of the table."""
        for place in sorted(set(places), reverse=True):
            self.beginRemoveRows(QModelIndex(), place, place)
            del self._rows[place]
            self.endRemoveRows()

    def duplicate(self, places: Iterable[int]) -> list[int]:
        """Put a copy below each of these rows; gives back where the copies are.

        A copy of a row with a seed gets the next seed that the first does not use: the same one again
        would make the same pictures.
        """
        copies = []
        for shift, place in enumerate(sorted(set(places)), start=1):
            row = self._rows[place + shift - 1]
            seed = None if row.seed is None else row.seed + (row.count or 1)
            self.add([replace(row, seed=seed, where="")], place + shift)
            copies.append(place + shift)
        return copies

    def give_random_seeds(self, places: Iterable[int]) -> None:
        """Give each of these rows a seed of its own that nobody chose."""
        for place in places:
            self.setData(self.index(place, column_of("seed")), secrets.randbelow(SEEDS))


def _shown(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:g}" if isinstance(value, float) else printable(str(value))


def _read(column: Column, text: str) -> Any:
    """What a cell holds, None for an empty one. Raises `ValueError` with a sentence."""
    text = one_line(text)
    if not text:
        if column.field == "prompt":
            raise ValueError("A prompt cannot be empty. Remove the row instead.")
        return None
    if column.kind == "whole" and not (text.isdecimal() and int(text) >= column.least):
        raise ValueError(f"{column.heading} takes a whole number from {column.least} up, not '{text}'.")
    if column.kind == "whole":
        return int(text)
    if column.kind == "number":
        return _number(column, text)
    if column.kind == "file":
        if not Path(text).is_file():
            raise ValueError(f"There is no file {text}.")
        return Path(text)
    return text


def _number(column: Column, text: str) -> float:
    try:
        value = float(text.replace(",", "."))
    except ValueError:
        value = -1.0
    if not column.least <= value < float("inf"):
        raise ValueError(f"{column.heading} takes a number from {column.least} up, not '{text}'.")
    return value
