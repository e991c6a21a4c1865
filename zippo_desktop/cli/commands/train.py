"""`zippo-desktop train`: train a Zippo network."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def train(
    config: Annotated[
        Path, typer.Option("--config", metavar="FILE", help="What to train, on what and how, as TOML.")
    ],
) -> None:
    """Train a network on cut-outs and backgrounds. Stopped at any time, the same command goes on."""
    from zippo_desktop.errors import UsageError
    from zippo_desktop.training.train import train as train_network

    if not config.is_file():
        raise UsageError(f"The configuration {config} does not exist.")
    train_network(config)
