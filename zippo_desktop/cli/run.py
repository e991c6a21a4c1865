"""Running a planned job from the command line: signals, progress, summary, report, exit code."""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import get_args

import typer

from zippo_desktop.batch.job import Job, Options, remaining_target
from zippo_desktop.batch.journal import new_job_dir
from zippo_desktop.batch.log import close_log, open_log
from zippo_desktop.batch.prompts import PromptRow, read_prompts
from zippo_desktop.batch.report import ExitCode, Report
from zippo_desktop.batch.report_files import check_report_path, write_report
from zippo_desktop.batch.runner import run_job
from zippo_desktop.batch.saved_job import Resumption, job_lock, read_job
from zippo_desktop.cli.console import error_console, output_console, plain
from zippo_desktop.cli.look_options import AskedLook, Format
from zippo_desktop.cli.options import DEFAULT_STRENGTH, MAX_MEGAPIXELS, Engine, OnExisting, Provider
from zippo_desktop.cli.progress import ProgressView, summarise
from zippo_desktop.engine.open_session import open_session
from zippo_desktop.errors import UsageError
from zippo_desktop.export.write import planned_paths
from zippo_desktop.looks.options import look_from, with_whole_path
from zippo_desktop.paths import jobs_dir, settings_path
from zippo_desktop.pipelines.request import MattingRequest
from zippo_desktop.settings import load_settings

STOPPING = b"\nStopping after the current step. Ctrl-C again ends at once.\n"


@dataclass(frozen=True)
class Shown:
    """What of a run is shown, and where the reports go. `quiet` None is the middle way.

    Raises `UsageError` for a report that is of no kind.
    """

    reports: Sequence[Path] = ()
    is_dry_run: bool = False
    quiet: bool | None = None

    def __post_init__(self) -> None:
        for path in self.reports:
            check_report_path(path)


@dataclass(frozen=True)
class Chosen:
    """What was asked for beside the look; None leaves the word to the settings."""

    model: str | None = None
    engine: Engine | None = None
    provider: Provider | None = None
    on_existing: OnExisting = "skip"
    max_megapixels: int = MAX_MEGAPIXELS
    batch_size: int = 0
    memory_mb: int | None = None
    uncertain_below: float | None = None  # None: what the program thinks
    uncertain_dir: Path | None = None
    fail_if_uncertain: bool = False
    originals_dir: Path | None = None


def job_options(output: Path, chosen: Chosen, look: AskedLook) -> tuple[Options, MattingRequest]:
    """The options as given, with the person's settings where they were left out, and the look's request."""
    settings, problems = load_settings(settings_path())
    for problem in problems:
        error_console().print(plain(problem, "yellow"))
    below = chosen.uncertain_below
    whole = look_from({"format": list(settings.formats)} | with_whole_path(look.values))
    options = Options(
        output_dir=output,
        model=chosen.model or settings.model,
        engine=chosen.engine or settings.engine,
        provider=chosen.provider or settings.provider,
        arrangement=whole.arrangement,
        writing=whole.writing,
        preset=look.preset,
        on_existing=chosen.on_existing,
        max_pixels=chosen.max_megapixels * 1_000_000,
        batch_size=chosen.batch_size,
        memory_mb=settings.memory_mb if chosen.memory_mb is None else chosen.memory_mb,
        uncertain_below=Options.uncertain_below if below is None else below,
        uncertain_dir=chosen.uncertain_dir,
        fail_if_uncertain=chosen.fail_if_uncertain,
        originals_dir=chosen.originals_dir,
    )
    _check_folders(options)
    _check_choice("engine", [options.engine], get_args(Engine))
    _check_choice("provider", [options.provider], get_args(Provider))
    _check_choice("format", options.writing.formats, list(Format))
    return options, whole.matting


def prompt_rows(given: Sequence[str] | None, path: Path | None, recursive: bool) -> list[PromptRow]:
    """Prompts given by hand, then those of a file. Raises `UsageError` where there is none."""
    rows = [PromptRow(prompt.strip()) for prompt in given or () if prompt.strip()]
    if path is not None:
        rows += read_prompts(path, recursive)
    if not rows:
        raise UsageError("There is no prompt.", "Give one in quotes, or a file of them with --prompts.")
    return rows


def strength_from(strength: float | None, start: Path | None, option: str) -> float | None:
    """The strength of a request: as given, else the default where there is a picture to start from,
    None where there is none.

    Raises `UsageError` for a strength that has nothing to start from, or a start that is not there.
    """
    if start is None:
        if strength is not None:
            raise UsageError("--strength has nothing to start from.", f"Name a picture with {option}.")
        return None
    if not start.exists():
        raise UsageError(f"{start} does not exist.", f"Name a picture with {option}.")
    return DEFAULT_STRENGTH if strength is None else strength


def run(job: Job, shown: Shown) -> None:
    """Do the job and leave with its exit code."""
    if shown.is_dry_run:
        _show_plan(job)
        raise typer.Exit(ExitCode.SOME_FAILED if job.problems else ExitCode.DONE)
    job_dir = new_job_dir(jobs_dir(), job)
    with job_lock(job_dir):
        report = _do(job, shown, job_dir)
    _close(report, shown, job_dir)


def go_on(job_dir: Path, shown: Shown, *, retry_failed: bool) -> None:
    """Go on with the job in `job_dir` and leave with its exit code."""
    with job_lock(job_dir):  # first, so that nothing is read that another program is still writing
        saved = read_job(job_dir)
        report = _do(saved.job, shown, job_dir, saved.resumption(retry_failed=retry_failed))
    _close(report, shown, job_dir)


def _do(job: Job, shown: Shown, job_dir: Path, resumption: Resumption | None = None) -> Report:
    options, log = job.options, open_log()
    cancel, pause = threading.Event(), threading.Event()
    try:
        with (
            cancel_on_interrupt(cancel),
            pause_on_signal(pause),
            ProgressView(shown.quiet, options.uncertain_below) as view,
            warnings_to(view.notice),
        ):
            return run_job(
                job,
                lambda: open_session(options.model, options.engine, options.provider, view.notice),
                view.show,
                cancel,
                job_dir,
                resumption,
                pause,
            )
    finally:
        close_log(log)


def _close(report: Report, shown: Shown, job_dir: Path) -> None:
    is_page_asked = any(path.suffix.lower() == ".html" for path in shown.reports)
    summarise(report, shown.quiet, None if is_page_asked else job_dir)
    for path in shown.reports:
        write_report(report, job_dir, path)
    raise typer.Exit(report.exit_code)


@contextmanager
def cancel_on_interrupt(cancel: threading.Event) -> Iterator[None]:
    """Let the first Ctrl-C set `cancel`, and the second end the program as the system would."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        cancel.set()
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.write(2, STOPPING)  # a handler may interrupt a print, so it must not print itself

    previous = signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)


@contextmanager
def pause_on_signal(pause: threading.Event) -> Iterator[None]:
    """Let SIGUSR1, where there is one, set `pause`, and the next clear it. SIGTSTP is left to the shell."""
    if not hasattr(signal, "SIGUSR1"):
        yield
        return

    def toggle(number: int, frame: FrameType | None) -> None:
        (pause.clear if pause.is_set() else pause.set)()

    previous = signal.signal(signal.SIGUSR1, toggle)
    try:
        yield
    finally:
        signal.signal(signal.SIGUSR1, previous)


@contextmanager
def warnings_to(notice: Callable[[str], None]) -> Iterator[None]:
    """Show what the program warns of in its log; errors are shown with their items."""
    handler = logging.Handler(logging.WARNING)
    handler.addFilter(lambda record: record.levelno == logging.WARNING)
    handler.emit = lambda record: notice(record.getMessage())  # type: ignore[method-assign]
    logging.getLogger("zippo_desktop").addHandler(handler)
    try:
        yield
    finally:
        logging.getLogger("zippo_desktop").removeHandler(handler)


def _check_folders(options: Options) -> None:
    """Uncertain results, and originals, that lie among the others would be none of the three."""
    for folder, what in ((options.uncertain_dir, "uncertain results"), (options.originals_dir, "originals")):
        if folder and os.path.realpath(folder) == os.path.realpath(options.output_dir):
            message = f"{folder} is the folder for {what} and for all others at once."
            raise UsageError(message, "Choose another folder.")


def _check_choice(name: str, chosen: Sequence[str], known: Sequence[str]) -> None:
    """The command line checks its own choices; those from the settings file are checked here."""
    unknown = [choice for choice in chosen if choice not in known]
    if unknown:
        raise UsageError(f"There is no {name} '{unknown[0]}'.", f"Known are {', '.join(known)}.")


def _show_plan(job: Job) -> None:
    """One line for each file that would be written, and what would be left as it is."""
    console = output_console()
    for problem in job.problems:
        error_console().print(plain(problem.message, "red"))
    skipped = 0
    for item in job.items:
        target = remaining_target(item, job.options.on_existing)
        skipped += target is None
        for path in planned_paths(target) if target else ():
            console.print(plain(f"{item.label} -> {path}"))
    counts = {
        "to do": len(job.items) - skipped,
        "skipped, for their files exist": skipped,
        "unreadable": len(job.problems),
        "other files passed over": job.passed_over,
    }
    told = ", ".join(f"{count} {what}" for what, count in counts.items() if count)
    error_console().print(plain(f"{told}. Nothing was written."))
