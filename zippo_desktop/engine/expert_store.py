"""The experts there are: known by a shipped manifest, installed, or in use by another program already."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from zippo_desktop.engine.downloads import OnProgress, Wanted, digest_of, download, has_digest
from zippo_desktop.engine.expert_manifest import (
    MANIFEST_FILE,
    ExpertManifest,
    manifest_text,
    read_manifest,
)
from zippo_desktop.engine.model_folders import INCOMING, check_free, copy_file, new_model_folder
from zippo_desktop.engine.onnx_trust import check_onnx
from zippo_desktop.errors import Cancelled, ModelError, UsageError
from zippo_desktop.paths import models_dir, resource_dir

ACCEPTANCE_FILE = "licence-accepted.txt"
OnProblem = Callable[[str], None]


@dataclass(frozen=True)
class InstalledExpert:
    """An expert that can be opened: its manifest, and where its ONNX file lies."""

    manifest: ExpertManifest
    path: Path

    @property
    def folder(self) -> Path:
        """The folder of the file; of one that another program keeps, all of that program's."""
        return self.path.parent

    @property
    def is_own(self) -> bool:
        """Whether it lies among the user's models, so that the program may remove it."""
        return (self.folder / MANIFEST_FILE).is_file()


def known_experts() -> list[ExpertManifest]:
    """The shipped manifests, by name."""
    paths = sorted((resource_dir() / "experts").glob("*.toml"), key=lambda path: path.stem)
    return [read_manifest(path) for path in paths]


def installed_experts(on_problem: OnProblem | None = None) -> list[InstalledExpert]:
    """The user's experts, then those that other programs keep, used in place; each name once.

    What cannot be used is left out, and told to `on_problem` in one sentence. Files are not read here:
    `verify_expert` does.
    """
    found = {expert.manifest.name: expert for expert in _own_experts(on_problem)}
    for manifest in known_experts():
        file = _kept_elsewhere(manifest)
        if file and manifest.name not in found:
            found[manifest.name] = InstalledExpert(manifest, file)
    return list(found.values())


def find_expert(name: str) -> InstalledExpert | None:
    """The installed expert of this name, or in this folder; None if there is none.

    Raises `ModelError` if it is there, but cannot be used.
    """
    folder = models_dir() / name if name == Path(name).name else Path(name).expanduser()
    if (folder / MANIFEST_FILE).is_file():
        return read_expert(folder)
    return next((each for each in installed_experts() if each.manifest.name == name), None)


def read_expert(folder: Path) -> InstalledExpert:
    """The expert in a folder with a `model.toml`. Raises `ModelError` if either is not as it should be."""
    manifest = replace(read_manifest(folder / MANIFEST_FILE), name=folder.resolve().name)
    file = folder / manifest.file
    if not file.is_file():
        raise ModelError(f"{file} is missing.", "Fetch or copy the model again.")
    if manifest.size_bytes and file.stat().st_size != manifest.size_bytes:
        told = f"{file} has {file.stat().st_size} bytes, not {manifest.size_bytes}: it is damaged or another."
        raise ModelError(told, "Fetch or copy the model again.")
    return InstalledExpert(manifest, file)


def known_expert(name: str) -> ExpertManifest:
    """The shipped manifest of this name. Raises `UsageError` with the names that there are."""
    known = {manifest.name: manifest for manifest in known_experts()}
    if name not in known:
        hint = f"Known are {', '.join(known)}. Other files are taken in with: models import FILE.onnx"
        raise UsageError(f"No model '{name}' is known that could be fetched.", hint)
    return known[name]


def fetch_expert(
    manifest: ExpertManifest,
    parent: Path,
    *,
    mirror: str = "",
    is_licence_accepted: bool = False,
    is_trusted: bool = False,
    on_progress: OnProgress | None = None,
    cancel: threading.Event | None = None,
) -> InstalledExpert:
    """Fetch an expert into `parent/NAME`, verified and looked through before it has that name.

    `mirror` is an address or a folder with NAME/FILE below it, as fetching into a folder makes them.
    A manifest without digest is fetched only where it `is_trusted`; that of the file is recorded then. Raises
    `UsageError` where the name is taken, or one of both was not agreed to, `ModelError` and `Cancelled`.
    """
    check_free(parent, manifest.name)
    ask_licence(manifest, is_licence_accepted)
    if not manifest.digest and not is_trusted:
        raise UsageError(
            f"Nobody has recorded a digest of {manifest.name}, so that nothing can be verified.",
            "To take what comes and record its digest for later: --trust-first",
        )
    waiting = parent / INCOMING / f"{manifest.name}.download" / manifest.file
    try:
        if mirror and "://" not in mirror:
            _copy_from(Path(mirror).expanduser() / manifest.name / manifest.file, waiting, cancel)
        else:
            address = f"{mirror.rstrip('/')}/{manifest.name}/{manifest.file}" if mirror else manifest.address
            download(Wanted(address, manifest.size_bytes, manifest.digest), waiting, on_progress, cancel)
        return install_file(waiting, manifest, parent, is_moved=True)
    finally:
        if not any(waiting.parent.glob("*.part")):
            shutil.rmtree(waiting.parent, ignore_errors=True)
            with suppress(OSError):  # others may be waiting there
                waiting.parent.parent.rmdir()


def install_file(
    file: Path, manifest: ExpertManifest, parent: Path, *, is_moved: bool = False
) -> InstalledExpert:
    """Put an ONNX file and its manifest, with its own SHA-256 and size, into the new folder `parent/NAME`.

    Raises `ModelError` for a file that is not trusted, or whose digest is not the manifest's.
    """
    check_expert_file(file)
    digest = digest_of(file)
    if manifest.digest not in ("", digest) and not has_digest(file, manifest.digest):
        raise ModelError(f"{file} is not the file of the manifest: its digest is another.")
    whole = replace(manifest, digest=digest, size_bytes=file.stat().st_size)
    with new_model_folder(parent, manifest.name) as draft:
        if is_moved:
            os.replace(file, draft / manifest.file)
        else:
            copy_file(file, draft / manifest.file)
        (draft / MANIFEST_FILE).write_text(manifest_text(whole), encoding="utf-8")
        record_acceptance(manifest, draft)
    return read_expert(parent / manifest.name)


def ask_licence(manifest: ExpertManifest, is_accepted: bool) -> None:
    """Raise `UsageError` for a licence against commercial use that is not accepted."""
    if manifest.is_non_commercial and not is_accepted:
        raise UsageError(
            f"{manifest.title} is not for commercial use: {manifest.licence}.",
            "Read the licence; if you keep to it: --accept-licence",
        )


def record_acceptance(manifest: ExpertManifest, folder: Path) -> None:
    """Note beside a non-commercial model that, and when, its licence was accepted."""
    if manifest.is_non_commercial:
        told = f"{datetime.now(UTC):%Y-%m-%d}: accepted, not for commercial use. {manifest.licence}\n"
        (folder / ACCEPTANCE_FILE).write_text(told, encoding="utf-8")


def check_expert_file(file: Path) -> None:
    """Raise `ModelError` for an ONNX file that is not trusted, or whose weights are in other files."""
    if check_onnx(file).external_files:
        raise ModelError(
            f"{file} keeps its weights in other files: an expert is one file.",
            "Join them with onnx.load and onnx.save.",
        )


def verify_expert(expert: InstalledExpert) -> list[str]:
    """Read the whole file, and return one sentence for each thing that is not as recorded."""
    problems = []
    if not expert.manifest.digest:
        problems.append(f"{MANIFEST_FILE} records no digest, so that nothing can be verified.")
    elif not has_digest(expert.path, expert.manifest.digest):
        problems.append(f"{expert.path.name} is not the file that was recorded: damaged or replaced.")
    try:
        check_expert_file(expert.path)
    except ModelError as error:
        problems.append(error.message)
    return problems


def foreign_dirs() -> list[Path]:
    """Where rembg and its like keep such files."""
    home, data = Path.home(), os.environ.get("XDG_DATA_HOME")
    named = os.environ.get("U2NET_HOME")
    folders = [Path(named).expanduser()] if named else []
    folders += [Path(data).expanduser() / ".u2net"] if data else []
    return [*folders, home / ".u2net", home / ".rembg"]


def _own_experts(on_problem: OnProblem | None) -> Iterator[InstalledExpert]:
    for path in sorted(models_dir().glob(f"*/{MANIFEST_FILE}")):
        try:
            yield read_expert(path.parent)
        except ModelError as error:
            if on_problem:
                on_problem(error.message)


def _kept_elsewhere(manifest: ExpertManifest) -> Path | None:
    """A known expert's file in another program's folder: by its name and its size to the byte.

    Where the size is not known, its digest must be the manifest's; without either it is not taken.
    """
    for folder in foreign_dirs():
        for name in (f"{manifest.name}.onnx", manifest.file, *manifest.also_named):
            for file in (folder / name, *sorted(folder.glob(f"*/{name}"))):
                if file.is_file() and _seems_right(file, manifest):
                    return file
    return None


def _seems_right(file: Path, manifest: ExpertManifest) -> bool:
    if manifest.size_bytes:
        return file.stat().st_size == manifest.size_bytes
    return bool(manifest.digest) and has_digest(file, manifest.digest)


def _copy_from(source: Path, target: Path, cancel: threading.Event | None) -> None:
    """Copy a mirror folder's file; it is verified as it is installed."""

    def stop_if_cancelled(_size: int) -> None:
        if cancel and cancel.is_set():
            raise Cancelled

    if not source.is_file():
        raise ModelError(
            f"There is no {source}.", "A mirror holds NAME/FILE as 'models get --to' makes them."
        )
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)
        copy_file(source, target, stop_if_cancelled)
    except OSError as error:
        raise ModelError(f"{source} cannot be copied: {error.strerror or error}.") from error
