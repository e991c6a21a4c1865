"""What the program had to say of its runs: opened from below, quiet until something is worth reading."""

from __future__ import annotations

from datetime import datetime
from html import escape
from typing import Literal

from PySide6.QtCore import QSize, Qt, QUrl, Signal, Slot
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPlainTextEdit, QPushButton, QVBoxLayout, QWidget

from zippo_desktop.batch.events import (
    Event,
    ItemEnded,
    JobContinued,
    JobPaused,
    JobStarted,
    Notice,
    SessionOpened,
)
from zippo_desktop.batch.log import log_path
from zippo_desktop.batch.report import Report, Status
from zippo_desktop.errors import printable
from zippo_desktop.gui.run_texts import summary
from zippo_desktop.gui.theme import colour, set_role
from zippo_desktop.pipelines.confidence import UNCERTAIN_BELOW

MOST_LINES = 5000
Level = Literal["plain", "good", "doubt", "warning", "error"]  # the last two are counted


class LogDrawer(QWidget):
    """Lines with their time, the newest below. `unread_changed` counts what came while it was shut."""

    unread_changed = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._unread = 0
        set_role(self, "bar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._lines = QPlainTextEdit(readOnly=True, maximumBlockCount=MOST_LINES)
        self._lines.setAccessibleName("Log")
        title = QLabel("Log")
        set_role(title, "section")
        bar = QHBoxLayout()
        bar.addWidget(title)
        bar.addStretch()
        for text, tip, slot in (
            ("Copy", "Copy all lines", self._copy),
            ("Open log folder", f"Unexpected errors are kept in {log_path()}", self._open_folder),
            ("Clear", "Forget these lines", self._lines.clear),
        ):
            button = QPushButton(text)
            button.setToolTip(tip)
            set_role(button, "quiet")
            button.clicked.connect(slot)
            bar.addWidget(button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 4, 12, 8)
        layout.setSpacing(4)
        layout.addLayout(bar)
        layout.addWidget(self._lines)

    def sizeHint(self) -> QSize:  # noqa: N802
        """High enough for a few lines."""
        return QSize(600, 160)

    @property
    def text(self) -> str:
        """All lines."""
        return self._lines.toPlainText()

    @Slot(str)
    def add(self, sentence: str, level: Level = "plain") -> None:
        """Add a line; what is serious and not seen is counted."""
        tint = {"plain": "text", "doubt": "warning"}.get(level, level)
        self._lines.appendHtml(
            f'<span style="color:{colour("text_dim").name()}">{datetime.now():%H:%M:%S}</span>&nbsp; '
            f'<span style="color:{colour(tint).name()}">{escape(printable(sentence))}</span>'
        )
        if level in ("warning", "error") and not self.isVisible():
            self._set_unread(self._unread + 1)

    def show_event(self, event: Event) -> None:
        """Add what a person may want to read of an event later; finished items need no line."""
        match event:
            case JobStarted(total):
                self.add(f"A job of {total} item{'s' * (total != 1)} begins.")
            case SessionOpened(spec, info):
                for fallback in info.fallbacks:
                    self.add(fallback, "warning")
                self.add(f"{spec.name} {spec.version} on {info.engine}/{info.provider}.")
            case ItemEnded(result=result) if result.status is Status.FAILED:
                self.add(f"Failed: {result.message}", "error")
            case ItemEnded(result=result) if result.is_uncertain(UNCERTAIN_BELOW):
                self.add(f"To check: {result.label}. {' '.join(result.doubts)}", "doubt")
            case JobPaused():
                self.add("Paused.")
            case JobContinued():
                self.add("Going on.")
            case Notice(sentence):
                self.add(sentence, "warning")

    def show_report(self, report: Report) -> None:
        """Add the closing lines of a job."""
        shown_before = report.info.fallbacks if report.info else ()
        for note in report.notes:
            if note not in shown_before:
                self.add(note, "warning")
        if report.stopped_by:
            self.add(f"Stopped: {report.stopped_by}", "error")
        self.add(summary(report), "plain" if report.exit_code else "good")

    def showEvent(self, event: object) -> None:  # noqa: N802
        """Now all is read."""
        self._set_unread(0)

    def _set_unread(self, count: int) -> None:
        self._unread = count
        self.unread_changed.emit(count)

    @Slot()
    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self.text)

    @Slot()
    def _open_folder(self) -> None:
        log_path().parent.mkdir(parents=True, exist_ok=True)
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(log_path().parent)))
