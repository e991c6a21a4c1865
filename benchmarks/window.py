"""The window: first paint, first preview, longest stall in a batch, scrolling, memory.

    OMP_NUM_THREADS=1 python benchmarks/window.py [--photos 200] [--megapixels 24] [--items 1000]

Everything runs on the real window, without a display unless QT_QPA_PLATFORM says otherwise, each part in a
process of its own. Stalls are the gaps of a timer in the window's thread; beside them stand the gaps of the
same timer in a second process that does nothing else, for on a busy machine both wait for a core, and the CPU
time that the window's thread itself used, which no other process lengthens.
Prints Markdown.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
ROOT = Path(__file__).parents[1]
SAMPLES = ROOT / "resources" / "samples"
TICK_MS = 5


def main() -> None:
    """Run all parts or the one asked for, each in a process of its own, which comes here again."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--photos", type=int, default=200)
    parser.add_argument("--megapixels", type=float, default=24)
    parser.add_argument("--items", type=int, default=1000)
    parser.add_argument("--part", choices=PARTS)
    given = parser.parse_args()
    if given.part and "STARTED_AT" in os.environ:
        PARTS[given.part](given)
        return
    for part in [given.part] if given.part else PARTS:
        started = time.perf_counter()
        command = [sys.executable, __file__, "--part", part]
        for name in ("photos", "megapixels", "items"):
            command += [f"--{name}", str(getattr(given, name))]
        with tempfile.TemporaryDirectory() as home:
            environment = os.environ | {"ZIPPO_DESKTOP_HOME": home, "STARTED_AT": repr(time.time())}
            subprocess.run(command, env=environment, check=True)
        print(f"<!-- {part}: {time.perf_counter() - started:.0f} s -->", flush=True)


def first_paint(given: argparse.Namespace) -> None:
    """From the process's start to the first paint event of a fresh window, imports and all."""
    from PySide6.QtCore import QEvent, QObject

    from zippo_desktop.gui.app import application

    app = application()
    imported_from = time.process_time()
    from zippo_desktop.gui.main_window import MainWindow

    class Watch(QObject):
        def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
            if event.type() == QEvent.Type.Paint and not painted:
                painted.append((time.time(), time.process_time()))
            return False

    painted: list[tuple[float, float]] = []
    window, watch = MainWindow(), Watch()
    window.installEventFilter(watch)
    window.show()
    wait(app, lambda: bool(painted))
    heavy = {"torch", "onnxruntime", "transformers", "diffusers"} & sys.modules.keys()
    wall = painted[0][0] - float(os.environ["STARTED_AT"])
    print(f"first paint: {wall:.2f} s, {painted[0][1]:.2f} s of CPU; of it {imported_from:.2f} s before ours")
    print(f"networks' libraries loaded by then: {', '.join(sorted(heavy)) or 'none'}")
    window.close()


def first_preview(given: argparse.Namespace) -> None:
    """From opening a photo to its cut-out in the viewer, model warm; then after moving a slider."""
    app, window = opened()
    photo = save_large(Path(os.environ["ZIPPO_DESKTOP_HOME"]) / "photo.jpg", given.megapixels)
    made: list[float] = []
    window.previews.preview_made.connect(lambda wish, image: made.append(time.perf_counter()))
    wait(app, lambda: window.worker.isRunning() and "ready" in window._model_words.text())
    started = time.perf_counter()
    window.open_paths([photo])
    wait(app, lambda: len(made) == 1)
    print(f"first preview of {given.megapixels:g} megapixels: {made[0] - started:.2f} s")
    started = time.perf_counter()
    window.settings.set_values({"expand": 2.0})
    window.settings.values_changed.emit()
    wait(app, lambda: len(made) == 2)
    print(f"after a slider moved: {made[1] - started:.2f} s, 0.15 s of it waiting for more")
    window.close()


def stalls(given: argparse.Namespace) -> None:
    """The longest gap of the window's timer while a batch of large photos runs, the real model at work."""
    home = Path(os.environ["ZIPPO_DESKTOP_HOME"])
    first = save_large(home / "in" / "0000.jpg", given.megapixels)
    for number in range(1, given.photos):
        os.link(first, first.with_name(f"{number:04}.jpg"))
    app, window = opened()
    window.settings.set_output_dir(home / "out")
    wait(app, lambda: "ready" in window._model_words.text())
    opening = Gaps()
    with Control() as control:
        window.open_paths([home / "in"])
        wait(app, lambda: len(window.work.paths()) == given.photos)
        settle(app, 3)
    tell_gaps("while the photos are listed", opening, control)
    running = Gaps()
    with Control() as control:
        window.run.start()
        wait(app, lambda: window.run.is_busy and window.run.queue.current is not None)
        wait(app, lambda: not window.run.is_busy, 3600)
        settle(app, 0.5)
    done = window.bar.progress.done
    tell_gaps(f"during a batch of {done} photos of {given.megapixels:g} megapixels", running, control)
    window.close()


def scrolling(given: argparse.Namespace) -> None:
    """The time that one step of scrolling takes to paint, with 10,000 items in grid and list."""
    from zippo_desktop.batch.scan import Found

    app, window = opened(is_fake=True)
    window.pictures.set_live(False)
    photos = sorted(SAMPLES.glob("*.[jp][pn]g"))
    folder = Path(os.environ["ZIPPO_DESKTOP_HOME"]) / "in"
    folder.mkdir()
    for number in range(10_000):
        os.symlink(photos[number % len(photos)], folder / f"{number:05}{photos[number % len(photos)].suffix}")
    started = time.perf_counter()
    window.work.photos.items.add(Found(path) for path in sorted(folder.iterdir()))
    settle(app, 0.5)
    print(f"10,000 items listed: {time.perf_counter() - started - 0.5:.2f} s")
    view = window.work.photos.panel.view
    for look in ("grid", "list"):
        view.show_as(look == "grid")
        settle(app, 1)
        bar, times = view.verticalScrollBar(), []
        for place in np.linspace(0, bar.maximum(), 300).astype(int).tolist():
            started = time.perf_counter()
            bar.setValue(place)
            view.viewport().repaint()
            times.append(1000 * (time.perf_counter() - started))
            app.processEvents()
        low, high = np.percentile(times, [50, 95])
        print(
            f"one frame while scrolling the {look}: {low:.1f} ms at the median, {high:.1f} ms at the 95th %"
        )
    window.close()


def memory(given: argparse.Namespace) -> None:
    """What the window holds after jobs of many photos, on a session without networks."""
    home = Path(os.environ["ZIPPO_DESKTOP_HOME"])
    rng = np.random.default_rng(0)
    (home / "in").mkdir()
    for number in range(given.items):
        picture = np.full((480, 640, 3), rng.integers(0, 255, 3), np.uint8)
        picture[:, :320] = 255
        Image.fromarray(picture).save(home / "in" / f"{number:05}.jpg")
    app, window = opened(is_fake=True)
    window.settings.set_output_dir(home / "out")
    settle(app, 1)
    before = resident_mb()
    told: dict[int, float] = {}

    def note() -> bool:
        if window.bar.progress.done >= given.items // 10 and not told:
            told[window.bar.progress.done] = resident_mb()
        return window.run.queue.current is None and window.bar.progress.done == given.items

    window.open_paths([home / "in"])
    wait(app, lambda: len(window.work.paths()) == given.items)
    window.run.start()
    wait(app, note, 3600)
    settle(app, 1)
    part = ", ".join(f"{value:.0f} MB after {count}" for count, value in told.items())
    print(f"memory: {before:.0f} MB empty, {part}, {resident_mb():.0f} MB after {given.items} items")
    print(f"at most {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")
    window.close()


class Gaps:
    """The gaps between the ticks of a timer, while there is one."""

    def __init__(self) -> None:
        from PySide6.QtCore import Qt, QTimer

        self.gaps: list[float] = []
        self.own: list[float] = []  # CPU time of the window's thread in each
        self._last, self._last_own = time.perf_counter(), time.thread_time()
        self._timer = QTimer(interval=TICK_MS, timerType=Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._note)
        self._timer.start()

    def stop(self) -> list[float]:
        """Milliseconds beyond the timer's own interval, the longest first."""
        self._timer.stop()
        return sorted((1000 * gap - TICK_MS for gap in self.gaps), reverse=True)

    def _note(self) -> None:
        now, own = time.perf_counter(), time.thread_time()
        self.gaps.append(now - self._last)
        self.own.append(own - self._last_own)
        self._last, self._last_own = now, own


class Control:
    """The same timer in a process that does nothing else."""

    SOURCE = """
import sys, time
sys.path[:0] = [{here!r}]
from PySide6.QtCore import QCoreApplication, QTimer
from window import Gaps
app = QCoreApplication([])
gaps = Gaps()
watch = QTimer(interval=50)
import threading
threading.Thread(target=lambda: (sys.stdin.read(), app.quit()), daemon=True).start()
app.exec()
print(*gaps.stop()[:5])
"""

    def __enter__(self) -> Control:
        source = self.SOURCE.format(here=str(Path(__file__).parent))
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        self._process = subprocess.Popen([sys.executable, "-c", source], **pipes)  # type: ignore[call-overload]
        return self

    def __exit__(self, *error: object) -> None:
        self.longest = self._process.communicate("")[0].split()


def tell_gaps(when: str, gaps: Gaps, control: Control) -> None:
    """Print the longest gaps beside those of the control."""
    longest = gaps.stop()
    print(
        f"longest stalls {when}: {', '.join(f'{gap:.0f}' for gap in longest[:5])} ms "
        f"({sum(gap > 50 for gap in longest)} of {len(longest)} ticks beyond 50 ms); "
        f"beside it {', '.join(f'{float(gap):.0f}' for gap in control.longest)} ms; "
        f"most CPU of the window's thread between two ticks: {1000 * max(gaps.own):.0f} ms",
        flush=True,
    )


def opened(is_fake: bool = False):  # type: ignore[no-untyped-def]
    """The application and its shown window."""
    from zippo_desktop.engine.fake_session import FakeSession
    from zippo_desktop.gui.app import application
    from zippo_desktop.gui.main_window import MainWindow

    app = application()
    window = MainWindow((lambda *choice: FakeSession()) if is_fake else None)
    window.resize(1480, 900)
    window.show()
    settle(app, 0.2)
    return app, window


def wait(app, is_over: Callable[[], bool], limit_s: float = 120) -> None:  # type: ignore[no-untyped-def]
    """Let the window live, in its own event loop, until something is so."""
    from PySide6.QtCore import QEventLoop, QTimer

    loop, timer, ends = QEventLoop(), QTimer(interval=20), time.perf_counter() + limit_s

    def look() -> None:
        if is_over() or time.perf_counter() > ends:
            loop.quit()

    timer.timeout.connect(look)
    timer.start()
    loop.exec()
    if not is_over():
        raise TimeoutError(f"not so within {limit_s:g} s")


def settle(app, seconds: float) -> None:  # type: ignore[no-untyped-def]
    """Let the window live for a while."""
    ends = time.perf_counter() + seconds
    wait(app, lambda: time.perf_counter() >= ends)


def save_large(path: Path, megapixels: float) -> Path:
    """A sample photo enlarged to so many megapixels, with noise, as a camera's JPEG."""
    photo = Image.open(SAMPLES / "flower.jpg").convert("RGB")
    factor = (megapixels * 1e6 / (photo.width * photo.height)) ** 0.5
    large = np.asarray(photo.resize((round(photo.width * factor), round(photo.height * factor))), np.int16)
    noise = np.random.default_rng(0).integers(-6, 7, large.shape, dtype=np.int16)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.clip(large + noise, 0, 255).astype(np.uint8)).save(path, quality=92)
    return path


def resident_mb() -> float:
    """What the process has in memory now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


PARTS = {
    "first-paint": first_paint,
    "first-preview": first_preview,
    "scrolling": scrolling,
    "memory": memory,
    "stalls": stalls,
}

if __name__ == "__main__":
    main()
