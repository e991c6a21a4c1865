"""Starting the window: one for each person, with its look, its files and a clean end."""

from __future__ import annotations

import gc
import logging
import os
import signal
import socket
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QSocketNotifier
from PySide6.QtWidgets import QApplication

from zippo_desktop import __version__
from zippo_desktop.batch.log import close_log, open_log
from zippo_desktop.gui.garbage import GarbageCollector
from zippo_desktop.gui.single_instance import SingleInstance

if TYPE_CHECKING:
    from zippo_desktop.gui.main_window import MainWindow

APP_NAME = "Zippo Desktop"
EXIT_LIMIT_S = 10.0  # for what the network is in the middle of, after the window is gone

logger = logging.getLogger(__name__)


def run(files: Sequence[Path] = ()) -> int:
    """Open the window with these files, or hand them to the one that is open; gives back the exit code."""
    app = application()
    instance = SingleInstance(app)
    if instance.hand_over(files):
        return 0
    instance.listen()
    log = open_log()
    try:
        return _run_window(app, instance, files)
    finally:
        instance.close()
        close_log(log)


def application() -> QApplication:
    """The Qt application, made if there is none yet."""
    existing = QApplication.instance()
    app = existing if isinstance(existing, QApplication) else QApplication(sys.argv[:1])
    app.setApplicationName("zippo-desktop")
    app.setApplicationDisplayName(APP_NAME)
    app.setApplicationVersion(__version__)
    app.setDesktopFileName("zippo-desktop")  # the taskbar finds icon and name by it
    if app.findChild(GarbageCollector) is None:
        GarbageCollector(app)
    return app


def _run_window(app: QApplication, instance: SingleInstance, files: Sequence[Path]) -> int:
    from zippo_desktop.gui.main_window import MainWindow  # not for a start that hands its files over

    window = MainWindow()
    instance.files_received.connect(window.receive)
    window.show()
    window.open_paths(files)
    gc.freeze()  # modules and panels stay: collections need not look at them, which takes as long as a frame
    with _closed_by_signals(app, window):
        code = app.exec()
    if not window.shut_down(EXIT_LIMIT_S):
        # A thread in the middle of a network cannot be ended, and Qt aborts where one is left: results
        # are whole or not there, and the journal is on the disk.
        logger.warning("The network did not stop within %g s: the program ends without it.", EXIT_LIMIT_S)
        logging.shutdown()
        os._exit(code)
    return code


@contextmanager
def _closed_by_signals(app: QApplication, window: MainWindow) -> Iterator[None]:
    """Let Ctrl-C and the end of the desktop's session close the window without a question.

    Python runs its handlers only between its own instructions, of which a window that waits has none; the
    byte that a signal writes wakes it.
    """
    reader, writer = socket.socketpair()
    for end in (reader, writer):
        end.setblocking(False)
    notifier = QSocketNotifier(reader.fileno(), QSocketNotifier.Type.Read, app)
    notifier.activated.connect(window.close_unasked)
    previous_wakeup = signal.set_wakeup_fd(writer.fileno())
    signals = [signal.SIGINT, signal.SIGTERM]
    previous = [signal.signal(number, lambda number, frame: None) for number in signals]
    try:
        yield
    finally:
        for number, handler in zip(signals, previous, strict=True):
            signal.signal(number, handler)
        signal.set_wakeup_fd(previous_wakeup)
        notifier.setEnabled(False)
        reader.close()
        writer.close()
