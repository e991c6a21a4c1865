"""The strip along the bottom: start, pause, stop, how far the run is, and what it runs on."""

from __future__ import annotations

from PySide6.QtCore import Qt, QTimer, Signal, Slot
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QToolTip,
    QVBoxLayout,
    QWidget,
)

from zippo_desktop.batch.events import Event, JobContinued, JobPaused, SessionOpened
from zippo_desktop.batch.report import Report
from zippo_desktop.errors import printable
from zippo_desktop.gui import run_texts
from zippo_desktop.gui.icons import icon
from zippo_desktop.gui.run_progress import RunProgress
from zippo_desktop.gui.session_keeper import SessionState
from zippo_desktop.gui.theme import set_role

REFRESH_MS = 100  # at most so often; events only note that there is something new
STEPS = 1000  # of the progress bar


class RunBar(QWidget):
    """Shows one job's progress. It asks for everything by signals and starts nothing itself."""

    start_requested = Signal()
    pause_requested = Signal()
    continue_requested = Signal()
    stop_requested = Signal()
    log_toggled = Signal(bool)
    progress_changed = Signal(float, int)  # 0..1 and the items left; -1 and 0 where nothing runs

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.progress = RunProgress()
        self._is_running = self._is_paused = self._is_stopping = False
        self._waiting = 0
        self._closing_words = ""
        set_role(self, "bar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._build()
        self._timer = QTimer(self, interval=REFRESH_MS)
        self._timer.timeout.connect(self._refresh)
        self._refresh()

    def begin(self, waiting: int = 0) -> None:
        """A job begins; so many wait behind it."""
        self.progress = RunProgress()
        self._is_running, self._is_paused, self._is_stopping = True, False, False
        self._closing_words = ""
        self.set_waiting(waiting)
        self._timer.start()

    @Slot(object)
    def show_event(self, event: Event) -> None:
        """Take note of one event of the job; what is seen follows within a tenth of a second."""
        self.progress.take(event)
        match event:
            case SessionOpened(spec, info):
                self._show_device(spec.name, run_texts.device(info), info.fallbacks)
            case JobPaused():
                self._set_paused(True)
            case JobContinued():
                self._set_paused(False)

    def end(self, words: str) -> None:
        """The job has ended; `words` say how, until the next one begins."""
        self._is_running = self._is_paused = self._is_stopping = False
        self._closing_words = words
        self._timer.stop()
        self._refresh()
        self.progress_changed.emit(-1.0, 0)

    def show_report(self, report: Report) -> None:
        """The job has ended with a report."""
        self.end(report.stopped_by or run_texts.summary(report))

    def set_waiting(self, count: int) -> None:
        """So many jobs wait behind the one that runs."""
        self._waiting = count
        self._refresh()

    @Slot(object)
    def show_session(self, state: SessionState) -> None:
        """Show what the model is being opened on, or is open on, or why it is not."""
        if state.spec is not None and state.info is not None:
            self._show_device(state.spec.name, run_texts.device(state.info), state.info.fallbacks)
        elif state.problem:
            self._show_device(state.choice.model, "not usable", (state.problem,))
        else:
            self._show_device(state.choice.model, "opening …", ())

    @Slot(int)
    def set_unread(self, count: int) -> None:
        """So many serious lines of the log were not seen."""
        self._log.setText(f"Log · {count:,}" if count else "Log")

    @Slot(bool)
    def set_log_shown(self, is_shown: bool) -> None:
        """Whether the log is open."""
        self._log.setChecked(is_shown)

    def _build(self) -> None:
        self.start = QPushButton("Start")
        self.start.setObjectName("start")
        self.start.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.start.setMinimumWidth(112)
        set_role(self.start, "primary")
        self.start.clicked.connect(self.start_requested)
        self.pause = self._button("pause", "Pause", self._toggle_pause)
        self.stop = self._button("stop", "Stop after the current step", self._ask_to_stop)
        self._bar = QProgressBar(maximum=STEPS, textVisible=False)
        self._bar.setAccessibleName("Progress of the job")
        self._counts, self._current, self._pace = QLabel(), QLabel(), QLabel()
        set_role(self._current, "dim")
        set_role(self._pace, "dim")
        self._current.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        words = QHBoxLayout()
        words.setSpacing(12)
        words.addWidget(self._counts)
        words.addWidget(self._current, 1)
        words.addWidget(self._pace)
        middle = QVBoxLayout()
        middle.setSpacing(4)
        middle.addLayout(words)
        middle.addWidget(self._bar)
        self.device = QToolButton()
        self.device.setObjectName("device")
        self.device.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.device.clicked.connect(self._tell_device)
        self._log = QToolButton()
        self._log.setText("Log")
        self._log.setCheckable(True)
        self._log.setToolTip("Show what was said of the runs")
        self._log.setIcon(icon("log"))
        self._log.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self._log.toggled.connect(self.log_toggled)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(12, 8, 12, 8)
        layout.setSpacing(8)
        for widget in (self.start, self.pause, self.stop):
            layout.addWidget(widget)
        layout.addSpacing(8)
        layout.addLayout(middle, 1)
        layout.addSpacing(8)
        layout.addWidget(self.device)
        layout.addWidget(self._log)

    def _button(self, name: str, tip: str, slot: object) -> QToolButton:
        button = QToolButton()
        button.setObjectName(name)
        button.setToolTip(tip)
        button.setIcon(icon(name))
        button.setAccessibleName(name.capitalize())
        button.clicked.connect(slot)
        return button

    @Slot()
    def _toggle_pause(self) -> None:
        (self.continue_requested if self._is_paused else self.pause_requested).emit()

    @Slot()
    def _ask_to_stop(self) -> None:
        self._is_stopping = True
        self._refresh()
        self.stop_requested.emit()

    @Slot()
    def _tell_device(self) -> None:
        QToolTip.showText(self.device.mapToGlobal(self.device.rect().topLeft()), self.device.toolTip())

    def _set_paused(self, is_paused: bool) -> None:
        self._is_paused = is_paused
        self.pause.setIcon(icon("play" if is_paused else "pause"))
        self.pause.setToolTip("Go on" if is_paused else "Pause")
        self._refresh()

    def _show_device(self, model: str, words: str, reasons: tuple[str, ...]) -> None:
        self.device.setText(words)
        self.device.setIcon(icon("warning", "warning") if reasons else icon("chip"))
        told = "\n".join(map(printable, reasons)) if reasons else "The best that this computer offers."
        self.device.setToolTip(f"{printable(model)} on {words}\n{told}")

    @Slot()
    def _refresh(self) -> None:
        self.start.setText("Add to queue" if self._is_running else "Start")
        self.pause.setEnabled(self._is_running and not self._is_stopping)
        self.stop.setEnabled(self._is_running and not self._is_stopping)
        if not self._is_running:
            self._set_words(self._closing_words or "Ready", "", "")
            self._bar.setMaximum(STEPS)
            self._bar.setValue(round(self.progress.fraction * STEPS))
            return
        progress = self.progress
        is_opening = not progress.current and not progress.ended
        self._bar.setMaximum(0 if is_opening and not self._is_paused else STEPS)
        self._bar.setValue(round(progress.fraction * STEPS))
        counts = "Opening the model …" if is_opening else run_texts.counts(progress)
        self._set_words(counts, printable(progress.current), self._state_words())
        self.progress_changed.emit(progress.fraction, progress.total - progress.ended)

    def _state_words(self) -> str:
        if self._is_stopping:
            return "Stopping after this step …"
        words = "Paused" if self._is_paused else run_texts.pace(self.progress)
        waiting = f"{self._waiting} waiting" if self._waiting else ""
        return " · ".join(filter(None, (words, waiting)))

    def _set_words(self, counts: str, current: str, pace: str) -> None:
        self._counts.setText(counts)
        self._current.setText(current)
        self._pace.setText(pace)
