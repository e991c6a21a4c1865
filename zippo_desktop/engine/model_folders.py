"""New model folders, visible only when they are whole, and what is let into them from elsewhere."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath

from zippo_desktop.errors import ModelError, UsageError
from zippo_desktop.paths import resource_dir

ACCEPTED = frozenset({".safetensors", ".onnx", ".json", ".toml", ".txt", ".md"})
INCOMING = ".incoming"  # one level too deep for whoever looks for models
MOST_FILES = 1000
LARGEST_MODEL = 32 << 30  # bytes


@contextmanager
def new_model_folder(parent: Path, name: str) -> Iterator[Path]:
    """Give a folder to fill, which then becomes `parent/name`; after an error nothing is left of it.

    Raises `ModelError` where the name is taken, also by a bundled model, or the disk has no room.
    """
    check_free(parent, name)
    incoming = parent / INCOMING
    try:
        incoming.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(dir=incoming, prefix=f"{name}-"))
        draft.chmod(0o755)  # mkdtemp's is the owner's alone
        try:
            yield draft
            _reach_disk(draft)
            check_free(parent, name)
            os.rename(draft, parent / name)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
            with suppress(OSError):  # parts of downloads may wait there
                incoming.rmdir()
    except OSError as error:
        raise ModelError(f"{parent / name} cannot be written: {error.strerror or error}.") from error


def remove_model_folder(folder: Path) -> None:
    """Delete a model's folder; it goes out of sight in one step. Raises `ModelError`."""
    incoming = folder.parent / INCOMING
    try:
        incoming.mkdir(exist_ok=True)
        doomed = Path(tempfile.mkdtemp(dir=incoming, prefix="removed-"))
        os.rename(folder, doomed / folder.name)
        shutil.rmtree(doomed)
    except OSError as error:
        raise ModelError(f"{folder} cannot be removed: {error.strerror or error}.") from error
    with suppress(OSError):
        incoming.rmdir()


def check_free(parent: Path, name: str) -> None:
    """Raise `UsageError` if a folder of this name cannot be made in `parent`."""
    if name != Path(name).name or name.startswith(".") or not name.strip():
        raise UsageError(f"'{name}' cannot be a model's name.", "Use letters, digits, '.', '-' and '_'.")
    if (resource_dir() / "models" / name).exists():
        raise UsageError(f"'{name}' is the name of a bundled model.", "Choose another with --name.")
    if (parent / name).exists() or (parent / name).is_symlink():
        hint = f"Choose another with --name, or first: zippo-desktop models remove {name}"
        raise UsageError(f"There is a model '{name}' in {parent} already.", hint)


def check_entry(name: str) -> PurePosixPath:
    """An entry's path below the model's folder. Raises `ModelError` for one that is not let in."""
    path = PurePosixPath(name)
    is_strange = any(sign in name for sign in "\\:\0") or any(ord(char) < 32 for char in name)
    if is_strange or path.is_absolute() or ".." in path.parts or not path.parts:
        raise ModelError(f"The entry '{name}' would leave the model's folder: nothing was taken.")
    if path.suffix.lower() not in ACCEPTED:
        kinds = ", ".join(sorted(ACCEPTED))
        raise ModelError(
            f"The entry '{name}' has no place in a model: nothing was taken.", f"Taken: {kinds}."
        )
    return path


def check_room(folder: Path, needed: int, what: str) -> None:
    """Raise `ModelError` if the disk of `folder` has not so many bytes for `what`."""
    if needed > shutil.disk_usage(folder).free:
        hint = f"It takes {needed / 1e9:.1f} GB."
        raise ModelError(f"There is no room on the disk {what}.", hint)


def copy_model(source: Path, draft: Path, on_bytes: Callable[[int], None] | None = None) -> None:
    """Copy a model folder's files into `draft`, never through links. Raises `ModelError`.

    Hidden files, which file managers and version control leave, are passed over.
    """
    found = [path for path in sorted(source.rglob("*")) if not _is_hidden(path.relative_to(source))]
    files = [path for path in found if path.is_symlink() or not path.is_dir()]
    if len(files) > MOST_FILES:
        raise ModelError(f"{source} is no model: it holds more than {MOST_FILES} files.")
    for path in files:
        inner = check_entry(path.relative_to(source).as_posix())
        if path.is_symlink() or not path.is_file():
            raise ModelError(f"{path} is a link or a device, not a file: nothing was taken.")
        target = draft.joinpath(*inner.parts)
        target.parent.mkdir(parents=True, exist_ok=True)
        copy_file(path, target, on_bytes)


def copy_file(source: Path, target: Path, on_bytes: Callable[[int], None] | None = None) -> None:
    """Copy one file's bytes, telling each block's size; may raise OSError, and what `on_bytes` raises."""
    with source.open("rb") as read, target.open("xb") as written:
        while block := read.read(1 << 20):
            written.write(block)
            if on_bytes:
                on_bytes(len(block))


def _is_hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def _reach_disk(folder: Path) -> None:
    """A folder that has its name after a power cut shall have its bytes, too."""
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb+") as file:
                os.fsync(file.fileno())
