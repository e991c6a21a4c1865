"""`zippo-desktop evaluate-retention`: what a model kept of the network that it was made of."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from zippo_desktop.cli import options as opt
from zippo_desktop.cli.console import output_console, plain


def evaluate_retention(
    pictures: Annotated[
        Path, typer.Argument(metavar="PICTURES", help="Folder of pictures, captions in NAME.txt.")
    ],
    base: Annotated[
        Path, typer.Option("--base", metavar="DIR", help="The Stable Diffusion folder that init was given.")
    ],
    model: opt.ModelOption = None,
    limit: Annotated[
        int | None, typer.Option("--limit", min=1, help="Only the first so many, by name.")
    ] = None,
    seed: opt.SeedOption = 0,
    report: Annotated[
        Path | None, typer.Option("--report", metavar="FILE.json", help="Write all numbers as JSON.")
    ] = None,
    provider: opt.ProviderOption = None,
) -> None:
    """Compare how well a model and its base denoise captioned pictures: run it before and after training.

    The error is that of the clean latent, at fixed signal-to-noise ratios. PyTorch runs both.
    """
    from zippo_desktop.paths import settings_path
    from zippo_desktop.settings import load_settings
    from zippo_desktop.training.retention import measure_retention

    settings, _ = load_settings(settings_path())
    result = measure_retention(
        base,
        model or settings.model,
        pictures,
        limit=limit,
        seed=seed,
        provider=provider or "auto",
    )
    for line in result.table().splitlines():
        output_console().print(plain(line))
    if report:
        result.to_json(report)
