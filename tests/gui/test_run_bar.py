"""The run bar and the log, by events as a job sends them."""

from pathlib import Path

import pytest
from PySide6.QtCore import Qt

from zippo_desktop.batch.events import ItemEnded, ItemStarted, JobPaused, JobStarted, Notice, SessionOpened
from zippo_desktop.batch.job import Item
from zippo_desktop.batch.report import ItemResult, Report, Status
from zippo_desktop.engine.fake_session import FakeSession
from zippo_desktop.engine.session import SessionInfo
from zippo_desktop.export.write import Target
from zippo_desktop.gui.log_drawer import LogDrawer
from zippo_desktop.gui.run_bar import RunBar
from zippo_desktop.gui.session_keeper import ModelChoice, SessionState
from zippo_desktop.pipelines.request import MattingRequest

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")  # windows, offscreen

ITEM = Item("a.jpg", MattingRequest(), Target(Path(), "a", ("png",)))
FALLBACK = SessionInfo("onnx", "cpu", ("The NVIDIA GPU is not used: no CUDA.",))


@pytest.fixture
def bar(qtbot):
    bar = RunBar()
    qtbot.addWidget(bar)
    bar.show()
    return bar


def click(qtbot, button):
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def test_only_what_makes_sense_can_be_pressed(qtbot, bar):
    assert bar.start.isEnabled()
    assert not bar.pause.isEnabled()
    assert not bar.stop.isEnabled()
    bar.begin()
    assert bar.start.text() == "Add to queue"
    with qtbot.waitSignal(bar.pause_requested):
        click(qtbot, bar.pause)
    bar.show_event(JobPaused())
    with qtbot.waitSignal(bar.continue_requested):
        click(qtbot, bar.pause)
    with qtbot.waitSignal(bar.stop_requested):
        click(qtbot, bar.stop)
    assert not bar.stop.isEnabled()
    assert bar._pace.text() == "Stopping after this step …"
    bar.end("2 cut out.")
    assert bar.start.text() == "Start"
    assert bar._counts.text() == "2 cut out."


def test_progress_is_shown_soon_after_the_events(qtbot, bar):
    bar.begin(waiting=2)
    bar.show_event(JobStarted(4))
    bar.show_event(SessionOpened(FakeSession().spec, FALLBACK))
    bar.show_event(ItemStarted(0, ITEM))
    with qtbot.waitSignal(bar.progress_changed) as changed:
        bar.show_event(ItemEnded(0, ItemResult("a.jpg", Status.FAILED, "It is empty.")))
    assert changed.args == [0.25, 3]
    assert bar._counts.text() == "1 of 4, 1 failed"
    assert bar._current.text() == "a.jpg"
    assert bar._pace.text() == "2 waiting"
    assert bar._bar.value() == 250


def test_a_provider_that_is_not_the_best_has_a_warning_and_its_reason(bar):
    usual = bar.device.icon().pixmap(16).toImage()
    bar.show_session(SessionState(ModelChoice(), FakeSession().spec, SessionInfo("onnx", "cuda")))
    assert bar.device.text() == "CUDA · ONNX"
    best = bar.device.icon().pixmap(16).toImage()
    bar.show_session(SessionState(ModelChoice(), FakeSession().spec, FALLBACK))
    assert bar.device.icon().pixmap(16).toImage() not in (usual, best)
    assert "The NVIDIA GPU is not used: no CUDA." in bar.device.toolTip()


def test_the_log_counts_what_is_serious_until_it_is_opened(qtbot):
    log, counted = LogDrawer(), []
    qtbot.addWidget(log)
    log.unread_changed.connect(counted.append)
    log.show_event(JobStarted(3))
    log.show_event(ItemEnded(0, ItemResult("a.jpg", Status.FAILED, "<b>a.jpg</b> is empty.")))
    log.show_event(ItemEnded(1, ItemResult("b.jpg", Status.DONE, confidence=0.2, doubts=("It touches it.",))))
    log.show_event(ItemEnded(2, ItemResult("c.jpg", Status.DONE)))
    log.show_event(Notice("The batch is smaller now."))
    log.show_report(Report("matting", 3, (), "2026-01-02", 65.0, notes=("The journal is gone.",)))
    assert counted == [1, 2, 3]
    log.show()
    assert counted[-1] == 0
    lines = [line[len("00:00:00") :].strip() for line in log.text.splitlines()]
    assert lines == [
        "A job of 3 items begins.",
        "Failed: <b>a.jpg</b> is empty.",
        "To check: b.jpg. It touches it.",
        "The batch is smaller now.",
        "The journal is gone.",
        "0 cut out, 3 not done, in 1:05.",
    ]
