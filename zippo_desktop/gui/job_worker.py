"""The thread of the networks: it owns the session, does jobs, and looks at single photos for previews."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, TypeAlias

from PySide6.QtCore import QObject, QThread, Signal

from zippo_desktop.batch.events import Event, Notice, Preview, StepDone
from zippo_desktop.batch.job import Job
from zippo_desktop.batch.log import log_path
from zippo_desktop.batch.saved_job import Resumption, job_lock, read_job
from zippo_desktop.errors import ZippoError
from zippo_desktop.gui.event_relay import EventRelay
from zippo_desktop.gui.session_keeper import ModelChoice, OpenSession, SessionKeeper, SessionState

if TYPE_CHECKING:
    from zippo_desktop.engine.session import Session
    from zippo_desktop.imaging.decode import Photo
    from zippo_desktop.pipelines.matting import NetworkMatte, Prepared
    from zippo_desktop.pipelines.request import MattingRequest

LEAST_BETWEEN_STEPS_S = 0.1

Looked: TypeAlias = "tuple[Prepared, NetworkMatte]"  # a photo as the network saw it, and what it found

logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class PlannedJob:
    """A job and the folder that keeps it; one that is resumed goes on with what its journal there says."""

    job: Job
    job_dir: Path
    is_resumed: bool = False


@dataclass(frozen=True)
class _Order:
    do: Callable[[], object]
    on_error: Callable[[Exception], None]


class JobWorker(QThread):
    """Does one order after the other. All methods may be called from any thread.

    The signals are emitted in the window's thread, in the order of what they tell of. A job ends with
    `job_ended` (its report) or `job_failed` (an exception).
    """

    job_begun = Signal(object)
    event_received = Signal(object)
    job_ended = Signal(object)
    job_failed = Signal(object)
    session_changed = Signal(object)

    def __init__(self, open_session: OpenSession | None = None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._keeper = SessionKeeper(open_session)
        self._relay = EventRelay(self)
        self._orders: SimpleQueue[_Order] = SimpleQueue()
        self._cancel, self._pause = threading.Event(), threading.Event()
        self._is_closing = False
        self._last_told: dict[type, float] = {}

    def warm_up(self, choice: ModelChoice) -> None:
        """Open a model before it is needed; the first job then starts at once."""
        self._put(partial(self._lend, choice), partial(self._fail_opening, choice))

    def start_job(self, planned: PlannedJob) -> None:
        """Do a job once the orders before it are done."""
        self._cancel, self._pause = threading.Event(), threading.Event()
        self._put(partial(self._do_job, planned, self._cancel, self._pause), self._fail_job)

    def look_at(self, choice: ModelChoice, photo: Photo, request: MattingRequest) -> Future[Looked]:
        """What the network makes of one photo, after the job that runs. A cancelled future is passed over."""
        future: Future[Looked] = Future()
        self._put(partial(self._look_at, future, choice, photo, request), future.set_exception)
        return future

    def cancel(self) -> None:
        """Stop the job after its current step; what is being written is completed."""
        self._cancel.set()
        self._pause.clear()

    def pause(self) -> None:
        """Let the job rest after its current step."""
        self._pause.set()

    def go_on(self) -> None:
        """End a pause."""
        self._pause.clear()

    def close(self, limit_s: float) -> bool:
        """Stop what runs, forget what waits, free the model; whether all that was done within `limit_s`."""
        self._is_closing = True
        self.cancel()
        self._put(self._keeper.close, self._fail_job)  # wakes a thread that waits for orders
        has_ended = self.wait(round(limit_s * 1000))
        self._relay.drain()
        return has_ended

    def run(self) -> None:
        """Do orders until the worker is closed. Not to be called: `start` does."""
        with closing(self._keeper), self._warnings_told():
            while not self._is_closing:
                order = self._orders.get()
                if self._is_closing:
                    return
                try:
                    order.do()
                except Exception as error:
                    order.on_error(error)

    def _put(self, do: Callable[[], object], on_error: Callable[[Exception], None]) -> None:
        self._orders.put(_Order(do, on_error))

    def _lend(self, choice: ModelChoice) -> Session:
        return self._keeper.lend(choice, self._notice, self._tell_state)

    def _fail_opening(self, choice: ModelChoice, error: Exception) -> None:
        self._tell_state(SessionState(choice, problem=_sentence(error)))

    def _do_job(self, planned: PlannedJob, cancel: threading.Event, pause: threading.Event) -> None:
        from zippo_desktop.batch.runner import run_job

        choice = ModelChoice.of(planned.job.options)
        self._relay.post(self.job_begun, planned)
        with job_lock(planned.job_dir):  # first, so that nothing is read that another program writes
            report = run_job(
                planned.job,
                partial(self._lend, choice),
                self._tell,
                cancel,
                planned.job_dir,
                _resumption(planned),
                pause=pause,
                with_previews=True,
            )
        if report.stopped_by:
            self._keeper.close()  # what failed once is not lent again
        self._relay.post(self.job_ended, report)

    def _fail_job(self, error: Exception) -> None:
        if not isinstance(error, ZippoError):
            self._keeper.close()
            logger.error("Unexpected error", exc_info=error)
        self._relay.post(self.job_failed, error)

    def _look_at(
        self, future: Future[Looked], choice: ModelChoice, photo: Photo, request: MattingRequest
    ) -> None:
        from zippo_desktop.pipelines.matting import infer_photo, prepare

        if future.set_running_or_notify_cancel():
            session = self._lend(choice)
            prepared = prepare(photo, session.spec)
            future.set_result((prepared, infer_photo(session, prepared, request)))

    def _tell(self, event: Event) -> None:
        """Post an event, but for steps and previews that come faster than anyone can see."""
        if isinstance(event, StepDone | Preview):
            now = time.monotonic()
            is_last = isinstance(event, StepDone) and event.done == event.total
            if now - self._last_told.get(type(event), 0.0) < LEAST_BETWEEN_STEPS_S and not is_last:
                return
            self._last_told[type(event)] = now
        self._relay.post(self.event_received, event)

    def _tell_state(self, state: SessionState) -> None:
        self._relay.post(self.session_changed, state)

    def _notice(self, sentence: str) -> None:
        self._relay.post(self.event_received, Notice(sentence))

    @contextmanager
    def _warnings_told(self) -> Iterator[None]:
        """Tell what the program warns of in its log; errors are told with their items."""
        handler = logging.Handler(logging.WARNING)
        handler.addFilter(lambda record: record.levelno == logging.WARNING)
        handler.emit = lambda record: self._notice(record.getMessage())  # type: ignore[method-assign]
        logging.getLogger("zippo_desktop").addHandler(handler)
        try:
            yield
        finally:
            logging.getLogger("zippo_desktop").removeHandler(handler)


def _resumption(planned: PlannedJob) -> Resumption | None:
    """What need not be done again of a job that is resumed."""
    return read_job(planned.job_dir).resumption(retry_failed=False) if planned.is_resumed else None


def _sentence(error: Exception) -> str:
    """What a person is told of an error; a bug's traceback goes to the log file."""
    if isinstance(error, ZippoError):
        return str(error)
    logger.error("Unexpected error", exc_info=error)
    return f"Unexpected error: {type(error).__name__}: {error}. The details are in {log_path()}."
