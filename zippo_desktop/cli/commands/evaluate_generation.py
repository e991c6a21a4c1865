"""`zippo-desktop evaluate-generation`: measure what a model generates and paints."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from zippo_desktop.cli import options as opt
from zippo_desktop.cli.console import error_console, output_console, plain
from zippo_desktop.pipelines.request import GenerationRequest


def evaluate_generation(
    cutouts: Annotated[
        list[Path], typer.Option("--cutouts", metavar="DIR", help="Folder of RGBA cut-outs; may be repeated.")
    ],
    backgrounds: Annotated[
        list[Path],
        typer.Option("--backgrounds", metavar="DIR", help="Folder of backgrounds; may be repeated."),
    ],
    output: opt.OutputOption,
    model: opt.ModelOption = None,
    names: Annotated[int, typer.Option("--names", min=2, help="How many of the training names.")] = 50,
    seeds: Annotated[int, typer.Option("--seeds", min=1, help="Pictures for each name and task.")] = 4,
    steps: opt.StepsOption = GenerationRequest.steps,
    curve: Annotated[
        str,
        typer.Option("--curve", metavar="N,N,...", help="Other step counts, for the first seed; or none."),
    ] = "4,8,50",
    seed: opt.SeedOption = 0,
    judge_dir: Annotated[
        Path | None,
        typer.Option("--judge-dir", metavar="DIR", help="Where the judge is kept. [default: in the output]"),
    ] = None,
    judge_encoder: Annotated[
        Path | None,
        typer.Option(
            "--judge-encoder",
            metavar="FILE",
            help="EfficientNet-Lite0 as PyPI has it, for the judge's features; a small network without.",
        ),
    ] = None,
    record: Annotated[
        bool, typer.Option("--record", help="Write the summary into the model's own zippo.json, too.")
    ] = False,
    engine: opt.EngineOption = None,
    provider: opt.ProviderOption = None,
) -> None:
    """Measure generation and painting: clean cut-outs, prompts, diversity, and agreement with matting.

    Writes report.json and a sheet of random results for each task. Run again after an
    interruption: pictures that are there are not made again.
    """
    from zippo_desktop.paths import settings_path
    from zippo_desktop.settings import load_settings
    from zippo_desktop.training.evaluate_generation import GenerationPlan
    from zippo_desktop.training.evaluate_generation import evaluate_generation as measure

    settings, _ = load_settings(settings_path())
    result = measure(
        model or settings.model,
        cutouts,
        backgrounds,
        output,
        GenerationPlan(names, seeds, steps, _step_counts(curve), seed),
        engine=engine or settings.engine,
        provider=provider or settings.provider,
        judge_dir=judge_dir,
        judge_encoder=judge_encoder,
        on_picture=_tell_progress,
    )
    result.to_json(output / "report.json")
    for line in result.table().splitlines():
        output_console().print(plain(line))
    if record:
        from zippo_desktop.engine.model_store import find_model
        from zippo_desktop.training.model_folder import record_quality

        record_quality(find_model(model or settings.model), result.quality())


def _step_counts(text: str) -> tuple[int, ...]:
    """Step counts out of "4,8,50"; none out of "none"."""
    from zippo_desktop.errors import UsageError

    if text.strip() in ("", "none"):
        return ()
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise UsageError(f"'{text}' is no list of step counts.", "Write them like this: 4,8,50") from None


def _tell_progress(done: int, total: int) -> None:
    if done % 25 == 0 or done == total:
        error_console().print(plain(f"{done} of {total} pictures"))
