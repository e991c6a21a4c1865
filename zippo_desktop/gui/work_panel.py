"""The left of the window: a tab for each task, each with what is to be done and what became of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from PySide6.QtCore import QMimeData, QRect, Qt, Signal, Slot
from PySide6.QtGui import (
    QDragEnterEvent,
    QDragLeaveEvent,
    QDragMoveEvent,
    QDropEvent,
    QPainter,
    QPaintEvent,
    QPen,
)
from PySide6.QtWidgets import QTabWidget, QWidget

from zippo_desktop.batch.events import Event, ItemEnded, ItemStarted, StepDone
from zippo_desktop.batch.job import Job, Task
from zippo_desktop.batch.prompts import PromptRow
from zippo_desktop.batch.scan import Found
from zippo_desktop.gui import prompt_files
from zippo_desktop.gui.dropped import can_take, read_mime
from zippo_desktop.gui.item_model import ItemModel
from zippo_desktop.gui.item_view import ItemView
from zippo_desktop.gui.paint_tab import PaintTab
from zippo_desktop.gui.photos_tab import PhotosTab
from zippo_desktop.gui.prompts_tab import PromptsTab
from zippo_desktop.gui.theme import colour
from zippo_desktop.gui.thumbnails import ThumbnailCache

TASKS: Sequence[Task] = ("matting", "generation", "painting")


class WorkPanel(QTabWidget):
    """Three tabs. What is dropped anywhere on it, or handed to `take`, goes to the tab that it is for."""

    current_item_changed = Signal(object)  # (path or None, outputs or None) of the item, or None
    retry_requested = Signal(list)  # of Path: photos to be done again
    retry_items_requested = Signal(list)  # of Item: pictures from prompts to be made again
    files_dropped = Signal(list)  # of Path
    paths_added = Signal(int)
    task_changed = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.thumbnails = ThumbnailCache(parent=self)
        self.photos = PhotosTab(self.thumbnails)
        self.prompts = PromptsTab(self.thumbnails)
        self.paint = PaintTab(self.thumbnails)
        self._followed: ItemModel | None = None
        self.addTab(self.photos, "Matte photos")
        self.addTab(self.prompts, "Generate")
        self.addTab(self.paint, "Paint into matte")
        self.setDocumentMode(True)
        self.setAcceptDrops(True)
        self._outline = _DropOutline(self)
        for tab in (self.photos, self.prompts, self.paint):
            tab.current_changed.connect(self.current_item_changed)
        self.photos.retry_requested.connect(self.retry_requested)
        self.photos.paths_added.connect(self.paths_added)
        for tab in (self.prompts, self.paint):
            tab.retry_requested.connect(self.retry_items_requested)
        self.currentChanged.connect(self._tell_task)

    def add_paths(self, paths: Sequence[Path]) -> None:
        """Add files and folders to the tab that is open; lists of prompts go to *Generate* otherwise.

        Folders are looked through in a thread: `paths_added` tells when photos have appeared.
        """
        self._sort_in([Path(path) for path in paths])

    def paths(self) -> list[Path]:
        """The photos to cut out, in the order of the list."""
        return self.photos.paths()

    def found(self) -> list[Found]:
        """The photos with their folders below those that they were added by."""
        return self.photos.found()

    def current_task(self) -> Task:
        """The task of the tab that is open."""
        return TASKS[self.currentIndex()]

    def show_task(self, task: Task) -> None:
        """Open a task's tab."""
        self.setCurrentIndex(TASKS.index(task))

    def prompt_rows(self) -> list[PromptRow]:
        """The prompts of the tab that is open; none for photos."""
        tab = self.currentWidget()
        return tab.prompt_rows() if isinstance(tab, PromptsTab | PaintTab) else []

    def mattes(self) -> list[Path]:
        """What is to be painted into."""
        return self.paint.mattes()

    def photo(self) -> Path | None:
        """What a painting starts from: a photo, or a folder of them."""
        return self.paint.start.photo()

    def strength(self) -> float | None:
        """How much of it becomes new, 0..1; None without one."""
        return self.paint.start.strength()

    def set_output_dir(self, path: Path | None) -> None:
        """Where the results go: they are not taken for photos when a folder around it is added."""
        self.photos.intake.output_dir = path
        self.paint.intake.output_dir = path

    def begin_job(self, job: Job, job_dir: Path | None = None) -> None:
        """Follow a job that begins: the next events are its own."""
        self.end_job()
        tabs: Mapping[Task, PhotosTab | PromptsTab | PaintTab] = {
            "matting": self.photos,
            "generation": self.prompts,
            "painting": self.paint,
        }
        tab = tabs[job.task]
        tab.begin_job(job, job_dir)
        self._followed = tab.results if isinstance(tab, PaintTab) else tab.items

    @Slot(object)
    def on_event(self, event: Event) -> None:
        """Show what the running job tells."""
        items = self._followed
        if items is None:
            return
        if isinstance(event, ItemStarted):
            items.start(event.index)
        elif isinstance(event, StepDone):
            items.step(event.index, event.done / max(1, event.total))
        elif isinstance(event, ItemEnded):
            if event.index < 0:
                items.end_unplanned(event.result.label, event.result.message)
            else:
                items.end(event.index, event.result)

    @Slot()
    def end_job(self) -> None:
        """The job is over, or was stopped: what it did not end waits again."""
        if self._followed:
            self._followed.end_job()
        self._followed = None

    @Slot()
    def paste(self) -> None:
        """Take what is on the clipboard into the tab that is open."""
        tab = self.currentWidget()
        if isinstance(tab, PhotosTab | PromptsTab | PaintTab):
            tab.paste()

    def take(self, mime: QMimeData) -> None:
        """Take what was dropped, here or elsewhere in the window."""
        dropped = read_mime(mime)
        paths = list(dropped.paths)
        if paths:
            self._sort_in(paths)
            self.files_dropped.emit(paths)
        elif self.current_task() == "painting":
            self.paint.take(dropped)
        else:
            self.show_task("matting")
            self.photos.take(dropped)

    def close_threads(self) -> None:
        """End the threads that read thumbnails and folders, before the window closes."""
        for part in (self.photos, self.paint):
            part.close_threads()
        self.thumbnails.close()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:  # noqa: N802
        """Say whether it may be dropped; what is dragged out of a list of ours may not come back."""
        if can_take(event.mimeData()) and not isinstance(event.source(), ItemView):
            event.setDropAction(Qt.DropAction.CopyAction)
            event.accept()
            self._outline.show_over(self.rect())

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:  # noqa: N802
        """What may be dropped at all may be dropped anywhere."""
        event.setDropAction(Qt.DropAction.CopyAction)
        event.accept()

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:  # noqa: N802
        """It was taken elsewhere."""
        self._outline.hide()

    def dropEvent(self, event: QDropEvent) -> None:  # noqa: N802
        """Take it. Files are never moved."""
        self._outline.hide()
        event.setDropAction(Qt.DropAction.CopyAction)
        event.accept()
        self.take(event.mimeData())

    def _sort_in(self, paths: list[Path]) -> None:
        """Give pictures to the tab for pictures and lists of prompts to the one for prompts."""
        lists = [path for path in paths if path.suffix.lower() in prompt_files.SUFFIXES]
        others = [path for path in paths if path not in lists]
        task = self.current_task()
        if task == "generation":
            lists += [path for path in others if _holds_prompts(path)]
            others = [path for path in others if path not in lists]
        if lists and task == "matting" and not others:
            self.show_task("generation")
        if lists:
            table = self.paint.table if task == "painting" else self.prompts.table
            for path in lists:
                table.import_prompts(path)
        if others and task == "painting":
            self.paint.add_paths(others)
        elif others:
            self.show_task("matting")
            self.photos.add_paths(others)

    @Slot(int)
    def _tell_task(self, place: int) -> None:
        self.task_changed.emit(TASKS[place])
        self.current_item_changed.emit(self._current_files())

    def _current_files(self) -> tuple[Path | None, tuple[Path, ...] | None] | None:
        tab = self.currentWidget()
        if isinstance(tab, PaintTab) and tab.results_panel.isVisible():
            return tab.results_panel.current_files()
        return tab.panel.current_files() if isinstance(tab, PhotosTab | PromptsTab | PaintTab) else None


class _DropOutline(QWidget):
    """A frame over everything while something that may be dropped is held over it."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.hide()

    def show_over(self, area: QRect) -> None:
        """Appear above all else."""
        self.setGeometry(area)
        self.raise_()
        self.show()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        """Draw the frame, and a veil of the same colour."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        veil = colour("accent")
        veil.setAlpha(28)
        painter.setBrush(veil)
        painter.setPen(QPen(colour("accent"), 2))
        painter.drawRoundedRect(self.rect().adjusted(3, 3, -3, -3), 6, 6)


def _holds_prompts(folder: Path) -> bool:
    """Whether a folder's first level holds text files."""
    try:
        return folder.is_dir() and any(path.suffix.lower() == ".txt" for path in folder.iterdir())
    except OSError:
        return False  # whoever reads it next says why
