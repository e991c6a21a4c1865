"""The log file: tracebacks of unexpected errors, for whoever mends the program."""

from __future__ import annotations

import logging
from logging.handlers import RotatingFileHandler
from pathlib import Path

from zippo_desktop.paths import log_dir

LOG_NAME = "zippo-desktop.log"
_MOST_BYTES, _OLD_FILES = 1_000_000, 2


def log_path() -> Path:
    """Where the log file is, or will be once there is something to log."""
    return log_dir() / LOG_NAME


def open_log() -> logging.Handler:
    """Send the program's warnings and errors to the log file; gives back the handler, to close it.

    A folder that cannot be written to leaves the program without a log, not without a result.
    """
    logger = logging.getLogger("zippo_desktop")
    try:
        log_path().parent.mkdir(parents=True, exist_ok=True)
        handler: logging.Handler = RotatingFileHandler(
            log_path(),
            maxBytes=_MOST_BYTES,
            backupCount=_OLD_FILES,
            encoding="utf-8",
            delay=True,  # no file where there is nothing to tell
            errors="backslashreplace",
        )
    except OSError:
        handler = logging.NullHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logger.addHandler(handler)
    return handler


def close_log(handler: logging.Handler) -> None:
    """Take back what `open_log` did."""
    logging.getLogger("zippo_desktop").removeHandler(handler)
    handler.close()
