"""Keeping a new set of pictures from mixing with what somebody already has."""

from __future__ import annotations

from pathlib import Path

from zippo_desktop.errors import UsageError


def check_new_folder(path: Path) -> None:
    """Raise UsageError unless `path` is free for a new folder, or is an empty one."""
    if path.exists() and not path.is_dir():
        raise UsageError(f"{path} is a file.", "Name a new folder; nothing is overwritten.")
    if path.exists() and any(path.iterdir()):
        raise UsageError(f"{path} is not empty.", "Name a new folder; nothing is overwritten.")
