"""The editors of two options of their own kind: the background, and the template of the results' names."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path

from PySide6.QtCore import QSignalBlocker, QSize, Qt, Slot
from PySide6.QtGui import QAction, QColor, QIcon, QPainter, QPixmap, QResizeEvent
from PySide6.QtWidgets import (
    QColorDialog,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QMenu,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
)

from zippo_desktop.batch.plan import prompt_stem
from zippo_desktop.batch.prompts import PromptRow
from zippo_desktop.errors import UsageError
from zippo_desktop.export.name_template import FIELDS, Value, parse_template
from zippo_desktop.gui.editors import Editor
from zippo_desktop.gui.icons import icon
from zippo_desktop.gui.layouts import elided
from zippo_desktop.gui.theme import colour, set_look, set_role
from zippo_desktop.imaging.arrangement import BLUR, background_of

_COLOURS = {"White": "white", "Light grey": "#f0f0f0", "Grey": "#808080", "Black": "black"}
_PICTURES = "Pictures (*.png *.jpg *.jpeg *.tif *.tiff *.webp *.avif *.heic *.bmp);;All files (*)"
_SWATCH_PX = 14
_TEXT_PX = 120
EXAMPLE: Mapping[str, Value] = {
    "stem": "IMG_0412",
    "parent": "wedding",
    "prompt": "a red chair",
    "index": 1,
    "width": 6000,
    "height": 4000,
    "seed": 7,
}
_PROMPT = (EXAMPLE["prompt"], prompt_stem(PromptRow(str(EXAMPLE["prompt"])), 1, 0, 1))  # and its usual name


class BackgroundEditor(Editor):
    """What lies behind the subject: nothing, a colour, a picture's file, or the photo's own, blurred."""

    def __init__(self) -> None:
        super().__init__()
        self._value: str | None = None
        self.button = QToolButton(self)
        set_role(self.button, "menu")
        self.button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.button.setIconSize(QSize(_SWATCH_PX, _SWATCH_PX))
        self.button.setMenu(self._menu())
        self._in_row(self.button)
        self._show()

    def value(self) -> str | None:
        """A colour's name or "#rrggbb", a file, "blur", or None."""
        return self._value

    def set_value(self, value: str | None) -> None:
        """Show one of these."""
        self._value = value
        self._show()

    def choose(self, value: str | None) -> None:
        """Take a background as if the person had chosen it in the menu."""
        self.set_value(value)
        self.value_changed.emit()

    def _menu(self) -> QMenu:
        menu = QMenu(self.button)
        for words, value in {"Transparent": None, **_COLOURS, "The photo's own, blurred": BLUR}.items():
            action = menu.addAction(_swatch(value), words)
            action.setData(value)
            action.triggered.connect(self._take_action)
        menu.insertSeparator(menu.actions()[1])
        menu.insertSeparator(menu.actions()[-1])
        menu.addSeparator()
        menu.addAction("Other colour…", self._ask_colour)
        menu.addAction("Picture…", self._ask_file)
        return menu

    def _show(self) -> None:
        names: dict[str | None, str] = {None: "Transparent", BLUR: "Photo, blurred"}
        names |= {value: words for words, value in _COLOURS.items()}
        text = names.get(self._value) or Path(self._value or "").name
        short = elided(self.fontMetrics(), text, Qt.TextElideMode.ElideMiddle, _TEXT_PX)
        self.button.setText(f" {short}")
        self.button.setIcon(_swatch(self._value))

    @Slot()
    def _take_action(self) -> None:
        action = self.sender()
        if isinstance(action, QAction):
            self.choose(action.data())

    @Slot()
    def _ask_colour(self) -> None:
        known = _plain_colour(self._value)
        dialog = QColorDialog(known or QColor("white"), self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.colorSelected.connect(self._take_colour)
        dialog.open()

    @Slot(QColor)
    def _take_colour(self, chosen: QColor) -> None:
        self.choose(chosen.name())

    @Slot()
    def _ask_file(self) -> None:
        dialog = QFileDialog(self, "Background picture", "", _PICTURES)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(self.choose)
        dialog.open()


class NameEditor(Editor):
    """A template for the results' names, with what it makes of an example below; empty: as the photo."""

    def __init__(self) -> None:
        super().__init__()
        self._preset, self._suffix, self._is_prompt = "", "", False
        self.field = QLineEdit()
        self.field.setPlaceholderText("as the photo")
        self.example = QLabel()
        self.example.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        set_role(self.example, "note")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        row = QHBoxLayout()
        row.setSpacing(4)
        row.addWidget(self.field)
        row.addWidget(self._field_menu())
        column.addLayout(row)
        column.addWidget(self.example)
        self.setFocusProxy(self.field)
        self.field.textChanged.connect(self._take_text)
        self._show_example()

    def value(self) -> str | None:
        """The template, None where there is none."""
        return self.field.text().strip() or None

    def set_value(self, value: str | None) -> None:
        """Show a template."""
        with QSignalBlocker(self.field):
            self.field.setText(value or "")
        self._show_example()

    def set_example(self, preset: str, suffix: str, is_prompt: bool = False) -> None:
        """The preset's name and the ending that the example has, and whether it is made of a prompt."""
        self._preset, self._suffix, self._is_prompt = preset, suffix, is_prompt
        self.field.setPlaceholderText("as the prompt" if is_prompt else "as the photo")
        self._show_example()

    def set_wrong(self, is_wrong: bool) -> None:
        """Mark the field."""
        set_look(self.field, "wrong", is_wrong)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """The example is cut to the width there is."""
        super().resizeEvent(event)
        self._show_example()

    def _field_menu(self) -> QToolButton:
        button = QToolButton()
        button.setToolTip("Insert a part of the name")
        button.setIcon(icon("plus"))
        button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(button)
        for name in FIELDS:
            menu.addAction(f"{{{name}}}").triggered.connect(self._insert)
        button.setMenu(menu)
        return button

    @Slot()
    def _insert(self) -> None:
        action = self.sender()
        if isinstance(action, QAction):
            self.field.insert(action.text())
            self.field.setFocus()

    @Slot()
    def _take_text(self) -> None:
        self._show_example()
        self.value_changed.emit()

    def _show_example(self) -> None:
        try:
            template = parse_template(self.value() or "{stem}")
        except UsageError:
            self.example.hide()
            return
        source, usual = _PROMPT if self._is_prompt else (f"{EXAMPLE['stem']}.jpg", EXAMPLE["stem"])
        values = {**EXAMPLE, "stem": usual, "preset": self._preset, "date": date.today()}
        text = f"{source} → {template.fill(values)}{self._suffix}"
        self.example.setToolTip(text)
        metrics = self.example.fontMetrics()
        self.example.setText(elided(metrics, text, Qt.TextElideMode.ElideMiddle, self.example.width()))
        self.example.show()


def _plain_colour(value: str | None) -> QColor | None:
    """The colour of a background that is one."""
    try:
        known = background_of(value)
    except UsageError:
        return None
    return QColor(*known) if isinstance(known, tuple) else None


def _swatch(value: str | None) -> QIcon:
    """A small square of a background's colour; checkered for none, an icon for a picture."""
    plain = _plain_colour(value)
    if value is not None and plain is None:
        return icon("matte" if value == BLUR else "photo")
    ratio = 3  # sharp on every screen
    pixmap = QPixmap(_SWATCH_PX * ratio, _SWATCH_PX * ratio)
    pixmap.setDevicePixelRatio(ratio)
    pixmap.fill(plain or QColor("white"))
    painter = QPainter(pixmap)
    if plain is None:
        half = _SWATCH_PX // 2
        painter.fillRect(0, 0, half, half, QColor("#b8b8b8"))
        painter.fillRect(half, half, half, half, QColor("#b8b8b8"))
    painter.setPen(colour("line_strong"))
    painter.drawRect(0, 0, _SWATCH_PX - 1, _SWATCH_PX - 1)
    painter.end()
    return QIcon(pixmap)
