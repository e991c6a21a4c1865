"""Fetching pinned packages by the ordinary clients (npm, pip, apt) when a person asks, and reading them.

Nothing here runs by itself. What comes is checked against a SHA-256 digest before it is opened.
"""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import subprocess
import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from zippo_desktop.errors import ExportError, InputError, UsageError
from zippo_desktop.export.atomic import make_output_dir


@dataclass(frozen=True)
class Package:
    """One file of a registry: what it is called, its digest, and the command that brings it."""

    file: str
    sha256: str
    command: tuple[str, ...]  # run in the folder that the file should come to
    source: str  # where a person finds it


def npm_package(name: str, version: str, sha256: str) -> Package:
    """A tarball of the npm registry."""
    file = f"{name.removeprefix('@').replace('/', '-')}-{version}.tgz"
    return Package(file, sha256, ("npm", "pack", f"{name}@{version}"), "registry.npmjs.org")


def debian_package(name: str, version: str, sha256: str) -> Package:
    """A package of Debian's for all architectures."""
    file = f"{name}_{version}_all.deb"
    return Package(file, sha256, ("apt-get", "download", f"{name}={version}"), "packages.debian.org")


def fetch(package: Package, downloads_dir: Path) -> Path:
    """The package's file in `downloads_dir`; fetched if it is not there already.

    Raises UsageError where the client is missing or fails, InputError for a file of another digest.
    """
    path = downloads_dir.absolute() / package.file
    if not path.is_file():
        make_output_dir(downloads_dir)
        run_client(
            package.command, downloads_dir, f"Or put {package.file} ({package.source}) there yourself."
        )
    if not path.is_file():
        raise UsageError(
            f"'{' '.join(package.command)}' did not bring {package.file}.",
            f"Put it into {downloads_dir} yourself; it is from {package.source}.",
        )
    if hashlib.sha256(path.read_bytes()).hexdigest() != package.sha256:
        raise InputError(f"{path} is not the file that was measured with.", "Remove it and fetch it again.")
    return path


def run_client(command: Sequence[str], folder: Path, hint: str) -> None:
    """Run a package client in a folder; raises UsageError with its last line where it fails."""
    if shutil.which(command[0]) is None:
        raise UsageError(f"The program {command[0]} is not installed.", hint)
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no reason was given"])[-1]
        raise UsageError(f"'{' '.join(command)}' failed: {last}", hint)


def debian_members(path: Path) -> Iterator[tuple[str, bytes]]:
    """Name and content of each file in a .deb, one after the other; raises InputError.

    A .deb is an `ar` archive (deb(5)) whose member `data.tar.*` holds the files.
    """
    try:
        with tarfile.open(fileobj=io.BytesIO(_data_member(path))) as archive:
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


def write_file(path: Path, content: bytes) -> None:
    """Write a file whole or not at all, with its folder; raises ExportError."""
    unfinished = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished.write_bytes(content)
        os.replace(unfinished, path)
    except OSError as error:
        raise ExportError(f"{path} cannot be written: {error.strerror or error}.") from error


def _data_member(path: Path) -> bytes:
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
