"""Counts, rate and time left, by a clock of the test's own."""

from pathlib import Path

import pytest

from zippo_desktop.batch.events import (
    ItemEnded,
    ItemStarted,
    JobContinued,
    JobPaused,
    JobStarted,
    SessionOpened,
    StepDone,
)
from zippo_desktop.batch.job import Item
from zippo_desktop.batch.report import ItemResult, Status
from zippo_desktop.engine.fake_session import FakeSession
from zippo_desktop.export.write import Target
from zippo_desktop.gui import run_texts
from zippo_desktop.gui.run_progress import RunProgress
from zippo_desktop.pipelines.request import MattingRequest

ITEM = Item("a.jpg", MattingRequest(), Target(Path(), "a", ("png",)))


class Run:
    """A progress with a clock that moves by hand."""

    def __init__(self, total):
        self.now = 0.0
        self.progress = RunProgress(lambda: self.now)
        self.progress.take(JobStarted(total))

    def open(self):
        session = FakeSession()
        self.progress.take(SessionOpened(session.spec, session.info))

    def do(self, index, seconds, status=Status.DONE, confidence=None):
        self.progress.take(ItemStarted(index, ITEM))
        self.now += seconds
        self.progress.take(ItemEnded(index, ItemResult("a.jpg", status, confidence=confidence)))


def test_the_rate_is_that_of_the_work_without_skipped_items_opening_and_pauses():
    run = Run(20)
    for index in range(10):
        run.do(index, 0, Status.SKIPPED)
    run.now += 100  # the model is opened
    run.open()
    assert run.progress.rate is None
    run.do(10, 2)
    run.do(11, 2)
    run.progress.take(JobPaused())
    run.now += 1000
    assert run.progress.left_s == pytest.approx(16)
    run.progress.take(JobContinued())
    run.do(12, 2)
    assert run.progress.rate == pytest.approx(0.5)
    assert run.progress.left_s == pytest.approx(14)
    run.now += 1
    assert run.progress.left_s == pytest.approx(13)
    assert run.progress.fraction == pytest.approx(13 / 20)


def test_what_an_earlier_run_did_says_nothing_of_the_pace():
    run = Run(20)
    for index in range(10):
        run.do(index, 0.001)  # as the journal tells them
    run.now += 5
    run.open()
    run.do(10, 2)
    assert run.progress.done == 11
    assert run.progress.rate == pytest.approx(0.5)


def test_steps_count_as_parts_so_that_one_long_picture_has_a_time_left():
    run = Run(1)
    run.open()
    run.progress.take(ItemStarted(0, ITEM))
    for done in range(1, 11):
        run.now += 1
        run.progress.take(StepDone(0, ITEM, done, 20))
    assert run.progress.fraction == pytest.approx(0.45)
    assert run.progress.left_s == pytest.approx(0.55 / 0.045, rel=0.01)


def test_the_rate_follows_a_change_of_pace():
    run = Run(1000)
    run.open()
    for index in range(100):
        run.do(index, 1)
    for index in range(100, 200):
        run.do(index, 0.1)
    assert run.progress.rate == pytest.approx(10)


def test_the_words():
    run = Run(1200)
    run.open()
    run.do(0, 1, confidence=0.4)
    run.do(1, 1, Status.FAILED)
    assert run_texts.counts(run.progress) == "2 of 1,200, 1 failed, 1 to check"
    assert run_texts.pace(run.progress) == "1.0/s · 19:58 left"
    assert run_texts.rate_text(0.05) == "3.0/min"
    assert [run_texts.duration(seconds) for seconds in (7, 750, 11100)] == ["0:07", "12:30", "3:05 h"]
