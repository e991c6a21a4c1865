"""Doing a job: what the program does. Both front ends call `run_job` and show its events.

Decoding and exporting run in their own threads, a few items before and behind the network; the
session stays in the calling thread, and so do all events and the journal.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from operator import itemgetter
from pathlib import Path
from typing import Any, TypeVar

from zippo_desktop.batch.events import (
    ItemEnded,
    ItemStarted,
    JobStarted,
    OnEvent,
    SessionOpened,
    StepDone,
)
from zippo_desktop.batch.job import Item, Job, remaining_target
from zippo_desktop.batch.journal import Journal
from zippo_desktop.batch.log import log_path
from zippo_desktop.batch.report import ItemResult, Report, Status
from zippo_desktop.batch.saved_job import Resumption
from zippo_desktop.batch.stages import STAGES, check
from zippo_desktop.engine.session import ModelSpec, Session, SessionInfo
from zippo_desktop.errors import Cancelled, EngineError, ModelError, OutOfMemory, ZippoError
from zippo_desktop.export.write import Target, export
from zippo_desktop.imaging.arrange import arrange
from zippo_desktop.imaging.layers import LayerStack
from zippo_desktop.pipelines.parameters import describe

DECODED_AHEAD = 2  # photos in memory that wait for the network
EXPORTS_IN_FLIGHT = 2  # results in memory that are being finished and written

logger = logging.getLogger(__name__)
T = TypeVar("T")


@dataclass
class _Work:
    """An item on its way: what is still to be written, what it is made of so far, and its times."""

    index: int
    item: Item
    target: Target
    decoded: Any = None
    inferred: Any = None
    outputs: tuple[Path, ...] = ()
    seconds: dict[str, float] = field(default_factory=dict)

    def time(self, stage: str, call: Callable[..., T], *arguments: Any) -> T:
        """Call, and note how long it took."""
        started = time.perf_counter()
        try:
            return call(*arguments)
        finally:
            self.seconds[stage] = time.perf_counter() - started


def run_job(
    job: Job,
    open_session: Callable[[], Session],
    on_event: OnEvent = lambda event: None,
    cancel: threading.Event | None = None,
    job_dir: Path | None = None,
    resumption: Resumption | None = None,
) -> Report:
    """Do every item of a job and report on each; a bad item never keeps the others from being done.

    `open_session` is called once, and only if there is something to do. When `cancel` is set, the
    job ends after the current denoising step; results that are being written are completed.
    `job_dir` gets the job's journal. With a `resumption` the job goes on: what ended stays as it is,
    and is part of the report. A model or engine that fails ends the job, and the report says
    why. Raises `UsageError` alone, before the first item, for a request that the model cannot serve.
    """
    journal = Journal(job_dir) if job_dir else None
    run = _Run(job, on_event, cancel or threading.Event(), journal, resumption or Resumption())
    return run.run(open_session)


class _Run:
    """One run of a job: its results so far and the way each item takes."""

    def __init__(
        self,
        job: Job,
        on_event: OnEvent,
        cancel: threading.Event,
        journal: Journal | None,
        resumption: Resumption,
    ) -> None:
        self._job = job
        self._resumption = resumption
        self._stages = STAGES[job.task]
        self._on_event = on_event
        self._cancel = cancel
        self._journal = journal
        self._exports: deque[tuple[_Work, Future[None]]] = deque()  # under way, in the job's order
        self._results: list[tuple[int, ItemResult]] = []  # with the item's place in the job
        self._spec: ModelSpec | None = None
        self._info: SessionInfo | None = None
        self._opening_s = 0.0

    def run(self, open_session: Callable[[], Session]) -> Report:
        started, started_at = time.perf_counter(), datetime.now(UTC)
        stopped_by, is_cancelled = "", False
        self._on_event(JobStarted(len(self._job.items) + len(self._job.problems)))
        for problem in self._job.problems:
            self._end(-1, ItemResult(problem.label, Status.FAILED, problem.message))
        if self._journal:
            self._journal.go_on()
        try:
            waiting = self._without_done()
            if waiting:
                self._check_cancel()
                with closing(self._open(open_session)) as session:
                    self._work_through(session, waiting)
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
            results=tuple(result for _, result in sorted(self._results, key=itemgetter(0))),
            started_at=started_at.isoformat(timespec="seconds"),
            seconds=time.perf_counter() - started,
            passed_over=self._job.passed_over,
            spec=self._spec,
            info=self._info,
            opening_s=self._opening_s,
            notes=self._notes(),
            stopped_by=stopped_by,
            is_cancelled=is_cancelled,
        )

    def _without_done(self) -> list[_Work]:
        """The items that still need work; the others are skipped here."""
        waiting = []
        for index, item in enumerate(self._job.items):
            if index in self._resumption.ended:
                self._tell(index, self._resumption.ended[index])
                continue
            on_existing = "overwrite" if index in self._resumption.redo else self._job.options.on_existing
            target = remaining_target(item, on_existing)
            if target is None:
                message = "its files exist already"
                self._end(index, ItemResult(item.label, Status.SKIPPED, message, item.source))
            else:
                waiting.append(_Work(index, item, target))
        return waiting

    def _open(self, open_session: Callable[[], Session]) -> Session:
        started = time.perf_counter()
        session = open_session()
        self._opening_s = time.perf_counter() - started
        self._spec, self._info = session.spec, session.info
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

    def _work_through(self, session: Session, waiting: Iterable[_Work]) -> None:
        """Decode ahead, infer here, export behind. On every way out, what is being written is completed."""
        with (
            ThreadPoolExecutor(DECODED_AHEAD) as decoders,
            ThreadPoolExecutor(EXPORTS_IN_FLIGHT) as exporters,
        ):
            try:
                for work, decoding in _ahead(
                    decoders, lambda work: self._decode(work, session.spec), waiting
                ):
                    self._check_cancel()
                    if self._attempt(work, decoding.result) and self._attempt(
                        work, self._infer, session, work
                    ):
                        writing = exporters.submit(self._finish_and_export, session, work)
                        self._exports.append((work, writing))
                    self._settle(at_most=EXPORTS_IN_FLIGHT)
            finally:
                decoders.shutdown(wait=False, cancel_futures=True)
                self._settle(at_most=0)

    def _decode(self, work: _Work, spec: ModelSpec) -> None:
        work.decoded = work.time("decode", self._stages.decode, work.item, spec, self._job.options.max_pixels)

    def _infer(self, session: Session, work: _Work) -> None:
        def on_step(done: int, total: int) -> None:
            self._on_event(StepDone(work.index, work.item, done, total))
            self._settle(at_most=EXPORTS_IN_FLIGHT)
            self._check_cancel()

        self._on_event(ItemStarted(work.index, work.item))
        work.inferred = work.time("infer", self._stages.infer, session, work.decoded, work.item, on_step)

    def _finish_and_export(self, session: Session, work: _Work) -> None:
        parameters = describe(work.item.request, session.spec, session.info)
        options = self._job.options
        layers = work.time("finish", self._finish, work, parameters)
        work.decoded = work.inferred = None  # the layers hold what is still needed of them
        written = work.time("export", export, layers, work.target, options.writing, work.item.source)
        work.outputs = tuple(written)

    def _finish(self, work: _Work, parameters: Mapping[str, str]) -> LayerStack:
        layers = self._stages.finish(work.decoded, work.inferred, work.item, parameters)
        return arrange(layers, self._job.options.arrangement)

    def _settle(self, at_most: int) -> None:
        """End the items whose files are written; wait for some if more than `at_most` are under way."""
        while self._exports and (len(self._exports) > at_most or self._exports[0][1].done()):
            work, writing = self._exports.popleft()
            if self._attempt(work, writing.result):
                self._end(work.index, self._result(work, Status.DONE))

    def _attempt(self, work: _Work, call: Callable[..., None], *arguments: Any) -> bool:
        """Call one stage of one item. Whatever ends the item alone is recorded; the rest is raised."""
        try:
            call(*arguments)
            return True
        except (Cancelled, ModelError):
            raise
        except ZippoError as error:
            if isinstance(error, EngineError) and not isinstance(error, OutOfMemory):
                raise
            message = str(error)
        except MemoryError:
            message = f"{work.item.label} does not fit into memory."
        except Exception as error:
            logger.exception("Unexpected error in %s", work.item.label)
            message = f"{work.item.label}: unexpected error ({type(error).__name__}); see {log_path()}."
        work.decoded = work.inferred = None  # a folder of bad files must not fill the memory
        self._end(work.index, self._result(work, Status.FAILED, message))
        return False

    def _result(self, work: _Work, status: Status, message: str = "") -> ItemResult:
        item = work.item
        parameters = describe(item.request, self._spec, self._info) if self._spec and self._info else {}
        return ItemResult(item.label, status, message, item.source, work.outputs, work.seconds, parameters)

    def _end(self, index: int, result: ItemResult) -> None:
        if self._journal:
            self._journal.record(index, result)
        self._tell(index, result)

    def _tell(self, index: int, result: ItemResult) -> None:
        self._results.append((index, result))
        self._on_event(ItemEnded(index, result))

    def _check_model(self, spec: ModelSpec) -> None:
        begun_with = self._resumption.model_digest
        if begun_with and begun_with != spec.digest:
            raise ModelError(
                f"The model {spec.name} is not the one that the job began with.",
                "Start the job anew, or put the former model back.",
            )

    def _check_cancel(self) -> None:
        if self._cancel.is_set():
            raise Cancelled

    def _notes(self) -> tuple[str, ...]:
        notes = self._info.fallbacks if self._info else ()
        problem = self._journal.problem if self._journal else ""
        return (*notes, problem) if problem else notes


def _ahead(
    pool: ThreadPoolExecutor, call: Callable[[_Work], None], works: Iterable[_Work]
) -> Iterator[tuple[_Work, Future[None]]]:
    """Each work with its call under way in the pool, which is given `DECODED_AHEAD` more than are taken."""
    under_way: deque[tuple[_Work, Future[None]]] = deque()
    for work in works:
        under_way.append((work, pool.submit(call, work)))
        if len(under_way) > DECODED_AHEAD:
            yield under_way.popleft()
    yield from under_way
