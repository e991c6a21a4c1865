"""What comes in by dropping and pasting, and what goes out by dragging: files, folders and pictures."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from threading import Event
from typing import Any

from PySide6.QtCore import QByteArray, QMimeData, QObject, Qt, QTimer, QUrl, Signal, Slot
from PySide6.QtGui import QImage, QImageReader

from zippo_desktop.batch.scan import Found, Scan, scan
from zippo_desktop.errors import ZippoError, printable
from zippo_desktop.export.naming import safe_stem
from zippo_desktop.gui.threads import log_failure
from zippo_desktop.paths import jobs_dir

_NOWHERE = Path(os.devnull)  # an output folder that no input can be
_MOST_TOLD = 3
_AT_ONCE = 500  # pictures handed on in one turn of the event loop, which then goes on
_QT_IMAGE = "application/x-qt-image"


@dataclass
class Dropped:
    """What was dropped or pasted: files and folders, else a picture; `refused` are sentences."""

    paths: list[Path] = field(default_factory=list)
    image: QImage | None = None
    name: str = ""  # of the picture, as its address says
    refused: list[str] = field(default_factory=list)


def can_take(mime: QMimeData) -> bool:
    """Whether there may be something in it for us; looks at no file, for it is asked at every move."""
    return mime.hasUrls() or mime.hasImage() or bool(mime.text().strip())


def read_mime(mime: QMimeData) -> Dropped:
    """Files and folders by their URLs, else the picture that a browser hands over, else paths as text."""
    dropped = Dropped()
    urls = mime.urls()
    dropped.paths = [Path(url.toLocalFile()) for url in urls if url.isLocalFile()]
    far = [url for url in urls if not url.isLocalFile()]
    if dropped.paths:
        return dropped
    if mime.hasImage():
        image = mime.imageData()
        dropped.image = image if isinstance(image, QImage) else image.toImage()
        dropped.name = Path(far[0].path()).stem if far else ""
    elif far:
        address = printable(far[0].toString())
        dropped.refused.append(f"{address} is on the network. Save the picture, then drop the file.")
    elif mime.hasText():
        _read_text(mime.text(), dropped)
    return dropped


def dropped_dir() -> Path:
    """Where pictures go that came without a file."""
    return jobs_dir().parent / "dropped"


def save_picture(image: QImage, folder: Path, name: str = "") -> Path:
    """Write a picture as PNG under a name that no other has. Raises `ZippoError`."""
    stem = safe_stem(name) if name.strip(" .") else f"picture-{datetime.now():%Y%m%d-%H%M%S}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ZippoError(f"{folder} cannot be made: {error.strerror or error}.", "Free its place.") from error
    path, number = folder / f"{stem}.png", 1
    while path.exists():
        number += 1
        path = folder / f"{stem}-{number}.png"
    if not image.save(str(path), "PNG"):  # type: ignore[call-overload]  # the stub wants bytes
        path.unlink(missing_ok=True)
        raise ZippoError(f"The picture cannot be saved as {path}.", "Is the disk full?")
    return path


class PictureMime(QMimeData):
    """Files to be dragged or copied out, and the first one's picture for programs that take no files.

    The picture is read only if it is asked for, and then as it is: with its alpha.
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        super().__init__()
        self._picture = paths[0] if len(paths) == 1 else None
        self.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])

    def formats(self) -> list[str]:
        """Files, and for a single one its picture."""
        own = super().formats()
        if self._picture is None:
            return own
        return own + [_QT_IMAGE] + ["image/png"] * (self._picture.suffix.lower() == ".png")

    def hasFormat(self, mimetype: str) -> bool:  # noqa: N802
        """Whether a format is among them."""
        return mimetype in self.formats()

    def retrieveData(self, mimetype: str, preferred: Any) -> Any:  # noqa: N802
        """What is behind a format."""
        if self._picture is None or mimetype not in (_QT_IMAGE, "image/png"):
            return super().retrieveData(mimetype, preferred)
        if mimetype == _QT_IMAGE:
            reader = QImageReader(str(self._picture))
            reader.setAllocationLimit(0)  # it is our own result, of whatever size
            return reader.read()
        try:
            return QByteArray(self._picture.read_bytes())
        except OSError:
            return QByteArray()


class Intake(QObject):
    """Finds the pictures among files and folders in a thread of its own, and saves those without a file."""

    found = Signal(list)  # of Found
    told = Signal(str)
    busy_changed = Signal(bool)
    _ended = Signal(object)  # from the thread: what it found, or the error

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.output_dir: Path | None = None  # the results in it are no photos
        self._thread = ThreadPoolExecutor(1, "intake")
        self._stop = Event()
        self._pending = 0
        self._waiting: list[Found] = []
        self._turn = QTimer(self)
        self._turn.setInterval(0)
        self._turn.timeout.connect(self._hand_on)
        self._ended.connect(self._show, Qt.ConnectionType.QueuedConnection)

    @property
    def is_busy(self) -> bool:
        """Whether a folder is still being looked through, or pictures are still being handed on."""
        return self._pending > 0 or bool(self._waiting)

    def take_paths(self, paths: Sequence[Path]) -> None:
        """Look through files and folders."""
        self._begin(_look, list(paths), self.output_dir or _NOWHERE, self._stop)

    def take(self, dropped: Dropped) -> None:
        """Take what was dropped or pasted."""
        for sentence in dropped.refused[:_MOST_TOLD]:
            self.told.emit(sentence)
        if dropped.image is not None:
            self._begin(save_picture, dropped.image, dropped_dir(), dropped.name)
        elif dropped.paths:
            self.take_paths(dropped.paths)

    def close(self) -> None:
        """Stop looking."""
        self._stop.set()
        self._turn.stop()
        self._thread.shutdown(wait=True, cancel_futures=True)

    def _begin(self, work: Callable[..., Scan | Path], *given: Any) -> None:
        if not self.is_busy:
            self.busy_changed.emit(True)
        self._pending += 1
        self._thread.submit(self._work, work, given).add_done_callback(log_failure)

    def _work(self, work: Callable[..., Scan | Path], given: tuple[Any, ...]) -> None:
        outcome: Scan | Path | ZippoError = ZippoError("The files cannot be taken.", "The log says why.")
        try:
            outcome = work(*given)
        except ZippoError as error:
            outcome = error
        finally:
            self._ended.emit(outcome)

    @Slot(object)
    def _show(self, outcome: Scan | Path | ZippoError) -> None:
        self._pending -= 1
        if isinstance(outcome, ZippoError):
            self.told.emit(str(outcome))
        elif isinstance(outcome, Path):
            self._wait([Found(outcome)])
            self.told.emit(f"The picture is kept as {printable(outcome)}.")
        else:
            self._wait(outcome.found)
            sentence = _summary(outcome)
            if sentence:
                self.told.emit(sentence)
        self._end()

    def _wait(self, found: Sequence[Found]) -> None:
        self._waiting += found
        self._turn.start()

    @Slot()
    def _hand_on(self) -> None:
        now, self._waiting = self._waiting[:_AT_ONCE], self._waiting[_AT_ONCE:]
        if now:
            self.found.emit(now)
        if not self._waiting:
            self._turn.stop()
            self._end()

    def _end(self) -> None:
        if not self.is_busy:
            self.busy_changed.emit(False)


def _read_text(text: str, dropped: Dropped) -> None:
    for line in filter(None, (line.strip().strip("\"'") for line in text.splitlines())):
        path = Path(QUrl(line).toLocalFile() if line.startswith("file:") else line)
        try:
            path = path.expanduser()
            is_there = path.is_absolute() and path.exists()
        except (OSError, RuntimeError, ValueError):
            is_there = False
        if is_there:
            dropped.paths.append(path)
        else:
            dropped.refused.append(f"There is no file {printable(line[:200])}.")


def _look(paths: list[Path], output_dir: Path, stop: Event) -> Scan:
    """Scan the inputs one by one, so that the program's end need not wait for all of them."""
    whole = Scan()
    files = [path for path in paths if not path.is_dir()]
    for inputs in filter(None, (files, *([folder] for folder in paths if folder.is_dir()))):
        if stop.is_set():
            break
        part = scan(inputs, output_dir)
        whole.found += part.found
        whole.problems += part.problems
        whole.passed_over += part.passed_over
    return whole


def _summary(result: Scan) -> str:
    """What a person should know of a scan; nothing where all were pictures."""
    told = [problem.message for problem in result.problems[:_MOST_TOLD]]
    if len(result.problems) > _MOST_TOLD:
        told.append(f"{len(result.problems) - _MOST_TOLD} more could not be used.")
    if not result.found and not told:
        told.append("There is no picture in it.")
    elif result.passed_over and result.found:
        count = result.passed_over
        told.append(f"{count} other file{'s' * (count > 1)} passed over: no pictures.")
    return " ".join(told)
