"""What the bar says of the pace and of what became of the items, and what is said in lines."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from zippo_desktop.batch.events import (
    ItemEnded,
    ItemStarted,
    JobContinued,
    JobPaused,
    JobStarted,
    Notice,
    SessionOpened,
)
from zippo_desktop.batch.job import Item
from zippo_desktop.batch.report import ItemResult, Status
from zippo_desktop.cli import progress
from zippo_desktop.cli.pace import Pace
from zippo_desktop.cli.progress import ProgressView
from zippo_desktop.engine.fake_session import FakeSession
from zippo_desktop.export.write import Target
from zippo_desktop.pipelines.request import MattingRequest


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def pace(clock):
    return Pace(clock)


def test_before_anything_has_ended_there_is_no_pace(pace):
    assert (pace.per_second, pace.told(10)) == (None, "")


def test_the_pace_is_that_of_the_last_minute(pace, clock):
    for _ in range(10):  # slow at first
        clock.now += 20
        pace.count()
    assert pace.told(60) == "3.0/min, 20:00 left"
    for _ in range(200):  # then quick
        clock.now += 0.5
        pace.count()
    assert pace.per_second == pytest.approx(2.0, rel=0.02)
    assert pace.told(0) == "2.0/s"


def test_items_that_take_longer_than_a_minute_have_a_pace_too(pace, clock):
    for _ in range(8):
        clock.now += 600
        pace.count()
    assert pace.told(40) == "0.1/min, 6:40:00 left"


def test_a_rest_does_not_count(pace, clock):
    clock.now += 1
    pace.count()
    clock.now += 3600
    pace.begin()
    clock.now += 1
    pace.count()
    assert pace.told(65) == "1.0/s, 1:05 left"


@pytest.fixture
def shown(monkeypatch):
    """A view on a terminal of its own, and what is written there."""
    text = io.StringIO()
    console = Console(file=text, force_terminal=True, width=200, highlight=False, color_system=None)
    monkeypatch.setattr(progress, "error_console", lambda: console)
    return text


def item(label):
    return Item(label, MattingRequest(), Target(Path("out"), "a", ("png",)))


def test_the_bar_counts_what_became_of_the_items(shown):
    session = FakeSession()
    with ProgressView(quiet=None, uncertain_below=0.5) as view:
        view.show(JobStarted(6))
        view.show(ItemEnded(0, ItemResult("s.jpg", Status.SKIPPED)))
        view.show(SessionOpened(session.spec, session.info))
        for index, result in enumerate(
            [
                ItemResult("a.jpg", Status.DONE, confidence=0.9),
                ItemResult("b.jpg", Status.DONE, confidence=0.2),
                ItemResult("c.jpg", Status.FAILED, "c.jpg is empty."),
            ]
        ):
            view.show(ItemEnded(index + 1, result))
        view.show(ItemStarted(4, item("[red]d.jpg")))
        (task,) = view._progress.tasks
        view._progress.refresh()
    assert (task.completed, task.total) == (4, 6)
    assert task.fields["told"] == "1 uncertain, 1 failed, 1 skipped"
    assert "left" in task.fields["pace"]
    last = shown.getvalue()
    for words in ("4/6", "1 uncertain, 1 failed, 1 skipped", "cpu", "[red]d.jpg", "Failed: c.jpg is empty."):
        assert words in last


def test_notices_and_rests_are_told_also_where_nothing_moves(capsys):
    with ProgressView(quiet=None) as view:
        for event in (Notice("Memory ran out."), JobPaused(), JobContinued()):
            view.show(event)
    assert capsys.readouterr().err.splitlines() == ["Memory ran out.", "Paused.", "Going on."]
