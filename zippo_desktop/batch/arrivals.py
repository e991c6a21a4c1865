"""What has arrived in a watched folder, and whether it is there whole.

Folders are listed again and again, for network shares tell nobody of a new file. A file counts as whole
once nothing about it has changed for a while; clocks and times of change are never compared with one
another, so it does not matter what time it is here or on the share.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from zippo_desktop.imaging.decode import IMAGE_SUFFIXES
from zippo_desktop.imaging.trimap import SIDE_SUFFIXES, photo_is_mask

State = tuple[int, int]  # bytes and time of change in ns: of two files that agree, one is not looked at

# What browsers, copying programs and editors call a file that they have not finished.
_UNFINISHED_STARTS = (".", "~")
_UNFINISHED_ENDS = (".part", ".partial", ".tmp", ".temp", ".crdownload", ".download", ".filepart", "~")


class Entry(NamedTuple):
    """A file with a picture's name: its state, and the number by which the disk knows it, 0 for none."""

    state: State
    inode: int


@dataclass(frozen=True)
class Listing:
    """What a folder holds at one moment.

    `files` are those with a picture's name, trimaps among them, by path; `unfinished` the inodes of those
    with an unfinished one's; `troubles` says which sub-folders could not be read.
    """

    files: Mapping[str, Entry] = field(default_factory=dict)
    unfinished: frozenset[int] = frozenset()
    troubles: tuple[str, ...] = ()


def list_folder(root: Path, recursive: bool, left_out: Iterable[Path] = ()) -> Listing:
    """List a folder, with its sub-folders if `recursive`, but for those `left_out`, whatever they are called.

    Only regular files count. A sub-folder that cannot be read is a trouble; raises `OSError` if it is
    `root` itself.
    """
    files: dict[str, Entry] = {}
    unfinished, troubles = set[int](), []
    seen = {_folder_id(folder) for folder in left_out} - {None}
    pending = [str(root)]
    while pending:
        folder = pending.pop()
        identity = _folder_id(folder)
        if identity in seen:
            continue
        seen.add(identity)
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    if _is_unfinished(entry.name):
                        unfinished.add(entry.inode())
                    elif _is_folder(entry):
                        pending += [entry.path] if recursive else []
                    elif _is_image_name(entry.name):
                        _take(entry, files)
        except OSError as error:
            if folder == str(root):
                raise
            troubles.append(f"The folder {folder} cannot be read: {error.strerror or error}.")
    return Listing(files, frozenset(unfinished - {0}), tuple(troubles))


class _Sight(NamedTuple):
    """A file that is not known yet, as it was when it was first seen so, and whether it is still."""

    state: State
    since_s: float
    is_renamed: bool
    is_seen_again: bool


class Arrivals:
    """The files that are new or have changed, until they have settled."""

    def __init__(self, settle_s: float) -> None:
        self._settle_s = settle_s
        self._sights: dict[str, _Sight] = {}
        self._unfinished: frozenset[int] = frozenset()
        self._are_settling = False

    @property
    def are_settling(self) -> bool:
        """Whether the last look found files that have not settled yet."""
        return self._are_settling

    def settled(self, listing: Listing, is_known: Callable[[str, State], bool], now_s: float) -> list[str]:
        """The photos to do now, by name: not known, and unchanged for `settle_s` of a steady clock.

        One that had an unfinished file's name before, and got its own by being renamed, is whole as soon
        as it is seen unchanged. A photo waits for the trimap beside it. Files that are gone are forgotten.
        """
        self._sights = {
            path: self._sight(path, entry, now_s)
            for path, entry in listing.files.items()
            if not is_known(path, entry.state)
        }
        self._unfinished = listing.unfinished
        photos = [path for path in sorted(self._sights) if not photo_is_mask(Path(path))]
        ready = [path for path in photos if all(self._is_whole(name, now_s) for name in _with_sides(path))]
        self._are_settling = len(ready) < len(photos)
        return ready

    def _sight(self, path: str, entry: Entry, now_s: float) -> _Sight:
        before = self._sights.get(path)
        if before is None or before.state != entry.state:
            is_renamed = before is None and entry.inode in self._unfinished
            return _Sight(entry.state, now_s, is_renamed, False)
        return before._replace(is_seen_again=True)

    def _is_whole(self, path: str, now_s: float) -> bool:
        sight = self._sights.get(path)
        if sight is None or (sight.is_renamed and sight.is_seen_again):
            return True
        return now_s - sight.since_s >= self._settle_s


def _with_sides(path: str) -> list[str]:
    """A photo, and the trimaps and masks that it may have beside it."""
    stem = os.path.splitext(path)[0]
    return [path, *(stem + suffix for suffix in SIDE_SUFFIXES)]


def _is_unfinished(name: str) -> bool:
    return name.startswith(_UNFINISHED_STARTS) or name.lower().endswith(_UNFINISHED_ENDS)


def _is_image_name(name: str) -> bool:
    """As `imaging.decode.is_image_name`, which is too slow to be asked of ten thousand names a second."""
    return os.path.splitext(name)[1].lower() in IMAGE_SUFFIXES


def _take(entry: os.DirEntry[str], files: dict[str, Entry]) -> None:
    try:
        status = entry.stat()
    except OSError:  # it has gone since, or is a link to nothing
        return
    if stat.S_ISREG(status.st_mode):
        files[entry.path] = Entry((status.st_size, status.st_mtime_ns), entry.inode())


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _folder_id(folder: str | Path) -> tuple[int, int] | None:
    """The folder's identity, so that a loop of links ends; None where there is none (yet)."""
    try:
        status = os.stat(folder)
    except OSError:
        return None
    return status.st_dev, status.st_ino
