"""The tab for photos: from empty to filled, by hand, by paste, by a job that goes on."""

from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtWidgets import QFileDialog, QPushButton

from tests.gui.item_lists import ended, job_of, make_photo
from zippo_desktop.batch.report import Status
from zippo_desktop.gui.photos_tab import PhotosTab
from zippo_desktop.gui.thumbnails import ThumbnailCache

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")  # windows, offscreen


@pytest.fixture
def tab(qtbot):
    cache = ThumbnailCache()
    tab = PhotosTab(cache)
    tab.resize(420, 600)
    qtbot.addWidget(tab)
    tab.show()
    yield tab
    tab.close_threads()
    cache.close()


def button(tab, text):
    return next(each for each in tab.findChildren(QPushButton) if each.text() == text and each.isVisible())


def names(tab):
    return [path.name for path in tab.paths()]


def test_an_empty_tab_offers_the_samples(tab, qtbot):
    assert tab.empty.isVisible()
    button(tab, "Try the samples").click()
    qtbot.waitUntil(lambda: len(tab.paths()) >= 5)
    assert "flower.jpg" in names(tab)
    assert tab.panel.isVisible()
    assert not tab.empty.isVisible()


def test_the_first_photo_has_the_keyboard(tab, qtbot, tmp_path):
    photo = make_photo(tmp_path / "a.png")
    with qtbot.waitSignal(tab.current_changed) as told:
        tab.add_paths([photo])
    assert told.args == [(photo, None)]


def test_files_and_folders_are_asked_for(tab, qtbot, tmp_path, monkeypatch):
    photo = make_photo(tmp_path / "a.png")
    make_photo(tmp_path / "more" / "b.png")
    monkeypatch.setattr(QFileDialog, "getOpenFileNames", lambda *given: ([str(photo)], ""))
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *given: str(tmp_path / "more"))
    button(tab, "Add photos…").click()
    qtbot.waitUntil(lambda: names(tab) == ["a.png"])
    button(tab, "Add a folder…").click()
    qtbot.waitUntil(lambda: names(tab) == ["a.png", "b.png"])
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *given: "")
    tab.ask_folder()  # thought better of
    assert not tab.intake.is_busy


def test_photos_keep_their_folders(tab, qtbot, tmp_path):
    make_photo(tmp_path / "in" / "a.png")
    make_photo(tmp_path / "in" / "sub" / "a.png")
    tab.add_paths([tmp_path / "in"])
    qtbot.waitUntil(lambda: len(tab.paths()) == 2)
    assert [found.subfolder for found in tab.found()] == [Path(), Path("sub")]
    assert [found.label for found in tab.found()] == ["a.png", str(Path("sub", "a.png"))]


def test_what_is_listed_already_is_told(tab, qtbot, tmp_path):
    photo = make_photo(tmp_path / "a.png")
    tab.add_paths([photo])
    qtbot.waitUntil(lambda: len(tab.paths()) == 1 and not tab.intake.is_busy)
    tab.add_paths([photo])
    qtbot.waitUntil(lambda: tab.message.text() == "1 of them was in the list already.")
    assert len(tab.paths()) == 1


def test_what_is_no_picture_is_told_and_the_tab_stays_empty(tab, qtbot, tmp_path):
    (tmp_path / "notes.md").write_text("x")
    tab.add_paths([tmp_path])
    qtbot.waitUntil(lambda: tab.message.text() == "There is no picture in it.")
    qtbot.waitUntil(lambda: not tab.intake.is_busy)
    assert tab.message.isVisible()
    assert tab.empty.isVisible()


def test_a_picture_on_the_clipboard_is_pasted(tab, qtbot):
    image = QImage(6, 4, QImage.Format.Format_RGB32)
    image.fill(0xFF0000)
    QGuiApplication.clipboard().setImage(image)
    tab.panel.view.paste_asked.emit()
    qtbot.waitUntil(lambda: len(tab.paths()) == 1)
    assert tab.paths()[0].is_file()
    assert str(tab.paths()[0]) in tab.message.text()
    QGuiApplication.clipboard().clear()


def test_a_path_on_the_clipboard_is_pasted(tab, qtbot, tmp_path):
    photo = make_photo(tmp_path / "a b.png")
    QGuiApplication.clipboard().setText(f"'{photo}'")
    tab.paste()
    qtbot.waitUntil(lambda: tab.paths() == [photo])
    QGuiApplication.clipboard().setMimeData(QMimeData())


def test_a_job_that_goes_on_brings_its_photos(tab, tmp_path):
    job = job_of([make_photo(tmp_path / "a.png"), make_photo(tmp_path / "b.png")], tmp_path / "out")
    tab.begin_job(job)
    tab.items.end(1, ended(job, 1, Status.FAILED, message="It is damaged."))
    assert names(tab) == ["a.png", "b.png"]
    assert tab.items.entries[1].message == "It is damaged."


def test_photos_to_do_again_are_asked_for_by_path(tab, qtbot, tmp_path):
    photo = make_photo(tmp_path / "a.png")
    job = job_of([photo], tmp_path / "out")
    tab.begin_job(job)
    tab.items.end(0, ended(job, 0, Status.FAILED))
    tab.panel.view.selectAll()
    with qtbot.waitSignal(tab.retry_requested) as asked:
        tab.panel.retry_chosen()
    assert asked.args == [[photo]]


def test_an_emptied_tab_offers_its_ways_to_begin_again(tab, qtbot, tmp_path):
    tab.add_paths([make_photo(tmp_path / "a.png")])
    qtbot.waitUntil(lambda: len(tab.paths()) == 1)
    with qtbot.waitSignal(tab.current_changed, check_params_cb=lambda files: files is None):
        tab.panel.view.selectAll()
        tab.panel.remove_chosen()
    assert tab.empty.isVisible()
