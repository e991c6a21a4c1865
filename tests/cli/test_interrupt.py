"""Ctrl-C in a real process: the first ends the job after the step, the second ends the program."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals are sent differently there")

PROGRAM = """
import sys
from zippo_desktop.cli import run
from zippo_desktop.engine.fake_session import FakeSession
delay_s = float(sys.argv.pop())
run.open_session = lambda *arguments: FakeSession(delay_s=delay_s)
from zippo_desktop.cli.main import main
main()
"""


@pytest.fixture
def start(tmp_path):
    """Start the program on a fake session that takes so long for each step."""
    processes = []

    def start_program(delay_s, *arguments):
        command = [sys.executable, "-c", PROGRAM, *map(str, arguments), str(delay_s)]
        root = Path(__file__).parents[2]
        environment = os.environ | {"PYTHONPATH": str(root), "COLUMNS": "200"}
        process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
        processes.append(process)
        return process

    yield start_program
    for process in processes:
        process.kill()
        process.wait()
        process.stderr.close()


def wait_for(process, text):
    lines = []
    for line in process.stderr:
        lines.append(line)
        if text in line:
            return
    raise AssertionError(f"the program ended without saying {text!r}: {lines}")


def test_the_first_ends_the_job_with_whole_files(start, tmp_path):
    out, report_path = tmp_path / "out", tmp_path / "r.json"
    arguments = ["generate", "a", "b", "c", "-o", out, "--steps", 20, "-v", "--report", report_path]
    process = start(0.05, *arguments)
    wait_for(process, "done: a")
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=60) == 130
    assert "Stopping after the current step" in process.stderr.read()
    report = json.loads(report_path.read_text())
    assert report["cancelled"]
    assert report["exit_code"] == 130
    assert report["counts"]["done"] + report["counts"]["not_started"] == 3
    assert report["counts"]["not_started"] >= 1
    pictures = list(out.iterdir())
    assert len(pictures) == report["counts"]["done"]
    for picture in pictures:
        Image.open(picture).load()


def test_a_signal_lets_the_job_rest_and_go_on(start, tmp_path):
    process = start(0.02, "generate", "a", "b", "-o", tmp_path / "out", "--steps", 20, "-v")
    wait_for(process, "fake 1 on fake/cpu")
    process.send_signal(signal.SIGUSR1)
    wait_for(process, "Paused.")
    assert len(list((tmp_path / "out").glob("*"))) < 2
    process.send_signal(signal.SIGUSR1)
    wait_for(process, "Going on.")
    assert process.wait(timeout=60) == 0
    assert len(list((tmp_path / "out").iterdir())) == 2


def test_the_second_ends_the_program_at_once(start, tmp_path):
    process = start(600, "generate", "a", "-o", tmp_path / "out")
    wait_for(process, "fake 1 on fake/cpu")
    process.send_signal(signal.SIGINT)
    wait_for(process, "Ctrl-C again ends at once")
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=60) == -signal.SIGINT
    assert not (tmp_path / "out").exists()
