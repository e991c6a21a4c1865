"""Files and folders that appear whole or not at all, and the sentences for what can go wrong."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from zippo_desktop.errors import ExportError
from zippo_desktop.export.long_paths import reachable
from zippo_desktop.export.unfinished import sweep, unfinished, unfinished_name

_NO_SPACE = {errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)}


@contextmanager
def open_atomically(path: Path) -> Iterator[BinaryIO]:
    """Open a new file that takes its name, replacing what is there, once it is written and on the disk.

    Until then it has another name in the same folder; after an error, or an interruption, nothing of
    it is left. Raises ExportError.
    """
    with _trouble_told(path), unfinished(path, lambda draft: draft.touch(exist_ok=False)) as draft:
        try:
            with open(draft, "wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            os.replace(draft, reachable(path))
        except BaseException:
            draft.unlink(missing_ok=True)
            raise


@contextmanager
def make_folder_atomically(path: Path) -> Iterator[Path]:
    """Give a new folder to fill, which then takes the name `path`, replacing a folder that has it.

    The old folder stays until the new one is full. Raises ExportError.
    """
    with _trouble_told(path), unfinished(path, Path.mkdir) as draft:
        try:
            yield draft
            _take_place(draft, reachable(path))
        finally:
            shutil.rmtree(draft, ignore_errors=True)


def _take_place(new: Path, path: Path) -> None:
    """Rename a folder over another: no file system does it in one step unless the other is empty."""
    if not path.is_dir():
        os.rename(new, path)
        return
    old = unfinished_name(path)
    os.rename(path, old)
    try:
        os.rename(new, path)
    except BaseException:
        os.rename(old, path)
        raise
    shutil.rmtree(old, ignore_errors=True)


def write_through(path: Path, content: bytes) -> None:
    """Write a new file and wait until it is on the disk. Raises OSError."""
    with open(reachable(path), "xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def make_output_dir(path: Path) -> None:
    """Make a folder and those above it, where they do not exist. Raises ExportError.

    What a program that was killed has left unfinished in it goes.
    """
    try:
        reachable(path).mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        hint = "Choose another output folder."
        raise ExportError(f"{path} is a file, so results cannot go into it.", hint) from None
    except OSError as error:
        raise _export_error(path, error) from error
    sweep(path)


@contextmanager
def _trouble_told(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise _export_error(path, error) from error


def _export_error(path: Path, error: OSError) -> ExportError:
    """One sentence and a hint for what the file system answered."""
    if error.errno in _NO_SPACE:
        return ExportError(
            f"There is no room on the disk for {path}.", "Free some space or choose another disk."
        )
    if error.errno == errno.ENAMETOOLONG:
        return ExportError(f"The path {path} is too long.", "Choose an output folder with a shorter path.")
    if error.errno == errno.EROFS or isinstance(error, PermissionError):
        hint = "Close the program that has it open, or choose another output folder."
        return ExportError(f"{path} may not be written.", hint)
    if isinstance(error, FileNotFoundError):
        return ExportError(f"The folder {path.parent} does not exist.", "Make it, or choose another one.")
    if isinstance(error, IsADirectoryError):
        return ExportError(f"{path} is a folder, so no file can take its name.", "Rename or remove it.")
    if isinstance(error, NotADirectoryError):
        return ExportError(
            f"Part of the path {path} is a file, not a folder.", "Choose another output folder."
        )
    return ExportError(
        f"{path} cannot be written: {error.strerror or error}.", "Choose another output folder."
    )
