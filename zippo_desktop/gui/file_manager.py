"""Showing files in the system's own programs."""

from __future__ import annotations

import sys
from pathlib import Path

from PySide6.QtCore import QProcess, QUrl
from PySide6.QtGui import QDesktopServices


def open_file(path: Path) -> bool:
    """Open a file with the program that the system has for it; False where there is none."""
    return path.exists() and QDesktopServices.openUrl(QUrl.fromLocalFile(str(path)))


def reveal(path: Path) -> bool:
    """Show a file in its folder, chosen where the system can do that; False where nothing opened."""
    if path.exists() and sys.platform == "win32":
        return _start("explorer", f"/select,{path}")
    if path.exists() and sys.platform == "darwin":
        return _start("open", "-R", str(path))
    return path.parent.is_dir() and QDesktopServices.openUrl(QUrl.fromLocalFile(str(path.parent)))


def _start(program: str, *arguments: str) -> bool:
    is_started, _ = QProcess.startDetached(program, list(arguments))
    return bool(is_started)
