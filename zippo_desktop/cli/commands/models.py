"""`zippo-desktop models`: which models there are, what they are, and whether they are whole."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from zippo_desktop.cli import options as opt
from zippo_desktop.cli.console import error_console, output_console, plain

ModelArgument = Annotated[
    str,
    typer.Argument(metavar="NAME|DIR", help="Model by name or folder.", autocompletion=opt.complete_model),
]


def list_() -> None:
    """List the models that can be asked for by name. One line each: name, version, size, tasks, folder."""
    from zippo_desktop.engine.model_store import list_models, read_spec
    from zippo_desktop.errors import ModelError
    from zippo_desktop.paths import models_dir

    folders = list_models()
    for folder in folders:
        try:
            spec = read_spec(folder)
        except ModelError as error:
            error_console().print(plain(f"{folder.name}: {error.message}", "red"))
            continue
        tasks = ", ".join(spec.tasks)
        output_console().print(plain(f"{folder.name} {spec.version}  {spec.size_px} px  {tasks}  {folder}"))
    if not folders:
        error_console().print(plain(f"No model is installed. Copy model folders to {models_dir()}."))


def info(model: ModelArgument) -> None:
    """Describe a model: its size, tasks, licence, digest and measured quality."""
    from zippo_desktop.engine.model_store import find_model, read_json, read_spec

    folder = find_model(model)
    spec = read_spec(folder)
    facts: dict[str, Any] = {
        "name": spec.name,
        "version": spec.version,
        "folder": folder,
        "trained at": f"{spec.size_px} px",
        "sizes": f"multiples of {spec.multiple_px} px",
        "tasks": ", ".join(spec.tasks),
        "prompt length": f"{spec.text_tokens} tokens",
        "latents": f"{spec.latent_channels} channels, 1/{spec.downsampling} of the size",
        "licence": spec.licence,
        "digest": spec.digest,
    }
    for name, fact in (
        facts | _flattened("quality", read_json(folder / "zippo.json").get("quality"))
    ).items():
        output_console().print(plain(f"{name + ':':<16}{fact}"))


def verify(
    models: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NAME|DIR",
            help="Models to verify; all installed ones if none is named.",
            autocompletion=opt.complete_model,
        ),
    ] = None,
) -> None:
    """Read every file of a model and compare it with its recorded digest. Exit code 3 if one differs."""
    from zippo_desktop.batch.report import ExitCode
    from zippo_desktop.engine.model_store import find_model, list_models, verify_model

    folders: list[Path] = [find_model(model) for model in models] if models else list_models()
    is_damaged = False
    for folder in folders:
        problems = verify_model(folder)
        is_damaged |= bool(problems)
        for problem in problems:
            error_console().print(plain(f"{folder.name}: {problem}", "red"))
        if not problems:
            output_console().print(plain(f"{folder.name}: whole."))
    if not folders:
        error_console().print(plain("No model is installed."))
    raise typer.Exit(ExitCode.UNUSABLE if is_damaged or not folders else ExitCode.DONE)


def _flattened(name: str, value: Any) -> dict[str, Any]:
    """Nested measurements as lines: "quality mad mean"."""
    if not isinstance(value, dict):
        return {} if value is None else {name: value}
    lines: dict[str, Any] = {}
    for key, inner in value.items():
        lines |= _flattened(f"{name} {key}", inner)
    return lines
