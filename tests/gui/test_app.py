"""The program as it is started: light before the first paint, one window, a clean end by a signal."""

import gc
import json
import os
import signal
import subprocess
import sys
import threading
import weakref
from pathlib import Path

import pytest
from PySide6.QtCore import QObject, QTimer

from tests.photos import save_photo
from zippo_desktop.gui.garbage import GarbageCollector
from zippo_desktop.gui.single_instance import SingleInstance

ROOT = Path(__file__).parents[2]
FIRST_PAINT = """
import sys
from zippo_desktop.gui.app import application
from zippo_desktop.gui.main_window import MainWindow
app, window = application(), MainWindow()
loaded = []
start = window._start_threads
window._start_threads = lambda: (loaded.extend(sys.modules), window.close())
window.show()
app.exec()
print(*loaded)
"""


def test_the_first_paint_needs_no_network_and_no_library_of_theirs():
    result = subprocess.run(
        [sys.executable, "-c", FIRST_PAINT], cwd=ROOT, capture_output=True, text=True, check=True
    )
    loaded = set(result.stdout.split())
    assert "PySide6.QtWidgets" in loaded
    heavy = {"torch", "onnxruntime", "transformers", "diffusers", "zippo_desktop.engine.open_session"}
    assert not heavy & loaded


@pytest.mark.skipif(sys.platform == "win32", reason="a signal ends the process there")
def test_a_start_opens_the_window_a_second_hands_over_and_a_signal_ends_it(qtbot, own_home, tmp_path):
    (own_home / "settings.json").write_text(json.dumps({"schema_version": 2, "model": "none"}))
    photo = save_photo(tmp_path / "a.png")
    command = [sys.executable, "-m", "zippo_desktop", "gui"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    first = subprocess.Popen(command, cwd=ROOT, **pipes)
    try:
        qtbot.waitUntil(lambda: SingleInstance().hand_over([photo]), timeout=20_000)
        second = subprocess.run([*command, str(photo)], cwd=ROOT, timeout=20, **pipes)
        assert second.returncode == 0, second.stderr
        first.send_signal(signal.SIGTERM)
        _, errors = first.communicate(timeout=20)
    finally:
        first.kill()
    assert first.returncode == 0, errors
    assert "Traceback" not in errors
    recent = (own_home / "window.ini").read_text()
    assert os.fspath(photo) in recent


def test_cycles_are_collected_in_the_windows_thread(qtbot, qapp):
    class Owner(QObject):
        pass

    threads, collector = set(), GarbageCollector(qapp)
    try:
        owner = Owner()
        owner.timer, owner.itself = QTimer(), owner
        gone = weakref.finalize(owner, lambda: threads.add(threading.get_ident()))
        del owner

        def allocate():
            return [[] for _ in range(100_000)]

        thread = threading.Thread(target=allocate)
        thread.start()
        thread.join()
        assert gone.alive
        kept = [[] for _ in range(1000)]
        collector.collect()
        assert threads == {threading.get_ident()}, len(kept)
    finally:
        collector.deleteLater()
        gc.enable()
