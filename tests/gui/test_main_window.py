"""The whole window on the fake session: one walk through it, and each way a run or the window can end."""

import threading

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QGuiApplication
from PySide6.QtWidgets import QApplication, QMainWindow, QMessageBox, QSplitter, QWidget

from tests.photos import half_white, save_photo
from zippo_desktop.batch.events import Preview
from zippo_desktop.batch.saved_job import list_jobs, read_job
from zippo_desktop.engine.fake_session import FakeSession
from zippo_desktop.errors import EngineError, ModelError
from zippo_desktop.gui.error_dialog import ErrorDialog
from zippo_desktop.gui.item_entry import State
from zippo_desktop.gui.main_window import MainWindow
from zippo_desktop.gui.window_state import WindowState
from zippo_desktop.paths import jobs_dir

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")  # windows, offscreen

DONE = {State.DONE, State.DOUBTFUL}  # half of a picture is cut off by its frame


class Model:
    """Opens fake sessions; while its gate is shut, a denoising step waits before it."""

    def __init__(self):
        self.gate, self.options, self.error, self.sessions = threading.Event(), {}, None, []
        self.gate.set()

    def __call__(self, model, engine, provider, on_notice):
        if self.error:
            raise self.error
        session = FakeSession(**self.options)
        denoise = session.denoise
        session.denoise = lambda *given: self.gate.wait(10) and denoise(*given)
        self.sessions.append(session)
        return session


@pytest.fixture
def model():
    return Model()


@pytest.fixture
def make_window(qtbot, model, tmp_path):
    windows = []

    def make():
        window = MainWindow(model)
        window.settings.set_output_dir(tmp_path / "out")
        window.pictures.set_live(False)
        windows.append(window)
        with qtbot.waitSignal(window.shown_first):
            window.show()
        return window

    yield make
    model.gate.set()
    for window in windows:
        window.close_unasked()
        qtbot.waitUntil(lambda window=window: window.shut_down(0.1))
        window.deleteLater()


@pytest.fixture
def window(make_window):
    return make_window()


@pytest.fixture
def folder(tmp_path):
    for number in range(6):
        save_photo(tmp_path / "in" / f"{number}.png")
    save_photo(tmp_path / "in" / "sub" / "6.png")
    return tmp_path / "in"


def open_folder(qtbot, window, folder):
    with qtbot.waitSignal(window.work.paths_added):
        window.open_paths([folder])


def start(qtbot, window):
    with qtbot.waitSignal(window.run.queue.job_begun):
        qtbot.mouseClick(window.bar.start, Qt.MouseButton.LeftButton)


def wait_for_end(qtbot, window):
    qtbot.waitUntil(lambda: not window.run.is_busy)


def states(window):
    return [entry.state for entry in window.work.photos.items.entries]


def results(tmp_path):
    out = tmp_path / "out"
    return sorted(path.relative_to(out).as_posix() for path in out.rglob("*.png"))


def answer(monkeypatch, text):
    """Answer the next question with the button of this text; gives back the list of questions."""
    asked = []

    def execute(box):
        asked.append(box.text())
        button = next(button for button in box.buttons() if button.text() == text)
        button.click()
        return 0

    monkeypatch.setattr(QMessageBox, "exec", execute)
    return asked


def dialogs(window):
    return [dialog.message.text() for dialog in window.findChildren(ErrorDialog)]


def test_open_a_folder_start_cancel_resume_and_the_results_are_there(qtbot, window, model, folder, tmp_path):
    open_folder(qtbot, window, folder)
    assert states(window) == [State.WAITING] * 7
    model.gate.clear()
    start(qtbot, window)
    assert window.bar.stop.isEnabled()
    qtbot.waitUntil(lambda: State.RUNNING in states(window))
    qtbot.mouseClick(window.bar.stop, Qt.MouseButton.LeftButton)
    model.gate.set()
    wait_for_end(qtbot, window)
    assert len(results(tmp_path)) < 7
    qtbot.waitUntil(window.unfinished.isVisible)
    qtbot.mouseClick(window.unfinished.resume, Qt.MouseButton.LeftButton)
    wait_for_end(qtbot, window)
    assert set(states(window)) <= DONE
    assert results(tmp_path) == [*(f"{number}.png" for number in range(6)), "sub/6.png"]
    assert np.asarray(Image.open(tmp_path / "out" / "0.png")).shape == (60, 80, 4)
    (job_dir,) = list_jobs(jobs_dir())
    assert read_job(job_dir).counts["left"] == 0
    assert not window.unfinished.isVisible()


def test_closing_during_a_job_asks_once_stops_and_the_next_start_offers_to_resume(
    qtbot, make_window, model, folder, tmp_path, monkeypatch
):
    window = make_window()
    open_folder(qtbot, window, folder)
    model.gate.clear()
    start(qtbot, window)
    qtbot.waitUntil(lambda: State.RUNNING in states(window))
    asked = answer(monkeypatch, "Keep running")
    window.close()
    assert window.isVisible()
    asked = answer(monkeypatch, "Stop and close")
    window.close()
    assert window.isVisible()  # until the current step is done
    model.gate.set()
    qtbot.waitUntil(lambda: not window.isVisible())
    assert asked == ["A job is running."]
    assert not window.worker.isRunning()
    assert not window.previews.isRunning()
    after = make_window()
    qtbot.waitUntil(after.unfinished.isVisible)
    assert "0 of 7 cut out" in after.unfinished.words.text()
    qtbot.mouseClick(after.unfinished.resume, Qt.MouseButton.LeftButton)
    wait_for_end(qtbot, after)
    assert len(results(tmp_path)) == 7
    assert set(states(after)) <= DONE


def test_a_job_that_is_forgotten_is_not_offered_again(qtbot, make_window, model, folder):
    window = make_window()
    open_folder(qtbot, window, folder)
    model.gate.clear()
    start(qtbot, window)
    qtbot.waitUntil(lambda: State.RUNNING in states(window))
    window.run.stop()
    model.gate.set()
    wait_for_end(qtbot, window)
    qtbot.waitUntil(window.unfinished.isVisible)
    qtbot.mouseClick(window.unfinished.forget, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not list_jobs(jobs_dir()))
    assert not window.unfinished.isVisible()


def test_a_pause_rests_and_is_shown(qtbot, window, model, folder, tmp_path):
    open_folder(qtbot, window, folder)
    model.gate.clear()
    start(qtbot, window)
    qtbot.waitUntil(lambda: State.RUNNING in states(window))
    qtbot.mouseClick(window.bar.pause, Qt.MouseButton.LeftButton)
    model.gate.set()
    qtbot.waitUntil(lambda: window.bar.pause.toolTip() == "Go on")
    assert len(results(tmp_path)) < 7
    qtbot.mouseClick(window.bar.pause, Qt.MouseButton.LeftButton)
    wait_for_end(qtbot, window)
    assert len(results(tmp_path)) == 7


def test_a_crash_of_the_worker_shows_the_error_dialog_and_the_next_job_runs(
    qtbot, window, model, folder, tmp_path, caplog
):
    open_folder(qtbot, window, folder)
    qtbot.waitUntil(lambda: bool(model.sessions))
    window.worker._keeper._choice = None  # so that the next job opens it anew
    model.error = ZeroDivisionError("division by zero")
    start(qtbot, window)
    qtbot.waitUntil(lambda: bool(dialogs(window)))
    assert dialogs(window) == ["Something unexpected happened: division by zero"]
    assert "Traceback" in caplog.text
    caplog.clear()
    assert State.RUNNING not in states(window)
    window.findChildren(ErrorDialog)[0].close()
    model.error = None
    start(qtbot, window)
    wait_for_end(qtbot, window)
    assert len(results(tmp_path)) == 7


def test_an_engine_that_fails_is_told_and_the_rest_can_be_resumed(qtbot, window, model, folder):
    open_folder(qtbot, window, folder)
    qtbot.waitUntil(lambda: bool(model.sessions))
    model.sessions[0]._failures = dict.fromkeys(range(1, 99), EngineError("The GPU is gone.", "Restart."))
    start(qtbot, window)
    qtbot.waitUntil(lambda: bool(dialogs(window)))
    assert dialogs(window) == ["The GPU is gone. Restart."]
    qtbot.waitUntil(window.unfinished.isVisible)


def test_a_model_that_cannot_be_opened_is_told_before_any_job(qtbot, make_window, model):
    model.error = ModelError("There is no model 'zippo-mini'.", "Install it.")
    window = make_window()
    qtbot.waitUntil(lambda: window.bar.device.text() == "not usable")
    assert "There is no model 'zippo-mini'. Install it." in window.bar.device.toolTip()


def test_start_without_photos_says_what_to_do(qtbot, window):
    qtbot.mouseClick(window.bar.start, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: bool(dialogs(window)))
    assert dialogs(window) == ["There are no photos. Drop some, or open a folder."]
    assert not window.run.is_busy


def test_several_starts_queue_up_and_stop_ends_them_all(qtbot, window, model, folder, tmp_path):
    open_folder(qtbot, window, folder)
    model.gate.clear()
    start(qtbot, window)
    window.settings.set_output_dir(tmp_path / "other")
    window.run.start()
    qtbot.waitUntil(lambda: len(window.run.queue.waiting) == 1)
    model.gate.set()
    wait_for_end(qtbot, window)
    assert len(results(tmp_path)) == 7
    assert len(list((tmp_path / "other").rglob("*.png"))) == 7
    assert len(list_jobs(jobs_dir())) == 2


def test_photos_dropped_anywhere_or_handed_over_are_listed_and_remembered(qtbot, window, folder):
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(folder))])
    place = window.bar.pos() + QPoint(4, 4)
    held = Qt.DropAction.CopyAction, mime, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    QApplication.sendEvent(window, QDragEnterEvent(place, *held))
    with qtbot.waitSignal(window.work.paths_added):
        QApplication.sendEvent(window, QDropEvent(QPointF(place), *held))
    assert len(states(window)) == 7
    assert window.state.recent == [folder]
    window.showMinimized()
    photo = save_photo(folder.parent / "later.png")
    with qtbot.waitSignal(window.work.paths_added):
        window.receive([photo])  # as a second start hands it over
    assert not window.isMinimized()
    assert window.work.paths()[-1] == photo
    assert window.state.recent == [photo, folder]


def test_the_selected_photo_is_previewed_with_the_present_settings(qtbot, window, folder):
    window.pictures.set_live(True)
    with qtbot.waitSignal(window.previews.preview_made) as first:
        open_folder(qtbot, window, folder)
    assert first.args[0].path == folder / "0.png"
    image = first.args[1]
    assert (image.width(), image.height()) == (80, 60)
    assert [image.pixelColor(x, 30).alpha() for x in (5, 75)] == [255, 0]
    with qtbot.waitSignal(window.previews.preview_made) as second:
        window.settings.set_values({"background": "red"})
        window.settings.values_changed.emit()
    assert second.args[1].pixelColor(75, 30).name() == "#ff0000"


def test_the_result_is_copied_with_its_alpha(qtbot, window, folder):
    open_folder(qtbot, window, folder)
    start(qtbot, window)
    wait_for_end(qtbot, window)
    qtbot.waitUntil(lambda: window.pictures.result is not None)
    QGuiApplication.clipboard().setText("before")
    window.pictures.copy()
    qtbot.waitUntil(lambda: QGuiApplication.clipboard().mimeData().hasImage())
    mime = QGuiApplication.clipboard().mimeData()
    assert bytes(mime.data("image/png").data()) == window.pictures.result.read_bytes()
    assert mime.urls() == [QUrl.fromLocalFile(str(window.pictures.result))]
    assert QGuiApplication.clipboard().image().pixelColor(75, 30).alpha() == 0


def test_a_retry_does_one_photo_again_with_the_settings_of_the_moment(qtbot, window, folder, tmp_path):
    open_folder(qtbot, window, folder)
    start(qtbot, window)
    wait_for_end(qtbot, window)
    Image.fromarray(half_white(20, 10)).save(folder / "3.png")
    with qtbot.waitSignal(window.run.queue.job_ended) as ended:
        window.work.retry_requested.emit([folder / "3.png"])
    assert ended.args[1].counts["done"] == 1
    assert Image.open(tmp_path / "out" / "3.png").size == (20, 10)


def test_prompts_become_pictures_with_previews_on_the_way(qtbot, window, tmp_path):
    shown = []
    show_image = window.view.show_image
    window.view.show_image = lambda image: (shown.append(image.width()), show_image(image))
    window.work.show_task("generation")
    table = tmp_path / "prompts.csv"
    table.write_text("prompt,steps\na pear,4\n")
    window.open_paths([table])
    qtbot.waitUntil(lambda: len(window.work.prompt_rows()) == 1)
    start(qtbot, window)
    wait_for_end(qtbot, window)
    assert results(tmp_path) == ["001-a-pear.png"]
    assert shown
    shown.clear()
    window.work.show_task("matting")
    window.worker.event_received.emit(Preview(0, None, np.zeros((8, 8, 4), np.uint8)))
    assert not shown  # the viewer is not taken from somebody who looks at photos


def test_the_log_tells_of_failures_and_the_button_counts_them(qtbot, window, folder):
    (folder / "0.png").write_bytes(b"")
    open_folder(qtbot, window, folder)
    start(qtbot, window)
    wait_for_end(qtbot, window)
    assert window.bar._log.text() == "Log · 1"
    window.bar._log.click()
    assert window.log.isVisible()
    assert window.bar._log.text() == "Log"
    assert "0.png is empty (0 bytes)" in window.log.text
    assert "6 cut out, 1 failed" in window.log.text


def test_place_panels_and_what_was_opened_are_remembered(qtbot, tmp_path):
    def make():
        window, splitter = QMainWindow(), QSplitter(objectName="panels")
        qtbot.addWidget(window)
        splitter.addWidget(QWidget())
        splitter.addWidget(QWidget())
        window.setCentralWidget(splitter)
        return window, splitter, WindowState()

    window, splitter, state = make()
    window.resize(500, 300)
    splitter.setSizes([400, 100])
    sizes = splitter.sizes()
    state.save(window, [splitter])
    state.add_recent([tmp_path / "a.png"])
    state.add_recent([tmp_path / "ü" / f"{number}.png" for number in range(9)])
    after, splitter, state = make()
    state.restore(after, [splitter])
    assert (after.width(), after.height()) == (500, 300)
    assert splitter.sizes() == sizes
    assert state.recent == [tmp_path / "ü", tmp_path / "a.png"]


def test_every_action_of_the_menus_has_a_key_of_its_own(window):
    keys = [action.shortcut().toString() for action in window.menus.menus.actions.values()]
    taken = [key for key in keys if key]
    assert len(taken) == len(set(taken))
