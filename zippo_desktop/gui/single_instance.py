"""One window for each person: a second start hands its files to the first, and ends."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtNetwork import QLocalServer, QLocalSocket

from zippo_desktop.paths import settings_path

ANSWER = b"ok\n"
WAIT_MS = 1000  # for a first start that lives; a dead one's socket refuses at once
MOST_BYTES = 4_000_000  # of names: a folder's worth of "Open with"


class SingleInstance(QObject):
    """Listens for later starts with the same settings, which are of one person."""

    files_received = Signal(list)  # of Path; empty for a start without files

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._server = QLocalServer(self)
        self._server.setSocketOptions(QLocalServer.SocketOption.UserAccessOption)
        self._server.newConnection.connect(self._welcome)
        self._received: dict[QLocalSocket, bytearray] = {}

    def hand_over(self, files: Sequence[Path]) -> bool:
        """Give the files to the program that runs already; whether there was one that took them."""
        socket = QLocalSocket()
        socket.connectToServer(server_name())
        if not socket.waitForConnected(WAIT_MS):
            return False
        message = json.dumps([str(path.absolute()) for path in files])  # ASCII keeps names that are not UTF-8
        socket.write(message.encode("ascii") + b"\n")
        socket.flush()
        while socket.bytesAvailable() < len(ANSWER):
            if not socket.waitForReadyRead(WAIT_MS):
                return False
        return bytes(socket.readAll().data()) == ANSWER

    def listen(self) -> bool:
        """Be the one that later starts hand their files to; False where the desktop does not let us."""
        if self._server.listen(server_name()):
            return True
        QLocalServer.removeServer(server_name())  # what a crash left
        return self._server.listen(server_name())

    def close(self) -> None:
        """Listen no more."""
        self._server.close()

    @Slot()
    def _welcome(self) -> None:
        while (socket := self._server.nextPendingConnection()) is not None:
            self._received[socket] = bytearray()
            socket.readyRead.connect(self._read)
            socket.disconnected.connect(self._part)
            self._take(socket)

    @Slot()
    def _read(self) -> None:
        socket = self.sender()
        if isinstance(socket, QLocalSocket):
            self._take(socket)

    @Slot()
    def _part(self) -> None:
        socket = self.sender()
        if isinstance(socket, QLocalSocket):
            self._received.pop(socket, None)
            socket.deleteLater()

    def _take(self, socket: QLocalSocket) -> None:
        received = self._received.get(socket)
        if received is None:
            return
        received += socket.readAll().data()
        if len(received) > MOST_BYTES:
            socket.abort()
        elif received.endswith(b"\n"):
            files = _files(bytes(received))
            received.clear()
            if files is None:
                socket.abort()
                return
            socket.write(ANSWER)
            socket.flush()
            self.files_received.emit(files)


def server_name() -> str:
    """A name that all starts with the same settings share."""
    return f"zippo-desktop-{hashlib.sha256(str(settings_path()).encode('utf-8', 'replace')).hexdigest()[:16]}"


def _files(message: bytes) -> list[Path] | None:
    """The files of a message; None for one that makes no sense."""
    try:
        names = json.loads(message)
    except ValueError:
        return None
    if not isinstance(names, list) or not all(isinstance(name, str) and name for name in names):
        return None
    return [Path(name) for name in names]
