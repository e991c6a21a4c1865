"""The viewer as a person uses it: real files, real mouse and keys, and the pixels that are painted."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QImage, QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QApplication, QColorDialog

from zippo_desktop.gui.backdrops import BLACK, CHECKERBOARD, RED, WHITE, Backdrop
from zippo_desktop.gui.picture_view import PictureView

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")  # windows, offscreen

BLUE, GREEN = QColor(0, 0, 200), QColor(0, 200, 0)
SIZE = (600, 400)


@pytest.fixture
def view(qtbot) -> Iterator[PictureView]:
    view = PictureView()
    qtbot.addWidget(view)
    view.resize(900, 600 + view.tools.sizeHint().height())
    view.show()
    qtbot.waitExposed(view)
    yield view
    view.stop()


@pytest.fixture
def settle(qtbot, view) -> Callable[[], None]:
    return lambda: qtbot.waitUntil(lambda: not view.is_loading, timeout=10000)


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """All blue."""
    Image.new("RGB", SIZE, (0, 0, 200)).save(tmp_path / "photo.png")
    return tmp_path / "photo.png"


@pytest.fixture
def result(tmp_path: Path) -> Path:
    """Green, transparent in its right half."""
    pixels = np.zeros((SIZE[1], SIZE[0], 4), np.uint8)
    pixels[:, : SIZE[0] // 2] = (0, 200, 0, 255)
    Image.fromarray(pixels).save(tmp_path / "result.png")
    return tmp_path / "result.png"


def colour_at(view: PictureView, x: int, y: int) -> QColor:
    """What is painted at a pixel of the picture."""
    viewport = view.canvas.scene.viewport
    point = viewport.place.topLeft() + QPointF(x + 0.5, y + 0.5) * viewport.zoom
    shown = view.canvas.grab().toImage()
    return shown.pixelColor(round(point.x() - 0.5), round(point.y() - 0.5))


def where(view: PictureView, x: int, y: int) -> QPoint:
    """The place in the canvas of a pixel of the picture."""
    viewport = view.canvas.scene.viewport
    return (viewport.place.topLeft() + QPointF(x, y) * viewport.zoom).toPoint()


def turn_wheel(view: PictureView, at: QPoint, notches: int) -> None:
    place, nothing = QPointF(at), QPoint()
    event = QWheelEvent(
        place,
        QPointF(view.canvas.mapToGlobal(at)),
        nothing,
        QPoint(0, 120 * notches),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(view.canvas, event)


def drag(view: PictureView, start: QPoint, end: QPoint) -> None:
    left = Qt.MouseButton.LeftButton
    steps = (
        (QEvent.Type.MouseButtonPress, start, left, left),
        (QEvent.Type.MouseMove, end, Qt.MouseButton.NoButton, left),
        (QEvent.Type.MouseButtonRelease, end, left, Qt.MouseButton.NoButton),
    )
    for kind, point, button, buttons in steps:
        place = QPointF(view.canvas.mapToGlobal(point))
        event = QMouseEvent(kind, QPointF(point), place, button, buttons, Qt.KeyboardModifier.NoModifier)
        QApplication.sendEvent(view.canvas, event)


def test_an_empty_view_says_what_to_do(view) -> None:
    assert view.canvas.message == "Choose an item to see its picture"
    assert not any(action.isEnabled() or action.isChecked() for action in view.tools.mode_actions.values())


def test_each_mode_shows_what_it_says(view, settle, photo, result) -> None:
    view.show_pair(photo, result)
    view.set_backdrop(RED)
    settle()
    left, right, halves = (20, 300), (580, 300), (299, 399)
    seen = {}
    for mode in ("result", "photo", "compare", "matte", "edge"):
        view.set_mode(mode)
        settle()
        assert view.mode == mode
        seen[mode] = colour_at(view, *left), colour_at(view, *right)
    assert seen["result"] == (GREEN, QColor(255, 0, 0))
    assert seen["photo"] == (BLUE, BLUE)
    assert seen["compare"] == (BLUE, QColor(255, 0, 0))
    assert seen["matte"] == (QColor(255, 255, 255), QColor(0, 0, 0))
    assert seen["edge"] == (BLUE, BLUE)
    assert colour_at(view, *halves) != BLUE  # the outline
    assert view.tools.mode_actions["edge"].isChecked()


def test_modes_wait_for_pictures_that_allow_them(view, settle, photo, result) -> None:
    view.set_mode("compare")
    view.show_file(photo)
    settle()
    assert view.mode == "photo"
    assert not view.tools.mode_actions["compare"].isEnabled()
    view.show_pair(photo, result)
    settle()
    assert view.mode == "compare"
    with pytest.raises(ValueError, match="no such mode"):
        view.set_mode("upside down")


def test_backdrops_are_seen_through_the_picture(view, qtbot, settle, photo, result) -> None:
    view.show_pair(photo, result)
    settle()
    for backdrop, colour in ((BLACK, QColor(0, 0, 0)), (WHITE, QColor(255, 255, 255))):
        with qtbot.waitSignal(view.backdrop_changed) as changed:
            view.set_backdrop(backdrop)
        assert changed.args == [backdrop]
        assert colour_at(view, 580, 300) == colour
    view.set_backdrop(Backdrop("image", image_path=photo))
    settle()
    assert colour_at(view, 580, 300) == BLUE
    view.set_backdrop(CHECKERBOARD)
    squares = {colour_at(view, 400 + 8 * column, 200).red() for column in range(4)}
    assert squares == {204, 153}


def test_the_menu_chooses_a_backdrop_and_any_colour(view, qtbot) -> None:
    black = next(action for action in view.tools.backdrop_actions if action.text() == "Black")
    black.trigger()
    assert view.backdrop == BLACK
    next(action for action in view.tools.backdrop_actions if action.text() == "Colour…").trigger()
    dialog = view.tools.findChild(QColorDialog)
    dialog.setCurrentColor(QColor(1, 2, 3))
    dialog.accept()
    assert view.backdrop == Backdrop("colour", QColor(1, 2, 3))


def test_space_shows_the_photo_while_it_is_held(view, qtbot, settle, photo, result) -> None:
    view.show_pair(photo, result)
    settle()
    qtbot.keyPress(view.canvas, Qt.Key.Key_Space)
    assert colour_at(view, 20, 300) == BLUE
    qtbot.keyRelease(view.canvas, Qt.Key.Key_Space)
    assert colour_at(view, 20, 300) == GREEN
    qtbot.mousePress(view.tools.hold_button, Qt.MouseButton.LeftButton)
    assert colour_at(view, 20, 300) == BLUE
    qtbot.mouseRelease(view.tools.hold_button, Qt.MouseButton.LeftButton)
    assert colour_at(view, 20, 300) == GREEN


def test_the_divider_is_moved_with_mouse_and_keys(view, qtbot, settle, photo, result) -> None:
    view.show_pair(photo, result)
    view.set_mode("compare")
    settle()
    drag(view, where(view, 300, 200), where(view, 150, 200))
    assert colour_at(view, 140, 300) == BLUE
    assert colour_at(view, 160, 300) == GREEN
    for _ in range(5):
        qtbot.keyClick(view.canvas, Qt.Key.Key_Right)
    assert colour_at(view, 200, 300) == BLUE
    drag(view, where(view, 210, 200), where(view, 5000, 200))
    assert colour_at(view, 590, 100) == BLUE


def test_the_wheel_zooms_at_the_cursor_and_drags_pan(view, qtbot, settle, photo) -> None:
    view.show_file(photo)
    settle()
    assert view.is_fit
    corner = where(view, 500, 100)
    with qtbot.waitSignal(view.zoom_changed) as changed:
        turn_wheel(view, corner, 6)
    assert changed.args == [pytest.approx(1.25**6)]
    assert view.tools.zoom_button.text() == "381 %"
    assert (where(view, 500, 100) - corner).manhattanLength() <= 2
    before = where(view, 500, 100)
    drag(view, QPoint(400, 300), QPoint(370, 310))
    assert (where(view, 500, 100) - before - QPoint(-30, 10)).manhattanLength() <= 2
    qtbot.keyClick(view.canvas, Qt.Key.Key_Minus)
    assert view.zoom == pytest.approx(1.25**6 / 1.5)


def test_a_double_click_goes_to_100_percent_and_back(view, qtbot, settle, tmp_path) -> None:
    Image.new("RGB", (3000, 2000)).save(tmp_path / "large.png")
    view.show_file(tmp_path / "large.png")
    settle()
    assert view.zoom < 0.5
    qtbot.mouseDClick(view.canvas, Qt.MouseButton.LeftButton, pos=QPoint(400, 300))
    assert view.zoom == 1
    qtbot.mouseDClick(view.canvas, Qt.MouseButton.LeftButton, pos=QPoint(400, 300))
    assert view.is_fit
    next(action for action in view.tools.zoom_actions if action.text() == "200 %").trigger()
    assert view.zoom == 2


def test_the_zoom_stays_from_one_picture_to_the_next(view, settle, photo, result) -> None:
    view.show_file(photo)
    settle()
    view.set_zoom(4.0)
    place = where(view, 100, 100)
    view.show_pair(photo, result)
    settle()
    assert view.zoom == 4
    assert where(view, 100, 100) == place


def test_a_small_preview_lies_exactly_over_its_photo(view, settle, photo) -> None:
    preview = QImage(300, 200, QImage.Format.Format_RGBA8888)
    preview.fill(GREEN)
    view.show_pair(photo, preview)
    view.set_mode("compare")
    settle()
    assert view.canvas.scene.size().toTuple() == SIZE
    assert colour_at(view, 0, 0) == BLUE
    assert colour_at(view, 599, 0) == GREEN


def test_a_result_framed_otherwise_is_shown_whole_beside_its_photo(view, settle, photo) -> None:
    square = QImage(500, 500, QImage.Format.Format_RGB32)
    square.fill(GREEN)
    view.show_pair(photo, square)
    settle()
    assert view.canvas.scene.size().toTuple() == (500, 500)
    view.set_mode("compare")
    assert colour_at(view, 100, 250) == BLUE
    assert colour_at(view, 100, 20) not in (BLUE, GREEN)  # the photo is less high than its result
    assert colour_at(view, 400, 20) == GREEN


def test_previews_in_memory_need_no_photo(view, settle) -> None:
    image = QImage(64, 64, QImage.Format.Format_RGB32)
    for colour in (BLUE, GREEN):
        image.fill(colour)
        view.show_image(image.copy())
    settle()
    assert colour_at(view, 32, 32) == GREEN


def test_a_matte_file_serves_a_result_without_transparency(view, settle, photo, tmp_path) -> None:
    Image.new("RGB", SIZE, (255, 255, 255)).save(tmp_path / "white.jpg")
    Image.new("L", SIZE, 128).save(tmp_path / "white.matte.png")
    view.show_pair(photo, tmp_path / "white.jpg")
    view.set_mode("matte")
    settle()
    assert view.mode == "result"
    view.show_pair(photo, tmp_path / "white.jpg", tmp_path / "white.matte.png")
    settle()
    assert view.mode == "matte"
    assert colour_at(view, 10, 10) == QColor(128, 128, 128)


def test_a_damaged_file_is_told_in_the_pictures_stead(view, settle, tmp_path, photo) -> None:
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8 no picture")
    view.show_file(photo)
    settle()
    view.show_file(tmp_path / "broken.jpg")
    settle()
    assert view.canvas.scene.size() is None
    assert "broken.jpg is not an image" in view.canvas.message
    view.show_file(photo)
    settle()
    assert colour_at(view, 10, 10) == BLUE


def test_a_file_written_anew_is_read_anew(view, settle, photo) -> None:
    view.show_file(photo)
    settle()
    before = view.canvas.scene.photo
    view.show_file(photo)
    settle()
    assert view.canvas.scene.photo is before
    Image.new("RGB", (640, 400), (0, 200, 0)).save(photo)
    view.show_file(photo)
    settle()
    assert colour_at(view, 10, 10) == GREEN


def test_a_new_photo_is_never_paired_with_the_result_before(view, settle, photo, result, tmp_path) -> None:
    view.show_pair(photo, result)
    settle()
    scene = view.canvas.scene
    old_photo, old_result = scene.photo, scene.result
    are_old = []
    view._loader.loaded.connect(
        lambda: are_old.append((scene.photo is old_photo, scene.result is old_result))
    )
    for name in ("other.png", "other result.png"):
        Image.new("RGB", SIZE, (9, 9, 9)).save(tmp_path / name)
    view.show_pair(tmp_path / "other.png", tmp_path / "other result.png")
    settle()
    assert len(are_old) == 4  # both pictures, and that nothing more comes
    assert set(are_old) == {(False, False)}


def test_a_large_jpeg_comes_small_first_and_upright(view, qtbot, settle, tmp_path) -> None:
    pixels = np.zeros((2000, 3000, 3), np.uint8)
    pixels[:, :1500] = (0, 0, 200)
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise
    encoded = io.BytesIO()
    Image.fromarray(pixels).save(encoded, "JPEG", exif=exif, quality=95)
    (tmp_path / "turned.jpg").write_bytes(encoded.getvalue())
    view.show_file(tmp_path / "turned.jpg")
    qtbot.waitUntil(lambda: view.canvas.scene.photo is not None)
    draft = view.canvas.scene.photo
    assert not draft.is_complete
    assert draft.size.toTuple() == (2000, 3000)
    assert draft.levels[0].width() < 2000
    first = colour_at(view, 1000, 700).blue(), colour_at(view, 1000, 2300).blue()
    settle()
    assert view.canvas.scene.photo.is_complete
    assert (colour_at(view, 1000, 700).blue(), colour_at(view, 1000, 2300).blue()) == first
    assert first[0] > 150 > 50 > first[1]


def test_leafing_through_reads_only_what_it_ends_at(view, qtbot, settle, tmp_path, monkeypatch) -> None:
    from zippo_desktop.gui import picture_loader

    decoded = []
    decode = picture_loader.decode
    monkeypatch.setattr(picture_loader, "decode", lambda path: decoded.append(path.name) or decode(path))
    for index in range(8):
        Image.new("RGB", (2600, 600), (index, 0, 0)).save(tmp_path / f"{index}.jpg")
    for index in range(8):
        view.show_file(tmp_path / f"{index}.jpg")
        qtbot.wait(20)
    settle()
    assert decoded == ["7.jpg"]


def test_stopping_in_the_middle_leaves_nothing_running(view, qtbot, tmp_path) -> None:
    Image.new("RGB", (3000, 3000)).save(tmp_path / "large.png")
    view.show_file(tmp_path / "large.png")
    view.stop()
    assert not view.is_loading
    qtbot.wait(50)
    assert view.canvas.scene.photo is None
