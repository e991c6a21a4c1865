"""Watching a folder from the command line: what is shown, exit codes, and how it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from tests.photos import save_photo, save_truncated
from zippo_desktop.batch.saved_job import list_jobs
from zippo_desktop.cli import watching
from zippo_desktop.engine.fake_session import FakeSession
from zippo_desktop.errors import ModelError
from zippo_desktop.paths import jobs_dir

PROGRAM = """
import sys
from zippo_desktop.cli import watching
from zippo_desktop.engine.fake_session import FakeSession
delay_s = float(sys.argv.pop())
watching.open_session = lambda *arguments: FakeSession(delay_s=delay_s)
from zippo_desktop.cli.main import main
main()
"""


@pytest.fixture
def watch(zippo, monkeypatch, tmp_path):
    """Do what is in the folder `in`, which does not settle first."""
    opened = []
    (tmp_path / "in").mkdir()

    def open_fake(*arguments):
        opened.append(arguments[:3])
        return FakeSession()

    def call(*arguments):
        return zippo("watch", tmp_path / "in", "-o", tmp_path / "out", "--once", "--settle", 0, *arguments)

    call.opened = opened
    monkeypatch.setattr(watching, "open_session", open_fake)
    return call


def test_options_reach_the_job_and_a_second_run_has_nothing_to_do(watch, tmp_path, zippo):
    save_photo(tmp_path / "in" / "sub" / "a.png")
    options = ("--format", "psd", "--name", "{stem}_cut", "--model", "m", "--engine", "onnx", "-v")
    first = watch(*options)
    assert (first.exit_code, first.stdout) == (0, "1 cut out.\n")
    assert "fake 1 on fake/cpu" in first.stderr
    assert f"done: {Path('sub', 'a.png')}" in first.stderr
    assert (tmp_path / "out" / "sub" / "a_cut.psd").exists()
    second = watch(*options)
    assert (second.exit_code, second.stdout, second.stderr) == (0, "0 cut out.\n", "")
    assert watch.opened == [("m", "onnx", "auto")]
    assert f"{list_jobs(jobs_dir())[0].name}  1 done" in zippo("jobs", "list").stdout


def test_sub_folders_are_left_alone_if_asked(watch, tmp_path):
    save_photo(tmp_path / "in" / "sub" / "a.png")
    assert watch("--no-recursive").stdout == "0 cut out.\n"


def test_a_failure_is_told_once_and_is_the_exit_code_of_once(watch, tmp_path):
    save_truncated(tmp_path / "in" / "a.jpg")
    first, second = watch(), watch()
    assert first.exit_code == 1
    assert "Failed:" in first.stderr
    assert first.stdout == "0 cut out, 1 failed.\n"
    assert (second.exit_code, second.stderr) == (0, "")


def test_quiet_says_nothing_of_what_went_well(watch, tmp_path):
    save_photo(tmp_path / "in" / "a.png")
    assert watch("-q").stdout == ""


def test_a_changed_photo_follows_on_existing(watch, tmp_path):
    for width in (80, 40):
        save_photo(tmp_path / "in" / "a.png", width)
        watch("--on-existing", "overwrite")
    assert Image.open(tmp_path / "out" / "a.png").width == 40
    assert len(list((tmp_path / "out").iterdir())) == 1


def test_uncertain_results_are_counted_and_go_apart(watch, tmp_path):
    save_photo(tmp_path / "in" / "a.png")
    result = watch("--uncertain-below", 1, "--move-uncertain", tmp_path / "look", "-v")
    assert result.stdout == "1 cut out (1 uncertain).\n"
    assert "uncertain: " in result.stderr
    assert (tmp_path / "look" / "a.png").exists()
    assert not list((tmp_path / "out").iterdir())


def test_a_model_that_cannot_be_used_ends_it(watch, tmp_path, monkeypatch):
    save_photo(tmp_path / "in" / "a.png")

    def refuse(*arguments):
        raise ModelError("There is no model 'm'.", "See: zippo-desktop models list")

    monkeypatch.setattr(watching, "open_session", refuse)
    result = watch()
    assert (result.exit_code, "Stopped: There is no model 'm'." in result.stderr) == (3, True)


def test_a_folder_that_is_not_there_is_a_wrong_use(zippo, tmp_path):
    result = zippo("watch", tmp_path / "none", "-o", tmp_path / "out")
    assert (result.exit_code, "does not exist" in result.stderr) == (2, True)


@pytest.fixture
def start(tmp_path):
    """Start watching in a real process, on a fake session that takes so long for each step."""
    processes = []

    def start_program(delay_s):
        arguments = ["watch", tmp_path / "in", "-o", tmp_path / "out", "--interval", 0.1, "--settle", 0, "-v"]
        command = [sys.executable, "-c", PROGRAM, *map(str, arguments), str(delay_s)]
        environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2]), "COLUMNS": "200"}
        process = subprocess.Popen(
            command, env=environment, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        processes.append(process)
        return process

    yield start_program
    for process in processes:
        process.kill()
        process.communicate()


def wait_for(process, text):
    lines = []
    for line in process.stderr:
        lines.append(line)
        if text in line:
            return
    raise AssertionError(f"the program ended without saying {text!r}: {lines}")


@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent differently there")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_watch_with_whole_files(start, tmp_path, number):
    save_photo(tmp_path / "in" / "a.png")
    process = start(0.0)
    wait_for(process, "Watching")
    wait_for(process, "done: a.png")
    save_photo(tmp_path / "new.png").rename(tmp_path / "in" / "b.png")
    wait_for(process, "done: b.png")
    process.send_signal(number)
    told, _ = process.communicate(timeout=60)
    assert (process.returncode, told) == (0, "2 cut out.\n")
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"a.png", "b.png"}


@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent differently there")
def test_a_second_ctrl_c_ends_the_program_at_once(start, tmp_path):
    save_photo(tmp_path / "in" / "a.png")
    process = start(600)
    wait_for(process, "fake 1 on fake/cpu")
    process.send_signal(signal.SIGINT)
    wait_for(process, "Ctrl-C again ends at once")
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=60) == -signal.SIGINT
