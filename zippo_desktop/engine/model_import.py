"""Taking models in from files: an ONNX file, a model folder, or a zip archive of one."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from zippo_desktop.engine.archives import unpack_model
from zippo_desktop.engine.downloads import digest_of, has_digest
from zippo_desktop.engine.expert_guess import guess_manifest
from zippo_desktop.engine.expert_manifest import (
    MANIFEST_FILE,
    ExpertManifest,
    manifest_text,
    read_manifest,
)
from zippo_desktop.engine.expert_store import (
    ask_licence,
    check_expert_file,
    install_file,
    known_experts,
    record_acceptance,
)
from zippo_desktop.engine.model_folders import check_free, copy_model, new_model_folder
from zippo_desktop.engine.model_store import verify_model
from zippo_desktop.engine.onnx_trust import Signature, check_onnx
from zippo_desktop.errors import ModelError, UsageError

OnBytes = Callable[[int], None]


@dataclass(frozen=True)
class Imported:
    """A model that was taken in: its folder, its manifest if it is an expert, and what was guessed."""

    folder: Path
    manifest: ExpertManifest | None = None
    sentences: tuple[str, ...] = ()


def import_model(
    source: Path,
    parent: Path,
    *,
    name: str = "",
    manifest_path: Path | None = None,
    is_licence_accepted: bool = False,
    on_bytes: OnBytes | None = None,
) -> Imported:
    """Take a model into `parent`, verified before it is visible there.

    `source` is an ONNX file (with a manifest, or described by looking at it), a Zippo or an expert's
    folder, or a zip archive of either. Raises `UsageError` for a name that is taken or a licence that
    is to be accepted, and `ModelError` for what is damaged or not trusted.
    """
    if source.is_dir() or zipfile.is_zipfile(source):
        if manifest_path:
            raise UsageError("--manifest goes with an ONNX file; a folder has its own.")
        return _import_folder(source, parent, name or _as_name(source), is_licence_accepted, on_bytes)
    if not source.is_file():
        raise ModelError(f"There is no {source}.")
    if source.suffix.lower() != ".onnx":
        hint = "Other formats can hold programs, or need one to be read."
        raise ModelError(f"{source} is no model: ONNX files, folders and zip archives are taken.", hint)
    return _import_onnx(source, parent, name, manifest_path, is_licence_accepted)


def import_filled(
    told: str, parent: Path, name: str, fill: Callable[[Path], None], is_licence_accepted: bool = False
) -> Imported:
    """Take in the model folder that `fill` makes of an empty one, verified before it is `parent/name`.

    `told` is what sentences call it. Raises as `import_model` does, and what `fill` raises.
    """
    manifest: ExpertManifest | None = None
    with new_model_folder(parent, name) as draft:
        fill(draft)
        for graph in sorted(draft.rglob("*.onnx")):
            check_onnx(graph)
        if (draft / "zippo.json").is_file():
            _verify_zippo(told, draft)
        elif (draft / MANIFEST_FILE).is_file():
            manifest = _verify_expert(told, draft, name, is_licence_accepted)
        else:
            raise ModelError(f"{told} is no model folder: it has neither zippo.json nor {MANIFEST_FILE}.")
    return Imported(parent / name, manifest)


def as_name(text: str) -> str:
    """A model's name made of a file's, a folder's or a repository's."""
    return re.sub(r"[^a-z0-9._-]+", "-", text.lower()).strip("._-")[:60] or "model"


def describe(
    source: Path, name: str = "", manifest_path: Path | None = None
) -> tuple[ExpertManifest, tuple[str, ...]]:
    """The manifest of an ONNX file, and a sentence for each thing in it that was guessed.

    It is the given one, that of a known network with the same digest, or one made by looking.
    """
    check_expert_file(source)
    signature = check_onnx(source)
    told: tuple[str, ...] = ()
    if manifest_path:
        manifest = read_manifest(manifest_path)
        _check_tensors(source, manifest, signature)
    elif known := _known_by_digest(source):
        manifest, told = known, (f"It is {known.title}, by its digest.",)
    elif known := _known_by_inputs(signature):
        manifest = replace(known, name=_as_name(source), title=_as_name(source), digest="", size_bytes=0)
        manifest = replace(manifest, address="", also_named=(), quality=(), file=f"{_as_name(source)}.onnx")
        told = (f"Its inputs are those of {known.title}: it is used as that is.",)
    else:
        guess = guess_manifest(source, name or _as_name(source), signature)
        manifest, told = guess.manifest, guess.sentences
    return (replace(manifest, name=name) if name else manifest), told


def _import_onnx(
    source: Path, parent: Path, name: str, manifest_path: Path | None, is_licence_accepted: bool
) -> Imported:
    if name:
        check_free(parent, name)
    manifest, told = describe(source, name, manifest_path)
    ask_licence(manifest, is_licence_accepted)
    installed = install_file(source, manifest, parent)
    return Imported(installed.folder, installed.manifest, told)


def _import_folder(
    source: Path, parent: Path, name: str, is_licence_accepted: bool, on_bytes: OnBytes | None
) -> Imported:
    def fill(draft: Path) -> None:
        if source.is_dir():
            copy_model(source, draft, on_bytes)
        else:
            unpack_model(source, draft, on_bytes)

    return import_filled(str(source), parent, name, fill, is_licence_accepted)


def _verify_zippo(told: str, draft: Path) -> None:
    problems = verify_model(draft)
    if problems:
        raise ModelError(f"{told} is not taken in: {problems[0]}", "Get it again from where it came.")


def _verify_expert(told: str, draft: Path, name: str, is_licence_accepted: bool) -> ExpertManifest:
    manifest = replace(read_manifest(draft / MANIFEST_FILE), name=name)
    file = draft / manifest.file
    if not file.is_file():
        raise ModelError(f"{told} is not whole: {manifest.file} is missing.")
    check_expert_file(file)
    if manifest.digest and not has_digest(file, manifest.digest):
        raise ModelError(f"{told} is not taken in: the digest of {manifest.file} is not the manifest's.")
    ask_licence(manifest, is_licence_accepted)
    whole = replace(manifest, digest=digest_of(file), size_bytes=file.stat().st_size)
    (draft / MANIFEST_FILE).write_text(manifest_text(whole), encoding="utf-8")
    record_acceptance(whole, draft)
    return whole


def _known_by_digest(source: Path) -> ExpertManifest | None:
    size = source.stat().st_size
    candidates = [each for each in known_experts() if each.size_bytes in (0, size) and each.digest]
    return next((each for each in candidates if has_digest(source, each.digest)), None)


def _known_by_inputs(signature: Signature) -> ExpertManifest | None:
    """A known network with the same further inputs: nobody names them so by chance."""
    names = {tensor.name for tensor in signature.inputs}
    for known in known_experts():
        wanted = {known.input.tensor, *(extra.tensor for extra in known.extra_inputs)}
        if known.extra_inputs and names == wanted:
            return known
    return None


def _check_tensors(source: Path, manifest: ExpertManifest, signature: Signature) -> None:
    """Raise `ModelError` for a name or place in the manifest that the graph does not have."""
    sides = {"input": (manifest.input.tensor, signature.inputs)}
    sides["output"] = (manifest.output.tensor, signature.outputs)
    for what, (tensor, declared) in sides.items():
        names = [each.name for each in declared]
        is_there = tensor < len(names) if isinstance(tensor, int) else tensor in names
        if not is_there:
            raise ModelError(f"{source} has no {what} '{tensor}'.", f"It has {', '.join(names)}.")
    given = {each.tensor for each in manifest.extra_inputs}
    inputs = [each.name for each in signature.inputs]
    first = inputs[manifest.input.tensor] if isinstance(manifest.input.tensor, int) else manifest.input.tensor
    for missing in sorted({*inputs} - given - {first}):
        raise ModelError(f"{source} also wants '{missing}'.", "Describe it under [[extra_inputs]].")


def _as_name(source: Path) -> str:
    return as_name(source.resolve().name if source.is_dir() else source.stem)
