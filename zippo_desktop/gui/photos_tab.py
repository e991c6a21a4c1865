"""The tab *Matte photos*: the photos to cut out, and what became of each."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Signal, Slot
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog, QPushButton, QStackedLayout, QWidget

from zippo_desktop.batch.job import Job
from zippo_desktop.batch.scan import Found
from zippo_desktop.gui.dropped import Dropped, Intake, read_mime
from zippo_desktop.gui.empty_state import EmptyState
from zippo_desktop.gui.item_entry import Entry
from zippo_desktop.gui.item_model import ItemModel
from zippo_desktop.gui.item_panel import ItemPanel
from zippo_desktop.gui.layouts import column, strip
from zippo_desktop.gui.message_line import MessageLine
from zippo_desktop.gui.thumbnails import ThumbnailCache
from zippo_desktop.paths import resource_dir

ADD_FILES = "Add photos…"
ADD_FOLDER = "Add a folder…"
_LOOKING = "Looking for photos…"


class PhotosTab(QWidget):
    """A list of photos; while it is empty, ways to fill it."""

    current_changed = Signal(object)  # (photo, outputs or None), or None
    retry_requested = Signal(list)  # of Path
    paths_added = Signal(int)

    def __init__(self, thumbnails: ThumbnailCache, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.items = ItemModel(thumbnails, self)
        self.panel = ItemPanel(self.items)
        self.intake = Intake(self)
        self._known = 0  # of what is being added, how many are listed already
        self.empty = self._empty_state()
        self.message = MessageLine()
        self._stack = QStackedLayout()
        self._stack.addWidget(self.empty)
        self._stack.addWidget(self._filled())
        layout = column(self)
        layout.addLayout(self._stack, 1)
        layout.addWidget(self.message)
        self.intake.found.connect(self._add)
        self.intake.told.connect(self.message.tell)
        self.panel.told.connect(self.message.tell)
        self.intake.busy_changed.connect(self._show_busy)
        self.items.counts_changed.connect(self._show_state)
        self.panel.current_changed.connect(self._tell_current)
        self.panel.retry_requested.connect(self._tell_retry)
        self.panel.paste_requested.connect(self.paste)

    def add_paths(self, paths: Sequence[Path]) -> None:
        """Add files and the pictures in folders; they appear bit by bit as they are found (`paths_added`)."""
        self.intake.take_paths(paths)

    def take(self, dropped: Dropped) -> None:
        """Add what was dropped or pasted."""
        self.intake.take(dropped)

    @Slot()
    def paste(self) -> None:
        """Add the files, the picture or the paths on the clipboard."""
        self.take(read_mime(QGuiApplication.clipboard().mimeData()))

    def paths(self) -> list[Path]:
        """The photos, in the order of the list, whether or not the filter shows them."""
        return [entry.path for entry in self.items.entries if entry.path]

    def found(self) -> list[Found]:
        """The same, each with its folder below the one that it was added by."""
        return [Found(entry.path, entry.subfolder) for entry in self.items.entries if entry.path]

    def begin_job(self, job: Job, job_dir: Path | None = None) -> None:
        """Follow a job; photos of it that are not listed, as of a resumed job, are added."""
        self.items.add(Found(item.source) for item in job.items if item.source)
        self.items.begin_job(job, job_dir)

    def close_threads(self) -> None:
        """Stop looking through folders."""
        self.intake.close()

    @Slot()
    def ask_files(self) -> None:
        """Let the person choose photos."""
        names, _ = QFileDialog.getOpenFileNames(self, "Add photos")
        self.add_paths([Path(name) for name in names])

    @Slot()
    def ask_folder(self) -> None:
        """Let the person choose a folder."""
        name = QFileDialog.getExistingDirectory(self, "Add a folder of photos")
        if name:
            self.add_paths([Path(name)])

    @Slot()
    def add_samples(self) -> None:
        """Add the photos that come with the program."""
        self.add_paths([resource_dir() / "samples"])

    @Slot(list)
    def _add(self, found: list[Found]) -> None:
        count = self.items.add(found)
        self._known += len(found) - count
        if count and not self.panel.view.currentIndex().isValid():
            self.panel.view.setCurrentIndex(self.panel.shown.index(0, 0))
        self.paths_added.emit(count)

    @Slot(object)
    def _tell_current(self, entry: Entry | None) -> None:
        self.current_changed.emit(entry and (entry.path, entry.outputs or None))

    @Slot(list)
    def _tell_retry(self, entries: list[Entry]) -> None:
        self.retry_requested.emit([entry.path for entry in entries])

    @Slot()
    def _show_state(self) -> None:
        self._stack.setCurrentIndex(1 if self.items.entries else 0)

    @Slot(bool)
    def _show_busy(self, is_busy: bool) -> None:
        if is_busy:
            self.message.tell(_LOOKING)
            self._known = 0
        elif self._known:
            verb = "was" if self._known == 1 else "were"
            self.message.tell(f"{self._known:,} of them {verb} in the list already.")
        elif self.message.text() == _LOOKING:
            self.message.hide()

    def _empty_state(self) -> EmptyState:
        state = EmptyState("Drop photos or folders here", "JPEG, PNG, TIFF, WebP, HEIC, AVIF or camera RAW")
        for text, tip, role, act in (
            (ADD_FILES, "Choose photos.", "primary", self.ask_files),
            (ADD_FOLDER, "Add all photos of a folder and of the folders in it.", "", self.ask_folder),
            ("Try the samples", "Add the photos that come with the program.", "quiet", self.add_samples),
        ):
            state.add_button(text, tip, role).clicked.connect(act)
        return state

    def _filled(self) -> QWidget:
        """The list above a strip to add more."""
        buttons = []
        for text, act in ((ADD_FILES, self.ask_files), (ADD_FOLDER, self.ask_folder)):
            buttons.append(QPushButton(text))
            buttons[-1].clicked.connect(act)
        whole = QWidget()
        layout = column(whole)
        layout.addWidget(self.panel, 1)
        layout.addWidget(strip(*buttons))
        return whole
