"""The themes: readable, neutral, and followed by what is drawn."""

from __future__ import annotations

import dataclasses
import re

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QApplication, QLabel

from zippo_desktop.gui.theme import Colours, apply_theme, colour, read_colours, set_role, style_sheet

THEMES = ("dark", "light")
SURFACES = ("window", "panel", "raised", "raised_hover", "field")
NEUTRAL = ("canvas", *SURFACES, "raised_pressed", "line", "line_strong", "text", "text_dim", "text_off")


@pytest.fixture(autouse=True)
def _dark_again(qapp):
    yield
    apply_theme(qapp, "dark")


def luminance(name: str) -> float:
    """Relative luminance (WCAG 2.2)."""
    channels = QColor(name).getRgbF()[:3]
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("theme", THEMES)
def test_text_can_be_read_on_every_surface(theme):
    colours = read_colours(theme)
    for surface in SURFACES:
        ground = getattr(colours, surface)
        assert contrast(colours.text, ground) >= 7, surface
        for name in ("text_dim", "warning", "error", "good"):
            limit = 3.8 if surface == "raised_hover" else 4.5
            assert contrast(getattr(colours, name), ground) >= limit, (name, surface)
    assert contrast(colours.on_accent, colours.accent_fill) >= 4.5
    assert contrast(colours.on_accent, colours.accent_hover) >= 4
    assert contrast(colours.text, colours.accent_soft) >= 7


@pytest.mark.parametrize("theme", THEMES)
def test_focus_rings_are_seen(theme):
    colours = read_colours(theme)
    for surface in ("window", "panel", "raised", "field"):
        assert contrast(colours.accent, getattr(colours, surface)) >= 3


@pytest.mark.parametrize("theme", THEMES)
def test_surfaces_are_neutral_beside_photos(theme):
    for name in NEUTRAL:
        red, green, blue, _ = QColor(getattr(read_colours(theme), name)).getRgb()
        assert red == green == blue, name


@pytest.mark.parametrize("theme", THEMES)
def test_the_style_sheet_is_filled(theme):
    sheet = style_sheet(read_colours(theme))
    assert "$" not in re.sub(r"/\*.*?\*/", "", sheet, flags=re.S)
    assert read_colours(theme).accent in sheet


def test_every_colour_is_one():
    for theme in THEMES:
        for field in dataclasses.fields(Colours):
            assert re.fullmatch("#[0-9a-f]{6}", getattr(read_colours(theme), field.name))


def test_widgets_and_own_painting_follow(qapp, qtbot):
    label = QLabel("text")
    qtbot.addWidget(label)
    set_role(label, "error")
    for theme in ("light", "dark"):
        apply_theme(qapp, theme)
        label.ensurePolished()
        assert colour("panel").name() == read_colours(theme).panel
        assert qapp.palette().color(QPalette.ColorRole.Base).name() == read_colours(theme).field
        assert label.palette().color(QPalette.ColorRole.WindowText).name() == read_colours(theme).error


def test_a_role_may_change(qapp, qtbot):
    apply_theme(qapp, "dark")
    label = QLabel("text")
    qtbot.addWidget(label)
    label.ensurePolished()
    set_role(label, "good")
    assert label.palette().color(QPalette.ColorRole.WindowText).name() == read_colours("dark").good


def test_an_unknown_theme_is_the_dark_one(qapp):
    apply_theme(qapp, "light")
    apply_theme(qapp, "sepia")
    assert colour("window").name() == read_colours("dark").window


def test_system_follows_the_desktop(qapp, monkeypatch):
    apply_theme(qapp, "light")
    apply_theme(qapp, "system")
    scheme = {"now": Qt.ColorScheme.Light}

    class Hints:
        def colorScheme(self):  # noqa: N802
            return scheme["now"]

    monkeypatch.setattr(QApplication, "styleHints", lambda self=None: Hints())
    follower = next(child for child in qapp.children() if type(child).__name__ == "_SystemFollower")
    for now, theme in ((Qt.ColorScheme.Light, "light"), (Qt.ColorScheme.Dark, "dark")):
        scheme["now"] = now
        follower._follow()
        assert colour("window").name() == read_colours(theme).window
    monkeypatch.undo()
    apply_theme(qapp, "light")
    follower._follow()
    assert colour("window").name() == read_colours("light").window
