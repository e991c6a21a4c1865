"""`zippo-desktop gui`, and `zippo-desktop` alone: open the window."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from zippo_desktop.errors import UsageError

EXAMPLES = """Examples:

    zippo-desktop

    zippo-desktop gui photos/ portrait.jpg
"""

_DISPLAYS = ("DISPLAY", "WAYLAND_DISPLAY")


def gui(
    files: Annotated[
        list[Path] | None,
        typer.Argument(metavar="FILE", help="Photos and folders to open.", show_default=False),
    ] = None,
) -> None:
    """Open the window, with these photos in it. A window that is open already takes them."""
    open_window(files or [])


def open_window(files: list[Path]) -> None:
    """Run the window and leave with its exit code. Raises `UsageError` without a display, or without Qt."""
    if sys.platform == "linux" and not any(map(os.environ.get, (*_DISPLAYS, "QT_QPA_PLATFORM"))):
        raise UsageError("There is no display to open the window on.", "See: zippo-desktop --help")
    try:
        from zippo_desktop.gui.app import run
    except ImportError as error:  # Qt itself, or one of the system's libraries that it needs
        raise UsageError(
            f"The window cannot be opened: {error}.", "The commands work without it: zippo-desktop --help"
        ) from error
    raise typer.Exit(run(files))
