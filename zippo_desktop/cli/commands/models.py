"""`zippo-desktop models`: which models there are, getting more of them, and whether they are whole."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from zippo_desktop.cli.console import error_console, output_console, plain

if TYPE_CHECKING:
    from zippo_desktop.engine.expert_manifest import ExpertManifest
    from zippo_desktop.engine.expert_store import InstalledExpert


def complete_installed(incomplete: str) -> list[str]:
    """Names of installed models of either kind, for tab completion."""
    from zippo_desktop.engine.expert_store import installed_experts
    from zippo_desktop.engine.model_store import list_models

    names = [folder.name for folder in list_models()]
    names += [expert.manifest.name for expert in installed_experts()]
    return [name for name in names if name.startswith(incomplete)]


ModelArgument = Annotated[
    str,
    typer.Argument(metavar="NAME|DIR", help="Model by name or folder.", autocompletion=complete_installed),
]


def list_(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, with everything known.")] = False,
    installed: Annotated[bool, typer.Option("--installed", help="Only those that can be used now.")] = False,
) -> None:
    """List the models: name, size, pixels, tasks, subjects, licence, and quality where it was measured.

    First the installed ones, then those that `models get` can fetch.
    """
    from zippo_desktop.cli.model_rows import read_rows, row_json, row_lines

    rows = [row for row in read_rows() if row.is_installed or not installed]
    if as_json:
        output_console().print_json(json.dumps([row_json(row) for row in rows], ensure_ascii=False))
        return
    here = [row for row in rows if row.is_installed]
    lines = list(row_lines(rows))
    for line in lines[: len(here)]:
        output_console().print(plain(line))
    if lines[len(here) :]:
        output_console().print()
        output_console().print(plain("Not installed; to fetch one: zippo-desktop models get NAME"))
    for line in lines[len(here) :]:
        output_console().print(plain(line))


def info(model: ModelArgument) -> None:
    """Describe a model: its size, tasks, licence, digest and measured quality."""
    found = _find(model)
    if isinstance(found, Path):
        facts = _zippo_facts(found)
    else:
        facts = _expert_facts(found.manifest) | {"file": found.path}
    for name, fact in facts.items():
        output_console().print(plain(f"{name + ':':<20}{fact}"))


def verify(
    models: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NAME|DIR",
            help="Models to verify; all installed ones if none is named.",
            autocompletion=complete_installed,
        ),
    ] = None,
) -> None:
    """Read every file of a model and compare it with its recorded digest. Exit code 3 if one differs."""
    from zippo_desktop.batch.report import ExitCode
    from zippo_desktop.engine.expert_store import installed_experts, verify_expert
    from zippo_desktop.engine.model_store import list_models, verify_model

    broken: list[str] = []
    found: list[Path | InstalledExpert] = (
        [_find(model) for model in models] if models else [*list_models(), *installed_experts(broken.append)]
    )
    for problem in broken:
        error_console().print(plain(problem, "red"))
    is_damaged = bool(broken)
    for each in found:
        name = each.name if isinstance(each, Path) else each.manifest.name
        problems = verify_model(each) if isinstance(each, Path) else verify_expert(each)
        is_damaged |= bool(problems)
        for problem in problems:
            error_console().print(plain(f"{name}: {problem}", "red"))
        if not problems:
            output_console().print(plain(f"{name}: whole."))
    if not found and not broken:
        error_console().print(plain("No model is installed."))
    raise typer.Exit(ExitCode.UNUSABLE if is_damaged or not found else ExitCode.DONE)


def remove(
    models: Annotated[
        list[str], typer.Argument(metavar="NAME...", help="Models.", autocompletion=complete_installed)
    ],
) -> None:
    """Delete models from your own folder. Bundled ones, and files of other programs, stay."""
    from zippo_desktop.engine.model_folders import remove_model_folder
    from zippo_desktop.errors import UsageError
    from zippo_desktop.paths import models_dir

    own = models_dir()
    for model, found in [(model, _find(model)) for model in models]:
        folder = found if isinstance(found, Path) else found.folder
        if folder.resolve().parent != own.resolve():
            raise UsageError(f"{model} is not removed: it is not among your own models in {own}.")
        remove_model_folder(own / folder.name)
        output_console().print(plain(f"Removed {own / folder.name}."))


def path(model: ModelArgument) -> None:
    """Print where a model lies: a Zippo model's folder, an expert's file."""
    found = _find(model)
    output_console().print(plain(str(found if isinstance(found, Path) else found.path)))


def _find(model: str) -> Path | InstalledExpert:
    """A Zippo model's folder or an installed expert. Raises `ModelError`, for known experts with a hint."""
    from zippo_desktop.engine.expert_store import known_experts
    from zippo_desktop.engine.find_spec import find_installed
    from zippo_desktop.errors import ModelError
    from zippo_desktop.paths import models_dir

    try:
        return find_installed(model)
    except ModelError as error:
        is_known = model in [each.name for each in known_experts()]
        if not is_known or (models_dir() / model).exists():  # one that is there is damaged
            raise
        hint = f"Fetch it with: zippo-desktop models get {model}"
        raise ModelError(f"The model '{model}' is known, but not installed.", hint) from error


def _zippo_facts(folder: Path) -> dict[str, Any]:
    from zippo_desktop.engine.model_store import read_json, read_spec

    spec = read_spec(folder)
    facts: dict[str, Any] = {
        "name": spec.name,
        "version": spec.version,
        "folder": folder,
        "sees photos at": f"{spec.matting_px} px",
        "looks closer at": f"{spec.closer_px} px",
        "makes pictures of": f"{spec.size_px} px",
        "sizes": f"multiples of {spec.multiple_px} px",
        "tasks": ", ".join(spec.tasks),
        "prompt length": f"{spec.text_tokens} tokens",
        "latents": f"{spec.latent_channels} channels, 1/{spec.downsampling} of the size",
        "licence": spec.licence,
        "digest": spec.digest,
    }
    return facts | _flattened("quality", read_json(folder / "zippo.json").get("quality"))


def _expert_facts(manifest: ExpertManifest) -> dict[str, Any]:
    """A manifest's fields that say something, tables flattened."""
    facts: dict[str, Any] = {}
    for key, value in asdict(manifest).items():
        rows = value if isinstance(value, tuple) and value and isinstance(value[0], dict) else None
        if rows:
            for number, row in enumerate(rows, 1):
                facts |= _flattened(f"{key.replace('_', ' ')} {number}", row)
        elif isinstance(value, dict):
            facts |= _flattened(key, value)
        elif value not in ("", (), 0):
            told = ", ".join(map(str, value)) if isinstance(value, tuple) else value
            facts[key.replace("_", " ")] = told
    return facts


def _flattened(name: str, value: Any) -> dict[str, Any]:
    """Nested measurements as lines: "quality mad mean"."""
    if not isinstance(value, dict):
        return {} if value is None else {name: value}
    lines: dict[str, Any] = {}
    for key, inner in value.items():
        lines |= _flattened(f"{name} {key}", inner)
    return lines
