"""Getting a pinned package file, checking its digest, and unpacking it.

A file that is in the downloads folder already is used if its digest fits, so that a build can run offline.
"""

from __future__ import annotations

import hashlib
import io
import shutil
import tarfile
import urllib.error
import urllib.request
from pathlib import Path
from typing import BinaryIO

from zippo_desktop.errors import InputError
from zippo_desktop.export.atomic import make_folder_atomically, make_output_dir, open_atomically
from zippo_desktop.training.recipe.sources import Source

TIMEOUT_S = 60
_AR_MAGIC, _AR_HEADER = b"!<arch>\n", 60


def fetch(source: Source, downloads: Path) -> Path:
    """The package's file in `downloads`, downloaded if missing.

    Raises InputError if it cannot be had, or if its digest is another.
    """
    path = downloads / source.file
    if not path.is_file():
        make_output_dir(downloads)
        _download(source, path)
    _check(source, path)
    return path


def unpack(source: Source, downloads: Path, folder: Path) -> Path:
    """The contents of the package in a folder of their own below `folder`; unpacked once."""
    target = folder / source.file
    if not target.is_dir():
        path = fetch(source, downloads)
        make_output_dir(folder)
        with make_folder_atomically(target) as unfinished:
            try:
                _unpack(path, unfinished)
            except (tarfile.TarError, ValueError, EOFError) as error:
                raise InputError(f"{path} cannot be unpacked ({error}).") from error
    return target


def _download(source: Source, path: Path) -> None:
    try:
        with urllib.request.urlopen(source.url, timeout=TIMEOUT_S) as answer, open_atomically(path) as file:
            shutil.copyfileobj(answer, file, 1 << 20)
    except (OSError, urllib.error.URLError) as error:
        hint = f"Download {source.label} in another way and put it there as {source.file}."
        raise InputError(f"{source.url} cannot be downloaded ({error}) to {path.parent}.", hint) from error


def _check(source: Source, path: Path) -> None:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != source.sha256:
        raise InputError(
            f"{path} is not {source.label}: its SHA-256 is {digest}, not {source.sha256}.",
            "Delete it, so that it is downloaded again; nothing was taken from it.",
        )


def _unpack(path: Path, folder: Path) -> None:
    with path.open("rb") as file:
        content = io.BytesIO(_deb_data(file)) if path.suffix == ".deb" else file
        with tarfile.open(fileobj=content) as archive:
            archive.extractall(folder, filter="data")


def _deb_data(file: BinaryIO) -> bytes:
    """The member `data.tar.*` of a Debian package, which is an `ar` archive (deb(5))."""
    if file.read(len(_AR_MAGIC)) != _AR_MAGIC:
        raise ValueError("no Debian package")
    while header := file.read(_AR_HEADER):
        name, size = header[:16].decode().strip(), int(header[48:58])
        content = file.read(size + size % 2)
        if name.startswith("data.tar"):
            return content[:size]
    raise ValueError("it holds no data.tar")
