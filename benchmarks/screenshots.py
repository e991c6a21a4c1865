"""The window's pictures in docs/images, taken of the real window with the bundled model at work.

python benchmarks/screenshots.py -o docs/images            # dark and light; offscreen will do
QT_SCALE_FACTOR=1.5 python benchmarks/screenshots.py -o docs/images --only compare
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image

COPIES = 4  # of each sample, so that the list is full
LIMIT_S = 120


class Stage:
    """The window in a home of its own, and its photographer."""

    def __init__(self, home: Path, output: Path, theme: str, only: str) -> None:
        os.environ["ZIPPO_DESKTOP_HOME"] = str(home / "home")
        from zippo_desktop.gui.app import application
        from zippo_desktop.paths import settings_path
        from zippo_desktop.settings import change_settings

        self.app = application()
        change_settings(settings_path(), theme=theme, output_dir="cut")
        from zippo_desktop.gui.main_window import MainWindow

        self.home, self.output, self.only = home, output, only
        self.suffix = "" if theme == "dark" else f"-{theme}"
        self.scale = os.environ.get("QT_SCALE_FACTOR", "1")
        self.window: Any = MainWindow()
        self.window.resize(1480, 900)
        self.window.show()

    def until(self, is_so: Callable[[], bool]) -> None:
        """Let the window work until something is so; ends after a while in any case."""
        end = time.monotonic() + LIMIT_S
        while not is_so() and time.monotonic() < end:
            self.app.processEvents()
            time.sleep(0.005)

    def rest(self, seconds: float = 0.7) -> None:
        """Let the window work for so long."""
        end = time.monotonic() + seconds
        self.until(lambda: time.monotonic() > end)

    def take(self, name: str) -> None:
        """One picture, in few colours: a window has not many."""
        if self.only and name != self.only:
            return
        scale = "" if self.scale == "1" else f"-{round(float(self.scale) * 100)}"
        path = self.output / f"window-{name}{self.suffix}{scale}.png"
        self.rest()
        self.window.grab().save(str(path))
        with Image.open(path) as picture:
            picture.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)
        print(path)

    def photos(self) -> Path:
        """The samples, each several times under names of its own."""
        from zippo_desktop.paths import resource_dir

        folder = self.home / "photos"
        folder.mkdir()
        for sample in sorted((resource_dir() / "samples").iterdir()):
            if sample.suffix in (".jpg", ".png"):
                for copy in range(COPIES):
                    shutil.copy(sample, folder / f"{sample.stem}{copy or ''}{sample.suffix}")
        return folder

    def play(self) -> None:
        """A folder cut out, looked at, and prompts; a picture of each."""
        window = self.window
        self.take("empty")
        made: list[object] = []
        window.previews.preview_made.connect(lambda *news: made.append(news))
        window.open_paths([self.photos()])
        self.until(lambda: bool(made))
        window.run.start()
        self.until(lambda: window.bar.progress.done >= 9)
        view = window.work.photos.panel.view
        view.setCurrentIndex(view.model().index(0, 0))
        window.view.set_mode("result")
        self.take("running")
        self.until(lambda: not window.run.is_busy)
        window.view.set_mode("compare")
        self.take("compare")
        window.view.set_mode("edge")
        self.take("edge")
        window.view.set_mode("result")
        window.work.show_task("generation")
        window.work.prompts.add_samples()
        window.run.start()
        self.rest(0.3)  # until then the bar tells of the former job
        self.until(lambda: window.bar.progress.done >= 2)
        self.take("generate")
        window.run.stop()
        self.until(lambda: not window.run.is_busy)
        window.close()
        self.rest(0.1)


def main() -> None:
    """One theme a process: the application is made once."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--theme", choices=("dark", "light"), default="dark")
    parser.add_argument("--only", default="", help="take this one picture")
    arguments = parser.parse_args()
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    output = arguments.output.absolute()
    output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as home:
        os.chdir(home)  # results go into "cut" there
        Stage(Path(home), output, arguments.theme, arguments.only).play()


if __name__ == "__main__":
    main()
