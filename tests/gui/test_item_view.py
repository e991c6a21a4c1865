"""The list as it is seen and used: what is in sight, how items are drawn, the keys, what is dragged out."""

from pathlib import Path

import pytest
from PySide6.QtCore import QItemSelectionModel, QPoint, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QGuiApplication, QImage, QPainter
from PySide6.QtWidgets import QMenu

from tests.gui.item_lists import ended, found, job_of, make_cutout, make_photo
from zippo_desktop.batch.report import Status
from zippo_desktop.gui import item_panel
from zippo_desktop.gui.item_delegate import draw_badge, state_colour
from zippo_desktop.gui.item_entry import State
from zippo_desktop.gui.item_model import ItemModel
from zippo_desktop.gui.item_panel import ItemPanel
from zippo_desktop.gui.thumbnails import ThumbnailCache

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")  # windows, offscreen


@pytest.fixture
def panel(qtbot):
    cache = ThumbnailCache()
    panel = ItemPanel(ItemModel(cache))
    panel.resize(420, 600)
    qtbot.addWidget(panel)
    panel.show()
    yield panel
    cache.close()


@pytest.fixture
def opened(monkeypatch):
    """The files that were handed to the system's programs, which are not started here."""
    paths = []
    monkeypatch.setattr(item_panel, "open_file", lambda path: paths.append(path) or path.exists())
    monkeypatch.setattr(item_panel, "reveal", lambda path: paths.append(path.parent) or True)
    return paths


def fill(panel, count):
    panel.items.add(found(*(f"{number}.jpg" for number in range(count))))


def choose(panel, *rows):
    panel.view.setCurrentIndex(panel.shown.index(rows[0], 0))
    for row in rows:
        panel.view.selectionModel().select(
            panel.shown.index(row, 0), QItemSelectionModel.SelectionFlag.Select
        )


def finish(panel, tmp_path, *statuses):
    """Let the first items end, each done one with a cut-out."""
    job = job_of([entry.path for entry in panel.items.entries], tmp_path)
    panel.items.begin_job(job)
    for index, status in enumerate(statuses):
        outputs = (make_cutout(tmp_path / f"{index}.png"),) if status is Status.DONE else ()
        panel.items.end(index, ended(job, index, status, outputs=outputs))
    return job


def listed(panel):
    return [entry.label for entry in panel.items.entries]


@pytest.mark.parametrize("is_grid", [True, False])
def test_thumbnails_are_asked_for_what_is_in_sight_alone(panel, qtbot, monkeypatch, is_grid):
    wanted = []
    monkeypatch.setattr(panel.items.thumbnails, "want", lambda paths, side: wanted.append(paths))
    (panel.bar.grid_button if is_grid else panel.bar.list_button).click()
    fill(panel, 10_000)
    qtbot.waitUntil(lambda: bool(wanted and wanted[-1]))
    assert wanted[-1][0].name == "0.jpg"
    assert len(wanted[-1]) < 150
    panel.view.scrollTo(panel.shown.index(5000, 0), panel.view.ScrollHint.PositionAtTop)
    qtbot.waitUntil(lambda: 5000 in panel.view.rows_in_sight() and Path("5000.jpg").absolute() in wanted[-1])
    assert Path("0.jpg").absolute() not in wanted[-1]
    assert len(wanted[-1]) < 150


@pytest.mark.parametrize("is_grid", [True, False])
def test_rows_in_sight_are_those_that_qt_shows(panel, qtbot, is_grid):
    panel.view.show_as(is_grid)
    fill(panel, 500)
    qtbot.waitUntil(lambda: panel.view.verticalScrollBar().maximum() > 0)
    panel.view.verticalScrollBar().setValue(777)
    area = panel.view.viewport().rect()
    seen = [row for row in range(500) if panel.view.visualRect(panel.shown.index(row, 0)).intersects(area)]
    rows = panel.view.rows_in_sight()
    assert set(seen) <= set(rows)
    assert len(rows) <= len(seen) + 8


def test_the_columns_of_the_grid_fill_the_width(panel, qtbot):
    fill(panel, 30)
    for side in (80, 130, 200, 256):
        panel.bar.slider.setValue(side)
        rects = [panel.view.visualRect(panel.shown.index(row, 0)) for row in range(6)]
        right = max(rect.right() for rect in rects)
        assert panel.view.viewport().width() - right < 24
        assert rects[0].width() == pytest.approx(side, rel=0.6)


def test_a_cut_out_lies_on_squares_and_a_photo_does_not(panel, qtbot, tmp_path):
    make_photo(tmp_path / "a.png", (40, 32), (10, 20, 30))
    make_cutout(tmp_path / "b.png", (40, 32))
    panel.items.add(found(tmp_path / "a.png", tmp_path / "b.png"))
    cache = panel.items.thumbnails
    qtbot.waitUntil(lambda: all(cache.pixmap(entry.picture) for entry in panel.items.entries))
    image = panel.view.viewport().grab().toImage()
    colours = []
    for row in range(2):
        rect = panel.view.visualRect(panel.shown.index(row, 0))
        middle = rect.center() - QPoint(0, 12)
        colours.append({image.pixelColor(middle + QPoint(x, 0)).name() for x in range(-12, 12)})
    assert colours[0] == {"#0a141e"}
    assert len(colours[1]) >= 2


@pytest.mark.parametrize("state", [State.DONE, State.DOUBTFUL, State.FAILED, State.SKIPPED])
def test_every_state_that_counts_has_a_badge_of_its_colour(qapp, state):
    image = QImage(32, 32, QImage.Format.Format_RGB32)
    image.fill(QColor("black"))
    painter = QPainter(image)
    draw_badge(painter, QRectF(4, 4, 24, 24), state)
    painter.end()
    seen = [image.pixelColor(x, y) for x in range(32) for y in range(32)]
    assert sum(colour == state_colour(state) for colour in seen) > 100


def test_what_waits_has_no_badge_and_what_runs_shows_how_far_it_is(qapp):
    drawn = []
    for state, progress in ((State.WAITING, 0), (State.RUNNING, 0.2), (State.RUNNING, 0.9)):
        image = QImage(32, 32, QImage.Format.Format_RGB32)
        image.fill(QColor("black"))
        painter = QPainter(image)
        draw_badge(painter, QRectF(4, 4, 24, 24), state, progress)
        painter.end()
        accent = state_colour(State.RUNNING)
        drawn.append(sum(image.pixelColor(x, y) == accent for x in range(32) for y in range(32)))
    assert drawn[0] == 0
    assert 0 < drawn[1] < drawn[2]


def test_delete_takes_from_the_list_and_not_from_the_disk(panel, qtbot, tmp_path):
    photos = [make_photo(tmp_path / f"{number}.png") for number in range(4)]
    panel.items.add(found(*photos))
    choose(panel, 1, 2)
    qtbot.keyClick(panel.view, Qt.Key.Key_Delete)
    assert listed(panel) == ["0.png", "3.png"]
    assert all(photo.exists() for photo in photos)
    assert panel.view.current_entry().label == "3.png"


@pytest.mark.parametrize("key", [Qt.Key.Key_F5, Qt.Key.Key_R])
def test_what_has_ended_can_be_done_again(panel, qtbot, tmp_path, key):
    fill(panel, 4)
    finish(panel, tmp_path, Status.FAILED, Status.DONE, Status.SKIPPED)
    qtbot.keyClick(panel.view, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    assert len(panel.view.chosen()) == 4
    with qtbot.waitSignal(panel.retry_requested) as asked:
        qtbot.keyClick(panel.view, key)
    assert [entry.label for entry in asked.args[0]] == ["0.jpg", "1.jpg", "2.jpg"]


def test_enter_opens_the_result_else_the_photo(panel, qtbot, tmp_path, opened):
    panel.items.add(found(make_photo(tmp_path / "in" / "a.png"), make_photo(tmp_path / "in" / "b.png")))
    finish(panel, tmp_path, Status.DONE)
    for row in (0, 1):
        choose(panel, row)
        qtbot.keyClick(panel.view, Qt.Key.Key_Return)
    assert opened == [tmp_path / "0.png", tmp_path / "in" / "b.png"]


def test_a_file_that_nothing_opens_is_told(panel, qtbot, opened):
    fill(panel, 1)
    choose(panel, 0)
    with qtbot.waitSignal(panel.told) as told:
        panel.open_chosen()
    assert "0.jpg" in told.args[0]


def test_the_menu_offers_what_can_be_done_now(panel, tmp_path, opened):
    panel.items.add(found(make_photo(tmp_path / "in" / "a.png"), make_photo(tmp_path / "in" / "b.png")))
    finish(panel, tmp_path, Status.DONE)

    def possible(row):
        choose(panel, row)
        panel.view.selectionModel().select(
            panel.shown.index(1 - row, 0), QItemSelectionModel.SelectionFlag.Deselect
        )
        return {action.text() for action in panel.menu().actions() if action.isEnabled() and action.text()}

    assert {"Open the result", "Open the photo", "Copy the result", "Do again"} <= possible(0)
    assert possible(1) == {"Open", "Show in the file manager", "Copy", "Choose all", "Remove from the list"}
    next(a for a in panel.menu().actions() if a.text() == "Show in the file manager").trigger()
    assert opened == [tmp_path / "in"]


def test_the_context_menu_appears_at_a_click(panel, qtbot):
    fill(panel, 1)
    panel.view.customContextMenuRequested.emit(QPoint(5, 5))
    menus = [menu for menu in panel.findChildren(QMenu) if menu.isVisible()]
    assert len(menus) == 1
    menus[0].close()


def test_a_finished_cut_out_is_copied_with_its_alpha(panel, qtbot, tmp_path):
    fill(panel, 1)
    finish(panel, tmp_path, Status.DONE)
    choose(panel, 0)
    qtbot.keyClick(panel.view, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    mime = QGuiApplication.clipboard().mimeData()
    assert [url.toLocalFile() for url in mime.urls()] == [str(tmp_path / "0.png")]
    assert mime.imageData().pixelColor(0, 0).alpha() == 0
    QGuiApplication.clipboard().clear()


def test_what_is_dragged_out_are_the_results_and_else_the_photos(panel, tmp_path):
    fill(panel, 2)
    finish(panel, tmp_path, Status.DONE)
    choose(panel, 0, 1)
    mime = panel.shown.mimeData(panel.view.selectionModel().selectedIndexes())
    assert [Path(url.toLocalFile()).name for url in mime.urls()] == ["0.png", "1.jpg"]
    mime = panel.shown.mimeData([panel.shown.index(0, 0)])
    assert "image/png" in mime.formats()


def test_chips_count_and_choose(panel, qtbot, tmp_path):
    fill(panel, 6)
    finish(panel, tmp_path, Status.DONE, Status.FAILED, Status.FAILED)
    panel.bar.show_counts()
    visible = [chip.text() for chip in panel.bar.chips.chips if not chip.isHidden()]
    assert visible == ["All 6", "To do 3", "Done 1", "Failed 2"]
    next(chip for chip in panel.bar.chips.chips if chip.text() == "Failed 2").click()
    assert panel.shown.rowCount() == 2
    panel.items.remove([panel.shown.entry(0), panel.shown.entry(1)])
    panel.bar.show_counts()
    assert any(chip.isChecked() and not chip.isHidden() for chip in panel.bar.chips.chips)


def test_counts_are_written_a_moment_after_they_change(panel, qtbot):
    fill(panel, 3)
    qtbot.waitUntil(lambda: panel.bar.chips.chips[0].text() == "All 3")


def test_chips_break_into_rows_where_the_panel_is_narrow(panel, qtbot, tmp_path):
    fill(panel, 6)
    finish(panel, tmp_path, Status.DONE, Status.FAILED, Status.SKIPPED)
    panel.bar.show_counts()
    heights = []
    for width in (900, 300):
        panel.resize(width, 600)
        qtbot.waitUntil(lambda width=width: panel.bar.width() == width)
        heights.append(panel.bar.chips.height())
        shown = [chip for chip in panel.bar.chips.chips if not chip.isHidden()]
        assert all(chip.geometry().right() <= panel.bar.chips.width() for chip in shown)
    assert heights[1] > heights[0]


def test_the_filter_and_the_order_are_the_bars(panel, qtbot):
    panel.items.add(found("b2.jpg", "b10.jpg", "a.jpg"))
    qtbot.keyClicks(panel.bar.search, "B")
    assert panel.shown.rowCount() == 2
    panel.bar.search.clear()
    next(a for a in panel.bar.order_button.menu().actions() if a.text() == "Name").trigger()
    assert listed(panel) == ["a.jpg", "b2.jpg", "b10.jpg"]
    assert panel.bar.order_button.text() == "Name"


def test_what_is_chosen_stays_chosen_in_another_order_and_look(panel, qtbot):
    panel.items.add(found("c.jpg", "b.jpg", "a.jpg"))
    choose(panel, 0)
    panel.bar.order_button.menu().actions()[1].trigger()
    panel.bar.list_button.click()
    assert [entry.label for entry in panel.view.chosen()] == ["c.jpg"]
    assert panel.view.gridSize() == QSize()
    assert not panel.bar.slider.isEnabled()


def test_the_item_that_has_the_keyboard_is_told_and_told_again_when_it_ends(panel, qtbot, tmp_path):
    fill(panel, 2)
    told = []
    panel.current_changed.connect(lambda entry: told.append(entry and (entry.label, entry.outputs)))
    choose(panel, 0)
    finish(panel, tmp_path, Status.DONE)
    assert told[0] == ("0.jpg", ())
    assert told[-1] == ("0.jpg", (tmp_path / "0.png",))
    count = len(told)
    panel.items.start(1)  # another one's news are none of this one's
    assert len(told) == count


def test_entries_are_chosen_by_the_program(panel):
    fill(panel, 5)
    panel.shown.set_text("1")
    panel.view.choose([panel.items.entries[1], panel.items.entries[3]])
    assert [entry.label for entry in panel.view.chosen()] == ["1.jpg"]
