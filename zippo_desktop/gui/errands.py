"""Short calls that may touch the disk, one after another in a thread beside the window's."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from PySide6.QtCore import QObject, Signal, Slot

from zippo_desktop.batch.log import log_path
from zippo_desktop.errors import ZippoError
from zippo_desktop.gui.event_relay import EventRelay

logger = logging.getLogger(__name__)


class Errands(QObject):
    """Runs calls and gives each one's end to the window's thread."""

    _ended = Signal(object, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._relay = EventRelay(self)
        self._executor = ThreadPoolExecutor(1, "errands")
        self._ended.connect(self._hand_over)

    def run(
        self,
        call: Callable[[], Any],
        then: Callable[[Any], None],
        otherwise: Callable[[str], None],
    ) -> None:
        """Call `then` with what `call` returns, or `otherwise` with the sentence of what it raised."""
        self._executor.submit(self._call, call, then, otherwise)

    def close(self) -> None:
        """Forget what waits, and wait for what runs."""
        self._executor.shutdown(cancel_futures=True)

    def _call(
        self, call: Callable[[], Any], then: Callable[[Any], None], otherwise: Callable[[str], None]
    ) -> None:
        try:
            self._relay.post(self._ended, then, call())
        except ZippoError as error:
            self._relay.post(self._ended, otherwise, str(error))
        except Exception as error:
            logger.exception("Unexpected error")
            sentence = f"Unexpected error: {type(error).__name__}: {error}. The details are in {log_path()}."
            self._relay.post(self._ended, otherwise, sentence)

    @Slot(object, object)
    def _hand_over(self, receiver: Callable[[Any], None], value: Any) -> None:
        receiver(value)
