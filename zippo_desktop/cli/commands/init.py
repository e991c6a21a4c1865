"""`zippo-desktop init`: turn a Stable Diffusion folder into an untrained Zippo model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from zippo_desktop.cli.console import output_console, plain


def init(
    source: Annotated[
        Path,
        typer.Option(
            "--from", metavar="DIR", help="Stable Diffusion 1.x or 2.x folder, as diffusers saves it."
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="DIR",
            help="New model folder. [default: in the user's models, by its name]",
        ),
    ] = None,
) -> None:
    """Widen a Stable Diffusion network to pictures with mattes, ready for `zippo-desktop train`.

    Until it is trained it makes what the base network made, and no mattes.
    """
    from zippo_desktop.paths import models_dir
    from zippo_desktop.training.initialise import initialise

    target = output or models_dir() / f"zippo-{source.resolve().name}"
    initialise(source, target)
    output_console().print(plain(f"Made {target}. Train it next: zippo-desktop train --config FILE"))
