"""How fast a job gets on now, and how long the rest will take at that pace."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

WINDOW_S = 60.0
FEWEST = 5  # items that are looked back on, however long ago they ended


class Pace:
    """Counts items that took work; what was skipped would make the rest look quick."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._moments = deque([clock()])  # the beginning, then the end of each item

    def begin(self) -> None:
        """The work begins, or goes on after a pause: nothing before counts any more."""
        self._moments = deque([self._clock()])

    def count(self) -> None:
        """One more item has ended."""
        now = self._clock()
        self._moments.append(now)
        while len(self._moments) > FEWEST + 1 and self._moments[0] < now - WINDOW_S:
            self._moments.popleft()

    @property
    def per_second(self) -> float | None:
        """Items a second over the last minute, or over the last few; None before there is anything."""
        took_s = self._moments[-1] - self._moments[0]
        return (len(self._moments) - 1) / took_s if took_s > 0 else None

    def told(self, left: int) -> str:
        """The pace and the time that so many more items will take, or "" where neither is known."""
        pace = self.per_second
        if pace is None:
            return ""
        rate = f"{pace:.1f}/s" if pace >= 1 else f"{pace * 60:.1f}/min"
        return f"{rate}, {_clock_time(left / pace)} left" if left else rate


def _clock_time(seconds: float) -> str:
    """0:07, 12:05, 3:20:00."""
    minutes, rest_s = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest_s:02}" if hours else f"{minutes}:{rest_s:02}"
