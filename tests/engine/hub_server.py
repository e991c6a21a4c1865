"""A model hub on this machine: its lists of files, its files, and the other host that has the large ones.

`HubServer.files` is what the repository holds; `modes` changes how one path is answered, and `listing`
what the list says. Tests and nobody else fetch from it.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

COMMIT = "c0ffee" + "0" * 34
LARGE = (".safetensors", ".onnx", ".bin", ".pt")  # what is kept on the other host


class HubServer(ThreadingHTTPServer):
    """The hub; `storage` is the other host. `seen` and `storage.seen` are (path, headers) by request."""

    daemon_threads = True

    def __init__(self, repository: str = "owner/Tiny") -> None:
        super().__init__(("127.0.0.1", 0), _HubHandler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.storage = ThreadingHTTPServer(("127.0.0.1", 0), _StorageHandler)
        self.storage.daemon_threads = True
        self.storage.seen, self.storage.hub = [], self
        self.repository = repository
        self.revisions = {"", "main", COMMIT}
        self.files: dict[str, bytes] = {}
        self.modes: dict[str, str] = {}
        self.changes: dict[str, Any] = {}  # of the list of files
        self.body: bytes | None = None  # instead of it
        self.cut_listing = False
        self.token = ""  # that is asked for, where there is one
        self.refusal = (0, "")  # of the files: status and code
        self.seen: list[tuple[str, dict[str, str]]] = []

    def hold(self, folder: Path) -> None:
        """Hold a folder's files."""
        for path in folder.rglob("*"):
            if path.is_file():
                self.files[path.relative_to(folder).as_posix()] = path.read_bytes()

    def listing(self) -> dict[str, Any]:
        """What the hub tells of the repository."""
        entries = [_entry(name, content) for name, content in sorted(self.files.items())]
        return {"id": self.repository, "sha": COMMIT, "siblings": entries} | self.changes

    def fetched(self) -> list[str]:
        """The paths of the files that were asked for, in order."""
        return [path.split("/resolve/")[1].partition("/")[2] for path, _ in self.seen if "/resolve/" in path]


@contextmanager
def running(server: HubServer) -> Iterator[HubServer]:
    """Serve within the block."""
    servers = (server, server.storage)
    threads = [threading.Thread(target=each.serve_forever, args=(0.02,)) for each in servers]
    for thread in threads:
        thread.start()
    try:
        yield server
    finally:
        for each, thread in zip(servers, threads, strict=True):
            each.shutdown()
            each.server_close()
            thread.join()


def _entry(name: str, content: bytes) -> dict[str, Any]:
    blob = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
    entry = {"rfilename": name, "size": len(content), "blobId": blob}
    if not name.endswith(LARGE):
        return entry
    digest = hashlib.sha256(content).hexdigest()
    return entry | {"lfs": {"sha256": digest, "size": len(content), "pointerSize": 134}}


class _Answers(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def _answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.close_connection = True
        self.send_response(status)
        for name, value in {"Content_Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def _send(self, content: bytes, mode: str) -> None:
        """A file, whole or from the byte that is asked for; the mode is what goes wrong with it."""
        if mode == "wrong":
            content = content[:-1] + bytes([content[-1] ^ 1])
        if mode == "longer":
            content += b"more"
        start = int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").rstrip("-"))
        about = {"ETag": '"1"'}
        if start:
            about["Content_Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        stop = len(content) // 2 if mode == "cut" else len(content)
        about["Content_Length"] = str(len(content) - start)
        self._answer(206 if start else 200, content[start:stop], **about)


class _HubHandler(_Answers):
    server: HubServer

    def do_GET(self) -> None:
        hub = self.server
        hub.seen.append((self.path, dict(self.headers)))
        if hub.token and self.headers.get("Authorization") != f"Bearer {hub.token}":
            return self._answer(401, X_Error_Code="RepoNotFound")
        path = unquote(urlsplit(self.path).path)
        if path.startswith("/api/models/"):
            return self._list(path.removeprefix("/api/models/"))
        name = path.partition(f"/{hub.repository}/resolve/{COMMIT}/")[2]
        if hub.refusal[0]:
            return self._answer(hub.refusal[0], X_Error_Code=hub.refusal[1])
        if name not in hub.files or hub.modes.get(name) == "gone":
            return self._answer(404, X_Error_Code="EntryNotFound")
        if name.endswith(LARGE):
            elsewhere = f"http://127.0.0.1:{hub.storage.server_port}/{name}?signature=1"
            return self._answer(302, Location=elsewhere)
        return self._send(hub.files[name], hub.modes.get(name, ""))

    def _list(self, path: str) -> None:
        repository, _, revision = path.partition("/revision/")
        if repository != self.server.repository:
            return self._answer(404, X_Error_Code="RepoNotFound")
        if revision not in self.server.revisions:
            return self._answer(404, X_Error_Code="RevisionNotFound")
        body = json.dumps(self.server.listing()).encode() if self.server.body is None else self.server.body
        stop = len(body) // 2 if self.server.cut_listing else len(body)
        return self._answer(200, body[:stop], Content_Length=str(len(body)))


class _StorageHandler(_Answers):
    def do_GET(self) -> None:
        self.server.seen.append((self.path, dict(self.headers)))
        name = unquote(urlsplit(self.path).path).removeprefix("/")
        self._send(self.server.hub.files[name], self.server.hub.modes.get(name, ""))
