"""Stop and pause: the caller's two flags, and what is done between two steps to obey them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection
from concurrent.futures import FIRST_COMPLETED, Future, wait
from typing import Any

from zippo_desktop.batch.events import JobContinued, JobPaused, OnEvent
from zippo_desktop.errors import Cancelled

POLL_S = 0.1  # how long a flag may stay unseen while there is nothing to do but wait


class Control:
    """Reads the flags in the session's thread. `paused_s` is how long the job has rested so far."""

    def __init__(self, cancel: threading.Event, pause: threading.Event, on_event: OnEvent) -> None:
        self._cancel = cancel
        self._pause = pause
        self._on_event = on_event
        self.paused_s = 0.0

    @property
    def is_cancelled(self) -> bool:
        """Whether the caller wants the job to end. Any thread."""
        return self._cancel.is_set()

    def check(self) -> None:
        """Raise `Cancelled` if the job is to end."""
        if self._cancel.is_set():
            raise Cancelled

    def obey(self, complete: Callable[[], None]) -> None:
        """Rest while the job is to pause, once `complete` has ended what is under way; raises `Cancelled`."""
        self.check()
        if not self._pause.is_set():
            return
        complete()
        started = time.perf_counter()
        self._on_event(JobPaused())
        try:
            while self._pause.is_set():
                if self._cancel.wait(POLL_S):
                    raise Cancelled
        finally:
            self.paused_s += time.perf_counter() - started
        self._on_event(JobContinued())


def wait_for_one(futures: Collection[Future[Any]]) -> None:
    """Wait until one of some calls is done, but no longer than a flag may stay unseen."""
    if futures:
        wait(futures, POLL_S, FIRST_COMPLETED)
    else:
        time.sleep(POLL_S)
