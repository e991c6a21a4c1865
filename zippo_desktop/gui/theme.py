"""The look of the window: a dark and a light set of colours, one palette and one style sheet made of them."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from string import Template
from typing import Literal

from PySide6.QtCore import QObject, Qt, Slot
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QApplication, QStyleFactory, QWidget

from zippo_desktop.paths import resource_dir

ThemeName = Literal["dark", "light", "system"]
FONT_PX = 13

_ROLE = QPalette.ColorRole
_PALETTE = {
    _ROLE.Window: "window",
    _ROLE.WindowText: "text",
    _ROLE.Base: "field",
    _ROLE.AlternateBase: "panel",
    _ROLE.Text: "text",
    _ROLE.PlaceholderText: "text_dim",
    _ROLE.Button: "raised",
    _ROLE.ButtonText: "text",
    _ROLE.BrightText: "error",
    _ROLE.ToolTipBase: "raised",
    _ROLE.ToolTipText: "text",
    _ROLE.Highlight: "accent_fill",
    _ROLE.HighlightedText: "on_accent",
    _ROLE.Accent: "accent",
    _ROLE.Link: "accent",
    _ROLE.LinkVisited: "accent",
    _ROLE.Light: "raised_hover",
    _ROLE.Midlight: "line_strong",
    _ROLE.Mid: "line",
    _ROLE.Dark: "canvas",
    _ROLE.Shadow: "canvas",
}
_DIMMED = (_ROLE.WindowText, _ROLE.Text, _ROLE.ButtonText, _ROLE.HighlightedText)


@dataclass(frozen=True)
class Colours:
    """Every colour of a theme, as "#rrggbb"; the files in resources/styles give them."""

    canvas: str  # behind pictures
    window: str
    panel: str
    raised: str  # what can be pressed
    raised_hover: str
    raised_pressed: str
    field: str  # what can be typed into
    line: str
    line_strong: str
    text: str
    text_dim: str
    text_off: str
    accent: str  # strokes and focus rings
    accent_fill: str  # areas that `on_accent` is written on
    accent_hover: str
    accent_soft: str  # what is selected, under usual text
    on_accent: str
    good: str
    warning: str
    error: str


def apply_theme(app: QApplication, name: str = "dark") -> None:
    """Give the whole program a look: "dark", "light", or "system", which follows the desktop's as it changes.

    An unknown name counts as "dark".
    """
    follower = app.findChild(_SystemFollower) or _SystemFollower(app)
    follower.is_following = name == "system"
    scheme = {"light": Qt.ColorScheme.Light, "system": Qt.ColorScheme.Unknown}.get(name, Qt.ColorScheme.Dark)
    app.styleHints().setColorScheme(scheme)  # the desktop's own frames and dialogs follow
    _dress(app, _scheme_of_system(app) if name == "system" else name)


def colour(name: str) -> QColor:
    """A colour of the theme that is in use, by its field in `Colours`; of the dark one before any is."""
    app = QApplication.instance()
    return QColor(getattr(read_colours(app.property("theme") or "dark" if app else "dark"), name))


@cache
def read_colours(name: str) -> Colours:
    """The colours of the theme "dark" or "light"."""
    path = resource_dir() / "styles" / f"{name}.toml"
    return Colours(**tomllib.loads(path.read_text(encoding="utf-8")))


def style_sheet(colours: Colours) -> str:
    """The one style sheet, filled with these colours."""
    styles_dir = resource_dir() / "styles"
    template = Template((styles_dir / "studio.qss").read_text(encoding="utf-8"))
    return template.substitute(vars(colours), styles=styles_dir.as_posix())


def palette(colours: Colours) -> QPalette:
    """The same colours for what the style sheet does not reach, such as a delegate's own painting."""
    made = QPalette()
    for role, name in _PALETTE.items():
        made.setColor(role, QColor(getattr(colours, name)))
    for role in _DIMMED:
        made.setColor(QPalette.ColorGroup.Disabled, role, QColor(colours.text_off))
    return made


def set_role(widget: QWidget, role: str) -> None:
    """Say what a widget is to the style sheet (see the roles there), at any time."""
    set_look(widget, "role", role)


def set_look(widget: QWidget, name: str, value: object) -> None:
    """Set a property that the style sheet asks for, and have the widget drawn by it."""
    if widget.property(name) != value:
        widget.setProperty(name, value)
        if widget.testAttribute(Qt.WidgetAttribute.WA_WState_Polished):
            widget.style().unpolish(widget)
            widget.style().polish(widget)


class _SystemFollower(QObject):
    """Changes the look with the desktop's, where that was asked for. One for each application."""

    def __init__(self, app: QApplication) -> None:
        super().__init__(app)
        self.is_following = False
        app.styleHints().colorSchemeChanged.connect(self._follow)

    @Slot()
    def _follow(self) -> None:
        app = self.parent()
        if self.is_following and isinstance(app, QApplication):
            _dress(app, _scheme_of_system(app))


def _scheme_of_system(app: QApplication) -> str:
    return "light" if app.styleHints().colorScheme() == Qt.ColorScheme.Light else "dark"


def _dress(app: QApplication, name: str) -> None:
    name = "light" if name == "light" else "dark"
    if app.property("theme") == name:
        return
    colours = read_colours(name)
    if app.property("theme") is None:
        app.setStyle(QStyleFactory.create("Fusion"))
        font = app.font()
        font.setPixelSize(FONT_PX)
        app.setFont(font)
    app.setProperty("theme", name)
    app.setPalette(palette(colours))
    app.setStyleSheet(style_sheet(colours))
