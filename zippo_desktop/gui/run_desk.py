"""Jobs from the panels to the queue, and their news back: what happens between Start and the notification."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot

from zippo_desktop.batch.events import Event
from zippo_desktop.batch.job import Item, Job, Task
from zippo_desktop.batch.report import Report
from zippo_desktop.batch.saved_job import SavedJob
from zippo_desktop.gui import run_texts
from zippo_desktop.gui.errands import Errands
from zippo_desktop.gui.job_queue import JobQueue
from zippo_desktop.gui.job_worker import JobWorker, PlannedJob
from zippo_desktop.gui.log_drawer import LogDrawer
from zippo_desktop.gui.notifications import Notifier
from zippo_desktop.gui.planning import Order, plan
from zippo_desktop.gui.run_bar import RunBar
from zippo_desktop.gui.unfinished_jobs import UnfinishedJobs, find_unfinished, forget_job, read_unfinished
from zippo_desktop.gui.work_panel import WorkPanel
from zippo_desktop.paths import jobs_dir, settings_path
from zippo_desktop.settings import load_settings


class RunDesk(QObject):
    """Wires work panel, run bar, log and the strip of unfinished jobs to the queue and its worker."""

    failed = Signal(object)  # what a person must see: a sentence, or an exception
    idle_changed = Signal(bool)

    def __init__(
        self,
        worker: JobWorker,
        work: WorkPanel,
        bar: RunBar,
        log: LogDrawer,
        unfinished: UnfinishedJobs,
        notifier: Notifier,
        order: Callable[[], Order],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.queue = JobQueue(worker, self)
        self.errands = Errands(self)
        self._work, self._bar, self._log, self._unfinished = work, bar, log, unfinished
        self._notifier, self._order = notifier, order
        self._is_planning = False
        self._last: dict[Task, Job] = {}
        bar.start_requested.connect(self.start)
        bar.pause_requested.connect(self.queue.pause)
        bar.continue_requested.connect(self.queue.go_on)
        bar.stop_requested.connect(self.stop)
        work.retry_requested.connect(self.retry)
        work.retry_items_requested.connect(self.retry_items)
        unfinished.resume_requested.connect(self.resume)
        unfinished.forget_requested.connect(self._forget)
        worker.event_received.connect(self._show_event)
        worker.session_changed.connect(bar.show_session)
        self.queue.changed.connect(self._show_queue)
        self.queue.job_begun.connect(self._begin)
        self.queue.job_ended.connect(self._end)
        self.queue.job_failed.connect(self._fail)

    @property
    def is_busy(self) -> bool:
        """Whether a job runs, waits, or is being planned."""
        return self._is_planning or self.queue.current is not None

    @Slot()
    def start(self) -> None:
        """Do what the panels ask for, after the jobs that were started before."""
        self._plan(self._order())

    @Slot(list)
    def retry(self, paths: list[Path]) -> None:
        """Do these photos again, over what was made of them."""
        order = self._order()
        wanted = {os.path.abspath(path) for path in paths}
        photos = tuple(photo for photo in order.photos if os.path.abspath(photo.path) in wanted)
        self._plan(replace(order, photos=photos, on_existing="overwrite"))

    @Slot(list)
    def retry_items(self, items: list[Item]) -> None:
        """Make these pictures of a task's last job again, over what was made of them."""
        task = self._work.current_task()
        former = self._last.get(task)
        if former is not None:
            options = replace(former.options, on_existing="overwrite")
            self.queue.add(Job(task, options, tuple(items)))

    @Slot()
    def stop(self) -> None:
        """Stop the job that runs, and forget those that wait."""
        forgotten = self.queue.stop()
        if forgotten:
            self._log.add(f"{forgotten} waiting job{'s' * (forgotten > 1)} taken off the queue.", "warning")

    @Slot(object)
    def resume(self, saved: SavedJob) -> None:
        """Go on with a job that was stopped, as it was begun."""
        self.queue.add(saved.job, saved.job_dir)

    def look_for_unfinished(self) -> None:
        """Offer what earlier starts left, once it is found."""
        self.errands.run(partial(find_unfinished, jobs_dir()), self._offer, self._log.add)

    def close(self) -> None:
        """Wait for what is being read or planned."""
        self.errands.close()

    def _plan(self, order: Order) -> None:
        if self._is_planning:
            return
        self._is_planning = True
        settings, problems = load_settings(settings_path())
        for problem in problems:
            self._log.add(problem, "warning")
        self.errands.run(partial(plan, order, settings), self._add, self._refuse)

    def _add(self, job: Job) -> None:
        self._is_planning = False
        self._unfinished.dismiss()
        self.queue.add(job)

    def _refuse(self, sentence: str) -> None:
        self._is_planning = False
        self._log.add(sentence, "error")
        self.failed.emit(sentence)

    def _forget(self, saved: SavedJob) -> None:
        self.errands.run(partial(forget_job, saved.job_dir), self._ignore, self._log.add)

    def _ignore(self, nothing: None) -> None:
        pass

    @Slot(object)
    def _begin(self, planned: PlannedJob) -> None:
        self._last[planned.job.task] = planned.job
        self._work.begin_job(planned.job, planned.job_dir)
        self._bar.begin(len(self.queue.waiting))
        self.idle_changed.emit(False)

    @Slot(object)
    def _show_event(self, event: Event) -> None:
        if self.queue.current is not None:
            self._work.on_event(event)
            self._bar.show_event(event)
        self._log.show_event(event)

    @Slot()
    def _show_queue(self) -> None:
        self._bar.set_waiting(len(self.queue.waiting))

    @Slot(object, object)
    def _end(self, planned: PlannedJob, report: Report) -> None:
        self._close_job()
        self._bar.show_report(report)
        self._log.show_report(report)
        if not report.is_cancelled:
            title = "Stopped" if report.stopped_by else "All done" if not report.exit_code else "Done"
            self._notifier.tell(title, report.stopped_by or run_texts.summary(report))
        if report.stopped_by:
            self.failed.emit(report.stopped_by)
        if report.counts["not_started"]:
            self.errands.run(partial(read_unfinished, planned.job_dir), self._offer, self._log.add)

    @Slot(object, object)
    def _fail(self, planned: PlannedJob, error: Exception) -> None:
        self._close_job()
        self._bar.end("The job has ended early.")
        self._log.add(str(error), "error")
        self._notifier.tell("The job has ended early", str(error))
        self.failed.emit(error)

    def _close_job(self) -> None:
        self._work.end_job()
        self._notifier.set_left(0)
        self.idle_changed.emit(True)

    def _offer(self, unfinished: list[SavedJob]) -> None:
        if not self.is_busy:
            self._unfinished.offer(unfinished)
