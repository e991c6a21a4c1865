"""The live preview: a photo with the present settings, made beside the window; the newest wish wins."""

from __future__ import annotations

import logging
from concurrent.futures import CancelledError, Future
from concurrent.futures import TimeoutError as NotYet
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Condition
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QThread, QTimer, Signal, Slot
from PySide6.QtGui import QImage

from zippo_desktop.batch.log import log_path
from zippo_desktop.errors import ZippoError
from zippo_desktop.gui.event_relay import EventRelay
from zippo_desktop.gui.job_worker import JobWorker, Looked
from zippo_desktop.gui.session_keeper import ModelChoice
from zippo_desktop.imaging.arrangement import Arrangement
from zippo_desktop.imaging.matte_controls import MatteControls
from zippo_desktop.imaging.raster import MAX_PIXELS
from zippo_desktop.pipelines.request import MattingRequest

if TYPE_CHECKING:
    from zippo_desktop.gui.preview_picture import SmallPhoto

DEBOUNCE_MS = 150
POLL_S = 0.05  # how soon a wish that waits for the network gives way to a newer one

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Wish:
    """What to show: all that decides a preview's pixels."""

    path: Path
    choice: ModelChoice
    request: MattingRequest
    arrangement: Arrangement
    max_pixels: int = MAX_PIXELS


class PreviewWorker(QThread):
    """Decodes and finishes in its own thread, and asks the job worker for the network's part.

    The photo and its network matte are kept while they are the same, so that edge, frame and background
    follow a slider even while a job runs.
    """

    preview_made = Signal(object, QImage)  # the wish
    preview_failed = Signal(object, str)
    waiting_changed = Signal(bool)  # for the network

    def __init__(self, worker: JobWorker, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._worker = worker
        self._relay = EventRelay(self)
        self._news = Condition()
        self._wish: Wish | None = None  # the newest one that was not begun
        self._is_closing = False
        self._small: tuple[tuple[object, ...], SmallPhoto] | None = None
        self._looked: tuple[tuple[object, ...], Looked] | None = None
        self._delayed: Wish | None = None
        self._timer = QTimer(self, singleShot=True, interval=DEBOUNCE_MS)
        self._timer.timeout.connect(self._hand_over)

    def ask(self, wish: Wish) -> None:
        """Make this preview next, unless another is asked for within a moment."""
        self._delayed = wish
        self._timer.start()

    def forget(self) -> None:
        """Make none; one that is under way ends unseen."""
        self._timer.stop()
        with self._news:
            self._wish = None

    def close(self, limit_s: float) -> bool:
        """End the thread; whether it ended within `limit_s`."""
        self._timer.stop()
        with self._news:
            self._is_closing = True
            self._news.notify()
        return self.wait(round(limit_s * 1000))

    @Slot()
    def _hand_over(self) -> None:
        with self._news:
            self._wish = self._delayed
            self._news.notify()

    def run(self) -> None:
        """Make previews until closed. Not to be called: `start` does."""
        while (wish := self._next()) is not None:
            try:
                image = self._make(wish)
            except CancelledError:
                continue
            except ZippoError as error:
                self._relay.post(self.preview_failed, wish, str(error))
            except Exception as error:
                logger.error("Unexpected error", exc_info=error)
                sentence = f"Unexpected error: {error!r}. The details are in {log_path()}."
                self._relay.post(self.preview_failed, wish, sentence)
            else:
                self._relay.post(self.preview_made, wish, image)

    def _next(self) -> Wish | None:
        with self._news:
            while self._wish is None and not self._is_closing:
                self._news.wait()
            wish, self._wish = self._wish, None
            return None if self._is_closing else wish

    def _is_stale(self) -> bool:
        return self._is_closing or self._wish is not None

    def _make(self, wish: Wish) -> QImage:
        from zippo_desktop.gui.preview_picture import finish, to_image
        from zippo_desktop.pipelines.cutting import has_matte

        small = self._read(wish)
        self._give_way()
        looked = None if has_matte(small.photo, wish.request) else self._look(wish, small)
        self._give_way()
        return to_image(finish(small, looked, wish.request, wish.arrangement))

    def _read(self, wish: Wish) -> SmallPhoto:
        from zippo_desktop.gui.preview_picture import read_small

        key = (wish.path, _changed_at(wish.path))
        if self._small is None or self._small[0] != key:
            self._small = self._looked = None
            self._small = key, read_small(wish.path, wish.max_pixels)
        return self._small[1]

    def _look(self, wish: Wish, small: SmallPhoto) -> Looked:
        key = (wish.choice, _of_the_network(wish.request))
        if self._looked is None or self._looked[0] != key:
            future = self._worker.look_at(wish.choice, small.photo, wish.request)
            self._looked = key, self._wait_for(future)
        return self._looked[1]

    def _wait_for(self, future: Future[Looked]) -> Looked:
        self._relay.post(self.waiting_changed, True)
        try:
            while True:
                try:
                    return future.result(POLL_S)
                except NotYet:
                    if self._is_stale():
                        future.cancel()
                        raise CancelledError from None
        finally:
            self._relay.post(self.waiting_changed, False)

    def _give_way(self) -> None:
        if self._is_stale():
            raise CancelledError


def _of_the_network(request: MattingRequest) -> MattingRequest:
    """The request without what is done after the network."""
    return replace(request, controls=MatteControls(), edges="fast", alpha="ignore", foreground=True)


def _changed_at(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0
