"""Paths of more than 260 characters, which Windows takes only where they are marked as such."""

from __future__ import annotations

import ntpath
import os
from pathlib import Path

IS_WINDOWS = os.name == "nt"
LIMIT = 248  # of folders; files may have 260 (Microsoft Learn, "Maximum Path Length Limitation")
_MARK, _NETWORK_MARK = "\\\\?\\", "\\\\?\\UNC\\"


def reachable(path: Path) -> Path:
    """The path as the system takes it, whatever its length; it may be for the system's eyes alone.

    A long path on Windows becomes absolute and marked; every other path comes back as it is. Use it for
    calls of the system, and show the person the path that it was made of.
    """
    if not IS_WINDOWS:
        return path
    text = str(path)
    absolute = text if text.startswith(_MARK) else ntpath.abspath(text)
    return path if len(absolute) < LIMIT else Path(_marked(absolute))


def _marked(absolute: str) -> str:
    """An absolute Windows path in its long form, for a drive's or for a server's."""
    if absolute.startswith(_MARK):
        return absolute
    if absolute.startswith("\\\\"):
        return _NETWORK_MARK + absolute[2:]
    return _MARK + absolute
