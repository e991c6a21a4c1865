"""Files and folders under the hidden names that they have until they are whole; and what the dead left.

A writer keeps its unfinished file locked. The system lifts the lock when the program ends, however it
does: an unfinished file of this computer that nobody locks belongs to a program that was killed.
"""

from __future__ import annotations

import hashlib
import os
import platform
import secrets
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from zippo_desktop.export.long_paths import reachable

try:
    import fcntl
except ImportError:  # Windows, where an open file cannot be removed in the first place
    fcntl = None  # type: ignore[assignment]

# A lock may hold on one computer alone, so that each sweeps what is its own.
_START = f".zippo-{hashlib.sha256(platform.node().encode()).hexdigest()[:6]}-"
_END = ".part"
_swept: set[str] = set()
_sweeping = threading.Lock()


def unfinished_name(path: Path) -> Path:
    """A free hidden name beside `path`, and a short one, as `path` may be as long as a name can be."""
    return reachable(path.with_name(f"{_START}{secrets.token_hex(6)}{_END}"))


@contextmanager
def unfinished(path: Path, make: Callable[[Path], None]) -> Iterator[Path]:
    """Make a file or folder under an unfinished name beside `path`, this program's until the block ends.

    Raises what `make` raises.
    """
    while True:
        draft = unfinished_name(path)
        make(draft)
        lock = _lock(draft)
        if lock is None or os.fstat(lock).st_nlink:
            break
        os.close(lock)  # it was swept away between the two calls, as nobody's
    try:
        yield draft
    finally:
        if lock is not None:
            os.close(lock)


def sweep(directory: Path) -> None:
    """Remove what killed programs left unfinished in a folder; once in each run, before the first writing.

    What cannot be told to be nobody's stays. Raises nothing.
    """
    with _sweeping, suppress(OSError):
        folder = os.path.abspath(directory)
        if folder in _swept:
            return
        _swept.add(folder)
        with os.scandir(reachable(directory)) as entries:
            left = [
                Path(each.path)
                for each in entries
                if each.name.startswith(_START) and each.name.endswith(_END)
            ]
        for path in left:
            _remove_if_nobodys(path)


def _remove_if_nobodys(path: Path) -> None:
    lock = _lock(path, is_patient=False)
    if lock is None and fcntl is not None:
        return
    try:
        if not path.is_dir():
            with suppress(OSError):
                path.unlink()
        elif fcntl is not None:
            shutil.rmtree(path, ignore_errors=True)
    finally:
        if lock is not None:
            os.close(lock)


def _lock(path: Path, *, is_patient: bool = True) -> int | None:
    """A descriptor that holds the lock until it is closed; None if there is none to be had here."""
    if fcntl is None:
        return None
    descriptor = None
    try:
        descriptor = os.open(path, os.O_RDONLY)
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if is_patient else fcntl.LOCK_NB))
    except OSError:
        if descriptor is not None:
            os.close(descriptor)
        return None
    return descriptor
