"""Moving a file so that neither it nor any other is lost, also from one disk to another."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
from pathlib import Path

from zippo_desktop.export.atomic import make_output_dir, open_atomically
from zippo_desktop.export.long_paths import reachable


def move_file(source: Path, target: Path) -> None:
    """Give a file another name, making the folder; what has that name already stays as it is.

    Between disks the file is copied, read back and compared, and only then removed. Raises OSError where
    the name is taken or the file has changed meanwhile, and ExportError where the copy cannot be written.
    """
    make_output_dir(target.parent)
    if os.path.lexists(reachable(target)):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target))
    try:
        os.rename(reachable(source), reachable(target))
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        _copy_whole(source, target)
        reachable(source).unlink()


def _copy_whole(source: Path, target: Path) -> None:
    """Copy content, times and permissions; the copy takes its name once it is known to be the same."""
    with open_atomically(target) as copy:
        with open(reachable(source), "rb") as original:
            shutil.copyfileobj(original, copy)
        copy.flush()
        if _digest(Path(copy.name)) != _digest(reachable(source)):
            raise OSError(errno.EIO, f"the copy in {target.parent} is not the same")
        shutil.copystat(reachable(source), copy.name)


def _digest(path: Path) -> bytes:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").digest()
