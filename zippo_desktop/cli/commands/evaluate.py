"""`zippo-desktop evaluate`: measure a model against true mattes."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from zippo_desktop.cli import options as opt
from zippo_desktop.cli.commands.evaluation import PeerOption, PeersDirOption, tell
from zippo_desktop.cli.console import output_console, plain
from zippo_desktop.pipelines.request import Edges, MattingRequest, Refinement


def evaluate(
    images: Annotated[Path, typer.Argument(metavar="IMAGES", help="Folder of images.")],
    mattes: Annotated[Path, typer.Argument(metavar="MATTES", help="Folder of their mattes, of equal names.")],
    model: opt.ModelOption = None,
    steps: opt.StepsOption = MattingRequest.steps,
    ensemble: opt.EnsembleOption = MattingRequest.ensemble,
    second_pass: Annotated[
        bool, typer.Option("--second-pass/--no-second-pass", help="As of matte: small subjects twice.")
    ] = MattingRequest.second_pass,
    edges: Annotated[Edges, typer.Option("--edges", help="As of matte.")] = MattingRequest.edges,
    refine: Annotated[Refinement, typer.Option("--refine", help="As of matte.")] = MattingRequest.refine,
    seed: opt.SeedOption = MattingRequest.seed,
    limit: Annotated[
        int | None, typer.Option("--limit", min=1, help="Only the first so many, by name.")
    ] = None,
    report: Annotated[
        Path | None, typer.Option("--report", metavar="FILE.json", help="Write all numbers as JSON.")
    ] = None,
    sheet: Annotated[
        Path | None, typer.Option("--sheet", metavar="FILE.png", help="Write a sheet of results to look at.")
    ] = None,
    record: Annotated[
        bool,
        typer.Option("--record", help="Keep the summary with the model (models list)."),
    ] = False,
    peers: PeerOption = None,
    peers_dir: PeersDirOption = None,
    engine: opt.EngineOption = None,
    provider: opt.ProviderOption = None,
) -> None:
    """Score a model's mattes (SAD, MSE, MAD, Grad, Conn, IoU) next to peers and blind baselines.

    With an index.csv beside the images, soft subjects are summed up apart, too. CPU time counts all
    threads, from the decoded photo to the matte of its size; OMP_NUM_THREADS sets how many.
    """
    from zippo_desktop.paths import settings_path
    from zippo_desktop.settings import load_settings
    from zippo_desktop.training.evaluate import evaluate as measure
    from zippo_desktop.training.quality_record import open_record

    settings, _ = load_settings(settings_path())
    chosen = model or settings.model
    keep = open_record(chosen, images, shlex.join(["zippo-desktop", *sys.argv[1:]])) if record else None
    result = measure(
        chosen,
        images,
        mattes,
        steps=steps,
        ensemble=ensemble,
        second_pass=second_pass,
        edges=edges,
        refine=refine,
        seed=seed,
        limit=limit,
        engine=engine or settings.engine,
        provider=provider or settings.provider,
        sheet_path=sheet,
        peers=peers or (),
        peers_dir=peers_dir,
        on_notice=tell,
    )
    for line in result.table().splitlines():
        output_console().print(plain(line))
    if report:
        result.to_json(report)
    if keep:
        keep(result)
