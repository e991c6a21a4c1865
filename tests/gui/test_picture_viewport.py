"""Which part of a picture is seen, and where: plain arithmetic."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPointF, QRectF, QSizeF

from zippo_desktop.gui.picture_viewport import MOST_ZOOM, Viewport


@pytest.fixture
def viewport() -> Viewport:
    viewport = Viewport()
    viewport.view, viewport.picture = QSizeF(1000, 500), QSizeF(6000, 4000)
    return viewport


def seen_at(viewport: Viewport, point: QPointF) -> QPointF:
    """The picture's pixel under a point of the view."""
    return (point - viewport.place.topLeft()) / viewport.zoom


def test_fit_shows_all_of_the_picture_in_the_middle(viewport: Viewport) -> None:
    assert viewport.zoom == 0.125
    assert viewport.place == QRectF(125, 0, 750, 500)
    assert not viewport.can_pan


def test_fit_leaves_its_margin(viewport: Viewport) -> None:
    viewport.margin = 50
    assert viewport.place == QRectF(200, 50, 600, 400)


def test_fit_does_not_enlarge_a_small_picture(viewport: Viewport) -> None:
    viewport.picture = QSizeF(100, 100)
    assert viewport.place == QRectF(450, 200, 100, 100)


@pytest.mark.parametrize("zoom", [0.5, 1.0, 3.7])
def test_what_is_under_the_cursor_stays_there(viewport: Viewport, zoom: float) -> None:
    cursor = QPointF(400, 300)
    before = seen_at(viewport, cursor)
    viewport.zoom_to(zoom, cursor)
    moved = seen_at(viewport, cursor) - before
    assert max(abs(moved.x()), abs(moved.y())) * zoom <= 1.5  # pixels of the screen
    assert viewport.zoom == zoom


def test_panning_ends_at_the_edges(viewport: Viewport) -> None:
    viewport.zoom_to(1.0)
    viewport.pan(100000, 100000)
    assert viewport.place.topLeft() == QPointF(0, 0)
    viewport.pan(-7, -9)
    assert viewport.place.topLeft() == QPointF(-7, -9)
    viewport.pan(-100000, -100000)
    assert viewport.place.bottomRight() == QPointF(1000, 500)


def test_zoom_has_limits(viewport: Viewport) -> None:
    viewport.zoom_to(1e9)
    assert viewport.zoom == MOST_ZOOM
    viewport.zoom_to(0)
    assert viewport.zoom == viewport.fit_zoom


def test_place_and_zoom_outlive_another_picture_of_the_size(viewport: Viewport) -> None:
    viewport.zoom_to(1.0, QPointF(0, 0))
    place = viewport.place
    viewport.picture = QSizeF(3000, 3000)
    viewport.picture = QSizeF(6000, 4000)
    assert viewport.place == place
