"""Which model a name stands for: a Zippo folder, an expert, or "auto", which is one of each."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from zippo_desktop.engine.expert_store import InstalledExpert, find_expert, installed_experts
from zippo_desktop.engine.model_store import file_digest, find_model, list_models, read_spec
from zippo_desktop.engine.session import AutoSpec, ExpertSpec, ModelSpec, ZippoSpec

AUTO = "auto"
ZIPPO = "zippo-mini"  # what goes with an expert
_SHORT = 8  # digits of a digest that do for a version


def find_spec(model: str | Path) -> ModelSpec:
    """The spec of a model given by name or folder.

    "auto" is the Zippo model alone while there is no expert. Raises `ModelError` for what is no model.
    """
    if model == AUTO:
        return auto_spec(find_zippo(), [expert_spec(expert) for expert in installed_experts()])
    found = find_installed(model)
    return read_spec(found) if isinstance(found, Path) else expert_spec(found)


def find_installed(model: str | Path) -> Path | InstalledExpert:
    """A Zippo model's folder, or an installed expert, given by name or folder. Raises `ModelError`."""
    if model not in [folder.name for folder in list_models()]:
        expert = find_expert(str(model))
        if expert is not None:
            return expert
    return find_model(model)


def model_names() -> list[str]:
    """What can be asked for by name: Zippo models, experts, and "auto" where there is an expert."""
    zippos = [folder.name for folder in list_models()]
    experts = [expert.manifest.name for expert in installed_experts()]
    return list(dict.fromkeys([*zippos, *experts, *([AUTO] if experts else [])]))


def find_zippo() -> ZippoSpec:
    """The Zippo model that goes with experts."""
    return read_spec(find_model(ZIPPO))


def expert_spec(expert: InstalledExpert) -> ExpertSpec:
    """What the program must know of an installed expert; its file is read only if no digest is recorded."""
    manifest = expert.manifest
    digest = manifest.digest.partition(":")[2] or file_digest(expert.path)
    return ExpertSpec(
        name=manifest.name,
        version=digest[:_SHORT],  # their makers give none
        digest=digest,
        model_dir=expert.folder,
        size_px=manifest.input.size_px,
        matting_px=manifest.input.size_px,
        closer_px=manifest.input.size_px,
        multiple_px=manifest.input.multiple_px or manifest.input.size_px,
        tasks=(manifest.task,),
        licence=manifest.licence,
        is_stretched=manifest.input.resize == "stretch",
        graph_path=expert.path,
        manifest=manifest,
    )


def auto_spec(zippo: ZippoSpec, experts: Sequence[ExpertSpec]) -> ModelSpec:
    """Zippo and the best of the experts: of those for all subjects, where it was measured, the most exact.

    Without any expert it is the Zippo model.
    """
    if not experts:
        return zippo
    expert = min(experts, key=_rank)
    both = hashlib.sha256(f"{zippo.digest} {expert.digest}".encode())
    return AutoSpec(
        name=f"{zippo.name}+{expert.name}",
        version=f"{zippo.version}+{expert.version}",
        digest=both.hexdigest(),
        model_dir=zippo.model_dir,
        size_px=zippo.size_px,
        matting_px=zippo.matting_px,
        closer_px=zippo.closer_px,
        multiple_px=zippo.multiple_px,
        tasks=zippo.tasks,
        licence=f"{zippo.licence}, {expert.licence}",
        detail=zippo.detail,
        zippo=zippo,
        expert=expert,
    )


def _rank(spec: ExpertSpec) -> tuple[bool, float, str]:
    manifest = spec.manifest
    return (
        "general" not in manifest.subjects,
        min((row.mad for row in manifest.quality), default=1.0),
        manifest.name,
    )
