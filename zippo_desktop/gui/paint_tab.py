"""The tab *Paint into matte*: mattes, prompts, and a photo to start from where there is one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QFileDialog,
    QPushButton,
    QSplitter,
    QStackedLayout,
    QTabBar,
    QWidget,
)

from zippo_desktop.batch.job import Job
from zippo_desktop.batch.prompts import PromptRow
from zippo_desktop.batch.scan import Found
from zippo_desktop.gui import prompt_files
from zippo_desktop.gui.dropped import Dropped, Intake, read_mime
from zippo_desktop.gui.empty_state import EmptyState
from zippo_desktop.gui.item_entry import Entry
from zippo_desktop.gui.item_model import ItemModel
from zippo_desktop.gui.item_panel import ItemPanel
from zippo_desktop.gui.layouts import column, strip
from zippo_desktop.gui.message_line import MessageLine
from zippo_desktop.gui.prompt_table import PromptTable
from zippo_desktop.gui.start_picker import StartPicker
from zippo_desktop.gui.thumbnails import ThumbnailCache
from zippo_desktop.paths import resource_dir

_MATTES, _RESULTS = 0, 1


class PaintTab(QWidget):
    """Prompts above the mattes that they are painted into, and the pictures that the last job made."""

    current_changed = Signal(object)  # (matte or None, outputs or None), or None
    retry_requested = Signal(list)  # of Item

    def __init__(self, thumbnails: ThumbnailCache, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.table = PromptTable(left_out=("size", "tries"))
        self.start = StartPicker()
        self.items = ItemModel(thumbnails, self)
        self.results = ItemModel(thumbnails, self)
        self.panel = ItemPanel(self.items)
        self.results_panel = ItemPanel(self.results)
        self.message = MessageLine()
        self.intake = Intake(self)
        self.pages = QTabBar()
        self._lay_out()
        self._connect()
        self._show_state()

    def add_paths(self, paths: Sequence[Path]) -> None:
        """Add mattes, and those in folders."""
        self.intake.take_paths(paths)

    def take(self, dropped: Dropped) -> None:
        """Add prompts of lists, and mattes, that were dropped or pasted."""
        lists = [path for path in dropped.paths if path.suffix.lower() in prompt_files.SUFFIXES]
        for path in lists:
            self.table.import_prompts(path)
        dropped.paths = [path for path in dropped.paths if path not in lists]
        self.intake.take(dropped)

    @Slot()
    def paste(self) -> None:
        """Add what is on the clipboard as mattes."""
        self.take(read_mime(QGuiApplication.clipboard().mimeData()))

    def prompt_rows(self) -> list[PromptRow]:
        """What is to be painted."""
        return self.table.rows()

    def mattes(self) -> list[Path]:
        """What is to be painted into."""
        return [entry.path for entry in self.items.entries if entry.path]

    def begin_job(self, job: Job, job_dir: Path | None = None) -> None:
        """Show the pictures of a job that begins, in place of the last one's."""
        self.results.show_job(job, job_dir)
        self.pages.setCurrentIndex(_RESULTS)

    def close_threads(self) -> None:
        """Stop looking through folders."""
        self.intake.close()

    @Slot()
    def ask_files(self) -> None:
        """Let the person choose mattes."""
        names, _ = QFileDialog.getOpenFileNames(self, "Add mattes")
        self.add_paths([Path(name) for name in names])

    @Slot()
    def add_samples(self) -> None:
        """Add the mattes that come with the program."""
        self.add_paths([resource_dir() / "mattes"])

    def _connect(self) -> None:
        self.intake.found.connect(self._add)
        for teller in (self.intake, self.table, self.panel, self.results_panel, self.start):
            teller.told.connect(self.message.tell)
        for panel in (self.panel, self.results_panel):
            panel.current_changed.connect(self._tell_current)
            panel.paste_requested.connect(self.paste)
        self.results_panel.retry_requested.connect(self._tell_retry)
        for signal in (self.items.counts_changed, self.results.counts_changed, self.pages.currentChanged):
            signal.connect(self._show_state)

    def _lay_out(self) -> None:
        self._stack = QStackedLayout()
        for page in (self._empty_state(), self._mattes(), self.results_panel):
            self._stack.addWidget(page)
        self.pages.addTab("Mattes")
        self.pages.addTab("Results")
        self.pages.setExpanding(False)
        above, below = QWidget(), QWidget()
        parts = column(above)
        parts.addWidget(self.table, 1)
        parts.addWidget(self.start)
        parts = column(below)
        parts.addWidget(self.pages)
        parts.addLayout(self._stack, 1)
        splitter = QSplitter(Qt.Orientation.Vertical)
        splitter.setChildrenCollapsible(False)
        splitter.addWidget(above)
        splitter.addWidget(below)
        splitter.setSizes([240, 420])
        whole = column(self)
        whole.addWidget(splitter, 1)
        whole.addWidget(self.message)

    def _empty_state(self) -> EmptyState:
        state = EmptyState("Drop mattes here", "Grey pictures, or the transparency of any")
        state.add_button("Add mattes…", "Choose mattes.", "primary").clicked.connect(self.ask_files)
        state.add_button(
            "Try the samples", "Add the mattes that come with the program.", "quiet"
        ).clicked.connect(self.add_samples)
        return state

    def _mattes(self) -> QWidget:
        button = QPushButton("Add mattes…")
        button.clicked.connect(self.ask_files)
        whole = QWidget()
        parts = column(whole)
        parts.addWidget(self.panel, 1)
        parts.addWidget(strip(button))
        return whole

    @Slot(list)
    def _add(self, found: list[Found]) -> None:
        self.items.add(found)
        self.pages.setCurrentIndex(_MATTES)

    @Slot()
    def _show_state(self) -> None:
        has_results = bool(self.results.entries)
        self.pages.setVisible(has_results)
        if self.pages.currentIndex() == _RESULTS and has_results:
            self._stack.setCurrentIndex(2)
        else:
            self._stack.setCurrentIndex(1 if self.items.entries else 0)

    @Slot(object)
    def _tell_current(self, entry: Entry | None) -> None:
        self.current_changed.emit(entry and (entry.path, entry.outputs or None))

    @Slot(list)
    def _tell_retry(self, entries: list[Entry]) -> None:
        self.retry_requested.emit([entry.item for entry in entries if entry.item])
