"""Doing a job: what the program does. Both front ends call `run_job` and show its events."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from zippo_desktop.batch.control import Control
from zippo_desktop.batch.events import JobStarted, OnEvent, SessionOpened
from zippo_desktop.batch.filing import file_away
from zippo_desktop.batch.flow import Flow
from zippo_desktop.batch.job import Job, remaining_target, results_there
from zippo_desktop.batch.journal import Journal
from zippo_desktop.batch.memory import Memory, ceiling
from zippo_desktop.batch.outcomes import Outcomes
from zippo_desktop.batch.report import ItemResult, Report, Status
from zippo_desktop.batch.saved_job import Resumption
from zippo_desktop.batch.stages import check
from zippo_desktop.batch.work import Work
from zippo_desktop.engine.session import ModelSpec, Session
from zippo_desktop.errors import Cancelled, EngineError, ModelError, ZippoError


def run_job(
    job: Job,
    open_session: Callable[[], Session],
    on_event: OnEvent = lambda event: None,
    cancel: threading.Event | None = None,
    job_dir: Path | None = None,
    resumption: Resumption | None = None,
    pause: threading.Event | None = None,
    with_previews: bool = False,
) -> Report:
    """Do every item of a job and report on each; a bad item never keeps the others from being done.

    `open_session` is called once, and only if there is something to do. When `cancel` is set, the
    job ends after the current denoising step; results that are being written are completed. While
    `pause` is set, no item and no step is begun. `job_dir` gets the job's journal and thumbnails. With
    a `resumption` the job goes on: what ended stays as it is, and is part of the report. With previews,
    unfinished pictures are told as events, a few a second. A model or engine that fails ends the job,
    and the report says why. Raises `UsageError` alone, before the first item, for a request that the
    model cannot serve.
    """
    run = _Run(job, on_event, cancel or threading.Event(), pause or threading.Event(), job_dir, resumption)
    return run.run(open_session, with_previews)


class _Run:
    """One run of a job, from what is left of it to the report."""

    def __init__(
        self,
        job: Job,
        on_event: OnEvent,
        cancel: threading.Event,
        pause: threading.Event,
        job_dir: Path | None,
        resumption: Resumption | None,
    ) -> None:
        self._job, self._job_dir = job, job_dir
        self._resumption = resumption or Resumption()
        self._on_event = on_event
        self._journal = Journal(job_dir) if job_dir else None
        self._memory = Memory(ceiling(job.options))
        self._outcomes = Outcomes(on_event, self._journal, self._memory)
        self._control = Control(cancel, pause, on_event)
        self._opening_s = 0.0

    def run(self, open_session: Callable[[], Session], with_previews: bool) -> Report:
        started, started_at = time.perf_counter(), datetime.now(UTC)
        stopped_by, is_cancelled = "", False
        self._on_event(JobStarted(len(self._job.items) + len(self._job.problems)))
        for problem in self._job.problems:
            self._outcomes.end(ItemResult(problem.label, Status.FAILED, problem.message))
        if self._journal:
            self._journal.go_on()
        try:
            waiting = self._without_done()
            if waiting:
                self._control.check()
                with closing(self._open(open_session)) as session:
                    self._flow(session, waiting, with_previews).run()
        except Cancelled:
            is_cancelled = True
        except (ModelError, EngineError) as error:
            stopped_by = str(error)
        finally:
            if self._journal:
                self._journal.close()
        return Report(
            task=self._job.task,
            total=len(self._job.items) + len(self._job.problems),
            results=self._outcomes.results,
            started_at=started_at.isoformat(timespec="seconds"),
            seconds=time.perf_counter() - started,
            passed_over=self._job.passed_over,
            spec=self._outcomes.spec,
            info=self._outcomes.info,
            opening_s=self._opening_s,
            notes=self._outcomes.notes,
            stopped_by=stopped_by,
            is_cancelled=is_cancelled,
            uncertain_below=self._job.options.uncertain_below,
            fails_if_uncertain=self._job.options.fail_if_uncertain,
        )

    def _without_done(self) -> deque[Work]:
        """The items that still need work; the others are skipped here."""
        waiting: deque[Work] = deque()
        for index, item in enumerate(self._job.items):
            if index in self._resumption.ended:
                self._outcomes.tell(self._resumption.ended[index])
                continue
            on_existing = "overwrite" if index in self._resumption.redo else self._job.options.on_existing
            target = remaining_target(item, on_existing)
            own = results_there(item) if index in self._resumption.own else ()
            if target is not None:
                waiting.append(Work(index, item, target, outputs=own))
            elif own:
                item, trouble = file_away(item, ())  # the kill may have come before that
                done = ItemResult(item.label, Status.DONE, trouble, item.source, own, index=index)
                self._outcomes.end(done)
            else:
                message = "its files exist already"
                skipped = ItemResult(item.label, Status.SKIPPED, message, item.source, index=index)
                self._outcomes.end(skipped)
        return waiting

    def _open(self, open_session: Callable[[], Session]) -> Session:
        started = time.perf_counter()
        session = open_session()
        self._opening_s = time.perf_counter() - started
        self._outcomes.spec, self._outcomes.info = session.spec, session.info
        self._on_event(SessionOpened(session.spec, session.info))
        try:
            self._check_model(session.spec)
            check(self._job, session.spec)
        except ZippoError:
            session.close()
            raise
        if self._journal:
            self._journal.begin(self._job, session.spec, session.info)
        return session

    def _flow(self, session: Session, waiting: deque[Work], with_previews: bool) -> Flow:
        return Flow(
            self._job,
            session,
            waiting,
            memory=self._memory,
            outcomes=self._outcomes,
            control=self._control,
            on_event=self._on_event,
            job_dir=self._job_dir,
            with_previews=with_previews,
        )

    def _check_model(self, spec: ModelSpec) -> None:
        begun_with = self._resumption.model_digest
        if begun_with and begun_with != spec.digest:
            raise ModelError(
                f"The model {spec.name} is not the one that the job began with.",
                "Start the job anew, or put the former model back.",
            )
