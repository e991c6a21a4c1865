"""Which items go through the network together, and what happens where that is too much for it."""

import json
import random
import threading
import time
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from tests.photos import half_white, save_photo
from zippo_desktop.batch import flow
from zippo_desktop.batch.events import ItemStarted, Notice
from zippo_desktop.batch.inference import batch_size_for
from zippo_desktop.batch.job import Options
from zippo_desktop.batch.plan import plan_matting
from zippo_desktop.batch.report import Status
from zippo_desktop.batch.runner import run_job
from zippo_desktop.batch.saved_job import read_job
from zippo_desktop.batch.stages import STAGES
from zippo_desktop.engine.fake_session import FakeSession
from zippo_desktop.pipelines.request import MattingRequest

WIDE, TALL = (80, 60), (60, 80)
PICTURE_PX = 64 * 48  # of one photo in the fake network
REQUEST = MattingRequest(second_pass=False, check=False)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "in"


@pytest.fixture
def batches(monkeypatch):
    """The number of items in each call of the network's stage."""
    sizes, infer = [], STAGES["matting"].infer

    def noted(session, decoded, *more):
        sizes.append(len(decoded))
        return infer(session, decoded, *more)

    monkeypatch.setitem(STAGES, "matting", replace(STAGES["matting"], infer=noted))
    return sizes


def photos(folder, *sizes):
    for number, size in enumerate(sizes):
        save_photo(folder / f"{number:02}.png", *size)


def job(folder, request=REQUEST, **options):
    return plan_matting([folder], request, Options(folder.parent / "out", **options))


def together(report):
    """The batches in the report, each once."""
    return sorted({result.batch for result in report.results})


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_neighbours_go_together(folder, batches):
    photos(folder, *[WIDE] * 10)
    report = run_job(job(folder, batch_size=4), FakeSession)
    assert batches == [4, 4, 2]
    assert together(report) == [(0, 1, 2, 3), (4, 5, 6, 7), (8, 9)]
    assert report.counts["done"] == 10


def test_only_of_one_shape(folder):
    photos(folder, WIDE, WIDE, TALL, TALL, TALL, WIDE, (160, 120))
    report = run_job(job(folder, batch_size=8), FakeSession)
    assert together(report) == [(0, 1), (2, 3, 4), (5, 6)]  # 160 x 120 is 80 x 60 to the network


def test_a_bad_file_leaves_a_gap(folder):
    photos(folder, *[WIDE] * 5)
    (folder / "01.png").write_bytes(b"nothing")
    report = run_job(job(folder, batch_size=4), FakeSession)
    assert together(report) == [(), (0, 2, 3), (4,)]
    assert report.counts["failed"] == 1


def test_a_photo_that_brings_its_matte_goes_by_itself(folder):
    photos(folder, *[WIDE] * 3)
    rgba = np.dstack([half_white(*WIDE), half_white(*WIDE)[..., 0]])
    Image.fromarray(rgba).save(folder / "01.png")
    report = run_job(job(folder, replace(REQUEST, alpha="keep"), batch_size=4), FakeSession)
    assert together(report) == [(0,), (1,), (2,)]
    assert report.counts["done"] == 3


def test_they_do_not_depend_on_what_is_faster(folder, monkeypatch):
    photos(folder, *[WIDE] * 6, *[TALL] * 6)
    decode, dice = STAGES["matting"].decode, random.Random(0)

    def slow(*arguments):
        time.sleep(0.02 * dice.random())
        return decode(*arguments)

    monkeypatch.setitem(STAGES, "matting", replace(STAGES["matting"], decode=slow))
    first, second = (
        together(run_job(job(folder, batch_size=4, on_existing="overwrite"), FakeSession)) for _ in range(2)
    )
    assert first == second == [(0, 1, 2, 3), (4, 5), (6, 7), (8, 9, 10, 11)]


def test_a_job_that_goes_on_makes_the_batches_it_would_have_made(folder, tmp_path):
    photos(folder, *[WIDE] * 9)
    cancel = threading.Event()

    def stop(event):
        if isinstance(event, ItemStarted) and event.index == 4:
            cancel.set()

    run_job(job(folder, batch_size=4), FakeSession, stop, cancel, tmp_path / "job")
    saved = read_job(tmp_path / "job")
    done = set(saved.lines)
    report = run_job(saved.job, FakeSession, resumption=saved.resumption(retry_failed=False))
    expected = {tuple(sorted(set(each) - done)) for each in ((0, 1, 2, 3), (4, 5, 6, 7), (8,))}
    assert {result.batch for result in report.results if result.batch} >= expected - {()}
    assert report.counts["done"] == 9


def test_files_are_the_same_whatever_the_batch(folder, tmp_path):
    photos(folder, *[(80 + 4 * number, 60) for number in range(8)])
    for size in (1, 3, 8):
        options = Options(tmp_path / str(size), batch_size=size)
        assert run_job(plan_matting([folder], REQUEST, options), FakeSession).exit_code == 0
    assert contents(tmp_path / "1") == contents(tmp_path / "3") == contents(tmp_path / "8")


def test_each_result_and_the_report_name_the_batch(folder, tmp_path):
    photos(folder, WIDE, WIDE)
    report = run_job(job(folder, batch_size=2), FakeSession, job_dir=tmp_path / "job")
    assert [result.batch for result in report.results] == [(0, 1), (0, 1)]
    lines = (tmp_path / "job" / "journal.jsonl").read_text().splitlines()
    assert [json.loads(line)["batch"] for line in lines if "status" in line] == [[0, 1], [0, 1]]


@pytest.mark.parametrize(
    ("provider", "asked", "size"), [("cpu", 0, 1), ("cuda", 0, 8), ("tensorrt", 0, 8), ("cpu", 3, 3)]
)
def test_the_size_suits_the_provider_unless_one_is_asked_for(provider, asked, size):
    assert batch_size_for(provider, asked) == size


class TestMemoryThatRunsOut:
    def test_halves_the_batches_and_says_so(self, folder, batches):
        photos(folder, *[WIDE] * 10)
        told = []
        session = FakeSession(memory_px=2 * PICTURE_PX)
        report = run_job(job(folder, batch_size=8), lambda: session, told.append)
        assert batches == [8, 4, 2, 2, 2, 2, 2]
        notices = [event.sentence for event in told if isinstance(event, Notice)]
        assert [sentence[-7:] for sentence in notices] == ["with 4.", "with 2."]
        assert report.notes == tuple(notices)
        assert report.counts["done"] == 10
        assert sum(isinstance(event, ItemStarted) for event in told) == 10

    def test_for_a_single_picture_fails_it_with_a_sentence(self, folder, batches):
        photos(folder, *[WIDE] * 4)
        session = FakeSession(memory_px=PICTURE_PX - 1)
        report = run_job(job(folder, batch_size=4), lambda: session)
        assert batches == [4, 2, 1, 1, 1, 1]
        assert report.exit_code == 1
        assert {result.message[:18] for result in report.failures} == {"Memory ran out at "}
        assert len(report.notes) == 2

    def test_of_the_program_itself_counts_as_well(self, folder, batches):
        photos(folder, *[WIDE] * 2)
        session = FakeSession(failures={1: MemoryError()})
        report = run_job(job(folder, batch_size=2), lambda: session)
        assert batches == [2, 1, 1]
        assert report.counts["done"] == 2


def test_a_bug_fails_the_guilty_one_of_a_batch(folder, monkeypatch, caplog):
    photos(folder, *[WIDE] * 4)
    infer = STAGES["matting"].infer

    def fail(session, decoded, *more):
        if any(photo.path.name == "02.png" for photo, *_ in decoded):
            raise KeyError("oh")
        return infer(session, decoded, *more)

    monkeypatch.setitem(STAGES, "matting", replace(STAGES["matting"], infer=fail))
    report = run_job(job(folder, batch_size=4), FakeSession)
    assert [result.status for result in report.results].count(Status.DONE) == 3
    assert report.failures[0].label == "02.png"
    caplog.clear()


class TestMemoryCeiling:
    def test_bounds_what_is_in_flight(self, folder, monkeypatch):
        photos(folder, *[(400, 250)] * 10)  # 2.5 MB each
        assert self._most_alive(folder, monkeypatch, memory_mb=6) == 2

    def test_lets_one_through_that_is_larger(self, folder, monkeypatch):
        photos(folder, *[(400, 250)] * 4)
        assert self._most_alive(folder, monkeypatch, memory_mb=1) == 1

    def test_bounds_the_batches(self, folder):
        photos(folder, *[(400, 250)] * 5, (1000, 625), (400, 250))
        report = run_job(job(folder, batch_size=8, memory_mb=6), FakeSession)
        assert together(report) == [(0, 1), (2, 3), (4,), (5,), (6,)]
        assert report.counts["done"] == 7

    @staticmethod
    def _most_alive(folder, monkeypatch, **options):
        """The most items that are between their decoding and their last file."""
        lock, alive, most = threading.Lock(), 0, 0
        stages, export = STAGES["matting"], flow.export

        def decode(*arguments):
            nonlocal alive, most
            with lock:
                alive += 1
                most = max(most, alive)
            return stages.decode(*arguments)

        def slow_export(*arguments):
            nonlocal alive
            time.sleep(0.01)
            with lock:
                alive -= 1
            return export(*arguments)

        monkeypatch.setitem(STAGES, "matting", replace(stages, decode=decode))
        monkeypatch.setattr(flow, "export", slow_export)
        assert run_job(job(folder, **options), FakeSession).exit_code == 0
        return most
