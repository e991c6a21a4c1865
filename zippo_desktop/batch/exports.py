"""Results that are being finished and written, behind the network."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from zippo_desktop.batch.control import Control, wait_for_one
from zippo_desktop.batch.outcomes import Outcomes
from zippo_desktop.batch.work import Work


class Exports:
    """A few threads that `write`, and the items that they have. All other calls: the session's thread."""

    def __init__(
        self, write: Callable[[Work], None], threads: int, outcomes: Outcomes, control: Control
    ) -> None:
        self._write, self._outcomes, self._control = write, outcomes, control
        self._pool = ThreadPoolExecutor(threads)
        self._under_way: list[tuple[Work, Future[None]]] = []

    @property
    def futures(self) -> list[Future[None]]:
        """The writing that is under way or waits for a thread."""
        return [writing for _, writing in self._under_way]

    def add(self, work: Work) -> None:
        """Have an item finished and written."""
        self._under_way.append((work, self._pool.submit(self._write, work)))

    def settle(self) -> None:
        """End the items whose files are written."""
        done = [pair for pair in self._under_way if pair[1].done()]
        self._under_way = [pair for pair in self._under_way if not pair[1].done()]
        for work, writing in done:
            if self._outcomes.attempt(work, writing.result):
                self._outcomes.finish(work)

    def wait(self, at_most: int) -> None:
        """Wait until at most so many items are under way; raises `Cancelled`."""
        self.settle()
        while len(self._under_way) > at_most:
            self._control.check()
            wait_for_one(self.futures)
            self.settle()

    def close(self) -> None:
        """Complete what is under way; where the job is to stop, only what is being written."""
        while self._under_way:
            wait_for_one(self.futures)
            self.settle()
            if self._control.is_cancelled:
                self._drop_waiting()
        self._pool.shutdown()

    def _drop_waiting(self) -> None:
        for work, writing in self._under_way:
            if writing.cancel():
                self._outcomes.drop(work)
        self._under_way = [pair for pair in self._under_way if not pair[1].cancelled()]
