"""What every test gets: a home of its own, no display, no network; and what no test may leave behind."""

from __future__ import annotations

import logging
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

os.environ["QT_QPA_PLATFORM"] = "offscreen"
os.environ["HF_HUB_OFFLINE"] = "1"
# Beside any other busy process two OpenMP threads take ten times as long as one.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# Numba, in which an oracle is written, sets OpenMP's threads for the whole process, PyTorch's too.
os.environ.setdefault("NUMBA_NUM_THREADS", os.environ["OMP_NUM_THREADS"])
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as a shell starts what runs in the background
    signal.signal(signal.SIGINT, signal.default_int_handler)

MOST_WORKERS = 8
BYTES_A_WORKER = 1_500_000_000  # PyTorch, Qt, ONNX Runtime, and what the largest test and its processes take


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """What `-n auto` means: the processes that cores and memory allow; 0, this one alone, for one."""
    from zippo_desktop.batch.memory import available_bytes

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    workers = min(cores, available_bytes() // BYTES_A_WORKER, MOST_WORKERS)
    return workers if workers > 1 else 0


@pytest.fixture(autouse=True)
def own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Settings, jobs, models, caches and logs of this test alone."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("ZIPPO_DESKTOP_HOME", str(home))
    for name in ("U2NET_HOME", "XDG_DATA_HOME"):  # where other programs' models would be found
        monkeypatch.delenv(name, raising=False)
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(home))
    return home


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny Zippo folder with its ONNX graphs, made once; tests that change it work on a copy."""
    from tests.tiny_models import build_tiny_zippo
    from zippo_desktop.training.export_onnx import export_model

    folder = build_tiny_zippo(tmp_path_factory.mktemp("models") / "tiny")
    export_model(folder)
    return folder


@pytest.fixture(autouse=True)
def _no_unexpected_warning(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Fail if the package logs a warning; a test that expects one reads `caplog` and then clears it."""
    yield
    records = [record for when in ("setup", "call") for record in caplog.get_records(when)]
    warnings = [record.getMessage() for record in records if _is_package_warning(record)]
    assert not warnings, f"unexpected warnings were logged: {warnings}"


def _is_package_warning(record: logging.LogRecord) -> bool:
    return record.name.partition(".")[0] == "zippo_desktop" and record.levelno >= logging.WARNING


@pytest.fixture(autouse=True)
def _no_thread_left_running() -> Iterator[None]:
    """Fail if a QThread is still running at the end; it is stopped, so that the other tests can go on."""
    yield
    running = _running_qthreads()
    for thread in running:
        thread.requestInterruption()
        thread.quit()
        thread.wait(2000)
    assert not running, f"threads were left running: {running}"


def _running_qthreads() -> list:
    if "PySide6.QtCore" not in sys.modules:
        return []
    import shiboken6
    from PySide6.QtCore import QThread

    wrappers = shiboken6.getAllValidWrappers()
    threads = [wrapper for wrapper in wrappers if isinstance(wrapper, QThread) and wrapper.isRunning()]
    return [thread for thread in threads if thread != QThread.currentThread()]
