"""Editors of single values, one for each kind: all have `value`, `set_value` and `value_changed`.

They know no options and no rules; what a value may be is checked by `looks`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QEvent, QObject, QSignalBlocker, Qt, Signal, Slot
from PySide6.QtWidgets import (
    QButtonGroup,
    QCheckBox,
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QSizePolicy,
    QToolButton,
    QWidget,
)

from zippo_desktop.gui.theme import set_look

_LEAST_BUTTON_PX = 24
_CHIPS_A_ROW = 5


class Editor(QWidget):
    """What every editor is. `value_changed` tells of the person's changes, not of the program's."""

    value_changed = Signal()

    def value(self) -> Any:
        """The value shown, of the kind that presets hold; None where nothing is asked for."""
        raise NotImplementedError

    def set_value(self, value: Any) -> None:
        """Show a value, without a signal."""
        raise NotImplementedError

    def set_wrong(self, is_wrong: bool) -> None:
        """Mark the field as one whose value makes no sense."""

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """The wheel scrolls the panel, and changes a value only where the person went to it before."""
        is_stray = (
            event.type() == QEvent.Type.Wheel and isinstance(watched, QWidget) and not watched.hasFocus()
        )
        if is_stray:
            event.ignore()
        return is_stray

    def _keep_from_wheel(self, *widgets: QWidget) -> None:
        for widget in widgets:
            widget.setFocusPolicy(Qt.FocusPolicy.StrongFocus)  # the wheel does not give the focus
            widget.installEventFilter(self)

    def _in_row(self, *widgets: QWidget, spacing: int = 8) -> QHBoxLayout:
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(spacing)
        for widget in widgets:
            row.addWidget(widget)
        self.setFocusProxy(widgets[0])
        return row


class CheckEditor(Editor):
    """True or false, with its words beside the box."""

    def __init__(self, words: str) -> None:
        super().__init__()
        self.box = QCheckBox(words)
        self._in_row(self.box)
        self.box.clicked.connect(self.value_changed)

    def value(self) -> bool:
        """Whether it is ticked."""
        return self.box.isChecked()

    def set_value(self, value: bool) -> None:
        """Tick it, or not."""
        self.box.setChecked(value)


class SegmentEditor(Editor):
    """One of a few words, as buttons side by side. A first word for "nothing" stands for None."""

    def __init__(self, words: Sequence[str], nothing: str = "") -> None:
        super().__init__()
        self._values: list[str | None] = [*([None] if nothing else []), *words]
        self._group = QButtonGroup(self)
        shown = [*([nothing] if nothing else []), *words]
        for number, word in enumerate(shown):
            place = "first" if number == 0 else "last" if number == len(shown) - 1 else "middle"
            self._group.addButton(_segment(word, place), number)
        self._in_row(*self._group.buttons(), spacing=0)
        self._group.idClicked.connect(self._tell)

    def value(self) -> str | None:
        """The word that is chosen."""
        return self._values[self._group.checkedId()]

    def set_value(self, value: str | None) -> None:
        """Choose a word; an unknown one chooses the first."""
        number = self._values.index(value) if value in self._values else 0
        self._group.button(number).setChecked(True)

    @Slot()
    def _tell(self) -> None:
        self.value_changed.emit()


class TextEditor(Editor):
    """A short text with usual ones to choose from; the first entry, "off", stands for None."""

    def __init__(self, usual: Sequence[str], nothing: str = "off") -> None:
        super().__init__()
        self._nothing = nothing
        self.box = QComboBox()
        self.box.setEditable(True)
        self.box.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self.box.addItems([nothing, *usual])
        self.box.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.box.setMinimumContentsLength(6)
        self._keep_from_wheel(self.box)
        self._in_row(self.box)
        self.box.editTextChanged.connect(self._tell)

    def value(self) -> str | None:
        """What is written there."""
        text = self.box.currentText().strip()
        return None if text in ("", self._nothing) else text

    def set_value(self, value: str | None) -> None:
        """Write it there."""
        with QSignalBlocker(self.box):
            self.box.setCurrentText(self._nothing if value is None else value)

    def set_wrong(self, is_wrong: bool) -> None:
        """Mark the field."""
        set_look(self.box, "wrong", is_wrong)

    @Slot()
    def _tell(self) -> None:
        self.value_changed.emit()


class ChipsEditor(Editor):
    """Some of several words, as chips in rows; the last one that is on cannot be turned off."""

    def __init__(self, words: Sequence[str]) -> None:
        super().__init__()
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(4)
        self._chips = {word: _chip(word) for word in words}
        for number, chip in enumerate(self._chips.values()):
            grid.addWidget(chip, *divmod(number, _CHIPS_A_ROW))
            chip.clicked.connect(self._take_click)
        self.setFocusProxy(self._chips[words[0]])

    def chip(self, word: str) -> QToolButton:
        """The button of a word."""
        return self._chips[word]

    def value(self) -> list[str]:
        """The words that are on."""
        return [word for word, chip in self._chips.items() if chip.isChecked()]

    def set_value(self, value: Sequence[str]) -> None:
        """Turn these on and the others off."""
        for word, chip in self._chips.items():
            chip.setChecked(word in value)

    @Slot()
    def _take_click(self) -> None:
        chip = self.sender()
        if not self.value() and isinstance(chip, QToolButton):
            chip.setChecked(True)
            return
        self.value_changed.emit()


def _segment(word: str, place: str) -> QToolButton:
    button = _toggle(word)
    button.setProperty("role", "segment")
    button.setProperty("place", place)
    return button


def _chip(word: str) -> QToolButton:
    button = _toggle(word)
    button.setProperty("role", "chip")
    return button


def _toggle(word: str) -> QToolButton:
    button = QToolButton()
    button.setText(word)
    button.setCheckable(True)
    button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
    button.setMinimumWidth(_LEAST_BUTTON_PX)  # a long word is cut before it widens the panel
    return button
