"""Thumbnails for those items that can be seen, made by a few threads and dropped once out of sight."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from PySide6.QtCore import QObject, Qt, Signal, Slot
from PySide6.QtGui import QImage, QPixmap

from zippo_desktop.gui.threads import log_failure
from zippo_desktop.gui.thumbnail_files import prune, read_thumbnail
from zippo_desktop.paths import cache_dir

MOST_BYTES = 96_000_000  # of thumbnails in memory: some 500 of the largest
_THREADS = 2


class ThumbnailCache(QObject):
    """What views draw from. They say what they show (`want`), and draw `pixmap` once it has `loaded`.

    A request that nobody wants any more is withdrawn, so a long scroll reads no file on its way.
    """

    loaded = Signal(object)  # Path
    _read = Signal(object, int, object)  # from the threads: Path, side, QImage or None

    def __init__(self, folder: Path | None = None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._folder = folder or cache_dir() / "thumbnails"
        self._threads = ThreadPoolExecutor(_THREADS, "thumbnails")
        self._waiting: dict[Path, tuple[Future[None], int]] = {}  # and side
        self._pixmaps: OrderedDict[Path, tuple[QPixmap | None, int]] = (
            OrderedDict()
        )  # with the side asked for
        self._bytes = 0
        self._is_pruned = False
        self._read.connect(self._take, Qt.ConnectionType.QueuedConnection)

    def pixmap(self, path: Path) -> QPixmap | None:
        """The thumbnail of a file, if it is there."""
        if path not in self._pixmaps:
            return None
        self._pixmaps.move_to_end(path)
        return self._pixmaps[path][0]

    def is_unreadable(self, path: Path) -> bool:
        """Whether the file was looked at and shows nothing."""
        return path in self._pixmaps and self._pixmaps[path][0] is None

    def want(self, paths: Sequence[Path], side_px: int) -> None:
        """Read these files' thumbnails at `side_px` pixels of the screen, the first ones first.

        Whatever else was waiting is withdrawn.
        """
        wanted = dict.fromkeys(paths)
        for path, (future, side) in list(self._waiting.items()):
            if (path not in wanted or side != side_px) and future.cancel():
                del self._waiting[path]
        for path in wanted:
            if path not in self._waiting and self._pixmaps.get(path, (None, 0))[1] != side_px:
                future = self._threads.submit(self._work, path, side_px)
                future.add_done_callback(log_failure)
                self._waiting[path] = future, side_px
        if not self._is_pruned and self._waiting:
            self._is_pruned = True
            self._threads.submit(prune, self._folder)

    def forget(self, path: Path) -> None:
        """Read the file again the next time it is wanted: it is another one now."""
        self._drop(path)

    def close(self) -> None:
        """Withdraw all requests and wait for the one or two under way."""
        self._threads.shutdown(wait=True, cancel_futures=True)
        self._waiting.clear()

    @property
    def waiting(self) -> int:
        """How many files are still to be read."""
        return len(self._waiting)

    @property
    def bytes_held(self) -> int:
        """What the thumbnails in memory take."""
        return self._bytes

    def _work(self, path: Path, side_px: int) -> None:
        image = None
        try:
            image = read_thumbnail(path, side_px, self._folder)
        finally:  # a fault in one file's reader must not leave the item waiting for ever
            self._read.emit(path, side_px, image)

    @Slot(object, int, object)
    def _take(self, path: Path, side_px: int, image: QImage | None) -> None:
        self._waiting.pop(path, None)
        self._drop(path)
        self._pixmaps[path] = (QPixmap.fromImage(image) if image else None, side_px)
        self._bytes += _bytes(self._pixmaps[path][0])
        while self._bytes > MOST_BYTES:
            self._drop(next(iter(self._pixmaps)))
        self.loaded.emit(path)

    def _drop(self, path: Path) -> None:
        pixmap, _ = self._pixmaps.pop(path, (None, 0))
        self._bytes -= _bytes(pixmap)


def _bytes(pixmap: QPixmap | None) -> int:
    return pixmap.width() * pixmap.height() * 4 if pixmap else 0
