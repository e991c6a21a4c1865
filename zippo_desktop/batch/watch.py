"""Watching a folder: whatever arrives in it is done, in rounds, by the same `run_job` as any other job."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path

from zippo_desktop.batch.arrivals import Arrivals, Listing, list_folder
from zippo_desktop.batch.events import Event, ItemEnded, JobStarted, OnEvent, SessionOpened
from zippo_desktop.batch.kept_session import SessionKeeper
from zippo_desktop.batch.report import Report, Status
from zippo_desktop.batch.runner import run_job
from zippo_desktop.batch.saved_job import job_lock
from zippo_desktop.batch.watch_job import Round, Watch, WatchJob
from zippo_desktop.engine.session import Session
from zippo_desktop.errors import ExportError, UsageError
from zippo_desktop.export.atomic import make_output_dir

ROUND_PHOTOS = 100  # at most: what has changed or arrived meanwhile is looked for between rounds
LISTING_SHARE = 0.02  # of a core's time: a folder of very many files is listed less often

ShowRound = Callable[[], AbstractContextManager[OnEvent]]


@dataclass
class WatchResult:
    """How many photos ended how, how many results are uncertain, and what ended the watch, "" if nothing."""

    counts: dict[Status, int] = field(default_factory=lambda: dict.fromkeys(Status, 0))
    uncertain: int = 0
    stopped_by: str = ""


class FolderWatch:
    """A watch under way. `show_round` shows the events of one round, `tell` a sentence between rounds."""

    def __init__(
        self,
        watch: Watch,
        open_session: Callable[[], Session],
        show_round: ShowRound,
        tell: Callable[[str], None],
        cancel: threading.Event,
        jobs_dir: Path,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._watch = watch
        self._keeper = SessionKeeper(open_session)
        self._show_round = show_round
        self._tell = tell
        self._cancel = cancel
        self._jobs_dir = jobs_dir
        self._clock = clock
        self._arrivals = Arrivals(watch.settle_s)
        self._listing, self._least_rest_s = Listing(), 0.0
        self._is_session_shown = False
        self._missing: Path | None = None
        self._told: set[str] = set()  # sentences that are not said again
        self._locks = ExitStack()
        self._result = WatchResult()

    def run(self, *, once: bool = False) -> WatchResult:
        """Do what is there and, unless `once`, what arrives, until `cancel` is set or the engine fails.

        A folder that vanishes, as an unmounted share does, is waited for. Raises `UsageError` for
        folders that cannot be watched, while another program watches them, and for a request that
        the model cannot serve; `ExportError` where the output folder cannot be made.
        """
        _check(self._watch)
        for folder in self._watch.result_dirs:
            make_output_dir(folder)
        with self._locks, closing(self._keeper):
            self._locks.enter_context(job_lock(self._jobs_dir / f"watch-{self._watch.key}"))
            job = WatchJob(self._watch, self._jobs_dir)
            self._locks.enter_context(job_lock(job.job_dir))
            self._tell_once(*job.troubles)
            self._go_round(job, once)
        return self._result

    def _go_round(self, job: WatchJob, once: bool) -> None:
        has_rested = False
        while not self._cancel.is_set():
            photos = self._look(job)
            if photos and self._do(job, photos[:ROUND_PHOTOS]):
                continue
            is_over = once and (has_rested or not self._arrivals.are_settling)
            if is_over or self._result.stopped_by:
                break
            self._cancel.wait(self._rest_s(once))
            has_rested = True

    def _look(self, job: WatchJob) -> list[str]:
        """The photos that can be done now."""
        started, cpu_started = self._clock(), time.thread_time()
        self._listing = self._list()
        cpu_s = time.thread_time() - cpu_started
        # A slow share is left alone for as long as it takes, too.
        self._least_rest_s = max(self._clock() - started, cpu_s * (1 / LISTING_SHARE - 1))
        self._tell_once(*self._listing.troubles)
        return self._arrivals.settled(self._listing, job.is_known, started)

    def _list(self) -> Listing:
        """What the watched folder holds; nothing while it, or a folder for results, is not there."""
        watch = self._watch
        try:
            listing = list_folder(watch.root, watch.recursive, (*watch.result_dirs, self._jobs_dir))
        except OSError:
            return self._wait_for(watch.watched_dir)
        for folder in watch.result_dirs:
            if not folder.is_dir():
                return self._wait_for(folder)
        if self._missing is not None:
            self._tell(f"The folder {self._missing} is back.")
            self._missing = None
        return listing

    def _wait_for(self, folder: Path) -> Listing:
        if self._missing != folder:
            self._tell(f"The folder {folder} cannot be reached. Waiting for it.")
            self._missing = folder
        return Listing()

    def _rest_s(self, once: bool) -> float:
        """How long to wait for the next look; what is settling is looked at as soon as it may have."""
        rest_s = self._watch.interval_s
        if self._arrivals.are_settling:
            rest_s = self._watch.settle_s if once else min(rest_s, self._watch.settle_s)
        return max(rest_s, self._least_rest_s)

    def _do(self, job: WatchJob, photos: list[str]) -> bool:
        """Do some photos; whether any of them ended."""
        part_before, ended_before = job.job_dir, sum(self._result.counts.values())
        now = job.plan(photos)
        if now.job_dir != part_before:
            self._locks.enter_context(job_lock(now.job_dir))
        try:
            job.save()
        except ExportError as error:  # the photos are done all the same, and perhaps again by the next run
            self._tell_once(error.message)
        with self._show_round() as show:
            report = run_job(
                now.job,
                self._keeper.open,
                lambda event: self._on_event(event, now, job, show),
                self._cancel,
                now.job_dir,
                now.resumption,
            )
        job.forget_unbegun()
        self._tell_once(*_own_notes(report))
        self._result.stopped_by = report.stopped_by
        return sum(self._result.counts.values()) > ended_before

    def _on_event(self, event: Event, now: Round, job: WatchJob, show: OnEvent) -> None:
        """Show what concerns this round, and remember what has ended."""
        match event:
            case JobStarted():
                show(JobStarted(len(now.places)))
            case SessionOpened():
                if not self._is_session_shown:
                    show(event)
                self._is_session_shown = True
            case ItemEnded(index=index, result=result):
                if index in now.places:
                    path = str(now.job.items[index].source)
                    job.note(path, self._listing.files[path].state, result)
                    self._result.counts[result.status] += 1
                    self._result.uncertain += result.is_uncertain(self._watch.options.uncertain_below)
                    show(event)
            case _:
                show(event)

    def _tell_once(self, *sentences: str) -> None:
        for sentence in sentences:
            if sentence not in self._told:
                self._tell(sentence)
                self._told.add(sentence)


def _check(watch: Watch) -> None:
    """Refuse folders that cannot be watched. Raises `UsageError`."""
    folder = watch.watched_dir
    if not folder.exists():
        raise UsageError(f"The folder {folder} does not exist.", "Make it, or check its name.")
    if not folder.is_dir():
        raise UsageError(f"{folder} is not a folder.", "Watch the folder that it is in.")
    if any(results.exists() and results.samefile(folder) for results in watch.result_dirs):
        raise UsageError(f"{folder} is input and output at once.", "Choose another output folder.")


def _own_notes(report: Report) -> tuple[str, ...]:
    """The notes of a round but for those of the session, which were shown when it was opened."""
    shown = report.info.fallbacks if report.info else ()
    return tuple(note for note in report.notes if note not in shown)
