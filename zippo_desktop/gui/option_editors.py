"""An editor for each look option, and the row of the panel that it stands in."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any, get_args

from PySide6.QtCore import QEvent, QObject, Qt, Signal, Slot
from PySide6.QtWidgets import QGridLayout, QLabel, QMenu, QWidget

from zippo_desktop.export.writing import SUFFIXES
from zippo_desktop.gui.editors import CheckEditor, ChipsEditor, Editor, SegmentEditor, TextEditor
from zippo_desktop.gui.number_editor import NumberEditor, Span
from zippo_desktop.gui.theme import set_look, set_role
from zippo_desktop.gui.wide_editors import BackgroundEditor, NameEditor
from zippo_desktop.imaging.arrangement import ShadowKind
from zippo_desktop.imaging.matte_controls import MAX_EXPAND_PX, MAX_FEATHER_PX
from zippo_desktop.looks.options import LookOption

FORMATS = SUFFIXES  # offered in this order
LABEL_WIDTH = 88
_TIP_WIDTH = 60

_SHARE = Span(0, 1, 0, 1, step=1, decimals=0, shown=100, suffix=" %")
_SMALL_SHARE = Span(0, 1, 0, 0.2, step=0.5, decimals=1, shown=100, suffix=" %")
SPANS: Mapping[str, Span] = {
    "steps": Span(1, 1000),
    "ensemble": Span(1, 64),
    "fill-holes": Span(0, 10**8, step=50, suffix=" px"),
    "expand": Span(-MAX_EXPAND_PX, MAX_EXPAND_PX, -10, 10, step=0.1, decimals=1, suffix=" px"),
    "contrast": Span(-1, 1, -1, 1, step=0.01, decimals=2),
    "feather": Span(0, MAX_FEATHER_PX, 0, 20, step=0.1, decimals=1, suffix=" px"),
    "subject-share": Span(0.01, 1, 0.2, 1, step=1, shown=100, suffix=" %"),
    "long-edge": Span(0, 10**6, step=256, suffix=" px", nothing="off"),
    "background-blur": _SMALL_SHARE,
    "shadow-opacity": _SHARE,
    "shadow-blur": _SMALL_SHARE,
    "shadow-distance": _SMALL_SHARE,
    "shadow-angle": Span(-360, 360, 0, 360, step=1, suffix="°"),
    "quality": Span(1, 100, 1, 100),
}
USUAL_TEXTS: Mapping[str, tuple[str, ...]] = {
    "crop": ("0px", "2%", "5%", "10%", "40px"),
    "aspect": ("1:1", "4:5", "3:4", "2:3", "3:2", "16:9"),
    "canvas": ("1000x1000", "1600x1600", "2000x2000", "3000x3000", "1080x1350"),
}
_SECTION_NAMES = ("shadow-", "background-")  # which stand above them already
_WIDE = ("format", "name")  # their label stands above them


def label_of(name: str) -> str:
    """An option's name as the panel writes it: "keep-largest" is "Keep largest", "shadow-blur" "Blur"."""
    for prefix in _SECTION_NAMES:
        name = name.removeprefix(prefix)
    return name.replace("-", " ").capitalize()


def tip_of(option: LookOption) -> str:
    """The command line's name and help, in lines that a tool tip can hold."""
    default = option.default
    told = "" if default in (None, False, ()) else f" [default: {_shown(default)}]"
    return textwrap.fill(f"--{option.name}: {option.help}{told}", _TIP_WIDTH, break_on_hyphens=False)


def make_editor(option: LookOption) -> Editor:
    """The editor for an option's kind of value, without a value yet."""
    if option.name == "background":
        return BackgroundEditor()
    if option.name == "name":
        return NameEditor()
    if option.name == "format":
        return ChipsEditor(tuple(FORMATS))
    if option.name == "shadow":
        return SegmentEditor(get_args(ShadowKind), nothing="off")
    if option.choices:
        return SegmentEditor(option.choices)
    if option.hint is bool:
        return CheckEditor(label_of(option.name))
    if option.hint in (int, float):
        return NumberEditor(SPANS[option.name], option.default, option.hint is int)
    return TextEditor(USUAL_TEXTS.get(option.name, ()))


class OptionRow(QWidget):
    """One option: label, editor, and below it the sentence of what is wrong with its value.

    A double click on the label, or its menu, goes back to the default. The label is bright where the
    value is not the default.
    """

    value_changed = Signal(str)  # the option's name

    def __init__(self, option: LookOption) -> None:
        super().__init__()
        self.option = option
        self.editor = make_editor(option)
        self.label = QLabel("" if isinstance(self.editor, CheckEditor) else label_of(option.name))
        self.problem = QLabel(wordWrap=True)
        self.problem.hide()
        set_role(self.label, "dim")
        set_role(self.problem, "wrong")
        self.label.setFixedWidth(LABEL_WIDTH)
        self.label.setBuddy(self.editor)
        self.label.installEventFilter(self)
        self.setToolTip(tip_of(option))
        self.setObjectName(f"option-{option.name}")
        self._lay_out()
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.customContextMenuRequested.connect(self._show_menu)
        self.editor.value_changed.connect(self._take_change)
        self.set_value(option.default)

    def value(self) -> Any:
        """The option's value as presets hold it; None where it is not asked for."""
        return self.editor.value()

    def set_value(self, value: Any) -> None:
        """Show a value, without a signal."""
        self.editor.set_value(value)
        self._mark()

    @property
    def is_changed(self) -> bool:
        """Whether the value is another than the default."""
        value, default = self.value(), self.option.default
        return tuple(value) != default if isinstance(value, list) else value != default

    def show_problem(self, sentence: str) -> None:
        """Say what is wrong with the value; "" where nothing is."""
        self.problem.setText(sentence)
        self.problem.setVisible(bool(sentence))
        self.editor.set_wrong(bool(sentence))

    def matches(self, text: str) -> bool:
        """Whether a search for `text` finds the option."""
        words = f"{self.option.name} {label_of(self.option.name)} {self.option.help}".lower()
        return all(word in words for word in text.lower().split())

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """A double click on the label resets."""
        if watched is self.label and event.type() == QEvent.Type.MouseButtonDblClick:
            self.reset()
            return True
        return False

    @Slot()
    def reset(self) -> None:
        """Go back to the default, as the person asked."""
        self.set_value(self.option.default)
        self.value_changed.emit(self.option.name)

    def _lay_out(self) -> None:
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(4)
        grid.setVerticalSpacing(4)
        is_wide = self.option.name in _WIDE
        grid.addWidget(self.label, 0, 0)
        grid.addWidget(self.editor, *((1, 0, 1, 2) if is_wide else (0, 1)))
        grid.addWidget(self.problem, 2, 0 if is_wide else 1, 1, 2 if is_wide else 1)
        grid.setColumnStretch(1, 1)

    def _mark(self) -> None:
        set_look(self.label, "changed", self.is_changed)

    @Slot()
    def _take_change(self) -> None:
        self._mark()
        self.value_changed.emit(self.option.name)

    @Slot(object)
    def _show_menu(self, place: Any) -> None:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        action = menu.addAction(f"Reset {label_of(self.option.name).lower()}", self.reset)
        action.setEnabled(self.is_changed)
        menu.popup(self.mapToGlobal(place))


def _shown(default: Any) -> str:
    if isinstance(default, tuple):
        return ", ".join(default)
    return "yes" if default is True else str(default)
