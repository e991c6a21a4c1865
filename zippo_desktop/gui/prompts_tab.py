"""The tab *Generate*: prompts, and the pictures that the last job made of them."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QSplitter, QWidget

from zippo_desktop.batch.job import Job
from zippo_desktop.batch.prompts import PromptRow
from zippo_desktop.gui.dropped import Dropped
from zippo_desktop.gui.empty_state import EmptyState
from zippo_desktop.gui.item_entry import Entry
from zippo_desktop.gui.item_model import ItemModel
from zippo_desktop.gui.item_panel import ItemPanel
from zippo_desktop.gui.layouts import column
from zippo_desktop.gui.message_line import MessageLine
from zippo_desktop.gui.prompt_table import PromptTable
from zippo_desktop.gui.thumbnails import ThumbnailCache
from zippo_desktop.paths import resource_dir


class PromptsTab(QWidget):
    """A table of prompts above the pictures made from it."""

    current_changed = Signal(object)  # (None, outputs or None), or None
    retry_requested = Signal(list)  # of Item

    def __init__(self, thumbnails: ThumbnailCache, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.table = PromptTable(left_out=("matte",))
        self.items = ItemModel(thumbnails, self)
        self.panel = ItemPanel(self.items)
        self.message = MessageLine()
        self._lay_out()
        self.table.told.connect(self.message.tell)
        self.panel.told.connect(self.message.tell)
        self.items.counts_changed.connect(self._show_state)
        self.panel.current_changed.connect(self._tell_current)
        self.panel.retry_requested.connect(self._tell_retry)
        self._show_state()

    def prompt_rows(self) -> list[PromptRow]:
        """What is to be made."""
        return self.table.rows()

    def begin_job(self, job: Job, job_dir: Path | None = None) -> None:
        """Show the pictures of a job that begins, in place of the last one's."""
        self.items.show_job(job, job_dir)

    def take(self, dropped: Dropped) -> None:
        """Add the prompts of files and folders that were dropped or pasted."""
        for sentence in dropped.refused:
            self.message.tell(sentence)
        for path in dropped.paths:
            self.table.import_prompts(path)

    @Slot()
    def paste(self) -> None:
        """Add the lines on the clipboard as prompts."""
        self.table.paste()

    @Slot()
    def add_samples(self) -> None:
        """Add the prompts that come with the program."""
        self.table.import_prompts(resource_dir() / "samples" / "prompts.txt")

    def _empty_state(self) -> EmptyState:
        state = EmptyState("Describe a picture above", "Or drop a list: a .txt file, a .csv table, a folder")
        state.add_button("Import prompts…", "Choose a .txt or .csv file.").clicked.connect(
            self.table.ask_import
        )
        state.add_button(
            "Try the samples", "Add the prompts that come with the program.", "quiet"
        ).clicked.connect(self.add_samples)
        return state

    def _lay_out(self) -> None:
        self.table.show_when_empty(self._empty_state())
        splitter = QSplitter(Qt.Orientation.Vertical)
        splitter.setChildrenCollapsible(False)
        splitter.addWidget(self.table)
        splitter.addWidget(self.panel)
        splitter.setSizes([260, 400])
        layout = column(self)
        layout.addWidget(splitter, 1)
        layout.addWidget(self.message)

    @Slot()
    def _show_state(self) -> None:
        """The pictures take their place once there are some."""
        self.panel.setVisible(bool(self.items.entries))

    @Slot(object)
    def _tell_current(self, entry: Entry | None) -> None:
        self.current_changed.emit(entry and (entry.path, entry.outputs or None))

    @Slot(list)
    def _tell_retry(self, entries: list[Entry]) -> None:
        self.retry_requested.emit([entry.item for entry in entries if entry.item])
