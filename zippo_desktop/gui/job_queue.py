"""The jobs that were started and have not ended: one runs, the others wait for it."""

from __future__ import annotations

from collections import deque
from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot

from zippo_desktop.batch.job import Job
from zippo_desktop.batch.journal import new_job_dir
from zippo_desktop.batch.report import Report
from zippo_desktop.gui.job_worker import JobWorker, PlannedJob
from zippo_desktop.paths import jobs_dir


class JobQueue(QObject):
    """Hands the worker one job at a time, in the order they came."""

    changed = Signal()
    job_begun = Signal(object)  # PlannedJob
    job_ended = Signal(object, object)  # PlannedJob, Report
    job_failed = Signal(object, object)  # PlannedJob, an exception

    def __init__(self, worker: JobWorker, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._worker = worker
        self._waiting: deque[tuple[Job, Path | None]] = deque()
        self._current: PlannedJob | None = None
        self._is_paused = False
        worker.job_ended.connect(self._end)
        worker.job_failed.connect(self._fail)

    @property
    def current(self) -> PlannedJob | None:
        """The job that the worker has."""
        return self._current

    @property
    def waiting(self) -> tuple[Job, ...]:
        """The jobs after it."""
        return tuple(job for job, _ in self._waiting)

    @property
    def is_paused(self) -> bool:
        """Whether the current job was told to rest."""
        return self._is_paused

    def add(self, job: Job, job_dir: Path | None = None) -> None:
        """Do a job after all that came before, or resume the one in `job_dir`."""
        self._waiting.append((job, job_dir))
        self._begin_next()

    def pause(self) -> None:
        """Let the current job rest after its current step."""
        self._set_paused(self._current is not None)

    def go_on(self) -> None:
        """End the pause."""
        self._set_paused(False)

    def stop(self) -> int:
        """Stop the current job and forget those that wait; how many those were."""
        forgotten = len(self._waiting)
        self._waiting.clear()
        self._worker.cancel()
        self._is_paused = False
        self.changed.emit()
        return forgotten

    def _set_paused(self, is_paused: bool) -> None:
        self._is_paused = is_paused
        (self._worker.pause if is_paused else self._worker.go_on)()
        self.changed.emit()

    def _begin_next(self) -> None:
        if self._current is None and self._waiting:
            job, begun_in = self._waiting.popleft()
            job_dir = begun_in or new_job_dir(jobs_dir(), job)  # not before: the one ahead may take the name
            self._current = PlannedJob(job, job_dir, is_resumed=begun_in is not None)
            self._worker.start_job(self._current)
            self.job_begun.emit(self._current)
        self.changed.emit()

    @Slot(object)
    def _end(self, report: Report) -> None:
        self.job_ended.emit(self._take_current(), report)
        self._begin_next()

    @Slot(object)
    def _fail(self, error: Exception) -> None:
        self.job_failed.emit(self._take_current(), error)
        self._begin_next()

    def _take_current(self) -> PlannedJob | None:
        planned, self._current = self._current, None
        self._is_paused = False
        return planned
