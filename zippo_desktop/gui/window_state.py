"""What the window remembers from one start to the next: its place, its panels, what was opened of late."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from PySide6.QtCore import QByteArray, QSettings
from PySide6.QtWidgets import QMainWindow, QSplitter

from zippo_desktop.paths import settings_path

MOST_RECENT = 12


class WindowState:
    """A small file beside the settings. One that cannot be read or written is like none."""

    def __init__(self, path: Path | None = None) -> None:
        place = path or settings_path().with_name("window.ini")
        self._settings = QSettings(str(place), QSettings.Format.IniFormat)

    @property
    def recent(self) -> list[Path]:
        """Files and folders that were opened, the newest first."""
        value = self._settings.value("recent", [])
        names = [value] if isinstance(value, str) else value
        return [Path(name) for name in names if isinstance(name, str)] if isinstance(names, list) else []

    def add_recent(self, paths: Sequence[Path]) -> None:
        """Remember what was opened; a handful of files counts as their folder."""
        new = list(paths) if len(paths) <= 3 else [paths[0].parent]
        kept = [path for path in self.recent if path not in new]
        self._settings.setValue("recent", [str(path) for path in (*new, *kept)][:MOST_RECENT])

    def clear_recent(self) -> None:
        """Forget what was opened."""
        self._settings.remove("recent")

    def text(self, name: str) -> str:
        """A remembered word, empty where there is none."""
        value = self._settings.value(name, "")
        return value if isinstance(value, str) else ""

    def set_text(self, name: str, text: str) -> None:
        """Remember a word."""
        self._settings.setValue(name, text)

    def restore(self, window: QMainWindow, splitters: Iterable[QSplitter]) -> None:
        """Put window and panels where they were."""
        window.restoreGeometry(self._bytes("geometry"))
        for splitter in splitters:
            splitter.restoreState(self._bytes(splitter.objectName()))

    def save(self, window: QMainWindow, splitters: Iterable[QSplitter]) -> None:
        """Remember where window and panels are."""
        self._settings.setValue("geometry", window.saveGeometry())
        for splitter in splitters:
            self._settings.setValue(splitter.objectName(), splitter.saveState())
        self._settings.sync()

    def _bytes(self, name: str) -> QByteArray:
        value = self._settings.value(name)
        return value if isinstance(value, QByteArray) else QByteArray()
