"""The few shapes that the panels are laid out in: rows, columns, strips above and below a list, cut texts."""

from __future__ import annotations

from typing import TypeVar

from PySide6.QtCore import Qt
from PySide6.QtGui import QFontMetrics
from PySide6.QtWidgets import QBoxLayout, QHBoxLayout, QVBoxLayout, QWidget

from zippo_desktop.gui.theme import set_role

Layout = TypeVar("Layout", bound=QBoxLayout)

GAP, SMALL_GAP, EDGE = 8, 4, 12  # pixels between widgets, between close ones, and to a panel's edge


def row(parent: QWidget | None = None, spacing: int = GAP) -> QHBoxLayout:
    """A row without margins."""
    return _bare(QHBoxLayout(), parent, spacing)


def column(parent: QWidget | None = None, spacing: int = 0) -> QVBoxLayout:
    """A column without margins."""
    return _bare(QVBoxLayout(), parent, spacing)


def strip(*widgets: QWidget) -> QWidget:
    """Widgets side by side in a bar as wide as its panel, from the left on."""
    bar = QWidget()
    set_role(bar, "bar")
    layout = row(bar)
    layout.setContentsMargins(EDGE, GAP, EDGE, GAP)
    for widget in widgets:
        layout.addWidget(widget)
    layout.addStretch()
    return bar


def _bare(layout: Layout, parent: QWidget | None, spacing: int) -> Layout:
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(spacing)
    if parent:
        parent.setLayout(layout)
    return layout


def elided(metrics: QFontMetrics, text: str, mode: Qt.TextElideMode, width: int) -> str:
    """A text cut to a width in pixels; what Qt itself cuts in the middle can come out a little wider."""
    for room in range(width, 0, -1):
        short = metrics.elidedText(text, mode, room)
        if metrics.horizontalAdvance(short) <= width:
            return short
    return ""
