"""Stop and pause: how soon they are obeyed, and what they leave. On the fake session and real files."""

import threading
import time
from dataclasses import replace

import pytest

from tests.photos import save_photo
from zippo_desktop.batch import flow
from zippo_desktop.batch.events import ItemEnded, ItemStarted, JobContinued, JobPaused, StepDone
from zippo_desktop.batch.job import Options
from zippo_desktop.batch.plan import plan_generation, plan_matting
from zippo_desktop.batch.prompts import PromptRow
from zippo_desktop.batch.runner import run_job
from zippo_desktop.batch.saved_job import read_job
from zippo_desktop.batch.stages import STAGES
from zippo_desktop.engine.fake_session import FakeSession
from zippo_desktop.pipelines.request import GenerationRequest, MattingRequest


@pytest.fixture
def pause():
    return threading.Event()


@pytest.fixture
def cancel():
    return threading.Event()


def generation(out, prompts, steps=9):
    rows = [PromptRow(prompt) for prompt in prompts]
    return plan_generation(rows, 1, GenerationRequest("", steps=steps), Options(out))


def matting(tmp_path, count):
    for number in range(count):
        save_photo(tmp_path / "in" / f"{number:02}.png")
    return plan_matting([tmp_path / "in"], MattingRequest(), Options(tmp_path / "out"))


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_pause_holds_the_next_step_until_it_ends(tmp_path, pause):
    session, events, calls = FakeSession(), [], []

    def go_on():
        calls.append(session.calls.count("denoise"))
        pause.clear()

    def listen(event):
        events.append(event)
        if isinstance(event, StepDone) and event.item.label == "b" and event.done == 3:
            pause.set()
        if isinstance(event, JobPaused):
            calls.append(session.calls.count("denoise"))
            threading.Timer(0.3, go_on).start()

    report = run_job(generation(tmp_path / "out", "ab"), lambda: session, listen, pause=pause)
    assert calls == [9 + 3] * 2
    assert report.counts["done"] == 2
    kinds = [type(event) for event in events]
    assert kinds.index(JobContinued) == kinds.index(JobPaused) + 1
    assert isinstance(events[kinds.index(JobContinued) + 1], StepDone)
    assert report.results[1].seconds["infer"] < 0.3  # the pause is not the network's time
    run_job(generation(tmp_path / "whole", "ab"), FakeSession)
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")


def test_what_was_being_written_is_told_before_the_pause(tmp_path, pause, monkeypatch):
    ended, export = [], flow.export

    def slow(*arguments):
        time.sleep(0.1)
        return export(*arguments)

    def listen(event):
        if isinstance(event, StepDone) and event.index == 1:
            pause.set()
        if isinstance(event, ItemEnded):
            ended.append(event.index)
        if isinstance(event, JobPaused):
            assert ended == [0]
            pause.clear()

    monkeypatch.setattr(flow, "export", slow)
    run_job(generation(tmp_path, "ab", steps=1), FakeSession, listen, pause=pause)
    assert ended == [0, 1]


def test_a_job_that_is_paused_from_the_start_begins_no_item(tmp_path, pause):
    pause.set()
    events = []

    def listen(event):
        events.append(type(event))
        if isinstance(event, JobPaused):
            pause.clear()

    run_job(generation(tmp_path, "a"), FakeSession, listen, pause=pause)
    assert events.index(JobPaused) < events.index(ItemStarted)


def test_a_stop_ends_a_pause(tmp_path, pause, cancel):
    pause.set()

    def listen(event):
        if isinstance(event, JobPaused):
            threading.Timer(0.05, cancel.set).start()

    report = run_job(generation(tmp_path, "a"), FakeSession, listen, cancel, pause=pause)
    assert report.is_cancelled
    assert report.counts["not_started"] == 1


def test_a_stop_does_not_wait_for_a_photo_to_be_decoded(tmp_path, cancel, monkeypatch):
    is_over, stages = threading.Event(), STAGES["matting"]

    def decode(*arguments):
        cancel.set()
        is_over.wait(20)
        return stages.decode(*arguments)

    monkeypatch.setitem(STAGES, "matting", replace(stages, decode=decode))
    started = time.monotonic()
    report = run_job(matting(tmp_path, 3), FakeSession, cancel=cancel)
    assert time.monotonic() - started < 5
    is_over.set()
    assert report.is_cancelled


def test_a_stop_writes_nothing_more_but_what_is_being_written(tmp_path, cancel, monkeypatch):
    monkeypatch.setattr(flow, "core_count", lambda: 2)
    export, begun = flow.export, []

    def slow(layers, target, *more):
        begun.append(f"{target.stem}.png")
        while len(begun) < 2:  # both threads are at work
            time.sleep(0.005)
        cancel.set()
        time.sleep(0.1)
        return export(layers, target, *more)

    monkeypatch.setattr(flow, "export", slow)
    report = run_job(matting(tmp_path, 8), FakeSession, cancel=cancel)
    assert report.is_cancelled
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(begun)
    assert len(begun) == 2
    assert report.counts["done"] == 2


def test_a_result_that_waited_to_be_written_when_the_job_was_stopped_is_not_the_jobs_own(
    tmp_path, cancel, monkeypatch
):
    monkeypatch.setattr(flow, "core_count", lambda: 2)
    export, started = flow.export, []

    def slow(*arguments):
        while len(started) < 3:  # the third has to wait for one of two threads
            time.sleep(0.005)
        time.sleep(0.1)
        cancel.set()
        time.sleep(0.4)  # until the stop has been seen
        return export(*arguments)

    monkeypatch.setattr(flow, "export", slow)
    job_dir = tmp_path / "job"
    run_job(
        matting(tmp_path, 8),
        FakeSession,
        lambda event: started.append(event) if isinstance(event, ItemStarted) else None,
        cancel,
        job_dir,
    )
    saved = read_job(job_dir)
    assert saved.counts["done"] == 2
    assert not saved.begun
