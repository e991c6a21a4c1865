"""What a person sees of a running job, and its closing summary; all on stderr but the summary."""

from __future__ import annotations

from types import TracebackType

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from zippo_desktop.batch.events import Event, ItemEnded, ItemStarted, JobStarted, SessionOpened, StepDone
from zippo_desktop.batch.report import Report, Status
from zippo_desktop.cli.console import error_console, output_console, plain
from zippo_desktop.errors import printable

_LABEL_WIDTH = 32
_VERBS = {"matting": "cut out", "painting": "painted", "generation": "generated"}


class RateColumn(ProgressColumn):
    """Items a second, or a minute where that is less than one."""

    def render(self, task: Task) -> Text:
        """The rate so far, or nothing before there is one."""
        speed = task.finished_speed or task.speed
        if speed is None:
            return Text("")
        return Text(f"{speed:.1f}/s" if speed >= 1 else f"{speed * 60:.1f}/min")


class ProgressView:
    """A progress bar on a terminal, lines elsewhere; problems, and what the model runs on, always."""

    def __init__(self, quiet: bool | None) -> None:
        self._is_verbose = quiet is False
        self._console = error_console()
        self._progress = Progress(
            BarColumn(),
            MofNCompleteColumn(),
            RateColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[current]}", markup=False),
            console=self._console,
            transient=True,
            disable=quiet is True or not self._console.is_terminal,
        )
        self._bar = self._progress.add_task("", total=None, current="")

    def __enter__(self) -> ProgressView:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def show(self, event: Event) -> None:
        """Show one event of the job."""
        match event:
            case JobStarted(total):
                self._progress.update(self._bar, total=total, current="opening the model")
            case SessionOpened(spec, info):
                for fallback in info.fallbacks:
                    self._print(fallback, "yellow")
                self._print(f"{spec.name} {spec.version} on {info.engine}/{info.provider}")
            case ItemStarted(item=item):
                self._progress.update(self._bar, current=_shortened(item.label))
            case StepDone(item=item, done=done, total=total):
                self._progress.update(self._bar, current=f"{_shortened(item.label)} {done}/{total}")
            case ItemEnded(result=result):
                self._progress.advance(self._bar)
                if result.status is Status.FAILED:
                    self._print(f"Failed: {result.message}", "red")
                elif self._is_verbose:
                    seconds = sum(result.seconds.values())
                    self._print(
                        f"{result.status.value}: {result.label} ({result.message or f'{seconds:.2f} s'})"
                    )

    def notice(self, sentence: str) -> None:
        """Show a sentence about something that takes unusually long."""
        self._print(sentence, "yellow")

    def _print(self, text: str, style: str = "") -> None:
        self._progress.console.print(plain(text, style))


def summarise(report: Report, quiet: bool | None) -> None:
    """The closing lines: counts, time, and why the job ended early if it did."""
    shown_before = report.info.fallbacks if report.info else ()
    for note in report.notes:
        if note not in shown_before:
            error_console().print(plain(note, "yellow"))
    if report.stopped_by:
        error_console().print(plain(f"Stopped: {report.stopped_by}", "bold red"))
    if quiet:
        return
    counts = report.counts
    told = [f"{counts['done']} {_VERBS[report.task]}"]
    told += [f"{counts[kind]} {kind}" for kind in ("failed", "skipped") if counts[kind]]
    if counts["not_started"]:
        told.append(f"{counts['not_started']} not done")
    if report.passed_over:
        told.append(f"{report.passed_over} other files passed over")
    output_console().print(plain(f"{', '.join(told)}; {report.seconds:.1f} s."))
    if counts["skipped"]:
        output_console().print(plain("Skipped ones exist already: --on-existing overwrite does them again."))


def _shortened(label: str) -> str:
    """The beginning, which tells prompts apart, and the end, which tells files apart."""
    text = printable(label)
    half = _LABEL_WIDTH // 2 - 2
    return text if len(text) <= _LABEL_WIDTH else f"{text[:half]}...{text[-half:]}"
