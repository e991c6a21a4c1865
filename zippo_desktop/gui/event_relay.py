"""News from a worker's thread for the window: in order, never so many at once that it stops."""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import Any

from PySide6.QtCore import QObject, Qt, QTimer, Signal, SignalInstance, Slot

TURN_S = 0.008  # of news at a time; a folder of 10,000 finished photos ends its items within a second
PAUSE_MS = 4  # for the window to paint and to hear the mouse


class EventRelay(QObject):
    """Emits signals in the thread that made it, for any thread that posts them."""

    _posted = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._lock = threading.Lock()
        self._waiting: deque[tuple[SignalInstance, tuple[Any, ...]]] = deque()
        self._is_under_way = False
        self._posted.connect(self._deliver, Qt.ConnectionType.QueuedConnection)

    def post(self, signal: SignalInstance, *arguments: Any) -> None:
        """Have a signal emitted with these arguments, after all that was posted before. Any thread."""
        with self._lock:
            self._waiting.append((signal, arguments))
            is_first, self._is_under_way = not self._is_under_way, True
        if is_first:
            self._posted.emit()

    def drain(self) -> None:
        """Emit all that waits, now: for the end, when no worker is left to post more."""
        while self._emit_next():
            pass

    @Slot()
    def _deliver(self) -> None:
        turn_ends = time.perf_counter() + TURN_S
        while self._emit_next():
            if time.perf_counter() >= turn_ends:
                QTimer.singleShot(PAUSE_MS, self._deliver)
                return

    def _emit_next(self) -> bool:
        with self._lock:
            self._is_under_way = bool(self._waiting)
            if not self._waiting:
                return False
            signal, arguments = self._waiting.popleft()
        signal.emit(*arguments)
        return True
