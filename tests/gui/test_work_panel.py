"""The three tabs together: drops by Qt's own events, and the events of a job."""

from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import (
    QDragEnterEvent,
    QDragLeaveEvent,
    QDragMoveEvent,
    QDropEvent,
    QGuiApplication,
    QImage,
)
from PySide6.QtWidgets import QApplication

from tests.gui.item_lists import ended, job_of, make_cutout, make_photo
from zippo_desktop.batch.events import ItemEnded, ItemStarted, JobStarted, StepDone
from zippo_desktop.batch.prompts import PromptRow
from zippo_desktop.batch.report import ItemResult, Status
from zippo_desktop.gui.dropped import dropped_dir
from zippo_desktop.gui.item_entry import State
from zippo_desktop.gui.work_panel import WorkPanel
from zippo_desktop.paths import resource_dir

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")  # windows, offscreen
COPY_OR_MOVE = Qt.DropAction.CopyAction | Qt.DropAction.MoveAction
HELD = (Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier)


@pytest.fixture
def work(qtbot):
    work = WorkPanel()
    work.resize(420, 600)
    qtbot.addWidget(work)
    work.show()
    yield work
    work.close_threads()


def drop(work, mime) -> bool:
    """Hold something over the panel and let go; whether it was taken."""
    place = QPoint(200, 300)
    enter = QDragEnterEvent(place, COPY_OR_MOVE, mime, *HELD)
    QApplication.sendEvent(work, enter)
    if not enter.isAccepted():
        return False
    move = QDragMoveEvent(place, COPY_OR_MOVE, mime, *HELD)
    QApplication.sendEvent(work, move)
    event = QDropEvent(QPointF(place), COPY_OR_MOVE, mime, *HELD)
    QApplication.sendEvent(work, event)
    assert event.dropAction() == Qt.DropAction.CopyAction  # a move would delete the person's file
    return event.isAccepted() and move.isAccepted()


def files(*paths) -> QMimeData:
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    return mime


def names(paths):
    return [path.name for path in paths]


def test_files_and_folders_are_dropped(work, qtbot, tmp_path):
    photo = make_photo(tmp_path / "a.png")
    make_photo(tmp_path / "more" / "sub" / "b.png")
    with qtbot.waitSignal(work.files_dropped) as dropped:
        assert drop(work, files(photo, tmp_path / "more"))
    assert dropped.args == [[photo, tmp_path / "more"]]
    qtbot.waitUntil(lambda: names(work.paths()) == ["a.png", "b.png"])
    assert photo.exists()


def test_a_uri_list_is_dropped(work, qtbot, tmp_path):
    photo = make_photo(tmp_path / "ä 1.png")
    mime = QMimeData()
    mime.setData("text/uri-list", bytes(QUrl.fromLocalFile(str(photo)).toEncoded().data()) + b"\r\n")
    assert drop(work, mime)
    qtbot.waitUntil(lambda: work.paths() == [photo])


def test_a_browsers_picture_is_dropped(work, qtbot):
    work.show_task("generation")
    mime = QMimeData()
    mime.setUrls([QUrl("https://example.org/shoe.webp")])
    mime.setImageData(QImage(8, 6, QImage.Format.Format_RGB32))
    assert drop(work, mime)
    qtbot.waitUntil(lambda: len(work.paths()) == 1)
    assert work.paths() == [dropped_dir() / "shoe.png"]
    assert work.current_task() == "matting"
    assert str(dropped_dir() / "shoe.png") in work.photos.message.text()


def test_a_path_as_text_is_dropped(work, qtbot, tmp_path):
    mime = QMimeData()
    mime.setText(str(make_photo(tmp_path / "a.png")))
    assert drop(work, mime)
    qtbot.waitUntil(lambda: names(work.paths()) == ["a.png"])


def test_what_holds_nothing_is_not_taken(work):
    mime = QMimeData()
    mime.setData("application/x-else", b"x")
    assert not drop(work, mime)


def test_what_is_dragged_out_of_a_list_does_not_come_back(work, tmp_path):
    class FromTheList(QDragEnterEvent):
        def source(self):
            return work.photos.panel.view

    mime = files(make_photo(tmp_path / "a.png"))
    for event, is_taken in ((FromTheList, False), (QDragEnterEvent, True)):
        enter = event(QPoint(9, 9), COPY_OR_MOVE, mime, *HELD)
        enter.ignore()
        work.dragEnterEvent(enter)
        assert enter.isAccepted() is is_taken


def test_an_address_is_refused_with_what_to_do(work):
    mime = QMimeData()
    mime.setUrls([QUrl("https://example.org/shoe.webp")])
    drop(work, mime)
    assert "Save the picture, then drop the file." in work.photos.message.text()


def test_a_frame_shows_where_it_can_be_dropped(work, tmp_path):
    mime = files(tmp_path)
    QApplication.sendEvent(work, QDragEnterEvent(QPoint(9, 9), COPY_OR_MOVE, mime, *HELD))
    assert work._outline.isVisible()
    QApplication.sendEvent(work, QDragLeaveEvent())
    assert not work._outline.isVisible()


def test_lists_of_prompts_open_the_tab_for_prompts(work, tmp_path):
    (tmp_path / "p.txt").write_text("a pear\na plum\n")
    drop(work, files(tmp_path / "p.txt"))
    assert work.current_task() == "generation"
    assert [row.prompt for row in work.prompt_rows()] == ["a pear", "a plum"]


def test_a_folder_of_prompts_is_one_where_prompts_are_wanted(work, qtbot, tmp_path):
    (tmp_path / "p.txt").write_text("a pear\n")
    make_photo(tmp_path / "a.png")
    work.show_task("generation")
    drop(work, files(tmp_path))
    assert [row.prompt for row in work.prompt_rows()] == ["a pear"]
    work.show_task("matting")
    drop(work, files(tmp_path))
    qtbot.waitUntil(lambda: names(work.paths()) == ["a.png"])
    assert work.prompt_rows() == []


def test_pictures_are_mattes_where_these_are_wanted(work, qtbot, tmp_path):
    (tmp_path / "p.csv").write_text("prompt,seed\na pear,3\n")
    work.show_task("painting")
    drop(work, files(make_photo(tmp_path / "m.png"), tmp_path / "p.csv"))
    qtbot.waitUntil(lambda: names(work.mattes()) == ["m.png"])
    assert [row.seed for row in work.prompt_rows()] == [3]
    assert work.paths() == []
    assert work.current_task() == "painting"


def test_the_results_of_a_dropped_folder_are_left_out(work, qtbot, tmp_path):
    make_photo(tmp_path / "a.png")
    make_cutout(tmp_path / "out" / "a.png")
    work.set_output_dir(tmp_path / "out")
    work.add_paths([tmp_path])
    qtbot.waitUntil(lambda: bool(work.paths()) and not work.photos.intake.is_busy)
    assert work.paths() == [tmp_path / "a.png"]


def test_paste_goes_to_the_open_tab(work, qtbot, tmp_path):
    QGuiApplication.clipboard().setText("a pear\na plum")
    work.show_task("generation")
    work.paste()
    assert [row.prompt for row in work.prompt_rows()] == ["a pear", "a plum"]
    QGuiApplication.clipboard().setText(str(make_photo(tmp_path / "m.png")))
    work.show_task("painting")
    work.paste()
    qtbot.waitUntil(lambda: names(work.mattes()) == ["m.png"])


def test_a_jobs_events_change_its_items(work, qtbot, tmp_path):
    photos = [make_photo(tmp_path / f"{number}.png") for number in range(4)]
    work.add_paths(photos)
    qtbot.waitUntil(lambda: len(work.paths()) == 4)
    job = job_of(photos, tmp_path / "out")
    work.begin_job(job)
    states = [State.DONE, State.FAILED, State.RUNNING, State.FAILED]
    gone = ItemResult(str(photos[3]), Status.FAILED, "It is gone.")
    for event in (
        JobStarted(4),
        ItemStarted(0, job.items[0]),
        ItemEnded(0, ended(job, 0)),
        ItemEnded(1, ended(job, 1, Status.FAILED, message="It is damaged.")),
        ItemStarted(2, job.items[2]),
        StepDone(2, job.items[2], 3, 4),
        ItemEnded(-1, gone),
    ):
        work.on_event(event)
    entries = work.photos.items.entries
    assert [entry.state for entry in entries] == states
    assert entries[2].progress == 0.75
    assert entries[3].message == "It is gone."
    work.end_job()
    assert entries[2].state is State.WAITING
    work.on_event(ItemEnded(2, ended(job, 2)))  # of a job that is over
    assert entries[2].state is State.WAITING


@pytest.mark.parametrize(("task", "tab"), [("generation", "prompts"), ("painting", "paint")])
def test_pictures_from_prompts_are_shown_in_their_tab(work, qtbot, tmp_path, task, tab):
    work.show_task(task)
    job = job_of([tmp_path / "m.png"] * 2, tmp_path, task)
    work.begin_job(job)
    picture = make_cutout(tmp_path / "1.png")
    work.on_event(ItemEnded(1, ended(job, 1, outputs=(picture,))))
    panel = work.prompts.panel if task == "generation" else work.paint.results_panel
    assert panel.isVisible()
    with qtbot.waitSignal(work.current_item_changed) as told:
        panel.view.setCurrentIndex(panel.shown.index(1, 0))
    assert told.args == [(None, (picture,))]
    panel.view.selectAll()
    with qtbot.waitSignal(work.retry_items_requested) as asked:
        panel.retry_chosen()
    assert asked.args == [[job.items[1]]]


def test_results_and_mattes_share_a_place(work, qtbot, tmp_path):
    work.show_task("painting")
    paint = work.paint
    work.add_paths([resource_dir() / "mattes"])
    qtbot.waitUntil(lambda: len(work.mattes()) == 2)
    assert paint.panel.isVisible()
    assert not paint.pages.isVisible()
    paint.begin_job(job_of([tmp_path / "m.png"], tmp_path, "painting"))
    assert paint.results_panel.isVisible()
    paint.pages.setCurrentIndex(0)
    assert paint.panel.isVisible()


def test_a_painting_may_start_from_a_photo(work, tmp_path):
    work.show_task("painting")
    picker = work.paint.start
    assert (work.photo(), work.strength()) == (None, None)
    assert not picker.strength_slider.isVisible()
    photo = make_photo(tmp_path / "a.png")
    picker.field.setText(str(photo))
    assert (work.photo(), work.strength()) == (photo, 0.6)
    picker.strength_slider.setValue(25)
    assert work.strength() == 0.25
    picker.field.setText("/no/such.png")
    assert picker.field.property("wrong")
    assert "/no/such.png does not exist." in work.paint.message.text()


def test_the_open_tab_tells_its_item_and_its_task(work, qtbot, tmp_path):
    photo = make_photo(tmp_path / "a.png")
    work.add_paths([photo])
    qtbot.waitUntil(lambda: len(work.paths()) == 1)
    with qtbot.waitSignals([work.task_changed, work.current_item_changed]):
        work.show_task("generation")
    assert work.prompt_rows() == []
    work.prompts.table.prompts.add([PromptRow("a pear")])
    with qtbot.waitSignal(work.current_item_changed) as told:
        work.show_task("matting")
    assert told.args == [(photo, None)]


def test_a_large_folder_is_added_bit_by_bit(work, qtbot, tmp_path):
    photo = make_photo(tmp_path / "in" / "0.png")
    for number in range(1, 2000):
        Path(photo.parent, f"{number}.png").hardlink_to(photo)
    parts = []
    work.paths_added.connect(parts.append)
    work.add_paths([photo.parent])
    qtbot.waitUntil(lambda: len(work.paths()) == 2000, timeout=20_000)
    assert len(parts) == 4
    assert len(work.thumbnails._waiting) < 150
