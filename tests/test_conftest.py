"""The watchmen of conftest.py really fail a test, and its count of processes suits the machine."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from zippo_desktop.batch import memory

pytest_plugins = ["pytester"]

LEFT_RUNNING = """
    from PySide6.QtCore import QThread

    def test_leaves_a_thread(qapp):
        thread = QThread(qapp)
        thread.start()
"""
STOPPED = """
    from PySide6.QtCore import QThread

    def test_stops_its_thread(qapp):
        thread = QThread(qapp)
        thread.start()
        thread.quit()
        assert thread.wait(5000)
"""
LOGS_A_WARNING = """
    import logging

    def test_logs():
        logging.getLogger("zippo_desktop.engine").warning("the provider fell back")
"""
EXPECTS_A_WARNING = """
    import logging

    def test_logs(caplog):
        logging.getLogger("zippo_desktop.engine").warning("the provider fell back")
        assert "fell back" in caplog.text
        caplog.clear()
"""
OTHERS_WARN = """
    import logging

    def test_logs():
        logging.getLogger("zippo_desktop_of_others").warning("not ours")
"""
COPIES = """
    from PySide6.QtCore import QMimeData
    from PySide6.QtGui import QGuiApplication

    def test_copies(qapp):
        QGuiApplication.clipboard().setMimeData(QMimeData())
"""


@pytest.mark.parametrize(
    ("source", "errors", "complaint"),
    [
        (LEFT_RUNNING, 1, "*threads were left running*"),
        (STOPPED, 0, "*1 passed*"),
        (LOGS_A_WARNING, 1, "*unexpected warnings were logged: *fell back*"),
        (EXPECTS_A_WARNING, 0, "*1 passed*"),
        (OTHERS_WARN, 0, "*1 passed*"),
    ],
)
def test_what_a_test_leaves_behind(
    pytester: pytest.Pytester, source: str, errors: int, complaint: str
) -> None:
    pytester.makeconftest((Path(__file__).parent / "conftest.py").read_text())
    pytester.makepyfile(source)
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider")
    result.assert_outcomes(passed=1, errors=errors)
    result.stdout.fnmatch_lines([complaint])


def test_what_a_test_of_the_window_copies_does_not_crash_the_end(pytester: pytest.Pytester) -> None:
    pytester.makeconftest((Path(__file__).parent / "gui" / "conftest.py").read_text())
    pytester.makepyfile(COPIES)
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider")
    result.assert_outcomes(passed=1)
    assert result.ret == 0


def test_every_test_has_its_own_empty_home(own_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from zippo_desktop import paths

    assert paths.settings_path().parent == own_home
    assert not any(own_home.iterdir())


def test_an_oracle_of_the_tests_leaves_pytorch_its_threads() -> None:
    pymatting = pytest.importorskip("pymatting", reason="the oracle is not installed")
    import torch

    pymatting.estimate_foreground_ml(np.zeros((4, 4, 3)), np.zeros((4, 4)))
    assert torch.get_num_threads() == int(os.environ["OMP_NUM_THREADS"])


@pytest.mark.parametrize(
    ("cores", "gigabytes", "workers"), [(2, 16, 2), (64, 64, 8), (8, 4, 2), (1, 16, 0), (8, 1, 0)]
)
def test_as_many_processes_as_cores_and_memory_allow(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, cores: int, gigabytes: int, workers: int
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(cores)), raising=False)
    monkeypatch.setattr(memory, "available_bytes", lambda: gigabytes * 10**9)
    assert request.config.hook.pytest_xdist_auto_num_workers(config=request.config) == workers
