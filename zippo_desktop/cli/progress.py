"""What a person sees of a running job, and its closing summary; all on stderr but the summary."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from types import TracebackType

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
)

from zippo_desktop.batch.events import (
    Event,
    ItemEnded,
    ItemStarted,
    JobContinued,
    JobPaused,
    JobStarted,
    Notice,
    SessionOpened,
    StepDone,
)
from zippo_desktop.batch.job import Options
from zippo_desktop.batch.report import ItemResult, Report, Status
from zippo_desktop.cli.console import error_console, output_console, plain
from zippo_desktop.cli.pace import Pace
from zippo_desktop.errors import printable

_LABEL_WIDTH = 32
_VERBS = {"matting": "cut out", "painting": "painted", "generation": "generated"}
_TOLD_KINDS = ("uncertain", "failed", "skipped")


class ProgressView:
    """A progress bar on a terminal, lines elsewhere; problems, and what the model runs on, always."""

    def __init__(self, quiet: bool | None, uncertain_below: float = Options.uncertain_below) -> None:
        self._is_verbose = quiet is False
        self._uncertain_below = uncertain_below
        self._pace = Pace()
        self._counts: Counter[str] = Counter()
        self._total = 0
        self._console = error_console()
        self._progress = Progress(
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            *(TextColumn(f"{{task.fields[{name}]}}", markup=False) for name in ("told", "pace", "provider")),
            TextColumn("{task.fields[current]}", markup=False, style="bright_black"),
            console=self._console,
            transient=True,
            disable=quiet is True or not self._console.is_terminal,
        )
        self._bar = self._progress.add_task("", total=None, told="", pace="", provider="", current="")

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
                self._total = total
                self._progress.update(self._bar, total=total, current="opening the model")
            case SessionOpened(spec, info):
                for fallback in info.fallbacks:
                    self._print(fallback, "yellow")
                self._print(f"{spec.name} {spec.version} on {info.engine}/{info.provider}")
                self._progress.update(self._bar, provider=info.provider)
                self._pace.begin()
            case ItemStarted(item=item):
                self._progress.update(self._bar, current=_shortened(item.label))
            case StepDone(item=item, done=done, total=total):
                self._progress.update(self._bar, current=f"{_shortened(item.label)} {done}/{total}")
            case ItemEnded(result=result):
                self._count(result)
                self._tell(result)
            case JobPaused():
                self._print("Paused.", "yellow")
                self._progress.update(self._bar, current="paused")
            case JobContinued():
                self._print("Going on.")
                self._pace.begin()
            case Notice(sentence):
                self.notice(sentence)

    def notice(self, sentence: str) -> None:
        """Show a sentence about the run itself."""
        self._print(sentence, "yellow")

    def _count(self, result: ItemResult) -> None:
        is_uncertain = result.is_uncertain(self._uncertain_below)
        self._counts["uncertain" if is_uncertain else result.status.value] += 1
        if result.status is not Status.SKIPPED:
            self._pace.count()
        left = self._total - self._counts.total()
        told = ", ".join(f"{self._counts[kind]} {kind}" for kind in _TOLD_KINDS if self._counts[kind])
        self._progress.update(self._bar, advance=1, told=told, pace=self._pace.told(left))

    def _tell(self, result: ItemResult) -> None:
        if result.status is Status.FAILED:
            self._print(f"Failed: {result.message}", "red")
        elif self._is_verbose:
            facts = [result.message or f"{sum(result.seconds.values()):.2f} s"]
            if result.is_uncertain(self._uncertain_below):
                facts += [f"uncertain: {result.confidence:.0%}", *result.doubts]
            self._print(f"{result.status.value}: {result.label} ({'; '.join(facts)})")

    def _print(self, text: str, style: str = "") -> None:
        self._progress.console.print(plain(text, style))


def summarise(report: Report, quiet: bool | None, job_dir: Path | None = None) -> None:
    """The closing lines: counts, time, and why the job ended early if it did.

    `job_dir` is the job's folder where the person may want to see its report.
    """
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
    if report.uncertain:
        told[0] += f" ({len(report.uncertain)} uncertain)"
    told += [f"{counts[kind]} {kind}" for kind in ("failed", "skipped") if counts[kind]]
    if counts["not_started"]:
        told.append(f"{counts['not_started']} not done")
    if report.passed_over:
        told.append(f"{report.passed_over} other files passed over")
    output_console().print(plain(f"{', '.join(told)}; {report.seconds:.1f} s."))
    if counts["skipped"]:
        output_console().print(plain("Skipped ones exist already: --on-existing overwrite does them again."))
    if report.uncertain and job_dir:
        command = f"zippo-desktop jobs report {job_dir.name} -o report.html"
        output_console().print(plain(f"To look at the uncertain ones first: {command}"))


def _shortened(label: str) -> str:
    """The beginning, which tells prompts apart, and the end, which tells files apart."""
    text = printable(label)
    half = _LABEL_WIDTH // 2 - 2
    return text if len(text) <= _LABEL_WIDTH else f"{text[:half]}...{text[-half:]}"
