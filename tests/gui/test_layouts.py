"""Texts that are cut fit into the width they were cut for."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QFontMetrics

from zippo_desktop.gui.layouts import elided

MIDDLE = Qt.TextElideMode.ElideMiddle


@pytest.mark.parametrize(
    "text", ["a blue coffee mug", "a yellow rubber duck", "WMWMWMWMWMWMWM", "iiiiiiiiiiiiiiii"]
)
def test_a_cut_text_is_never_wider_than_asked(qapp, text):
    metrics = QFontMetrics(qapp.font())
    for width in range(metrics.horizontalAdvance(text) + 5):
        short = elided(metrics, text, MIDDLE, width)
        assert metrics.horizontalAdvance(short) <= width
    assert short == text


def test_a_cut_keeps_as_much_as_fits(qapp):
    metrics = QFontMetrics(qapp.font())
    full = metrics.horizontalAdvance("a blue coffee mug")
    assert elided(metrics, "a blue coffee mug", MIDDLE, full - 1).count("…") == 1
    assert len(elided(metrics, "a blue coffee mug", MIDDLE, full - 1)) > 10
