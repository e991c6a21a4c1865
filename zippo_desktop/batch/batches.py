"""The items of a job, decoded ahead, in the batches that the network takes at once."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from zippo_desktop.batch.control import wait_for_one
from zippo_desktop.batch.exports import Exports
from zippo_desktop.batch.memory import Memory
from zippo_desktop.batch.outcomes import Outcomes
from zippo_desktop.batch.stages import BatchKey
from zippo_desktop.batch.work import Work

MEASURED_AHEAD = 16  # items whose headers are read before their turn: on a network share that takes time
_Begun = deque[tuple[Work, Future[None]]]


class Batches:
    """Batches of neighbours in the job's order, of one request and shape.

    The job is seen as stretches of `size` items, and no batch reaches from one into the next. So which
    items go together depends on the job, its files and the memory's ceiling, never on what was faster;
    and a job that goes on after a stop makes the batches that it would have made.

    All calls but `measure` and `decode`, which are given, run in the session's thread.
    """

    def __init__(
        self,
        works: deque[Work],
        measure: Callable[[Work], None],
        decode: Callable[[Work], None],
        key_of: Callable[[Work], BatchKey],
        size: int,
        threads: int,
        memory: Memory,
        outcomes: Outcomes,
        exports: Exports,
    ) -> None:
        self.size = size
        self._coming = works
        self._measure, self._decode, self._key_of = measure, decode, key_of
        self._ahead = threads + size  # decoders that are busy, and a batch to take
        self._memory, self._outcomes, self._exports = memory, outcomes, exports
        self._measured: _Begun = deque()
        self._decoding: _Begun = deque()
        self._measurers = ThreadPoolExecutor(1)
        self._decoders = ThreadPoolExecutor(threads)

    def take(self, between: Callable[[], None]) -> list[Work]:
        """The next batch, empty at the end. `between` is called while there is nothing to do but wait."""
        batch: list[Work] = []
        while len(batch) < self.size and (work := self._next(between)) and self._may_join(work, batch):
            self._wait_for_decoded(between)
            _, decoding = self._decoding[0]
            if not self._outcomes.attempt(work, decoding.result):
                self._decoding.popleft()
            elif batch and self._key_of(work) != self._key_of(batch[0]):
                break
            else:
                self._decoding.popleft()
                batch.append(work)
        return batch

    def pump(self) -> None:
        """Begin to decode what may be begun: in order, as many as are to wait, as far as memory allows."""
        self._read_headers()
        while self._measured and self._measured[0][1].done() and len(self._decoding) < self._ahead:
            work, measuring = self._measured[0]
            if self._outcomes.attempt(work, measuring.result):
                if not self._memory.admits(work):
                    return
                self._memory.hold(work)
                self._decoding.append((work, self._decoders.submit(self._decode, work)))
            self._measured.popleft()
            self._read_headers()

    def close(self) -> None:
        """Begin nothing more. Whoever stops the job does not wait for a large photo to be decoded."""
        for pool in (self._measurers, self._decoders):
            pool.shutdown(wait=False, cancel_futures=True)

    def _next(self, between: Callable[[], None]) -> Work | None:
        """The item whose turn it is, None at the end; its header has been read."""
        while True:
            self.pump()
            if self._decoding:
                return self._decoding[0][0]
            if not self._measured:
                return None
            work, measuring = self._measured[0]
            if measuring.done():
                return work  # memory does not admit it yet
            wait_for_one([measuring])
            between()

    def _may_join(self, work: Work, batch: list[Work]) -> bool:
        """Whether an item may go with those before it, as far as can be said before it is decoded."""
        if not batch:
            return True
        first = batch[0]
        return (
            self._key_of(first) is not None
            and work.index // self.size == first.index // self.size
            and work.item.request == first.item.request
            and sum(each.memory_bytes for each in (*batch, work)) <= self._memory.ceiling_bytes
        )

    def _wait_for_decoded(self, between: Callable[[], None]) -> None:
        """Until the next item is decoded; first, if memory is short, until others are written."""
        while not (self._decoding and self._decoding[0][1].done()):
            decoding = [self._decoding[0][1]] if self._decoding else []
            wait_for_one([*decoding, *self._exports.futures])
            between()
            self.pump()

    def _read_headers(self) -> None:
        while self._coming and len(self._measured) < MEASURED_AHEAD:
            work = self._coming.popleft()  # nothing is kept of an item but its result
            self._measured.append((work, self._measurers.submit(self._measure, work)))
