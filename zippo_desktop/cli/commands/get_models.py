"""`zippo-desktop models get` and `models import`: more models, from the web and from files.

`models get` takes three kinds of names: one that ends in .toml is a manifest's file, any other with a
slash is a hub's repository, and one without is a known expert's.
"""

from __future__ import annotations

import sys
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Annotated

import typer

from zippo_desktop.cli.console import error_console, output_console, plain, tell_error

if TYPE_CHECKING:
    from zippo_desktop.engine.expert_manifest import ExpertManifest
    from zippo_desktop.engine.hub import Repository

MIRROR_VARIABLE = "ZIPPO_DESKTOP_MIRROR"


def complete_known(incomplete: str) -> list[str]:
    """Names of models that can be fetched, for tab completion."""
    from zippo_desktop.engine.expert_store import known_experts

    return [each.name for each in known_experts() if each.name.startswith(incomplete)]


AcceptOption = Annotated[
    bool,
    typer.Option(
        "--accept-licence", help="Accept licences against commercial use, which are asked for else."
    ),
]


def get(
    context: typer.Context,
    models: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NAME|OWNER/NAME[@REVISION]|FILE.toml",
            help="Known models, model folders in a hub's repositories, or manifests of other models.",
            autocompletion=complete_known,
        ),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="All known models.")] = False,
    to: Annotated[
        Path | None,
        typer.Option("--to", metavar="DIR", help="Into this folder, to be carried to another computer."),
    ] = None,
    mirror: Annotated[
        str,
        typer.Option(
            "--from",
            metavar="URL|DIR",
            envvar=MIRROR_VARIABLE,
            help="A mirror that holds NAME/FILE, as --to makes it. "
            "[default: the settings' mirror, else where each is published]",
            show_default=False,
        ),
    ] = "",
    name: Annotated[
        str, typer.Option("--name", metavar="NAME", help="What to call a repository's. [default: its name]")
    ] = "",
    accept_licence: AcceptOption = False,
    trust_first: Annotated[
        bool,
        typer.Option(
            "--trust-first", help="Take a file of which no digest is known, and record its digest for later."
        ),
    ] = False,
) -> None:
    """Fetch models from where they are published, and verify them. What was begun is gone on with.

    A repository's folder is a Zippo model's or an expert's, as 'models import' takes it. The hub is
    that of HF_ENDPOINT, with the token of HF_TOKEN; a mirror holds known models, and is no hub.
    """
    from zippo_desktop.batch.report import ExitCode
    from zippo_desktop.engine.expert_store import known_experts
    from zippo_desktop.engine.hub import Repository
    from zippo_desktop.errors import Cancelled, UsageError, ZippoError
    from zippo_desktop.paths import models_dir, settings_path
    from zippo_desktop.settings import load_settings

    mirror = mirror or load_settings(settings_path())[0].mirror
    wanted = known_experts() if everything else [_wanted(model) for model in models or []]
    if not wanted:
        raise UsageError("No model is named.", "Name some, or give --all; 'models list' shows them.")
    has_repository = any(isinstance(each, Repository) for each in wanted)
    if name and not (has_repository and len(wanted) == 1):
        raise UsageError("--name is what to call one repository's model.", "Name one OWNER/NAME alone.")
    source = context.get_parameter_source("mirror")
    if has_repository and source and source.name == "COMMANDLINE":
        raise UsageError("--from is a mirror of known models, no hub.", "Set HF_ENDPOINT to another hub.")
    has_failed = False
    for each in wanted:
        try:
            if isinstance(each, Repository):
                _get_repository(each, to or models_dir(), name, accept_licence)
            else:
                _get_expert(each, to, mirror, accept_licence, trust_first)
        except KeyboardInterrupt:
            raise Cancelled from None
        except ZippoError as error:
            if len(wanted) == 1:
                raise
            tell_error(error)
            has_failed = True
    if has_failed:
        raise typer.Exit(ExitCode.UNUSABLE)


def import_(
    source: Annotated[
        Path, typer.Argument(metavar="FILE.onnx|DIR|FILE.zip", help="A network, a model folder, or a zip.")
    ],
    manifest: Annotated[
        Path | None,
        typer.Option("--manifest", metavar="FILE.toml", help="What the network wants; guessed without."),
    ] = None,
    name: Annotated[
        str, typer.Option("--name", metavar="NAME", help="What to call it. [default: the file's name]")
    ] = "",
    accept_licence: AcceptOption = False,
) -> None:
    """Take in a model from a file: verified, copied, and never run before it was looked through.

    How an ONNX file without manifest wants its pictures is found out by trying it on one; check the
    result with a photo, and correct model.toml if need be.
    """
    from zippo_desktop.engine.expert_manifest import manifest_text, read_manifest
    from zippo_desktop.engine.model_import import import_model
    from zippo_desktop.paths import models_dir

    given = manifest or (source / "model.toml" if (source / "model.toml").is_file() else None)
    accepted = accept_licence or bool(given and _is_accepted_now(read_manifest(given)))
    imported = import_model(
        source, models_dir(), name=name, manifest_path=manifest, is_licence_accepted=accepted
    )
    for sentence in imported.sentences:
        error_console().print(plain(sentence, "yellow"))
    if imported.manifest:
        for line in manifest_text(imported.manifest).splitlines():
            output_console().print(plain(line))
    output_console().print(plain(f"Took in {imported.folder}. Use it with: --model {imported.folder.name}"))


def _wanted(model: str) -> ExpertManifest | Repository:
    from zippo_desktop.engine.expert_manifest import read_manifest
    from zippo_desktop.engine.expert_store import known_expert
    from zippo_desktop.engine.hub import read_repository

    if model.endswith(".toml"):
        return read_manifest(Path(model))
    return read_repository(model) if "/" in model else known_expert(model)


def _get_expert(
    manifest: ExpertManifest, to: Path | None, mirror: str, accept_licence: bool, trust_first: bool
) -> None:
    """Fetch one expert, unless it is there; `mirror` "" is where it is published."""
    from zippo_desktop.engine.expert_store import fetch_expert, find_expert
    from zippo_desktop.paths import models_dir

    present = (to / manifest.name).exists() if to else find_expert(manifest.name)
    if present:
        output_console().print(plain(f"{manifest.name}: is there already."))
        return
    _tell_terms(manifest)
    accepted = accept_licence or _is_accepted_now(manifest)
    with _Progress(manifest.name) as progress:
        expert = fetch_expert(
            manifest,
            to or models_dir(),
            mirror=mirror,
            is_licence_accepted=accepted,
            is_trusted=trust_first,
            on_progress=progress.show,
        )
    output_console().print(plain(f"{manifest.name}: whole, in {expert.folder}."))


def _get_repository(repository: Repository, parent: Path, name: str, accept_licence: bool) -> None:
    """Fetch a repository's model folder; whether there is a place for it is told before it is asked for."""
    from zippo_desktop.engine.hub_folders import fetch_plan, plan_fetch
    from zippo_desktop.engine.model_folders import check_free
    from zippo_desktop.engine.model_import import as_name

    name = name or as_name(repository.name)
    check_free(parent, name)
    plan = plan_fetch(repository)
    told = f"{len(plan.files)} files, {plan.size_bytes / 1e6:.1f} MB, of commit {plan.listing.commit[:12]}"
    error_console().print(plain(f"{repository}: {told}"))
    if plan.passed_over:
        more = f" and {len(plan.passed_over) - 3} more" if len(plan.passed_over) > 3 else ""
        passed = f"Passed over, as no part of the model: {', '.join(plan.passed_over[:3])}{more}"
        error_console().print(plain(passed, "yellow"))
    accepted = accept_licence
    if plan.manifest:
        _tell_terms(plan.manifest)
        accepted = accepted or _is_accepted_now(plan.manifest)
    with _Progress(name) as progress:
        taken = fetch_plan(plan, parent, name, is_licence_accepted=accepted, on_progress=progress.show)
    output_console().print(plain(f"{name}: whole, in {taken.folder}."))


def _tell_terms(manifest: ExpertManifest) -> None:
    """What a person should know before a file of others is fetched."""
    error_console().print(plain(f"{manifest.title}: {manifest.licence}; {manifest.page or manifest.address}"))
    if manifest.note:
        error_console().print(plain(manifest.note, "yellow"))


def _is_accepted_now(manifest: ExpertManifest) -> bool:
    """Ask for a licence against commercial use, where somebody is there to ask."""
    if not manifest.is_non_commercial or not sys.stdin.isatty():
        return False
    return typer.confirm(f"{manifest.title} is not for commercial use. Do you keep to its licence?", err=True)


class _Progress:
    """A bar on a terminal, nothing elsewhere."""

    def __init__(self, name: str) -> None:
        from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

        console = error_console()
        self._bars = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            DownloadColumn(),
            TransferSpeedColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._bar = self._bars.add_task(name, total=None)

    def __enter__(self) -> _Progress:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    def show(self, done: int, total: int) -> None:
        """Bytes that are there, and in all (0 where not known)."""
        self._bars.update(self._bar, completed=done, total=total or None)
