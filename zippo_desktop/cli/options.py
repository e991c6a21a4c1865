"""Options that several commands share, each described once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

Engine = Literal["auto", "onnx", "torch"]
Provider = Literal["auto", "tensorrt", "cuda", "directml", "coreml", "openvino", "cpu"]
OnExisting = Literal["skip", "overwrite", "rename"]


MAX_MEGAPIXELS = 200
DEFAULT_STRENGTH = 0.6  # of what starts from a picture

_ENGINE_PANEL = "Model and engine"
_FILES_PANEL = "Files"
_SHOWN_PANEL = "What is shown"
_UNCERTAIN_PANEL = "Uncertain results"


def complete_model(incomplete: str) -> list[str]:
    """Names of installed models, for tab completion."""
    from zippo_desktop.engine.find_spec import model_names

    return [name for name in model_names() if name.startswith(incomplete)]


ModelOption = Annotated[
    str | None,
    typer.Option(
        "--model",
        metavar="NAME|DIR",
        help="Model by name or folder. [default: the settings' model, else zippo-mini]",
        autocompletion=complete_model,
        rich_help_panel=_ENGINE_PANEL,
    ),
]
EngineOption = Annotated[
    Engine | None,
    typer.Option(
        "--engine",
        help="What runs the network. auto: ONNX Runtime, else PyTorch. [default: the settings', else auto]",
        rich_help_panel=_ENGINE_PANEL,
    ),
]
ProviderOption = Annotated[
    Provider | None,
    typer.Option(
        "--provider",
        help="Where it runs. auto: the fastest that works; any other is used or refused. "
        "[default: the settings', else auto]",
        rich_help_panel=_ENGINE_PANEL,
    ),
]
OutputOption = Annotated[
    Path, typer.Option("-o", "--output", metavar="DIR", help="Folder for the results; made if missing.")
]
RecursiveOption = Annotated[
    bool,
    typer.Option(
        "--recursive/--no-recursive",
        help="Whether to look into sub-folders; they are kept in the output.",
        rich_help_panel=_FILES_PANEL,
    ),
]
OnExistingOption = Annotated[
    OnExisting,
    typer.Option(
        "--on-existing", help="What to do where a result exists already.", rich_help_panel=_FILES_PANEL
    ),
]
MegapixelsOption = Annotated[
    int,
    typer.Option(
        "--max-megapixels",
        min=1,
        help="Refuse larger pictures, or files that claim to be: a megapixel takes some 25 MB.",
        rich_help_panel=_FILES_PANEL,
    ),
]
ReportOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--report",
        metavar="FILE.html|FILE.json",
        help="Write what became of each item: a page that shows the doubtful ones first, or JSON. "
        "May be repeated.",
        show_default=False,
        rich_help_panel=_SHOWN_PANEL,
    ),
]
UncertainBelowOption = Annotated[
    float | None,
    typer.Option(
        "--uncertain-below",
        min=0.0,
        max=1.0,
        metavar="0..1",
        help="Which confidence makes a result uncertain. \\[default: 0.8]",
        show_default=False,
        rich_help_panel=_UNCERTAIN_PANEL,
    ),
]
FailIfUncertainOption = Annotated[
    bool,
    typer.Option(
        "--fail-if-uncertain",
        help="End with exit code 1 if a result is uncertain.",
        rich_help_panel=_UNCERTAIN_PANEL,
    ),
]
MoveUncertainOption = Annotated[
    Path | None,
    typer.Option(
        "--move-uncertain",
        metavar="DIR",
        help="Folder for the uncertain results, by the same sub-folders and names; replaces no file there.",
        rich_help_panel=_UNCERTAIN_PANEL,
    ),
]
MoveOriginalsOption = Annotated[
    Path | None,
    typer.Option(
        "--move-originals",
        metavar="DIR",
        help="Move each photo into this folder once its results are written; replaces no file there.",
        rich_help_panel=_FILES_PANEL,
    ),
]
BatchSizeOption = Annotated[
    int,
    typer.Option(
        "--batch-size",
        min=0,
        metavar="N",
        help="Most photos to put through the network together. 0: what suits the provider.",
        rich_help_panel=_ENGINE_PANEL,
    ),
]
MemoryLimitOption = Annotated[
    int | None,
    typer.Option(
        "--memory-limit",
        min=0,
        metavar="MB",
        help="Most memory for pictures in work; a larger picture is done alone. 0: half of what is free. "
        "[default: the settings', else 0]",
        show_default=False,
        rich_help_panel=_ENGINE_PANEL,
    ),
]
DryRunOption = Annotated[
    bool,
    typer.Option(
        "--dry-run",
        help="List what would be written, and do nothing. Loads no model.",
        rich_help_panel=_SHOWN_PANEL,
    ),
]
QuietOption = Annotated[
    bool | None,
    typer.Option(
        "--quiet/--verbose",
        "-q/-v",
        help="Only problems and the provider, or a line for each item.",
        show_default=False,
        rich_help_panel=_SHOWN_PANEL,
    ),
]
SeedOption = Annotated[
    int, typer.Option("--seed", min=0, help="Where the noise begins: same seed, same picture.")
]
PromptsOption = Annotated[
    Path | None,
    typer.Option(
        "--prompts",
        metavar="FILE|DIR",
        help="Prompts from a .txt file (one a line, # for comments), a .csv file (columns prompt, negative, "
        "count, seed, steps, guidance, size, name, matte, tries) or a folder of .txt files.",
    ),
]
NegativeOption = Annotated[str, typer.Option("--negative", metavar="TEXT", help="What should not be there.")]
CountOption = Annotated[
    int, typer.Option("--count", min=1, help="Pictures for each prompt, with seeds SEED, SEED+1, ...")
]
GuidanceOption = Annotated[
    float, typer.Option("--guidance", min=0.0, help="How closely to follow the prompt; 1 is unguided.")
]
TriesOption = Annotated[
    int,
    typer.Option(
        "--tries",
        min=1,
        help="Pictures made for one that is whole, in one piece and clear of the frame; the best is kept.",
    ),
]
StrengthOption = Annotated[
    float | None,
    typer.Option(
        "--strength",
        min=0.0,
        max=1.0,
        metavar="S",
        help="How much becomes new, where there is something to start from: 0 nothing, 1 all. "
        f"[default: {DEFAULT_STRENGTH}]",
    ),
]
EnsembleOption = Annotated[
    int,
    typer.Option(
        "--ensemble",
        min=1,
        help="Mattes to take the mean of, each from its own noise, every second one of the mirror image.",
    ),
]
StepsOption = Annotated[
    int,
    typer.Option(
        "--steps",
        min=1,
        help="Denoising steps: more take longer, and are finer where the model was trained for them.",
    ),
]
