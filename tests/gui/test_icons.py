"""The icons: all of them are drawn, sharp, and in the theme's colours."""

from __future__ import annotations

import gc
import re

import pytest
from PySide6.QtCore import QSize
from PySide6.QtGui import QIcon, QImage, QPainter
from PySide6.QtSvg import QSvgRenderer

from zippo_desktop.gui.icons import icon, icon_names, icon_pixmap
from zippo_desktop.gui.theme import apply_theme, colour
from zippo_desktop.paths import resource_dir

ASKED_FOR = {
    *("photo", "folder", "plus", "play", "pause", "stop", "grid", "list", "compare", "matte", "edge", "zoom"),
    *("settings", "warning", "check", "cross", "skip", "retry", "trash", "reveal", "copy", "save", "log"),
    *("moon", "sun", "dice", "duplicate", "import", "export", "chevron"),
}


def ink(image: QImage) -> set[str]:
    """The colours of the pixels that are fully covered."""
    pixels = [image.pixelColor(x, y) for y in range(image.height()) for x in range(image.width())]
    return {pixel.name() for pixel in pixels if pixel.alpha() == 255}


def test_all_are_there(qapp):
    assert set(icon_names()) >= ASKED_FOR


@pytest.mark.parametrize("path", sorted((resource_dir() / "icons").glob("*.svg")), ids=lambda path: path.stem)
def test_each_is_a_drawing_that_can_be_tinted(qapp, path):
    assert QSvgRenderer(str(path)).isValid()
    assert set(re.findall(r"#[0-9a-fA-F]{3,}", path.read_text())) == set()
    assert ink(icon_pixmap(path.stem, 20, 2.0).toImage()) == {colour("text").name()}


def test_the_windows_modules_ask_for_icons_that_exist():
    package_dir = resource_dir().parent / "zippo_desktop" / "gui"
    sources = "\n".join(path.read_text("utf-8") for path in package_dir.glob("*.py"))
    asked = set(re.findall(r'\bicon(?:_pixmap)?\("([\w-]+)"', sources))
    assert asked
    assert asked <= set(icon_names())


def test_an_unknown_one_is_told(qapp):
    with pytest.raises(KeyError, match="unicorn"):
        icon("unicorn")


def test_it_is_sharp_at_150_per_cent(qapp):
    pixmap = icon("photo").pixmap(QSize(16, 16), 1.5)
    assert (pixmap.width(), pixmap.devicePixelRatio()) == (24, 1.5)


def test_it_follows_the_theme_and_its_state(qapp):
    made = icon("stop")
    try:
        for theme in ("light", "dark"):
            apply_theme(qapp, theme)
            assert ink(made.pixmap(32).toImage()) == {colour("text").name()}
            disabled = made.pixmap(QSize(32, 32), QIcon.Mode.Disabled)
            assert ink(disabled.toImage()) == {colour("text_off").name()}
            checked = made.pixmap(QSize(32, 32), QIcon.Mode.Normal, QIcon.State.On)
            assert ink(checked.toImage()) == {colour("accent").name()}
            assert ink(icon("stop", "warning").pixmap(32).toImage()) == {colour("warning").name()}
    finally:
        apply_theme(qapp, "dark")


def test_it_is_painted_in_the_middle_of_its_place(qapp):
    image = QImage(60, 20, QImage.Format.Format_ARGB32_Premultiplied)
    image.fill(0)
    painter = QPainter(image)
    icon("stop").paint(painter, image.rect())
    painter.end()
    inked = [x for x in range(60) if image.pixelColor(x, 10).alpha() > 0]
    assert 20 < min(inked) < max(inked) < 40


def test_copies_outlive_pythons_collector(qapp):
    kept = []
    for _ in range(50):
        copy = QIcon(icon("photo"))
        copy.addPixmap(icon_pixmap("check", 16))  # parts the copy from its origin
        kept.append(copy)
    gc.collect()
    assert all(not copy.pixmap(16).isNull() for copy in kept)
