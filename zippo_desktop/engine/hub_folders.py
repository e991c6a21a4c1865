"""Model folders from a hub's repositories: what of one belongs to the model, and fetching it.

A folder is looked at first (`plan_fetch`), so that its licence can be asked for and what does not fit
be told before its weights are fetched; then it is taken in as any folder from elsewhere is.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from filelock import FileLock, Timeout

from zippo_desktop.engine.downloads import OnProgress, download, has_digest
from zippo_desktop.engine.expert_manifest import MANIFEST_FILE, ExpertManifest, read_manifest
from zippo_desktop.engine.expert_store import ask_licence
from zippo_desktop.engine.hub import (
    HubFile,
    Listing,
    Repository,
    find_hub,
    list_repository,
    refusals_told,
)
from zippo_desktop.engine.model_folders import (
    ACCEPTED,
    INCOMING,
    LARGEST_MODEL,
    MOST_FILES,
    check_entry,
    check_free,
    check_room,
)
from zippo_desktop.engine.model_import import Imported, import_filled
from zippo_desktop.engine.model_store import is_to_be_recorded, read_json
from zippo_desktop.errors import Cancelled, ModelError

ZIPPO_FILE = "zippo.json"
_WEIGHTS = frozenset({".safetensors", ".onnx"})
_PICKLES = frozenset({".bin", ".ckpt", ".h5", ".msgpack", ".pickle", ".pkl", ".pt", ".pth"})  # and the like
_LARGEST_TEXT = 64 << 20  # bytes; vocabularies are the largest


@dataclass(frozen=True)
class HubPlan:
    """What would be fetched of a repository, by path in the model's folder, and what would not."""

    listing: Listing
    files: Mapping[str, HubFile]
    passed_over: tuple[str, ...]  # weights that are not the model's, or can hold programs
    manifest: ExpertManifest | None  # an expert's

    @property
    def size_bytes(self) -> int:
        """Of all files that would be fetched."""
        return sum(file.size_bytes for file in self.files.values())


def plan_fetch(repository: Repository) -> HubPlan:
    """Look at a repository: its list of files, and the one that describes the model.

    Raises `ModelError` for one that holds no model, not all of it, or what is not let in, and
    `UsageError` where the environment names no hub.
    """
    listing = list_repository(find_hub(), repository)
    let_in = _let_in(listing)
    described = next((name for name in (ZIPPO_FILE, MANIFEST_FILE) if name in let_in), "")
    if not described:
        raise _no_model(listing, let_in)
    _check_sizes(repository, [let_in[described]])
    with tempfile.TemporaryDirectory() as folder, refusals_told(listing.hub, repository, is_listed=True):
        path = Path(folder) / described
        download(listing.wanted(let_in[described]), path)
        manifest = None if described == ZIPPO_FILE else read_manifest(path)
        digests = {manifest.file: manifest.digest} if manifest else _recorded(repository, path)
    _check_named(repository, let_in, digests)
    files = {name: file for name, file in let_in.items() if name in digests or _is_text_beside(name)}
    _check_sizes(repository, files.values())
    weights = [file.path for file in listing.files if _suffix(file.path) in _WEIGHTS | _PICKLES]
    taken = {file.path for file in files.values()}
    return HubPlan(listing, files, tuple(sorted({*weights} - taken)), manifest)


def fetch_plan(
    plan: HubPlan,
    parent: Path,
    name: str,
    *,
    is_licence_accepted: bool = False,
    on_progress: OnProgress | None = None,
    cancel: threading.Event | None = None,
) -> Imported:
    """Fetch a planned folder, going on with what is there of it, and take it in as `parent/name`.

    Raises `UsageError` where the name is taken or the licence is not accepted, `ModelError` and `Cancelled`.
    """
    check_free(parent, name)
    if plan.manifest:
        ask_licence(plan.manifest, is_licence_accepted)
    repository = plan.listing.repository
    with _waiting_folder(parent, repository) as waiting:
        _fetch(plan, waiting, on_progress, cancel)

        def fill(draft: Path) -> None:
            for inner in plan.files:
                (draft / inner).parent.mkdir(parents=True, exist_ok=True)
                os.replace(waiting / inner, draft / inner)
            shutil.rmtree(waiting)

        return import_filled(str(repository), parent, name, fill, is_licence_accepted)


def _fetch(
    plan: HubPlan, waiting: Path, on_progress: OnProgress | None, cancel: threading.Event | None
) -> None:
    """Fill the folder `waiting` with all files, each verified."""
    missing = {name: file for name, file in plan.files.items() if not _is_whole(waiting / name, file)}
    parts = [waiting / f"{name}.part" for name in missing]
    there = sum(part.stat().st_size for part in parts if part.is_file())
    needed = sum(file.size_bytes for file in missing.values())
    check_room(waiting, needed - there, f"for {plan.listing.repository}")
    done = plan.size_bytes - needed

    def show(bytes_there: int, _: int) -> None:
        if on_progress:
            on_progress(done + bytes_there, plan.size_bytes)

    for name, file in missing.items():
        if cancel and cancel.is_set():
            raise Cancelled
        with refusals_told(plan.listing.hub, plan.listing.repository, is_listed=True):
            download(plan.listing.wanted(file), waiting / name, show, cancel)
        done += file.size_bytes


@contextmanager
def _waiting_folder(parent: Path, repository: Repository) -> Iterator[Path]:
    """Where a repository's files wait until all are there: kept after a break, for this program alone."""
    waiting = parent / INCOMING / f"{repository.owner}--{repository.name}.hub"
    lock_path = waiting.with_suffix(".lock")
    try:
        waiting.mkdir(parents=True, exist_ok=True)
        with FileLock(lock_path, timeout=0):
            try:
                yield waiting
            finally:
                if not any(path.is_file() for path in waiting.rglob("*")):
                    shutil.rmtree(waiting, ignore_errors=True)
                with suppress(OSError):  # Windows deletes no open file
                    lock_path.unlink(missing_ok=True)
    except Timeout:
        raise ModelError(f"Another program is fetching {repository} already.", "Wait for it.") from None
    except OSError as error:
        raise ModelError(f"{waiting} cannot be written: {error.strerror or error}.") from error
    finally:
        with suppress(OSError):  # others may be waiting there
            waiting.parent.rmdir()


def _let_in(listing: Listing) -> dict[str, HubFile]:
    """The files that may be in a model's folder, by path; hidden ones and pictures are passed over."""
    files: dict[str, HubFile] = {}
    for file in listing.files:
        if _suffix(file.path) in ACCEPTED:
            inner = check_entry(file.path)
            if not any(part.startswith(".") for part in inner.parts):
                files[str(inner)] = file
    if len({name.casefold() for name in files}) < len(files):
        raise ModelError(f"{listing.repository} holds two files of one name: nothing was fetched.")
    return files


def _recorded(repository: Repository, path: Path) -> dict[str, str]:
    """The digests that a `zippo.json` records, as manifests write them."""
    recorded = read_json(path).get("digests")
    if not isinstance(recorded, dict) or not recorded:
        told = "its zippo.json records no digests, so that nothing could be verified"
        raise ModelError(f"{repository} is not fetched: {told}.")
    return {name: f"sha256:{digest}" for name, digest in recorded.items()}


def _check_named(repository: Repository, files: Mapping[str, HubFile], digests: Mapping[str, str]) -> None:
    """Raise `ModelError` for a file that the model names and the hub has not, or has of other content."""
    for name, digest in digests.items():
        check_entry(name)
        if name not in files:
            raise ModelError(f"{repository} is not whole: {name} is missing.")
        told, kind = files[name].digest, digest.partition(":")[0]
        if told.startswith(f"{kind}:") and told != digest:
            raise ModelError(f"{repository} is not fetched: its {name} is not the file that was recorded.")


def _check_sizes(repository: Repository, files: Collection[HubFile]) -> None:
    if len(files) > MOST_FILES:
        raise ModelError(f"{repository} is no model: it holds {len(files)} files.")
    size = sum(file.size_bytes for file in files)
    if size > LARGEST_MODEL:
        raise ModelError(f"{repository} is not fetched: its {size / 1e9:.1f} GB are not trusted.")
    for file in files:
        if _suffix(file.path) not in _WEIGHTS and file.size_bytes > _LARGEST_TEXT:
            raise ModelError(f"{repository} is not fetched: its {file.path} is too large for a text.")


def _no_model(listing: Listing, files: Mapping[str, HubFile]) -> ModelError:
    told = f"{listing.repository} is no model folder: it has neither {ZIPPO_FILE} nor {MANIFEST_FILE}."
    if "model_index.json" not in files:
        return ModelError(told)
    told = f"{listing.repository} is a diffusion model, but not a Zippo one (it has no {ZIPPO_FILE})."
    return ModelError(told, "Fetch it by other means, then: zippo-desktop init --from DIR")


def _is_text_beside(name: str) -> bool:
    """Configurations, vocabularies and notices: weights, and what is recorded, come by their names alone."""
    return _suffix(name) not in _WEIGHTS and not is_to_be_recorded(name)


def _is_whole(path: Path, file: HubFile) -> bool:
    return path.is_file() and path.stat().st_size == file.size_bytes and has_digest(path, file.digest)


def _suffix(name: str) -> str:
    return PurePosixPath(name).suffix.lower()
