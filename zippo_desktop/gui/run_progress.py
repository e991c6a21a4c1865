"""How far a job is, how fast, and how long it will take: counted from its events, shown by the run bar."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

from zippo_desktop.batch.events import (
    Event,
    ItemEnded,
    ItemStarted,
    JobContinued,
    JobPaused,
    JobStarted,
    SessionOpened,
    StepDone,
)
from zippo_desktop.batch.report import Status
from zippo_desktop.pipelines.confidence import UNCERTAIN_BELOW

SAMPLES = 60  # of work done, that the rate is taken from: it follows a change of pace within as many steps
LEAST_S = 0.5  # between the first and the last of them, before there is a rate


class RunProgress:
    """Counts of one job. Its pace is that of the work alone: no skipped items, no pauses, no opening."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self.total = self.done = self.failed = self.skipped = self.doubtful = 0
        self.current = ""
        self._parts: dict[int, float] = {}  # of the items under way, how much is done
        self._paused_at: float | None = None
        self._paused_s = 0.0
        self._samples: deque[tuple[float, float]] = deque(maxlen=SAMPLES)  # time at work, work done

    def take(self, event: Event) -> None:
        """Count one event."""
        match event:
            case JobStarted(total):
                self.total = total
            case SessionOpened():
                self._samples.clear()  # what ended before was done by an earlier run
                self._sample()
            case ItemStarted(index, item):
                self.current = item.label
                self._parts[index] = 0.0
            case StepDone(index, item, done, total):
                self.current = item.label
                self._parts[index] = 0.9 * done / total  # the rest is its export
                self._sample()
            case ItemEnded(index, result):
                self._parts.pop(index, None)
                self._count(result.status)
                self.doubtful += result.is_uncertain(UNCERTAIN_BELOW)
                if result.status is not Status.SKIPPED:
                    self._sample()
            case JobPaused():
                self._paused_at = self._clock()
            case JobContinued():
                self._paused_s += self._pause_s()
                self._paused_at = None

    @property
    def ended(self) -> int:
        """The items of which nothing more comes."""
        return self.done + self.failed + self.skipped

    @property
    def fraction(self) -> float:
        """How much of the job is done, in 0..1."""
        return min(1.0, (self.ended + sum(self._parts.values())) / self.total) if self.total else 0.0

    @property
    def rate(self) -> float | None:
        """Items a second, of late; None before that can be told."""
        if len(self._samples) < 2:
            return None
        (began, work_then), (ended, work_now) = self._samples[0], self._samples[-1]
        is_told = ended - began >= LEAST_S and work_now > work_then
        return (work_now - work_then) / (ended - began) if is_told else None

    @property
    def left_s(self) -> float | None:
        """How long the rest takes at that rate; None before that can be told."""
        if self.rate is None:
            return None
        since = self._active() - self._samples[-1][0]
        return max(0.0, (self.total - self.ended - sum(self._parts.values())) / self.rate - since)

    def _count(self, status: Status) -> None:
        self.done += status is Status.DONE
        self.failed += status is Status.FAILED
        self.skipped += status is Status.SKIPPED

    def _sample(self) -> None:
        self._samples.append((self._active(), self.done + self.failed + sum(self._parts.values())))

    def _active(self) -> float:
        """Seconds on the clock, without the pauses."""
        return self._clock() - self._paused_s - self._pause_s()

    def _pause_s(self) -> float:
        return 0.0 if self._paused_at is None else self._clock() - self._paused_at
