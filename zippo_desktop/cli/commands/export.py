"""`zippo-desktop export`: write a model's ONNX graphs."""

from __future__ import annotations

from typing import Annotated

import typer

from zippo_desktop.cli import options as opt
from zippo_desktop.cli.console import output_console, plain


def export(
    model: Annotated[
        str,
        typer.Argument(
            metavar="NAME|DIR", help="Model by name or folder.", autocompletion=opt.complete_model
        ),
    ],
) -> None:
    """Write the graphs that ONNX Runtime needs into a model's folder, from its PyTorch weights."""
    from zippo_desktop.engine.model_store import find_model
    from zippo_desktop.training.export_onnx import export_model

    folder = find_model(model)
    export_model(folder)
    output_console().print(plain(f"Wrote the graphs to {folder / 'onnx'}."))
