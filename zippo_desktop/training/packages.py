"""Package files of Debian and npm, pinned by version and digest: fetched when a person asks, and read.

A file that is in the downloads folder already is used if its digest fits, so that all works offline.
"""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import tarfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from zippo_desktop.errors import InputError
from zippo_desktop.export.atomic import make_folder_atomically, make_output_dir, open_atomically

DEBIAN_POOL = "https://deb.debian.org/debian/pool/main"
NPM_REGISTRY = "https://registry.npmjs.org"
TIMEOUT_S = 60


@dataclass(frozen=True)
class Package:
    """One package file. `sha256` is of the file as the registry serves it."""

    name: str
    version: str
    file: str
    url: str
    sha256: str
    licence: str

    @property
    def label(self) -> str:
        """The package with its version, as manifests name it."""
        return f"{self.name} {self.version}"


def fetch(package: Package, downloads: Path) -> Path:
    """The package's file in `downloads`, downloaded if missing.

    Raises InputError if it cannot be had, or if its digest is another.
    """
    path = downloads / package.file
    if not path.is_file():
        make_output_dir(downloads)
        _download(package, path)
    _check(package, path)
    return path


def unpack(package: Package, downloads: Path, folder: Path) -> Path:
    """The contents of the package in a folder of their own below `folder`; unpacked once."""
    target = folder / package.file
    if not target.is_dir():
        path = fetch(package, downloads)
        make_output_dir(folder)
        with make_folder_atomically(target) as unfinished:
            try:
                _unpack(path, unfinished)
            except (tarfile.TarError, EOFError) as error:
                raise InputError(f"{path} cannot be unpacked ({error}).") from error
    return target


def _download(package: Package, path: Path) -> None:
    try:
        with urllib.request.urlopen(package.url, timeout=TIMEOUT_S) as answer, open_atomically(path) as file:
            shutil.copyfileobj(answer, file, 1 << 20)
    except (OSError, urllib.error.URLError) as error:
        hint = f"Download {package.label} in another way and put it there as {package.file}."
        raise InputError(f"{package.url} cannot be downloaded ({error}) to {path.parent}.", hint) from error


def _check(package: Package, path: Path) -> None:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != package.sha256:
        raise InputError(
            f"{path} is not {package.label}: its SHA-256 is {digest}, not {package.sha256}.",
            "Delete it, so that it is downloaded again; nothing was taken from it.",
        )


def _unpack(path: Path, folder: Path) -> None:
    content = _deb_data(path) if path.suffix == ".deb" else path.read_bytes()
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        archive.extractall(folder, filter="data")


def debian_members(path: Path) -> Iterator[tuple[str, bytes]]:
    """Name and content of each file in a .deb, one after the other; raises InputError.

    A .deb is an `ar` archive (deb(5)) whose member `data.tar.*` holds the files.
    """
    try:
        with tarfile.open(fileobj=io.BytesIO(_deb_data(path))) as archive:
            for entry in archive:
                content = archive.extractfile(entry) if entry.isfile() else None
                if content is not None:
                    yield entry.name.removeprefix("./"), content.read()
    except (OSError, tarfile.TarError) as error:
        raise InputError(f"{path} cannot be read as a Debian package ({error}).") from error


def npm_members(path: Path, wanted_dir: str) -> dict[str, bytes]:
    """Contents of the files right in one folder of an npm tarball, by name; raises InputError."""
    try:
        with tarfile.open(path) as archive:
            entries = [entry for entry in archive if os.path.dirname(entry.name) == wanted_dir]
            files = {entry.name: archive.extractfile(entry) for entry in entries if entry.isfile()}
            return {os.path.basename(name): file.read() for name, file in files.items() if file}
    except (OSError, tarfile.TarError) as error:
        raise InputError(f"{path} cannot be read as an npm package ({error}).") from error


def _deb_data(path: Path) -> bytes:
    """The bytes of `data.tar.*`: after 8 bytes of magic, then members with headers of 60."""
    content = path.read_bytes()
    if content[:8] != b"!<arch>\n":
        raise InputError(f"{path} is no Debian package.")
    at = 8
    while at + 60 <= len(content):
        name, size = content[at : at + 16].strip(), int(content[at + 48 : at + 58])
        if name.startswith(b"data.tar"):
            return content[at + 60 : at + 60 + size]
        at += 60 + size + size % 2
    raise InputError(f"{path} holds no files.")
