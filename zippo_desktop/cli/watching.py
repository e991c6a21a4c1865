"""Running a watch from the command line: signals, what is shown of each round, summary, exit code."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

import typer

from zippo_desktop.batch.events import OnEvent
from zippo_desktop.batch.log import close_log, open_log
from zippo_desktop.batch.report import ExitCode, Status
from zippo_desktop.batch.watch import FolderWatch, WatchResult
from zippo_desktop.batch.watch_job import Watch
from zippo_desktop.cli.console import error_console, output_console, plain
from zippo_desktop.cli.progress import ProgressView
from zippo_desktop.cli.run import cancel_on_interrupt, warnings_to
from zippo_desktop.engine.open_session import open_session
from zippo_desktop.engine.session import Session
from zippo_desktop.paths import jobs_dir

ENDING = b"\nEnding after what is being written.\n"


def run_watch(watch: Watch, once: bool, quiet: bool | None) -> None:
    """Watch until Ctrl-C or, with `once`, until all is done; leave with an exit code.

    It is 0 for a watch that was ended, whatever failed in it; with `once`, that of any other job.
    """
    options = watch.options
    shown, log, cancel = _Shown(quiet, options.uncertain_below), open_log(), threading.Event()

    def opened() -> Session:
        return open_session(options.model, options.engine, options.provider, shown.notice)

    try:
        with cancel_on_interrupt(cancel), _cancel_on_termination(cancel), warnings_to(shown.notice):
            if not once and quiet is not True:
                _tell(f"Watching {watch.watched_dir}. Ctrl-C ends.")
            folder_watch = FolderWatch(watch, opened, shown.round, shown.notice, cancel, jobs_dir())
            result = folder_watch.run(once=once)
    finally:
        close_log(log)
    _summarise(result, quiet)
    raise typer.Exit(_exit_code(result, once, cancel.is_set()))


class _Shown:
    """What is shown: a progress bar while there is something to do, nothing that moves between."""

    def __init__(self, quiet: bool | None, uncertain_below: float) -> None:
        self._quiet = quiet
        self._uncertain_below = uncertain_below
        self._view: ProgressView | None = None

    @contextmanager
    def round(self) -> Iterator[OnEvent]:
        """The view of one round; gives what shows its events."""
        with ProgressView(self._quiet, self._uncertain_below) as view:
            self._view = view
            try:
                yield view.show
            finally:
                self._view = None

    def notice(self, sentence: str) -> None:
        """Show a sentence, above the progress bar if there is one."""
        if self._view is not None:
            self._view.notice(sentence)
        else:
            _tell(sentence, "yellow")


@contextmanager
def _cancel_on_termination(cancel: threading.Event) -> Iterator[None]:
    """Let the first SIGTERM set `cancel`, as service managers expect, and the second end the program."""

    def terminate(number: int, frame: FrameType | None) -> None:
        cancel.set()
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        with suppress(OSError):  # whoever ends the program may have closed its terminal
            os.write(2, ENDING)  # a handler may interrupt a print, so it must not print itself

    previous = signal.signal(signal.SIGTERM, terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)


def _tell(sentence: str, style: str = "") -> None:
    error_console().print(plain(sentence, style))


def _summarise(result: WatchResult, quiet: bool | None) -> None:
    if result.stopped_by:
        _tell(f"Stopped: {result.stopped_by}", "bold red")
    if quiet is not True:
        counts = result.counts
        uncertain = f" ({result.uncertain} uncertain)" if result.uncertain else ""
        told = [f"{counts[Status.DONE]} cut out{uncertain}"]
        told += [f"{counts[kind]} {kind}" for kind in (Status.FAILED, Status.SKIPPED) if counts[kind]]
        output_console().print(plain(f"{', '.join(told)}."))


def _exit_code(result: WatchResult, once: bool, is_cancelled: bool) -> int:
    if result.stopped_by:
        return ExitCode.UNUSABLE
    if once and is_cancelled:
        return ExitCode.CANCELLED
    return ExitCode.SOME_FAILED if once and result.counts[Status.FAILED] else ExitCode.DONE
