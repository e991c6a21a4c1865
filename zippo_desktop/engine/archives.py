"""Zip archives of model folders, from elsewhere: nothing in one can leave its folder or fill the disk."""

from __future__ import annotations

import lzma
import stat
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

from zippo_desktop.engine.model_folders import LARGEST_MODEL, MOST_FILES, check_entry, check_room
from zippo_desktop.errors import ModelError

_LARGEST_RATIO = 100  # weights hardly shrink; what shrinks more, beyond the next number, is a bomb
_SMALL = 64 << 20
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


def unpack_model(archive_path: Path, draft: Path, on_bytes: Callable[[int], None] | None = None) -> None:
    """Unpack an archive into the folder `draft`; one folder that holds all the rest is left out.

    Every entry is checked before the first is written, and held to its declared size while it is.
    Raises `ModelError`; `draft` may be partly filled then.
    """
    try:
        with zipfile.ZipFile(archive_path) as archive:
            entries = _checked(archive_path, archive)
            needed = sum(entry.file_size for entry in entries.values())
            check_room(draft, needed, f"to unpack {archive_path.name}")
            for path, entry in entries.items():
                _write(archive, entry, draft / path, on_bytes)
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, NotImplementedError) as error:
        raise ModelError(f"{archive_path} is damaged, or no zip archive ({error}).") from error
    except RuntimeError as error:  # zipfile's word for a missing password
        raise ModelError(f"{archive_path} cannot be unpacked: {error}.") from error


def _checked(archive_path: Path, archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """The files of an archive by their path in the model's folder."""
    files = [entry for entry in archive.infolist() if not entry.is_dir()]
    if not files or len(files) > MOST_FILES:
        raise ModelError(f"{archive_path} is no model: it holds {len(files)} files.")
    for entry in archive.infolist():
        kind = stat.S_IFMT(entry.external_attr >> 16)
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise ModelError(f"The entry '{entry.filename}' is a link or a device: nothing was taken.")
        if entry.flag_bits & 1 or entry.compress_type not in _METHODS:
            raise ModelError(
                f"{archive_path} is encrypted or packed in an unusual way: pack it as plain zip."
            )
    declared = sum(entry.file_size for entry in files)
    packed = archive_path.stat().st_size
    if declared > LARGEST_MODEL or declared > max(_SMALL, _LARGEST_RATIO * packed):
        raise ModelError(f"{archive_path} would unpack to {declared / 1e9:.1f} GB: it is not trusted.")
    paths = {check_entry(entry.filename): entry for entry in files}
    folders = {path.parts[0] if len(path.parts) > 1 else "" for path in paths}
    skipped = 1 if len(folders) == 1 and "" not in folders else 0
    named = {"/".join(path.parts[skipped:]): entry for path, entry in paths.items()}
    if len({name.casefold() for name in named}) < len(files):
        raise ModelError(f"{archive_path} holds two files of one name: nothing was taken.")
    return named


def _write(
    archive: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path, on_bytes: Callable[[int], None] | None
) -> None:
    """One entry's bytes; zipfile stops at the declared size, and compares the checksum at the end."""
    target.parent.mkdir(parents=True, exist_ok=True)
    left = entry.file_size
    with archive.open(entry) as packed, target.open("xb") as file:
        while block := packed.read(1 << 20):
            left -= len(block)
            if left < 0:
                raise ModelError(f"The entry '{entry.filename}' is larger than it says: nothing was taken.")
            file.write(block)
            if on_bytes:
                on_bytes(len(block))
    if left:
        raise ModelError(f"The entry '{entry.filename}' is smaller than it says: nothing was taken.")
