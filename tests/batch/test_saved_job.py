"""Jobs that were stopped, and go on: nothing is done twice, nothing is missing, nothing differs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from tests.photos import save_photo
from zippo_desktop.batch.events import ItemEnded
from zippo_desktop.batch.job import Options
from zippo_desktop.batch.journal import Journal
from zippo_desktop.batch.plan import plan_generation, plan_matting
from zippo_desktop.batch.prompts import PromptRow
from zippo_desktop.batch.report import Status
from zippo_desktop.batch.runner import run_job
from zippo_desktop.batch.saved_job import find_job, job_lock, list_jobs, read_job
from zippo_desktop.batch.stages import STAGES
from zippo_desktop.engine.fake_session import FakeSession
from zippo_desktop.errors import UsageError
from zippo_desktop.export.writing import Writing
from zippo_desktop.imaging.arrangement import Arrangement
from zippo_desktop.imaging.matte_controls import MatteControls
from zippo_desktop.pipelines.confidence import Assessment
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
    left -= not str(arguments[-1]).endswith(".webp")  # thumbnails do not count
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


@pytest.fixture
def judged(monkeypatch):
    """Say how confident the assessment of a photo of this name is from now on, and what it doubts."""
    confidences = {}
    finish = STAGES["matting"].finish

    def finish_judged(decoded, inferred, item, parameters):
        confidence, doubts = confidences.get(item.source.name, (0.9, ()))
        return replace(finish(decoded, inferred, item, parameters), assessment=Assessment(confidence, doubts))

    monkeypatch.setitem(STAGES, "matting", replace(STAGES["matting"], finish=finish_judged))

    def judge(name, confidence, *doubts):
        confidences[name] = (confidence, doubts)

    return judge


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


def test_killed_between_its_files_and_its_line_an_item_is_done_and_not_skipped(photos, tmp_path, monkeypatch):
    record = Journal.record
    with monkeypatch.context() as patch:
        patch.setattr(Journal, "record", lambda self, i, result: None if i == 1 else record(self, i, result))
        run_job(matting(photos, tmp_path / "out"), FakeSession, job_dir=tmp_path / "a")
    report, _ = go_on(tmp_path / "a")
    assert report.counts[Status.DONE] == COUNT


def test_a_stop_leaves_others_files_alone(photos, tmp_path):
    """Somebody's file that came in the meantime is not taken for one of a job that was killed."""
    cancel = threading.Event()
    run_job(
        matting(photos, tmp_path / "out"),
        FakeSession,
        lambda event: cancel.set() if isinstance(event, ItemEnded) else None,
        cancel,
        tmp_path / "a",
    )
    last = tmp_path / "out" / f"{COUNT - 1}.png"
    assert not last.exists()
    last.write_text("somebody's own")
    report, _ = go_on(tmp_path / "a")
    assert last.read_text() == "somebody's own"
    assert report.counts["skipped"] == 1


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
    assert calls.count("decode_latents") <= 3 * (COUNT - done)  # looks at most at each that was left
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


def test_what_was_skipped_is_looked_at_anew(photos, tmp_path):
    run_job(matting(photos, tmp_path / "out"), FakeSession)
    (tmp_path / "out" / "2.png").unlink()
    run_job(matting(photos, tmp_path / "out"), FakeSession, job_dir=tmp_path / "a")
    assert read_job(tmp_path / "a").counts == {"done": 1, "failed": 0, "skipped": COUNT - 1, "left": 0}
    (tmp_path / "out" / "3.png").unlink()
    report, _ = go_on(tmp_path / "a")
    assert report.counts["done"] == 2
    assert (tmp_path / "out" / "3.png").exists()


def test_the_report_is_rebuilt_whole_from_the_folder(photos, tmp_path, judged):
    judged("0.png", 0.2, "Half of it is soft.")
    (photos / "3.png").write_bytes(b"no picture")
    job = plan_matting([photos, tmp_path / "gone.jpg"], MattingRequest(), Options(tmp_path / "out"))
    made = run_job(job, lambda: FakeSession(fallbacks=("CUDA is missing.",)), job_dir=tmp_path / "a")
    rebuilt = read_job(tmp_path / "a").report()
    assert rebuilt.results == made.results
    assert [result.confidence for result in rebuilt.results][:2] == [None, 0.2]
    assert (rebuilt.counts, rebuilt.uncertain) == (made.counts, made.uncertain)
    assert (rebuilt.info, rebuilt.notes) == (made.info, made.notes)
    assert (rebuilt.spec.name, rebuilt.spec.digest) == (made.spec.name, made.spec.digest)
    assert 0 < rebuilt.seconds <= made.seconds + 0.001  # the journal rounds
    assert not rebuilt.is_cancelled
    resumed, calls = go_on(tmp_path / "a")
    assert (resumed.results, calls) == (made.results, [])


def test_the_times_of_all_runs_are_added_up_and_what_is_left_is_told(photos, tmp_path):
    cancel = threading.Event()
    run_job(
        matting(photos, tmp_path / "out"),
        FakeSession,
        lambda event: cancel.set() if isinstance(event, ItemEnded) else None,
        cancel,
        tmp_path / "a",
    )
    first = read_job(tmp_path / "a")
    assert first.report().is_cancelled
    assert first.report().counts["not_started"] == first.counts["left"] > 0
    go_on(tmp_path / "a")
    assert read_job(tmp_path / "a").seconds > first.seconds
    assert not read_job(tmp_path / "a").report().is_cancelled


def test_a_journal_of_the_first_program_is_read(photos, tmp_path):
    run_job(matting(photos, tmp_path / "out"), FakeSession, job_dir=tmp_path / "a")
    path = tmp_path / "a" / "journal.jsonl"
    known = ("index", "label", "status", "message", "source", "outputs", "seconds", "ended_at")
    lines = [json.loads(line) for line in path.read_text().splitlines() if "status" in line]
    old = [{key: line[key] for key in known} for line in lines]
    path.write_text("".join(json.dumps(line) + "\n" for line in old))
    snapshot = json.loads((tmp_path / "a" / "job.json").read_text())
    for new in ("uncertain_below", "uncertain_dir", "fail_if_uncertain", "originals_dir"):
        del snapshot["options"][new]
    for item in snapshot["items"]:
        del item["uncertain_target"], item["archive"]
    del snapshot["fallbacks"]
    (tmp_path / "a" / "job.json").write_text(json.dumps(snapshot))
    report, calls = go_on(tmp_path / "a")
    assert (report.counts["done"], calls) == (COUNT, [])
    assert report.results[0].confidence is None
    (first,) = (line for line in old if line["index"] == 0)
    assert sum(report.results[0].seconds.values()) == first["seconds"]


def apart_matting(photos, tmp_path):
    options = Options(tmp_path / "out", uncertain_below=0.5, uncertain_dir=tmp_path / "look")
    return plan_matting([photos], MattingRequest(), replace(options, writing=Writing(with_matte=True)))


def test_uncertain_results_are_apart_and_a_resumed_job_knows_them_there(photos, tmp_path, judged):
    judged("1.png", 0.2)
    run_job(apart_matting(photos, tmp_path), FakeSession, job_dir=tmp_path / "a")
    assert sorted(contents(tmp_path / "look")) == ["1.matte.png", "1.png"]
    assert not (tmp_path / "out" / "1.png").exists()
    report, calls = go_on(tmp_path / "a")
    assert (report.counts["done"], calls) == (COUNT, [])
    journal = tmp_path / "a" / "journal.jsonl"
    journal.write_text("")  # as if it had been killed before the lines, and between two files
    (tmp_path / "look" / "1.matte.png").unlink()
    report, _ = go_on(tmp_path / "a")
    assert report.counts == {"done": 1, "failed": 0, "skipped": COUNT - 1, "not_started": 0}
    assert sorted(contents(tmp_path / "look")) == ["1.matte.png", "1.png"]
    assert len(contents(tmp_path / "out")) == 2 * (COUNT - 1)


def test_uncertain_results_replace_nothing(photos, tmp_path, judged):
    judged("1.png", 0.2)
    (tmp_path / "look").mkdir()
    (tmp_path / "look" / "1.matte.png").write_text("another job's")
    run_job(apart_matting(photos, tmp_path), FakeSession, job_dir=tmp_path / "a")
    assert sorted(contents(tmp_path / "look")) == ["1-2.matte.png", "1-2.png", "1.matte.png"]
    assert (tmp_path / "look" / "1.matte.png").read_text() == "another job's"


def test_a_photo_that_changed_its_place_among_the_certain_leaves_nothing_behind(photos, tmp_path, judged):
    judged("1.png", 0.2)
    run_job(apart_matting(photos, tmp_path), FakeSession, job_dir=tmp_path / "a")
    judged("1.png", 0.9)
    save_photo(photos / "1.png", 33, 44)
    go_on(tmp_path / "a")
    assert contents(tmp_path / "look") == {}
    assert {"1.png", "1.matte.png"} <= contents(tmp_path / "out").keys()
    judged("2.png", 0.1)
    save_photo(photos / "2.png", 33, 44)
    go_on(tmp_path / "a")
    assert sorted(contents(tmp_path / "look")) == ["2.matte.png", "2.png"]
    assert not (tmp_path / "out" / "2.png").exists()


def archiving(photos, tmp_path):
    return plan_matting([photos], MattingRequest(), Options(tmp_path / "out", originals_dir=photos / "done"))


def test_photos_are_moved_and_a_resumed_job_finds_them(photos, tmp_path):
    before = contents(photos)
    (photos / "4.png").write_bytes(b"no picture")
    report = run_job(archiving(photos, tmp_path), FakeSession, job_dir=tmp_path / "a")
    assert [path.name for path in photos.iterdir() if path.is_file()] == ["4.png"]
    moved = contents(photos / "done")
    assert moved == {name: data for name, data in before.items() if name != "4.png"}
    assert report.results[0].source == photos / "done" / "0.png"
    again, calls = go_on(tmp_path / "a")
    assert (again.counts["done"], calls) == (COUNT - 1, [])
    (tmp_path / "out" / "2.png").unlink()
    again, _ = go_on(tmp_path / "a")
    assert again.counts["done"] == COUNT - 1
    assert (tmp_path / "out" / "2.png").exists()
    assert contents(photos / "done") == moved


def test_a_photo_whose_job_was_killed_before_it_was_moved_is_moved_later(photos, tmp_path, monkeypatch):
    monkeypatch.setattr("zippo_desktop.batch.flow.file_away", lambda item, written: (item, ""))
    run_job(archiving(photos, tmp_path), FakeSession, job_dir=tmp_path / "a")
    journal = tmp_path / "a" / "journal.jsonl"
    marks = [line for line in journal.read_text().splitlines(keepends=True) if "is_begun" in line]
    journal.write_text("".join(marks))
    assert not (photos / "done").exists()
    report, calls = go_on(tmp_path / "a")
    assert (report.counts["done"], calls) == (COUNT, [])
    assert contents(photos / "done").keys() == {f"{number}.png" for number in range(COUNT)}
    assert read_job(tmp_path / "a").report().results == report.results


def test_a_photo_that_cannot_be_moved_stays_and_is_told(photos, tmp_path, caplog):
    job = archiving(photos, tmp_path)
    (photos / "done").write_text("no folder")
    report = run_job(job, FakeSession, job_dir=tmp_path / "a")
    assert (report.counts["done"], report.exit_code) == (COUNT, 0)
    assert "was not moved" in report.results[0].message
    assert (photos / "0.png").exists()
    assert read_job(tmp_path / "a").report().results == report.results
    caplog.clear()


def test_all_options_come_back(photos, tmp_path):
    request = MattingRequest("a cup", edges="fine", controls=MatteControls(expand_px=-1.5))
    options = Options(
        tmp_path / "out",
        arrangement=Arrangement(crop="5%", canvas="200x100"),
        writing=Writing(("png", "psd"), with_matte=True, depth="16", name="{stem} {index}"),
        on_existing="rename",
        max_pixels=5_000_000,
        batch_size=3,
        memory_mb=1000,
        uncertain_below=0.25,
        uncertain_dir=tmp_path / "look",
        fail_if_uncertain=True,
        originals_dir=tmp_path / "done",
    )
    job = plan_matting([photos, tmp_path / "gone.jpg"], request, options)
    run_job(job, FakeSession, job_dir=tmp_path / "a")
    moved = tuple(replace(item, source=item.archive) for item in job.items)
    assert read_job(tmp_path / "a").job == replace(job, items=moved)


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
    assert report.counts[Status.DONE] == COUNT  # its files are there, and may be whole or not
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
