"""The window: the work on the left, the picture in the middle, the settings on the right, the run below.

It makes the parts and wires them. What they do is theirs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast

from PySide6.QtCore import Qt, QTimer, Signal, Slot
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent, QPaintEvent
from PySide6.QtWidgets import QApplication, QLabel, QMainWindow, QMessageBox, QSplitter, QVBoxLayout, QWidget

from zippo_desktop.batch.job import OnExisting
from zippo_desktop.gui import run_texts
from zippo_desktop.gui.dropped import can_take
from zippo_desktop.gui.error_dialog import show_error
from zippo_desktop.gui.job_worker import JobWorker
from zippo_desktop.gui.log_drawer import LogDrawer
from zippo_desktop.gui.notifications import Notifier
from zippo_desktop.gui.picture_desk import PictureDesk
from zippo_desktop.gui.picture_view import PictureView
from zippo_desktop.gui.planning import Order
from zippo_desktop.gui.preview_worker import PreviewWorker
from zippo_desktop.gui.run_bar import RunBar
from zippo_desktop.gui.run_desk import RunDesk
from zippo_desktop.gui.session_keeper import ModelChoice, OpenSession, SessionState
from zippo_desktop.gui.settings_panel import SettingsPanel
from zippo_desktop.gui.theme import apply_theme, set_role
from zippo_desktop.gui.unfinished_jobs import UnfinishedJobs
from zippo_desktop.gui.window_menus import WindowMenus
from zippo_desktop.gui.window_state import WindowState
from zippo_desktop.gui.work_panel import WorkPanel
from zippo_desktop.paths import settings_path
from zippo_desktop.settings import load_settings

TITLE = "Zippo Desktop"
STOP_LIMIT_MS = 10_000  # for the current step, when the window is closed during a job
START_DELAY_MS = 50  # after the first paint, whose rest is the panels'
WIDTHS = (380, 780, 320)  # of the three panels, before anyone has moved them


class MainWindow(QMainWindow):
    """All of the program that is seen. `open_session` is for tests: how the worker opens a model."""

    shown_first = Signal()

    def __init__(self, open_session: OpenSession | None = None) -> None:
        super().__init__()
        self.state = WindowState()
        self._apply_theme()
        self.worker = JobWorker(open_session, self)
        self.previews = PreviewWorker(self.worker, self)
        self.work, self.view, self.settings = WorkPanel(), PictureView(), SettingsPanel()
        self.bar, self.log, self.unfinished = RunBar(), LogDrawer(), UnfinishedJobs()
        self.notifier = Notifier(self)
        self.run = RunDesk(
            self.worker, self.work, self.bar, self.log, self.unfinished, self.notifier, self.order, self
        )
        self.pictures = PictureDesk(self.view, self.previews, self.run.errands, self.look, self)
        self._is_started = self._is_closing = self._is_shut_down = False
        self._warm: ModelChoice | None = None
        self._build()
        self.menus = WindowMenus(self)
        self._wire()

    def order(self) -> Order:
        """What the panels ask for at this moment."""
        return replace(
            self.look(),
            photos=tuple(self.work.found()),
            mattes=tuple(self.work.mattes()),
            rows=tuple(self.work.prompt_rows()),
            photo=self.work.photo(),
            strength=self.work.strength(),
        )

    def look(self) -> Order:
        """The same without the items, of which there may be thousands: for a preview at each move."""
        return Order(
            task=self.work.current_task(),
            output_dir=self.settings.output_dir(),
            values=self.settings.values(),
            model=self.settings.model(),
            preset=self.settings.preset(),
            on_existing=cast(OnExisting, self.settings.on_existing()),
        )

    @Slot(list)
    def open_paths(self, paths: Sequence[Path]) -> None:
        """Add files and folders to the photos."""
        if paths:
            self.work.add_paths(list(paths))
            self.remember(paths)

    @Slot(list)
    def receive(self, paths: Sequence[Path]) -> None:
        """Take what a second start was given, and come to the front."""
        self.setWindowState(self.windowState() & ~Qt.WindowState.WindowMinimized)
        self.show()
        self.raise_()
        self.activateWindow()
        self.open_paths(paths)

    @Slot(list)
    def remember(self, paths: Sequence[Path]) -> None:
        """List what was opened under Open Recent."""
        self.state.add_recent([path.absolute() for path in paths])
        self.menus.show_recent()

    @Slot(bool)
    def show_log(self, is_shown: bool) -> None:
        """Open or shut the log; it opens as high as it likes to be."""
        self.log.setVisible(is_shown)
        self.bar.set_log_shown(is_shown)
        if is_shown:
            height = self.log.sizeHint().height()
            self._rows.setSizes([self._rows.height() - height, height])

    @Slot()
    def close_unasked(self) -> None:
        """Stop what runs and close, as when the desktop's session ends."""
        self._stop_and_close()

    def shut_down(self, limit_s: float) -> bool:
        """End all threads; whether all ended within the limit."""
        if not self._is_shut_down:
            self.notifier.close()
            self.work.close_threads()
            self.view.stop()
            self.run.close()
            has_ended = self.worker.close(limit_s)
            self._is_shut_down = self.previews.close(limit_s) and has_ended
        return self._is_shut_down

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        """Start the threads once the window is seen: loading a network would keep it from being painted."""
        super().paintEvent(event)
        if not self._is_started:
            self._is_started = True
            QTimer.singleShot(START_DELAY_MS, self._start_threads)

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802
        """Ask once during a job; then let the current step end, with the window still there to say so."""
        if self.run.is_busy and not self._is_closing:
            event.ignore()
            if self._asks_to_stop():
                self._stop_and_close()
            return
        self.state.save(self, [self._panels])
        self.hide()
        self.shut_down(STOP_LIMIT_MS / 1000)
        event.accept()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:  # noqa: N802
        """Photos may be dropped anywhere."""
        if can_take(event.mimeData()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:  # noqa: N802
        """Take what was dropped."""
        event.acceptProposedAction()
        self.work.take(event.mimeData())

    def _build(self) -> None:
        self.setWindowTitle(TITLE)
        self.setAcceptDrops(True)
        self.resize(sum(WIDTHS), 860)
        self._panels = QSplitter(Qt.Orientation.Horizontal)
        self._panels.setObjectName("panels")
        self._panels.setChildrenCollapsible(False)
        for widget, width in zip((self.work, self.view, self.settings), WIDTHS, strict=True):
            self._panels.addWidget(widget)
            widget.setMinimumWidth(min(width, 280))
        self._panels.setStretchFactor(1, 1)
        self._panels.setSizes(list(WIDTHS))
        self._rows = QSplitter(Qt.Orientation.Vertical)
        self._rows.setChildrenCollapsible(False)
        self._rows.addWidget(self._panels)
        self._rows.addWidget(self.log)
        self._rows.setStretchFactor(0, 1)
        self.log.hide()
        whole = QWidget()
        layout = QVBoxLayout(whole)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(1)
        layout.addWidget(self.unfinished)
        layout.addWidget(self._rows, 1)
        layout.addWidget(self.bar)
        self.setCentralWidget(whole)
        self._model_words = QLabel()
        self._model_words.setContentsMargins(8, 0, 12, 0)
        set_role(self._model_words, "dim")
        self.statusBar().addPermanentWidget(self._model_words)
        self.statusBar().setSizeGripEnabled(False)
        self.state.restore(self, [self._panels])

    def _wire(self) -> None:
        self.work.current_item_changed.connect(self.pictures.show_files)
        self.work.task_changed.connect(self.settings.show_task)
        self.work.files_dropped.connect(self.remember)
        self.settings.values_changed.connect(self.pictures.ask_preview)
        self.settings.values_changed.connect(self.follow_settings)
        self.worker.event_received.connect(self.pictures.show_event)
        self.worker.session_changed.connect(self._show_model)
        self.pictures.told.connect(self.statusBar().showMessage)
        self.bar.log_toggled.connect(self.show_log)
        self.bar.progress_changed.connect(self._show_progress)
        self.log.unread_changed.connect(self.bar.set_unread)
        self.run.failed.connect(self._show_failure)
        self.run.idle_changed.connect(self._close_when_idle)

    def _apply_theme(self) -> None:
        app = QApplication.instance()
        if isinstance(app, QApplication):
            apply_theme(app, load_settings(settings_path())[0].theme)

    @Slot()
    def _start_threads(self) -> None:
        if self._is_shut_down:
            return
        self.worker.start()
        self.previews.start()
        self.follow_settings()
        self.run.look_for_unfinished()
        self.shown_first.emit()

    @Slot()
    def follow_settings(self) -> None:
        """Open the model that is chosen now, and leave the results' folder out when photos are added."""
        self.work.set_output_dir(self.settings.output_dir())
        self._warm_up()

    @Slot()
    def _warm_up(self) -> None:
        """Open the chosen model, if it is not the one that was opened last."""
        settings, _ = load_settings(settings_path())
        choice = ModelChoice(self.settings.model() or settings.model, settings.engine, settings.provider)
        if choice != self._warm:
            self._warm = choice
            self.worker.warm_up(choice)

    @Slot(object)
    def _show_model(self, state: SessionState) -> None:
        if state.info is not None:
            words = f"{state.choice.model} · ready on {run_texts.device(state.info)}"
        else:
            words = state.problem or f"{state.choice.model} is warming up …"
        self._model_words.setText(words)

    @Slot(float, int)
    def _show_progress(self, share: float, left: int) -> None:
        self.setWindowTitle(f"{share:.0%} · {TITLE}" if share >= 0 else TITLE)
        self.notifier.set_left(left)

    @Slot(object)
    def _show_failure(self, error: Exception | str) -> None:
        if not self._is_closing:
            show_error(error, self)

    def _asks_to_stop(self) -> bool:
        """The one question."""
        box = QMessageBox(self)
        box.setIcon(QMessageBox.Icon.Question)
        box.setText("A job is running.")
        box.setInformativeText("What is being written is completed. The rest can be resumed later.")
        stop = box.addButton("Stop and close", QMessageBox.ButtonRole.AcceptRole)
        box.addButton("Keep running", QMessageBox.ButtonRole.RejectRole)
        box.exec()
        return box.clickedButton() is stop

    def _stop_and_close(self) -> None:
        self._is_closing = True
        if not self.run.is_busy:
            self.close()
            return
        self.run.stop()
        self.setEnabled(False)
        self.statusBar().showMessage("Stopping after this step …")
        QTimer.singleShot(STOP_LIMIT_MS, self.close)

    @Slot(bool)
    def _close_when_idle(self, is_idle: bool) -> None:
        if is_idle and self._is_closing:
            QTimer.singleShot(0, self.close)
