"""Jobs that were stopped, or that the power failed in: found at the start, offered in a strip."""

from __future__ import annotations

import shutil
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QSizePolicy, QWidget

from zippo_desktop.batch.saved_job import SavedJob, job_lock, list_jobs, read_job
from zippo_desktop.errors import UsageError, printable
from zippo_desktop.gui.icons import icon_pixmap
from zippo_desktop.gui.theme import set_role

MOST_READ = 20  # of the newest jobs: older ones are the command line's to list

_KINDS = {"matting": "cut out", "painting": "painted", "generation": "made"}


def find_unfinished(jobs_dir: Path) -> list[SavedJob]:
    """The newest jobs of which something is left and that nobody is doing, the newest first; any thread."""
    unfinished = []
    for folder in reversed(list_jobs(jobs_dir)[-MOST_READ:]):
        with suppress(UsageError):  # unreadable, or under another program's hands
            saved = read_job(folder)
            if saved.counts["left"]:
                with job_lock(folder):
                    unfinished.append(saved)
    return unfinished


def read_unfinished(job_dir: Path) -> list[SavedJob]:
    """A job of which something is left, if there is such a one in this folder; any thread."""
    with suppress(UsageError):
        saved = read_job(job_dir)
        return [saved] if saved.counts["left"] else []
    return []


def forget_job(job_dir: Path) -> None:
    """Remove a job's folder, as `jobs remove` does. Raises `UsageError` while another program does it."""
    with job_lock(job_dir):
        pass
    shutil.rmtree(job_dir, ignore_errors=True)


class UnfinishedJobs(QWidget):
    """Offers the newest unfinished job; hidden where there is none, or the person does not want to know."""

    resume_requested = Signal(object)  # SavedJob
    forget_requested = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._offered: list[SavedJob] = []
        set_role(self, "bar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        mark, self.words = QLabel(), QLabel()
        mark.setPixmap(icon_pixmap("clock", 16, self.devicePixelRatioF(), "accent"))
        self.words.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(12, 4, 8, 4)
        layout.setSpacing(8)
        layout.addWidget(mark)
        layout.addWidget(self.words, 1)
        self.resume = self._button("Resume", "Do what is left, with the job's own settings", self._resume)
        self.forget = self._button("Forget", "Remove the job; photos and results stay", self._forget)
        self.later = self._button("Not now", "It is offered again at the next start", self.dismiss)
        for button in (self.resume, self.forget, self.later):
            layout.addWidget(button)
        self.hide()

    def offer(self, jobs: list[SavedJob]) -> None:
        """Offer the first of these jobs, and the others as it is forgotten."""
        self._offered = list(jobs)
        self.setVisible(bool(jobs))
        if jobs:
            self.words.setText(_told(jobs[0]))
            self.words.setToolTip(f"{printable(jobs[0].job_dir)}")

    @property
    def offered(self) -> SavedJob | None:
        """The job that the words are about."""
        return self._offered[0] if self._offered else None

    @Slot()
    def dismiss(self) -> None:
        """Offer nothing more."""
        self.offer([])

    def _button(self, text: str, tip: str, slot: object) -> QPushButton:
        button = QPushButton(text)
        button.setToolTip(tip)
        if text != "Resume":
            set_role(button, "quiet")
        button.clicked.connect(slot)
        return button

    @Slot()
    def _resume(self) -> None:
        offered = self.offered
        self.dismiss()
        self.resume_requested.emit(offered)

    @Slot()
    def _forget(self) -> None:
        offered = self.offered
        self.offer(self._offered[1:])
        self.forget_requested.emit(offered)


def _told(saved: SavedJob) -> str:
    """What is left of a job, since when, and where its results go."""
    counts, total = saved.counts, len(saved.job.items)
    what = _KINDS[saved.job.task]
    begun = datetime.fromisoformat(saved.created_at).astimezone()
    day = "today" if begun.date() == datetime.now().astimezone().date() else f"on {begun:%d %b}"
    ended = total - counts["left"]
    place = printable(saved.job.options.output_dir)
    return f"A job begun {day} at {begun:%H:%M} is not finished: {ended:,} of {total:,} {what}, to {place}"
