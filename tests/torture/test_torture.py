"""The short form: a few kills, two hundred hostile files, and a disk that lets the program down."""

from __future__ import annotations

import builtins
import errno
import os
import shutil
import subprocess
import sys
import threading
import time
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import pytest
from PIL import Image

from tests.photos import save_photo
from tests.torture import hostile_run
from tests.torture.kill_rounds import contents
from zippo_desktop.batch import journal
from zippo_desktop.batch.events import ItemEnded
from zippo_desktop.batch.job import Options
from zippo_desktop.batch.plan import plan_matting
from zippo_desktop.batch.report import Status
from zippo_desktop.batch.runner import run_job
from zippo_desktop.batch.saved_job import read_job
from zippo_desktop.engine.fake_session import FakeSession
from zippo_desktop.export import unfinished
from zippo_desktop.export.writing import Writing
from zippo_desktop.pipelines.request import MattingRequest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
COUNT = 24  # more than are on their way at any time

FULL_FOR_FILES = """
import resource, signal, sys
from pathlib import Path
from zippo_desktop.batch.runner import run_job
from zippo_desktop.batch.job import Options
from zippo_desktop.batch.plan import plan_matting
from zippo_desktop.engine.fake_session import FakeSession
from zippo_desktop.pipelines.request import MattingRequest
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
photos, out, limit = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
job = plan_matting([photos], MattingRequest(), Options(out))
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
report = run_job(job, FakeSession)
sys.stdout.write("\\n".join(result.message for result in report.failures))
"""


class Bench:
    """A job of small photos, and what is done to its folders while it runs."""

    def __init__(self, root: Path) -> None:
        self.photos, self.out, self.job_dir = root / "in", root / "out", root / "job"
        for number in range(COUNT):
            save_photo(self.photos / f"{number:02}.png", 60 + number, 50)
        self.whole = root / "whole"

    def run(self, after=None, count=2, options=None):
        """Do the job; call `after` once so many items have ended."""
        job = plan_matting([self.photos], MattingRequest(), options or Options(self.out))
        return run_job(job, FakeSession, self._watcher(after, count), job_dir=self.job_dir)

    def go_on(self):
        """Go on with the job, failures too, as another run of the program would."""
        unfinished._swept.clear()
        saved = read_job(self.job_dir)
        resumption = saved.resumption(retry_failed=True)
        return run_job(saved.job, FakeSession, job_dir=self.job_dir, resumption=resumption)

    def is_whole(self):
        """Whether all results are there, as an undisturbed run writes them, and nothing else is."""
        job = plan_matting([self.photos], MattingRequest(), Options(self.whole))
        run_job(job, FakeSession)
        return contents(self.whole) == contents(self.out) and not list(self.out.rglob("*.part"))

    def remove_out(self):
        """In one step, for exporters are at work in it."""
        aside = self.out.with_name("aside")
        self.out.rename(aside)
        shutil.rmtree(aside)

    @staticmethod
    def _watcher(after, count):
        ended = []

        def on_event(event):
            if isinstance(event, ItemEnded):
                ended.append(event)
                if after and len(ended) == count:
                    after()

        return on_event


@pytest.fixture
def bench(tmp_path):
    return Bench(tmp_path)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows has neither kill -9 nor fork")
def test_killed_at_random_moments_a_job_comes_to_the_same_end():
    command = [sys.executable, "-m", "tests.torture", "--rounds", "8", "--photos", "24", "--files", "0"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "8 rounds were killed" in ended.stdout


def test_hostile_files_are_all_told_and_the_good_ones_done(tmp_path):
    figures = hostile_run.feed(tmp_path / "hostile", 200, seed=0)
    assert not figures.faults, figures.faults
    assert figures.files == 200
    assert figures.counts["done"] > 30
    assert figures.counts["failed"] > 100


@pytest.mark.skipif(sys.platform != "linux", reason="a file system in memory is mounted")
def test_a_full_disk_fails_what_does_not_fit_and_leaves_nothing_half(bench, tmp_path):
    size = 24 << 10  # bytes; a result takes a page of 4096 at least
    bench.out.mkdir()
    mounting = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", bench.out]
    if not shutil.which("mount") or subprocess.run(mounting, capture_output=True).returncode:
        pytest.skip("a file system cannot be mounted here")
    try:
        report = bench.run()
        assert 0 < report.counts["done"] < COUNT
        assert all("no room on the disk" in result.message for result in report.failures)
        assert report.counts["done"] + report.counts["failed"] == COUNT
        for path in bench.out.iterdir():
            Image.open(path).load()
        subprocess.run(["mount", "-o", f"remount,size={size * 100}", bench.out], check=True)
        assert bench.go_on().counts["done"] == COUNT
        assert bench.is_whole()
    finally:
        subprocess.run(["umount", bench.out], check=True)


@pytest.mark.skipif(sys.platform == "win32", reason="there are no limits to a process's files")
def test_a_file_that_may_not_grow_is_a_full_disk(tmp_path):
    save_photo(tmp_path / "in" / "small.png", 20, 20)
    noise = os.urandom(300 * 300 * 3)
    Image.frombytes("RGB", (300, 300), noise).save(tmp_path / "in" / "large.png")
    command = [sys.executable, "-c", FULL_FOR_FILES, tmp_path / "in", tmp_path / "out", str(16 << 10)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert ended.stdout == (
        f"There is no room on the disk for {tmp_path / 'out' / 'large.png'}. "
        "Free some space or choose another disk."
    ), ended.stderr
    assert os.listdir(tmp_path / "out") == ["small.png"]


def test_a_disk_that_is_full_for_the_journal_stops_no_photo(bench, monkeypatch):
    def full(descriptor):
        if os.path.samestat(os.fstat(descriptor), os.stat(bench.job_dir / journal.JOURNAL_NAME)):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return sync(descriptor)

    sync = os.fsync
    report = bench.run(lambda: monkeypatch.setattr(os, "fsync", full))
    assert report.counts["done"] == COUNT
    assert any("The journal" in note and "cannot be written" in note for note in report.notes)


@pytest.mark.skipif(sys.platform == "win32", reason="what is in use cannot be removed there")
def test_an_output_folder_that_is_removed_is_made_again_and_the_lost_results_done_again(bench):
    report = bench.run(bench.remove_out, count=5)
    assert report.counts["done"] + report.counts["failed"] == COUNT
    assert report.counts["failed"] <= 4  # those that were being written at that moment
    assert bench.go_on().counts["done"] == COUNT
    assert bench.is_whole()


@pytest.mark.skipif(sys.platform == "win32", reason="what is in use cannot be removed there")
def test_a_file_in_the_output_folders_place_is_told_and_the_job_can_go_on_later(bench):
    def replace():
        """Until it takes: exporters may be making the folder anew."""
        while not bench.out.is_file():
            bench.remove_out()
            with suppress(OSError):
                bench.out.write_text("in the way")

    report = bench.run(replace, count=4)
    assert report.counts["failed"] >= COUNT - 12
    assert all(str(bench.out) in result.message for result in report.failures)
    bench.out.unlink()
    assert bench.go_on().counts["done"] == COUNT
    assert bench.is_whole()


@pytest.mark.skipif(sys.platform != "linux", reason="folders are made read-only otherwise")
def test_an_output_folder_that_becomes_read_only_is_told(bench):
    seal, unseal = (_sealers("+i", "-i", bench.out)) if os.geteuid() == 0 else _modes(bench.out)
    bench.out.mkdir()
    if not (seal() and unseal()):
        pytest.skip("a folder cannot be made read-only here")
    try:
        report = bench.run(seal, count=3)
    finally:
        unseal()
    assert report.counts["done"] >= 3
    assert report.counts["failed"] >= COUNT - 12
    assert all("may not be written" in result.message for result in report.failures)
    assert bench.go_on().counts["done"] == COUNT
    assert bench.is_whole()


def _sealers(on, off, folder):
    """Root may write anywhere but into what is immutable."""
    if not shutil.which("chattr"):
        pytest.skip("there is no chattr")

    def change(flag):
        return lambda: subprocess.run(["chattr", flag, folder], capture_output=True).returncode == 0

    return change(on), change(off)


def _modes(folder):
    def change(mode):
        def changed():
            folder.chmod(mode)
            return True

        return changed

    return change(0o555), change(0o755)


def test_a_photo_that_is_deleted_before_its_turn_fails_alone(bench):
    last = bench.photos / f"{COUNT - 1:02}.png"
    report = bench.run(last.unlink)
    assert [(result.label, result.message) for result in report.failures] == [
        (last.name, f"{last} does not exist. Check its name and folder.")
    ]
    assert report.counts["done"] == COUNT - 1


@pytest.mark.skipif(sys.platform == "win32", reason="what is in use cannot be removed there")
def test_a_folder_that_is_deleted_fails_what_is_left_of_it(bench):
    report = bench.run(lambda: shutil.rmtree(bench.photos))
    counts = report.counts
    assert counts["done"] + counts["failed"] == COUNT
    assert counts["failed"] > 0
    assert all("does not exist" in result.message for result in report.failures)


def test_a_clock_that_is_moved_back_changes_nothing(bench, monkeypatch):
    class Earlier(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime(1999, 1, 1, tzinfo=tz)

    def move_back():
        monkeypatch.setattr(time, "time", lambda: 915148800.0)
        monkeypatch.setattr(journal, "datetime", Earlier)

    cancel = threading.Event()

    def on_event(event):
        if isinstance(event, ItemEnded):
            move_back()
            cancel.set()

    job = plan_matting([bench.photos], MattingRequest(), Options(bench.out))
    first = run_job(job, FakeSession, on_event, cancel, bench.job_dir)
    assert 0 < first.counts["done"] < COUNT
    written = {path: path.stat().st_mtime_ns for path in bench.out.iterdir()}
    second = bench.go_on()
    assert (second.counts["done"], second.counts[Status.SKIPPED]) == (COUNT, 0)
    assert all(path.stat().st_mtime_ns == changed for path, changed in written.items())
    assert min(first.seconds, second.seconds) >= 0
    assert bench.is_whole()
    again = bench.go_on()
    assert again.spec is None  # nothing was left to open a model for


def test_every_write_may_find_the_disk_full(tmp_path, monkeypatch):
    """Whatever file it is that no longer fits: it fails alone, the others are whole, none is half."""
    writing = Writing(("png", "psd", "ora", "tiff", "layers"), with_matte=True)
    save_photo(tmp_path / "in" / "a.png")
    job = plan_matting([tmp_path / "in"], MattingRequest(), Options(tmp_path / "out", writing=writing))
    real, opened = builtins.open, [0]

    def full_at(number):
        def opening(file, mode="r", *arguments, **options):
            if "w" in mode or "x" in mode:
                opened[0] += 1
                if opened[0] == number:
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return real(file, mode, *arguments, **options)

        return opening

    run_job(job, FakeSession)
    whole = contents(tmp_path / "out")
    for number in range(1, 9):
        shutil.rmtree(tmp_path / "out")
        opened[0] = 0
        with monkeypatch.context() as patched:
            patched.setattr(builtins, "open", full_at(number))
            report = run_job(job, FakeSession)
        assert (report.counts["failed"], opened[0] >= number) == (1, True)
        assert "no room on the disk" in report.failures[0].message
        left = contents(tmp_path / "out") if (tmp_path / "out").exists() else {}
        assert left.items() <= whole.items()
        assert not list(tmp_path.rglob("*.part"))
