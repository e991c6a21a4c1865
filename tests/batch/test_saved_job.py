"""Jobs that were stopped, and go on: nothing is done twice, nothing is missing, nothing differs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from tests.photos import save_photo
from zippo_desktop.batch.job import Options
from zippo_desktop.batch.plan import plan_generation, plan_matting
from zippo_desktop.batch.prompts import PromptRow
from zippo_desktop.batch.report import Status
from zippo_desktop.batch.runner import run_job
from zippo_desktop.batch.saved_job import find_job, job_lock, list_jobs, read_job
from zippo_desktop.engine.fake_session import FakeSession
from zippo_desktop.errors import UsageError
from zippo_desktop.export.writing import Writing
from zippo_desktop.imaging.arrangement import Arrangement
from zippo_desktop.imaging.matte_controls import MatteControls
from zippo_desktop.pipelines.request import GenerationRequest, MattingRequest

COUNT = 6
DIES = """
import os, signal, sys
from pathlib import Path
from zippo_desktop.batch import runner
from zippo_desktop.batch.job import Options
from zippo_desktop.batch.plan import plan_matting
from zippo_desktop.engine.fake_session import FakeSession
from zippo_desktop.export import atomic
from zippo_desktop.pipelines.request import MattingRequest
photos, out, job_dir, place, after = sys.argv[1:]
left = int(after)
module, name = {"before the rename": (os, "replace"), "before the journal": (runner.Journal, "record")}[place]
called = getattr(module, name)
def dying(*arguments):
    global left
    left -= 1
    if left < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return called(*arguments)
setattr(module, name, dying)
job = plan_matting([Path(photos)], MattingRequest(), Options(Path(out)))
runner.run_job(job, FakeSession, job_dir=Path(job_dir))
"""


@pytest.fixture
def photos(tmp_path):
    for number in range(COUNT):
        save_photo(tmp_path / "in" / f"{number}.png", 80 + 10 * number, 60)
    return tmp_path / "in"


def matting(photos, out):
    return plan_matting([photos], MattingRequest(), Options(out))


def go_on(job_dir, **options):
    saved = read_job(job_dir)
    resumption = saved.resumption(**{"retry_failed": False} | options)
    session = FakeSession()
    report = run_job(saved.job, lambda: session, job_dir=saved.job_dir, resumption=resumption)
    return report, session.calls


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="Windows has no SIGKILL")
@pytest.mark.parametrize(
    ("place", "after"), [("before the rename", 2), ("before the rename", 4), ("before the journal", 3)]
)
def test_a_killed_job_goes_on_and_equals_an_uninterrupted_one(photos, tmp_path, place, after):
    out, job_dir = tmp_path / "out", tmp_path / "jobs" / "a"
    command = [sys.executable, "-c", DIES, str(photos), str(out), str(job_dir), place, str(after)]
    died = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True)
    assert died.returncode == -signal.SIGKILL, died.stderr.decode()
    finished = [path for path in out.iterdir() if not path.name.startswith(".")]
    assert len(finished) < COUNT
    report, _ = go_on(job_dir)
    assert report.counts["failed"] == 0
    run_job(matting(photos, tmp_path / "whole"), FakeSession)
    expected = contents(tmp_path / "whole")
    assert {name: data for name, data in contents(out).items() if name in expected} == expected


def test_a_cancelled_job_does_the_rest_alone(photos, tmp_path):
    cancel, ended = threading.Event(), []

    def stop_after_two(event):
        ended.append(event)
        if sum(type(each).__name__ == "ItemEnded" for each in ended) == 2:
            cancel.set()

    first = run_job(matting(photos, tmp_path / "out"), FakeSession, stop_after_two, cancel, tmp_path / "a")
    done = first.counts["done"]
    assert 2 <= done < COUNT
    report, calls = go_on(tmp_path / "a")
    assert report.counts["done"] == COUNT
    assert calls.count("decode_latents") <= 2 * (COUNT - done)  # two passes at most for each that was left
    again, calls = go_on(tmp_path / "a")
    assert (again.counts["done"], calls) == (COUNT, [])


def test_a_changed_photo_and_a_lost_result_are_done_again(photos, tmp_path):
    run_job(matting(photos, tmp_path / "out"), FakeSession, job_dir=tmp_path / "a")
    before = contents(tmp_path / "out")
    save_photo(photos / "1.png", 33, 44)
    (tmp_path / "out" / "2.png").unlink()
    report, _ = go_on(tmp_path / "a")
    assert report.counts["done"] == COUNT
    after = contents(tmp_path / "out")
    assert after["1.png"] != before["1.png"]
    assert {name: after[name] for name in before if name != "1.png"} == {
        name: before[name] for name in before if name != "1.png"
    }


def test_failures_are_tried_again_only_if_asked(photos, tmp_path):
    whole = (photos / "3.png").read_bytes()
    (photos / "3.png").write_bytes(whole[:100])
    run_job(matting(photos, tmp_path / "out"), FakeSession, job_dir=tmp_path / "a")
    (photos / "3.png").write_bytes(whole)
    report, _ = go_on(tmp_path / "a")
    assert (report.counts["failed"], report.exit_code) == (1, 1)
    report, _ = go_on(tmp_path / "a", retry_failed=True)
    assert (report.counts["done"], report.exit_code) == (COUNT, 0)
    assert read_job(tmp_path / "a").counts["done"] == COUNT


def test_all_options_come_back(photos, tmp_path):
    request = MattingRequest("a cup", edges="fine", controls=MatteControls(expand_px=-1.5))
    options = Options(
        tmp_path / "out",
        arrangement=Arrangement(crop="5%", canvas="200x100"),
        writing=Writing(("png", "psd"), with_matte=True, depth="16", name="{stem} {index}"),
        on_existing="rename",
        max_pixels=5_000_000,
    )
    job = plan_matting([photos, tmp_path / "gone.jpg"], request, options)
    run_job(job, FakeSession, job_dir=tmp_path / "a")
    assert read_job(tmp_path / "a").job == replace(job, options=options)


def test_generation_comes_back(tmp_path):
    rows = [PromptRow("ein Käfer 🐞"), PromptRow("b", negative="c", steps=3)]
    job = plan_generation(rows, 2, GenerationRequest("", size=64), Options(tmp_path / "out"))
    run_job(job, FakeSession, job_dir=tmp_path / "a")
    assert read_job(tmp_path / "a").job == job


def test_another_model_is_refused(photos, tmp_path):
    run_job(matting(photos, tmp_path / "out"), FakeSession, job_dir=tmp_path / "a")
    (tmp_path / "out" / "0.png").unlink()
    saved = read_job(tmp_path / "a")
    resumption = replace(saved.resumption(retry_failed=False), model_digest="another")
    report = run_job(saved.job, FakeSession, job_dir=tmp_path / "a", resumption=resumption)
    assert "not the one that the job began with" in report.stopped_by
    assert report.exit_code == 3


def test_a_cut_line_counts_as_not_written_and_the_next_is_whole(photos, tmp_path):
    run_job(matting(photos, tmp_path / "out"), FakeSession, job_dir=tmp_path / "a")
    journal = tmp_path / "a" / "journal.jsonl"
    journal.write_text(journal.read_text()[:-20])
    assert read_job(tmp_path / "a").counts["left"] == 1
    report, _ = go_on(tmp_path / "a")
    assert report.counts[Status.SKIPPED] == 1  # its files are there, and whole
    assert read_job(tmp_path / "a").counts["left"] == 0


def test_one_program_at_a_time(tmp_path):
    with (
        job_lock(tmp_path / "a"),
        pytest.raises(UsageError, match="Another program"),
        job_lock(tmp_path / "a"),
    ):
        pass
    assert not (tmp_path / "a").exists()  # nothing was begun


def test_jobs_are_found_by_name_path_and_age(photos, tmp_path):
    for name in ("1", "2"):
        run_job(matting(photos, tmp_path / f"out{name}"), FakeSession, job_dir=tmp_path / "jobs" / name)
    jobs = tmp_path / "jobs"
    assert [folder.name for folder in list_jobs(jobs)] == ["1", "2"]
    assert find_job(jobs, "last") == find_job(jobs, "2") == find_job(tmp_path, str(jobs / "2"))
    with pytest.raises(UsageError, match="no job '3'"):
        find_job(jobs, "3")


@pytest.mark.parametrize("text", ["", "{}", '{"schema_version": 99}', '{"schema_version": 1, "task": "x"}'])
def test_what_is_no_job_is_told(tmp_path, text):
    (tmp_path / "job.json").write_text(text)
    with pytest.raises(UsageError, match=os.path.basename(tmp_path)):
        read_job(tmp_path)
