"""Finding the pictures among files and folders, in an order that depends on their names alone."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from zippo_desktop.batch.job import Problem
from zippo_desktop.errors import UsageError
from zippo_desktop.imaging.decode import is_image_name
from zippo_desktop.imaging.trimap import photo_is_mask

FolderId = tuple[int, int]  # device and inode: the same folder under any name


@dataclass(frozen=True)
class Found:
    """A picture to do; `subfolder` is its folder as seen from the input folder that it was found in."""

    path: Path
    subfolder: Path = Path()

    @property
    def label(self) -> str:
        """What to call it: its path below the input folder, or its name."""
        return str(self.subfolder / self.path.name)


@dataclass
class Scan:
    """What the inputs hold: pictures, inputs that cannot be used, and how many files are no pictures."""

    found: list[Found] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    passed_over: int = 0


def scan(
    inputs: Sequence[Path], output_dir: Path, recursive: bool = True, other_dirs: Sequence[Path] = ()
) -> Scan:
    """Look through files and folders. Hidden files, and trimaps beside photos, are not pictures.

    A folder reached twice (a link, a loop, an input inside another) is read once; a file named
    twice is one picture; `output_dir` inside an input is not read, nor are the `other_dirs` that the job
    puts files into. Raises `UsageError` where a folder is input and output at once, for the next run
    would take its results for photos.
    """
    result = Scan()
    output_ids = {_folder_id(folder) for folder in (output_dir, *other_dirs)} - {None}
    seen_folders = set(output_ids)
    for path in inputs:
        if os.path.isdir(path):
            if _folder_id(path) in output_ids:
                raise UsageError(f"{path} is input and output at once.", "Choose another output folder.")
            _scan_folder(path, recursive, seen_folders, result)
        elif is_image_name(path) or not os.path.lexists(path):
            _take(path, Path(), result)
        else:
            result.passed_over += 1
    result.found = _without_repeats(result.found)
    return result


def _without_repeats(found: Iterable[Found]) -> list[Found]:
    unique: dict[str, Found] = {}
    for picture in found:
        unique.setdefault(os.path.abspath(picture.path), picture)
    return list(unique.values())


def _scan_folder(root: Path, recursive: bool, seen: set[FolderId | None], result: Scan) -> None:
    pending = [root]
    while pending:
        folder = pending.pop()
        identity = _folder_id(folder)
        if identity in seen:
            continue
        if identity is not None:
            seen.add(identity)
        subfolders = []
        for entry in _entries(folder, result):
            if os.path.isdir(entry):
                subfolders.append(entry)
            elif is_image_name(entry) and not photo_is_mask(entry):
                _take(entry, folder.relative_to(root), result)
            else:
                result.passed_over += 1
        if recursive:
            pending += reversed(subfolders)


def _entries(folder: Path, result: Scan) -> Iterator[Path]:
    """What a folder holds, by name; hidden entries are left out. An unreadable folder is a problem."""
    try:
        with os.scandir(folder) as listing:
            names = sorted(entry.name for entry in listing)
    except OSError as error:
        message = f"The folder {folder} cannot be read: {error.strerror or error}."
        result.problems.append(Problem(str(folder), message))
        return
    yield from (folder / name for name in names if not name.startswith("."))


def _take(path: Path, subfolder: Path, result: Scan) -> None:
    """Add a picture, if there is a regular file behind the name: opening a pipe would wait for ever."""
    try:
        is_file = stat.S_ISREG(path.stat().st_mode)
    except FileNotFoundError:
        message = f"{path} is a link to nothing." if path.is_symlink() else f"{path} does not exist."
        result.problems.append(Problem(str(path), message))
    except OSError as error:
        result.problems.append(Problem(str(path), f"{path} cannot be read: {error.strerror or error}."))
    else:
        if is_file:
            result.found.append(Found(path, subfolder))
        else:
            result.problems.append(Problem(str(path), f"{path} is not a regular file."))


def _folder_id(folder: Path) -> FolderId | None:
    """The folder's identity, None where there is none (yet)."""
    try:
        status = folder.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def real_dir(directory: Path) -> Path:
    """The folder under its one true name, whatever links lead to it."""
    return Path(os.path.realpath(directory))
