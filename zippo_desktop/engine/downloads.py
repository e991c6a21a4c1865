"""One file from an address on the web: resumed, verified, and under its name only when it is whole.

Until then it is `NAME.part`, with `NAME.part.json` beside it that says of which address and which
version it is a part. Nothing here decides what is fetched: that a person asked for it is the caller's
affair.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import IO, Any

from filelock import FileLock, Timeout

from zippo_desktop.engine.web import Lost, WrongPart, answer_of, check_address, first_byte, version_of
from zippo_desktop.errors import Cancelled, ModelError

OnProgress = Callable[[int, int], None]  # bytes that are there, bytes in all (0 where not known)

STALL_S = 20.0  # without one byte, until the connection is given up
RETRY_WAIT_S = 1.0  # before going on after a lost connection
MOST_RETRIES = 4  # one after the other, without a byte more
LARGEST_FILE = 16 << 30  # bytes, where the size is not known before
_BLOCK = 1 << 18
_NO_SPACE = {errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)}
_SPOKEN = {"sha256": "SHA-256", "md5": "MD5", "git": "git digest"}
_LATER = "What was received is kept: the same command goes on from there."


@dataclass(frozen=True)
class Wanted:
    """A file as its manifest or listing describes it; size 0 and digest "" where they are not known."""

    address: str
    size_bytes: int = 0
    digest: str = ""  # "sha256:...", "md5:..." or "git:..."
    token: str = field(default="", repr=False)  # told to the address's own host alone


def download(
    wanted: Wanted, path: Path, on_progress: OnProgress | None = None, cancel: threading.Event | None = None
) -> None:
    """Fetch `wanted` to `path`, going on with a part that is there; verified, then renamed.

    Proxies are taken from the environment. `cancel` is read at every block; a server that is silent is
    waited for `STALL_S` at most. Raises `ModelError` with one sentence, and `Cancelled`; the part is
    kept where it can be of use, and nothing else is left.
    """
    check_address(wanted.address)
    part = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{part}.lock", timeout=0):
            try:
                _Transfer(wanted, part, on_progress, cancel).run()
                os.replace(part, path)
                _forget(_note_path(part))
            finally:
                with suppress(OSError):  # Windows deletes no open file
                    _forget(Path(f"{part}.lock"))
    except Timeout:
        raise ModelError(f"Another program is fetching {path.name} already.", "Wait for it.") from None
    except OSError as error:
        raise _disk_error(part, error) from error


def digest_of(path: Path, algorithm: str = "sha256") -> str:
    """The digest of a file as manifests write it: the algorithm's name, a colon, hexadecimal digits.

    "git" is by which git names a file's content: the SHA-1 of "blob ", its size, a null byte, and it.
    """
    head = b"blob %d\0" % path.stat().st_size
    start = partial(hashlib.sha1, head, usedforsecurity=False) if algorithm == "git" else algorithm
    with path.open("rb") as file:
        return f"{algorithm}:{hashlib.file_digest(file, start).hexdigest()}"


def has_digest(path: Path, digest: str) -> bool:
    """Whether a file has this digest ("sha256:...", "md5:..." or "git:...")."""
    return digest_of(path, digest.partition(":")[0]) == digest


class _Transfer:
    """The requests that it takes to fill one part, and what is known of the file so far."""

    def __init__(
        self, wanted: Wanted, part: Path, on_progress: OnProgress | None, cancel: threading.Event | None
    ) -> None:
        self._wanted = wanted
        self._part = part
        self._on_progress = on_progress
        self._cancel = cancel or threading.Event()
        self._total = wanted.size_bytes

    def run(self) -> None:
        """Fill the part and verify it; a resumed one that is wrong is fetched anew, once."""
        is_resumed = self._there() > 0
        self._fill()
        if not self._is_right():
            _forget(self._part, _note_path(self._part))
            if not is_resumed:
                raise self._wrong_bytes()
            self._fill()
            if not self._is_right():
                _forget(self._part, _note_path(self._part))
                raise self._wrong_bytes()

    def _fill(self) -> None:
        failures = 0
        while not self._is_complete():
            before = self._there()
            try:
                self._request(before)
                return
            except WrongPart:
                _forget(self._part, _note_path(self._part))
                self._total = self._wanted.size_bytes
                failures += 1
                reason = "it changes while it is fetched"
            except Lost as error:
                failures = 0 if self._there() > before else failures + 1
                reason = str(error)
            if failures > MOST_RETRIES:
                raise ModelError(f"{self._wanted.address} cannot be fetched: {reason}.", _LATER)
            self._pause()

    def _request(self, start: int) -> None:
        """One request for all from byte `start` on, written to the part."""
        headers = {"Authorization": f"Bearer {self._wanted.token}"} if self._wanted.token else {}
        if start:
            headers["Range"] = f"bytes={start}-"
            if version := self._read_note().get("version"):
                headers["If-Range"] = version
        with answer_of(self._wanted.address, headers, STALL_S) as answer:
            self._take(answer, start)

    def _take(self, answer: Any, start: int) -> None:
        """Write an answer's bytes; a server that ignores ranges begins at the first."""
        begins_at = first_byte(answer)
        if begins_at not in (0, start):
            raise WrongPart
        length = answer.headers.get("Content-Length")
        announced = begins_at + int(length) if length and length.isdecimal() else 0
        self._check_announced(announced, answer.headers.get_content_type())
        self._check_room((self._total or announced) - begins_at)
        self._write_note(answer.headers)
        with self._part.open("r+b" if begins_at else "wb") as file:
            file.seek(begins_at)
            file.truncate()
            self._copy(answer, file, begins_at)
        if announced and self._there() < announced:
            raise Lost("the connection ends too early")
        if self._total and self._there() < self._total:
            raise Lost("the connection ends too early")

    def _copy(self, answer: Any, file: IO[bytes], done: int) -> None:
        limit = self._total or LARGEST_FILE
        try:
            while block := answer.read1(_BLOCK):
                if done + len(block) > limit:
                    raise self._wrong_size("more")
                file.write(block)
                done += len(block)
                if self._on_progress:
                    self._on_progress(done, self._total)
                if self._cancel.is_set():
                    raise Cancelled
        finally:
            file.flush()
            os.fsync(file.fileno())

    def _check_announced(self, announced: int, content_type: str) -> None:
        """A size other than the manifest's ends it before a byte is written."""
        if self._wanted.size_bytes and announced and announced != self._wanted.size_bytes:
            is_page = content_type == "text/html"
            raise self._wrong_size(f"{announced}", "It sent a web page: a login?" if is_page else "")
        if announced > LARGEST_FILE:
            raise self._wrong_size(f"{announced}")
        self._total = self._wanted.size_bytes or announced or self._total

    def _check_room(self, needed: int) -> None:
        free = shutil.disk_usage(self._part.parent).free
        if needed > free:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def _is_right(self) -> bool:
        return not self._wanted.digest or has_digest(self._part, self._wanted.digest)

    def _is_complete(self) -> bool:
        """Whether all bytes are there already, as after a kill between the last one and the renaming."""
        return bool(self._total) and self._there() == self._total

    def _there(self) -> int:
        """The bytes of a part of this address; one that cannot be gone on with safely is thrown away."""
        note = self._read_note()
        is_checkable = bool(note.get("version") or self._wanted.digest)
        if self._part.is_file() and (note.get("address") != self._wanted.address or not is_checkable):
            _forget(self._part)
        return self._part.stat().st_size if self._part.is_file() else 0

    def _pause(self) -> None:
        if self._cancel.wait(RETRY_WAIT_S):
            raise Cancelled

    def _read_note(self) -> dict[str, Any]:
        try:
            note = json.loads(_note_path(self._part).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return note if isinstance(note, dict) else {}

    def _write_note(self, headers: Any) -> None:
        note = {"address": self._wanted.address, "version": version_of(headers)}
        _note_path(self._part).write_text(json.dumps(note), encoding="utf-8")

    def _wrong_size(self, found: str, hint: str = "") -> ModelError:
        _forget(self._part, _note_path(self._part))
        told = f"{self._wanted.address} is not the file that was expected: it has {found} bytes"
        return ModelError(f"{told}, not {self._total or LARGEST_FILE}. Nothing was kept.", hint)

    def _wrong_bytes(self) -> ModelError:
        kind = _SPOKEN[self._wanted.digest.partition(":")[0]]
        return ModelError(
            f"{self._wanted.address} is not the file that was expected: its {kind} is another. "
            "Nothing was kept.",
            "If you know another place that you trust, get it there: --from, or HF_ENDPOINT for a hub.",
        )


def _note_path(part: Path) -> Path:
    return part.with_name(part.name + ".json")


def _forget(*paths: Path) -> None:
    for path in paths:
        path.unlink(missing_ok=True)


def _disk_error(part: Path, error: OSError) -> ModelError:
    if error.errno in _NO_SPACE:
        hint = "Free some space, or choose another disk with --to. What was received is kept."
        return ModelError(f"There is no room on the disk for {part.name} in {part.parent}.", hint)
    return ModelError(f"{part} cannot be written: {error.strerror or error}.")
