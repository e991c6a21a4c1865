"""Where the command line writes: results to stdout, everything about the run to stderr."""

from __future__ import annotations

import sys

from rich.console import Console
from rich.text import Text

from zippo_desktop.errors import ZippoError, printable


def error_console() -> Console:
    """A console on stderr as it is now; long lines stay lines."""
    return Console(file=sys.stderr, highlight=False, soft_wrap=True)


def output_console() -> Console:
    """A console on stdout as it is now; long lines stay lines."""
    return Console(file=sys.stdout, highlight=False, soft_wrap=True)


def plain(text: str, style: str = "") -> Text:
    """Text that means itself: no markup, no control characters out of file names."""
    return Text(printable(text), style=style)


def tell_error(error: ZippoError) -> None:
    """An error as its sentence, with the hint on a line of its own."""
    console = error_console()
    console.print(plain("Error: ", "bold red").append_text(plain(error.message)))
    if error.hint:
        console.print(plain(error.hint))
