"""Files to pictures in worker threads: a JPEG small at first, then whole. What is not wanted is left."""

from __future__ import annotations

import io
import logging
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image
from PySide6.QtCore import QObject, QSize, Qt, Signal, Slot
from PySide6.QtGui import QColorSpace, QImage

from zippo_desktop.errors import Cancelled, ZippoError
from zippo_desktop.gui.colour_managed import matte_image, screen_copy, screen_image
from zippo_desktop.gui.picture_levels import Picture, make_picture
from zippo_desktop.gui.picture_outline import Outline, find_outline
from zippo_desktop.imaging import metadata
from zippo_desktop.imaging.decode import Photo, decode, decode_matte
from zippo_desktop.imaging.layers import Metadata
from zippo_desktop.imaging.raster import turned

logger = logging.getLogger(__name__)

THREADS = 3  # the photo, its result, and what the mouse is already at
DRAFT_PX = 1200  # the least long side of a draft
SETTLE_S = 0.1  # a draft is looked at that long before the rest is read; whoever leafs through is not held up
STOP_S = 2.0

Found = Picture | Outline


@dataclass(frozen=True, eq=False)
class _Ticket:
    """One wish for what goes to a place; the next wish for that place cancels it."""

    place: str
    cancel: threading.Event = field(default_factory=threading.Event)


class PictureLoader(QObject):
    """Reads for named places. Each holds its newest wish only; older ones are not delivered any more."""

    loaded = Signal(str, object)  # place, Picture (first, it may be a draft) or Outline
    failed = Signal(str, str)  # place, what happened and what to do
    _delivered = Signal(object, object)  # from the threads: ticket, and what was found or the sentence

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._threads = ThreadPoolExecutor(THREADS, "pictures")
        self._tickets: dict[str, _Ticket] = {}
        self._futures: set[Future[None]] = set()
        self._delivered.connect(self._hand_over, Qt.ConnectionType.QueuedConnection)

    def load(self, place: str, source: Path | QImage, target: QColorSpace) -> None:
        """Read a picture for the screen's colours."""
        self._start(place, partial(_read_picture, source, target))

    def load_matte(self, place: str, path: Path) -> None:
        """Read a matte's file as white through that matte."""
        self._start(place, partial(_read_matte, path))

    def outline(self, place: str, picture: Picture) -> None:
        """Find the outline of a picture's alpha."""
        self._start(place, partial(_find, picture))

    def cancel(self, place: str) -> None:
        """Deliver nothing to a place until the next wish."""
        ticket = self._tickets.pop(place, None)
        if ticket is not None:
            ticket.cancel.set()

    def is_busy(self, place: str) -> bool:
        """Whether something more is to come for a place."""
        return place in self._tickets

    def stop(self) -> None:
        """Cancel all, and wait a little for the threads."""
        for place in [*self._tickets]:
            self.cancel(place)
        self._threads.shutdown(wait=False, cancel_futures=True)
        wait(self._futures, STOP_S)

    def _start(self, place: str, steps: Callable[[threading.Event], Iterator[Found]]) -> None:
        self.cancel(place)
        ticket = self._tickets[place] = _Ticket(place)
        self._futures = {future for future in self._futures if not future.done()}
        self._futures.add(self._threads.submit(self._work, ticket, steps))

    def _work(self, ticket: _Ticket, steps: Callable[[threading.Event], Iterator[Found]]) -> None:
        """In a thread: deliver what each step gives, and None at the end."""
        try:
            if not ticket.cancel.is_set():
                for found in steps(ticket.cancel):
                    self._deliver(ticket, found)
            self._deliver(ticket, None)
        except Cancelled:
            pass
        except (ZippoError, MemoryError) as error:
            self._deliver(ticket, str(error) or "The picture does not fit into memory.")
        except Exception as error:
            logger.exception("A picture could not be shown")
            self._deliver(ticket, f"Unexpected error: {type(error).__name__}: {error}.")

    def _deliver(self, ticket: _Ticket, found: Found | str | None) -> None:
        if ticket.cancel.is_set():
            raise Cancelled
        try:
            self._delivered.emit(ticket, found)
        except RuntimeError as error:  # the window has gone meanwhile, and this object with it
            raise Cancelled from error

    @Slot(object, object)
    def _hand_over(self, ticket: _Ticket, found: Found | str | None) -> None:
        if self._tickets.get(ticket.place) is not ticket:
            return
        if found is None or isinstance(found, str):
            del self._tickets[ticket.place]
        if isinstance(found, str):
            self.failed.emit(ticket.place, found)
        else:
            self.loaded.emit(ticket.place, found)


def _read_picture(source: Path | QImage, target: QColorSpace, cancel: threading.Event) -> Iterator[Picture]:
    if isinstance(source, QImage):
        yield make_picture(screen_copy(source, target), cancel)
        return
    draft = read_draft(source, target, cancel)
    if draft is not None:
        yield draft
        if cancel.wait(SETTLE_S):
            raise Cancelled
    photo = decode(source)
    if cancel.is_set():
        raise Cancelled
    yield make_picture(screen_image(photo, target), cancel)


def read_draft(path: Path, target: QColorSpace, cancel: threading.Event) -> Picture | None:
    """A large RGB JPEG at an eighth to half of its size, as libjpeg makes it in a tenth of the time.

    None for any other file: also what is wrong with it is left to `decode` to tell.
    """
    try:
        with Image.open(io.BytesIO(path.read_bytes()), formats=("JPEG",)) as image:
            width, height = image.size
            scale = DRAFT_PX / max(width, height)
            image.draft("RGB", (round(width * scale), round(height * scale)))
            if image.mode != "RGB" or image.width * 2 > width + 1:
                return None
            orientation, profile = metadata.orientation(image), image.info.get("icc_profile")
            pixels = np.ascontiguousarray(turned(np.asarray(image, np.uint8), orientation), np.uint8)
    except (OSError, SyntaxError, ValueError):
        return None
    size = QSize(height, width) if orientation >= 5 else QSize(width, height)
    draft = Photo(path, pixels, None, Metadata(icc_profile=profile))
    return make_picture(screen_image(draft, target), cancel, size)


def _read_matte(path: Path, cancel: threading.Event) -> Iterator[Picture]:
    yield make_picture(matte_image(decode_matte(path)), cancel)


def _find(picture: Picture, cancel: threading.Event) -> Iterator[Outline]:
    yield find_outline(picture, cancel)
