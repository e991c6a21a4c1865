"""Watching a folder, on a clock of the tests' own: what is taken, when, once, and under which name."""

from __future__ import annotations

import json
import os
import shutil
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import replace

import pytest

from tests.photos import save_matte, save_photo, save_truncated
from zippo_desktop.batch import watch as watch_module
from zippo_desktop.batch import watch_job
from zippo_desktop.batch.arrivals import list_folder
from zippo_desktop.batch.events import ItemEnded, JobStarted, SessionOpened
from zippo_desktop.batch.job import Options
from zippo_desktop.batch.report import Status
from zippo_desktop.batch.runner import run_job
from zippo_desktop.batch.saved_job import job_lock, list_jobs, read_job
from zippo_desktop.batch.watch import FolderWatch
from zippo_desktop.batch.watch_job import Watch
from zippo_desktop.engine.fake_session import FakeSession
from zippo_desktop.errors import EngineError, UsageError
from zippo_desktop.export.writing import Writing
from zippo_desktop.pipelines.request import MattingRequest


class Script(threading.Event):
    """Stands for `cancel` and the clock: each wait takes no time, and does the next thing; the last ends."""

    def __init__(self, *steps):
        super().__init__()
        self.steps = list(steps)
        self.now_s = 0.0
        self.waits_s = []

    def wait(self, timeout=None):
        self.waits_s.append(timeout)
        self.now_s += timeout
        if not self.steps:
            self.set()
        elif step := self.steps.pop(0):
            step()
        return self.is_set()


class Bench:
    """A folder to watch, where the results go, and what was said and shown."""

    def __init__(self, root):
        self.folder, self.out, self.jobs = root / "in", root / "out", root / "jobs"
        self.look = root / "look"  # for uncertain results, where they have a folder
        self.folder.mkdir()
        self.told, self.events, self.sessions = [], [], []
        self.watch = Watch(self.folder, MattingRequest(), Options(self.out))

    def run(self, *steps, once=False, session=FakeSession, **changed):
        """Watch while the steps are taken, one at each wait; then end."""
        self.script = Script(*steps)

        def open_session():
            self.sessions.append(session())
            return self.sessions[-1]

        @contextmanager
        def show_round():
            yield self.events.append

        watch = replace(self.watch, **changed)
        arguments = (self.told.append, self.script, self.jobs, lambda: self.script.now_s)
        return FolderWatch(watch, open_session, show_round, *arguments).run(once=once)

    @property
    def results(self):
        return sorted(path.relative_to(self.out).as_posix() for path in self.out.rglob("*") if path.is_file())

    @property
    def ended(self):
        return [(e.result.label, e.result.status.value) for e in self.events if isinstance(e, ItemEnded)]


@pytest.fixture
def bench(tmp_path):
    return Bench(tmp_path)


def put(folder, name, width=80):
    return lambda: save_photo(folder / name, width)


def test_what_is_there_and_what_arrives_is_done_once(bench):
    save_photo(bench.folder / "a.jpg")
    result = bench.run(None, put(bench.folder, "sub/b.jpg"), None, None)
    assert bench.results == ["a.png", "sub/b.png"]
    assert bench.ended == [("a.jpg", "done"), (os.path.join("sub", "b.jpg"), "done")]
    assert result.counts[Status.DONE] == 2
    assert [event.total for event in bench.events if isinstance(event, JobStarted)] == [1, 1]


def test_a_growing_file_is_left_alone_until_it_has_settled(bench):
    whole = save_photo(bench.folder.parent / "whole.png", 400).read_bytes()
    copy = bench.folder / "a.png"
    bench.run(
        *(lambda share=share: copy.write_bytes(whole[: len(whole) * share // 4]) for share in (1, 2, 3))
    )
    assert bench.events == []
    bench.run(lambda: copy.write_bytes(whole), None)
    assert bench.ended == [("a.png", "done")]


def test_a_file_settles_for_as_long_as_asked_and_is_looked_at_as_soon_as_it_may_have(bench):
    save_photo(bench.folder / "a.png")
    bench.run(*[None] * 3, settle_s=10.0, interval_s=3.0)
    assert bench.results == []
    bench.run(None, settle_s=0.5, interval_s=60.0)
    assert bench.script.waits_s == [0.5, 60.0]
    assert bench.results == ["a.png"]


def test_a_renamed_file_is_whole_after_one_unchanged_look(bench):
    part = save_photo(bench.folder.parent / "b.png").rename(bench.folder / "a.png.crdownload")
    save_photo(bench.folder / "b.png")
    bench.run(lambda: part.rename(bench.folder / "a.png"), None, settle_s=3600.0)
    assert bench.results == ["a.png"]


def test_own_results_and_unfinished_hidden_and_other_files_are_left_alone(bench):
    out = bench.folder / "cut"
    bench.watch = replace(bench.watch, options=Options(out, writing=Writing(with_matte=True)))
    bench.jobs = bench.folder / "jobs"  # with the thumbnails
    for name in ("a.png", ".b.png", "~c.png", "cut/old.png"):
        save_photo(bench.folder / name)
    save_matte(bench.folder / "a.trimap.png")
    (bench.folder / ".zippo-123.part").write_text("x")
    (bench.folder / "d.jpg.part").write_text("x")
    (bench.folder / "e.txt").write_text("x")
    bench.run(*[None] * 4)
    assert bench.ended == [("a.png", "done")]


def test_results_in_a_folder_above_are_not_taken_for_photos(bench):
    """The result of in/in/a.jpg lies in in/, beside the photos."""
    bench.watch = replace(bench.watch, options=Options(bench.folder.parent))
    save_photo(bench.folder / "in" / "a.jpg")
    bench.run(*[None] * 4)
    assert bench.ended == [(os.path.join("in", "a.jpg"), "done")]
    assert (bench.folder / "a.png").exists()


def test_a_photo_waits_for_its_trimap(bench):
    save_photo(bench.folder / "a.png")
    trimap = bench.folder / "a.trimap.png"
    trimap.write_text("half of it")
    bench.run(lambda: save_matte(trimap), None)
    job = read_job(list_jobs(bench.jobs)[0]).job
    assert bench.ended == [("a.png", "done")]
    assert job.items[0].trimap.name == "a.trimap.png"


def test_a_later_run_does_what_is_new_and_nothing_else(bench):
    save_photo(bench.folder / "a.png")
    bench.run(None)
    save_photo(bench.folder / "b.png")
    (bench.out / "a.png").unlink()  # taken away to be used
    bench.run(None, None)
    assert bench.ended == [("a.png", "done"), ("b.png", "done")]
    (folder,) = list_jobs(bench.jobs)
    assert read_job(folder).counts["done"] == 2
    assert [item.label for item in read_job(folder).job.items] == ["a.png", "b.png"]
    assert {path.name for path in bench.jobs.iterdir()} == {folder.name}


def test_the_same_folders_are_known_again_by_another_path(bench, tmp_path):
    save_photo(bench.folder / "a.png")
    bench.run(None)
    if sys.platform != "win32":
        (tmp_path / "link").symlink_to(bench.folder, target_is_directory=True)
        bench.run(None, watched_dir=tmp_path / "link")
    assert len(bench.ended) == 1


def test_the_model_is_opened_at_the_first_photo_and_kept(bench):
    bench.run(None, put(bench.folder, "a.png"), None, put(bench.folder, "b.png"), None, None)
    assert len(bench.sessions) == 1
    assert bench.sessions[0].is_closed
    assert [type(event) for event in bench.events].count(SessionOpened) == 1
    assert bench.results == ["a.png", "b.png"]


def test_nothing_new_opens_no_model(bench):
    bench.run(None, None)
    assert (bench.sessions, bench.events) == ([], [])
    assert list_jobs(bench.jobs) == []


@pytest.mark.parametrize(
    ("on_changed", "results"),
    [("rename", ["a-2.png", "a.png"]), ("overwrite", ["a.png"]), ("skip", ["a.png"])],
)
def test_a_changed_photo_is_done_again(bench, on_changed, results):
    save_photo(bench.folder / "a.png")
    options = Options(bench.out, on_existing="overwrite" if on_changed == "overwrite" else "skip")
    given = {"on_changed": on_changed, "options": options}
    bench.run(None, **given)
    before = (bench.out / "a.png").read_bytes()
    bench.run(None, lambda: save_photo(bench.folder / "a.png", 40), None, None, **given)
    assert bench.results == results
    assert ((bench.out / "a.png").read_bytes() == before) == (on_changed != "overwrite")
    bench.run(None, **given)  # not again in the next run
    assert bench.ended == [("a.png", "done"), ("a.png", "skipped" if on_changed == "skip" else "done")]


def apart(bench, below=1.01, **changed):
    """Options by which all results, or with 0 none, are uncertain; they go below the watched folder."""
    return Options(bench.out, uncertain_dir=bench.folder / "look", uncertain_below=below, **changed)


def looked_at(bench):
    folder = bench.folder / "look"
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.png"))


def test_uncertain_results_go_apart_and_are_not_taken_for_photos(bench):
    save_photo(bench.folder / "sub" / "a.jpg")
    result = bench.run(None, put(bench.folder, "a.png"), None, None, options=apart(bench))
    assert (bench.results, looked_at(bench)) == ([], ["a.png", "sub/a.png"])
    assert (result.counts[Status.DONE], result.uncertain) == (2, 2)
    bench.run(None, None, options=apart(bench))  # nor by the next run
    assert len(bench.ended) == 2
    bench.run(put(bench.folder, "b.jpg"), None, None, options=apart(bench, 0))
    assert (bench.results, looked_at(bench)) == (["b.png"], ["a.png", "sub/a.png"])


def test_a_changed_photo_s_uncertain_result_is_replaced_only_if_asked(bench):
    save_photo(bench.folder / "a.jpg")
    bench.run(None, options=apart(bench))
    bench.run(None, put(bench.folder, "a.jpg", 40), None, None, options=apart(bench))
    assert looked_at(bench) == ["a-2.png", "a.png"]
    change = put(bench.folder, "a.jpg", 60)
    overwriting = apart(bench, on_existing="overwrite")
    bench.run(None, change, None, None, options=overwriting, on_changed="overwrite")
    assert looked_at(bench) == ["a-2.png", "a.png"]
    surer = apart(bench, 0, on_existing="overwrite")
    bench.run(None, put(bench.folder, "a.jpg", 50), None, None, options=surer, on_changed="overwrite")
    assert (bench.results, looked_at(bench)) == (["a-2.png"], ["a.png"])  # it is uncertain no more


def test_another_folder_for_uncertain_results_replaces_nothing_in_it(bench):
    save_photo(bench.folder / "a.jpg")
    bench.run(None, options=apart(bench))
    other = bench.folder / "other"
    theirs = save_photo(other / "a.png").read_bytes()
    options = replace(apart(bench, on_existing="overwrite"), uncertain_dir=other)
    bench.run(None, put(bench.folder, "a.jpg", 40), None, None, options=options, on_changed="overwrite")
    assert (other / "a.png").read_bytes() == theirs
    assert (other / "a-2.png").exists()


def test_a_bad_photo_is_told_once_and_tried_again_when_it_has_changed(bench):
    save_truncated(bench.folder / "a.jpg")
    bench.run(*[None] * 3)
    bench.run(*[None] * 3)
    assert bench.ended == [("a.jpg", "failed")]
    bench.run(None, lambda: save_photo(bench.folder / "a.jpg"), None)
    assert bench.ended == [("a.jpg", "failed"), ("a.jpg", "done")]
    assert bench.results == ["a.png"]


def test_names_never_clash_over_rounds_and_runs(bench):
    save_photo(bench.folder / "a.jpg")
    bench.run(None)
    bench.run(None, put(bench.folder, "a.png"), None, None)
    bench.run(put(bench.folder, "A.webp"), None, None)
    assert bench.results == ["A-webp.png", "a-png.png", "a.png"]


def test_flat_results_never_clash_over_rounds(bench):
    options = Options(bench.out, writing=Writing(keep_folders=False, name="{stem}_{index:02}"))
    save_photo(bench.folder / "x" / "a.jpg")
    bench.run(None, options=options)
    bench.run(put(bench.folder, "y/a.jpg"), None, None, options=options)
    assert bench.results == ["a_01.png", "a_02.png"]
    plain = replace(options, writing=Writing(keep_folders=False))
    bench.run(put(bench.folder, "z/a.jpg"), None, None, options=plain)
    bench.run(put(bench.folder, "zz/a.jpg"), None, None, options=plain)
    assert bench.results == ["a-2.png", "a.png", "a_01.png", "a_02.png"]


def test_other_options_begin_another_job_and_keep_the_memory(bench):
    save_photo(bench.folder / "a.jpg")
    bench.run(None)
    bench.run(put(bench.folder, "b.jpg"), None, None, options=Options(bench.out, writing=Writing(("psd",))))
    assert bench.results == ["a.png", "b.psd"]
    assert len(list_jobs(bench.jobs)) == 2


def test_a_full_job_is_followed_by_another(bench, monkeypatch):
    monkeypatch.setattr(watch_job, "PART_ITEMS", 2)
    monkeypatch.setattr(watch_module, "ROUND_PHOTOS", 1)
    for name in "abcde":
        save_photo(bench.folder / f"{name}.png")
    bench.run(None)
    bench.run(None, put(bench.folder, "f.png"), None, None)
    assert bench.results == [f"{name}.png" for name in "abcdef"]
    assert [read_job(job).counts["done"] for job in list_jobs(bench.jobs)] == [2, 2, 2]
    assert len(bench.ended) == 6


@pytest.mark.parametrize("name", ["folder", "out", "look"])
def test_a_folder_that_vanishes_is_waited_for_with_one_sentence(bench, name):
    gone, aside = getattr(bench, name), bench.folder.parent / "aside"
    save_photo(bench.folder / "a.png")
    bench.run(
        None,
        lambda: gone.rename(aside),
        *[None] * 3,
        lambda: aside.rename(gone),
        put(bench.folder, "b.png"),
        *[None] * 2,
        options=Options(bench.out, uncertain_dir=bench.look),
    )
    cannot, back = bench.told
    assert str(gone) in cannot
    assert cannot.endswith("Waiting for it.")
    assert back == f"The folder {gone} is back."
    assert bench.results == ["a.png", "b.png"]
    assert len(bench.ended) == 2


def test_a_photo_that_vanishes_in_its_round_is_done_when_it_is_back(bench, tmp_path):
    photo = save_photo(bench.folder / "a.png")
    shutil.copy2(photo, tmp_path / "kept.png")
    original = watch_module.run_job

    def after_it_is_gone(*arguments):
        watch_module.run_job = original
        photo.unlink()
        return original(*arguments)

    watch_module.run_job = after_it_is_gone
    bench.run(None, None, lambda: shutil.copy2(tmp_path / "kept.png", photo), None, None)
    assert bench.ended == [("a.png", "failed"), ("a.png", "done")]
    assert bench.results == ["a.png"]


def test_once_does_what_has_settled_and_ends(bench):
    whole = save_photo(bench.folder / "a.png").read_bytes()
    result = bench.run(lambda: (bench.folder / "b.png").write_bytes(whole), once=True, settle_s=7.0)
    assert bench.script.waits_s == [7.0]
    assert bench.results == ["a.png"]
    assert result.counts[Status.DONE] == 1
    bench.run(None, once=True)
    assert bench.results == ["a.png", "b.png"]
    bench.run(once=True)
    assert bench.script.waits_s == []


def test_a_clock_that_is_moved_back_hurts_nothing(bench, monkeypatch):
    save_photo(bench.folder / "a.png")
    bench.run(None)
    monkeypatch.setattr(time, "time", lambda: 1e9)
    old = save_photo(bench.folder / "b.png")
    os.utime(old, (1e9, 1e9))
    bench.run(None, None)
    assert bench.results == ["a.png", "b.png"]
    assert len(bench.ended) == 2


def test_a_run_that_died_is_gone_on_with_under_the_same_names(bench, monkeypatch):
    """It dies after the second result was written, before the journal has it."""
    save_photo(bench.folder / "a.png")
    bench.run(None)
    for name in ("b", "c", "d"):
        save_photo(bench.folder / f"{name}.png")

    class Killed(BaseException):
        pass

    def dying(job, *arguments):
        """Write one result, as a killed run would have."""
        save_photo(bench.out / "b.png")
        raise Killed

    monkeypatch.setattr(watch_module, "run_job", dying)
    with pytest.raises(Killed):
        bench.run(None)
    monkeypatch.setattr(watch_module, "run_job", run_job)
    (folder,) = list_jobs(bench.jobs)
    assert read_job(folder).counts["left"] == 3
    bench.run(None)
    assert bench.results == ["a.png", "b.png", "c.png", "d.png"]
    assert sorted(bench.ended[1:]) == [("b.png", "skipped"), ("c.png", "done"), ("d.png", "done")]
    assert read_job(folder).counts["left"] == 0


def test_an_engine_that_fails_ends_the_watch(bench):
    save_photo(bench.folder / "a.png")

    def refuse():
        raise EngineError("No provider.", "Try another.")

    assert bench.run(*[None] * 9, session=refuse).stopped_by == "No provider. Try another."
    assert bench.script.waits_s == [2.0]


def test_one_program_at_a_time(bench):
    with (
        job_lock(bench.jobs / f"watch-{bench.watch.key}"),
        pytest.raises(UsageError, match="Another program"),
    ):
        bench.run(None)


def test_folders_that_cannot_be_watched_are_refused(bench, tmp_path):
    (tmp_path / "file").write_text("x")
    for folder, out, reason in [
        (tmp_path / "none", bench.out, "does not exist"),
        (tmp_path / "file", bench.out, "is not a folder"),
        (bench.folder, bench.folder, "input and output"),
    ]:
        with pytest.raises(UsageError, match=reason):
            bench.run(None, watched_dir=folder, options=Options(out))
    with pytest.raises(UsageError, match="input and output"):
        bench.run(None, options=Options(bench.out, uncertain_dir=bench.folder))


def test_a_job_that_cannot_be_read_is_told_and_left_alone(bench):
    save_photo(bench.folder / "a.png")
    bench.run(None)
    (folder,) = list_jobs(bench.jobs)
    (folder / "job.json").write_text("{")
    bench.run(None)
    assert "cannot be read" in bench.told[0]
    assert bench.ended == [("a.png", "done"), ("a.png", "skipped")]  # its result is there
    assert (folder / "job.json").read_text() == "{"


def test_the_snapshot_that_grew_reads_as_one_written_at_once(bench):
    save_photo(bench.folder / "a.png")
    bench.run(None)
    bench.run(put(bench.folder, "sub/b.png"), None, None)
    (folder,) = list_jobs(bench.jobs)
    snapshot = json.loads((folder / "job.json").read_text("ascii"))
    first, second = snapshot["items"]
    assert first.keys() == second.keys()
    item = read_job(folder).job.items[1]
    assert item.source == bench.folder / "sub" / "b.png"
    assert item.target.directory == bench.out / "sub"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes in folders")
def test_loops_pipes_and_links_to_nothing_are_passed_over(bench):
    save_photo(bench.folder / "a.png")
    (bench.folder / "loop").symlink_to(bench.folder, target_is_directory=True)
    (bench.folder / "gone.png").symlink_to(bench.folder / "nothing.png")
    os.mkfifo(bench.folder / "pipe.png")
    assert [os.path.basename(path) for path in list_folder(bench.folder, True).files] == ["a.png"]


def test_a_slow_share_is_not_listed_without_a_pause(bench, monkeypatch):
    def slow(*arguments):
        bench.script.now_s += 5
        return list_folder(*arguments)

    monkeypatch.setattr(watch_module, "list_folder", slow)
    bench.run(None)
    assert bench.script.waits_s == [5, 5]


def test_a_folder_of_very_many_files_is_listed_less_often(bench, monkeypatch):
    """Idle, a watch must cost next to nothing."""
    times_s = iter(range(100))
    monkeypatch.setattr(watch_module.time, "thread_time", lambda: next(times_s))  # each look takes a second
    bench.run(None)
    assert bench.script.waits_s == pytest.approx([49, 49])
