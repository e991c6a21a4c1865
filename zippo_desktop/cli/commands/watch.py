"""`zippo-desktop watch`: cut out whatever arrives in a folder."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from zippo_desktop.cli import options as opt
from zippo_desktop.cli.look_options import AskedLook, with_look
from zippo_desktop.pipelines.request import MattingRequest

EXAMPLES = """Examples:

    zippo-desktop watch incoming/ -o done

    zippo-desktop watch /mnt/studio/shoes -o /mnt/studio/cutouts --preset marketplace-white-2000 --settle 10

    zippo-desktop watch incoming/ -o done --move-uncertain look

    zippo-desktop watch incoming/ -o done --once --quiet
"""

_FOLDER_PANEL = "The folder"


@with_look("matting", "controls", "arrangement", "writing")
def watch(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder to watch.", show_default=False)],
    output: opt.OutputOption,
    prompt: Annotated[str, typer.Option("--prompt", metavar="TEXT", help="What the subject is.")] = "",
    seed: opt.SeedOption = MattingRequest.seed,
    max_megapixels: opt.MegapixelsOption = opt.MAX_MEGAPIXELS,
    model: opt.ModelOption = None,
    engine: opt.EngineOption = None,
    provider: opt.ProviderOption = None,
    recursive: opt.RecursiveOption = True,
    on_existing: Annotated[
        opt.OnExisting | None,
        typer.Option(
            "--on-existing",
            help="What to do where a result exists already. [default: skip; rename for a changed photo]",
            rich_help_panel="Files",
        ),
    ] = None,
    uncertain_below: opt.UncertainBelowOption = None,
    move_uncertain: opt.MoveUncertainOption = None,
    interval: Annotated[
        float,
        typer.Option(min=0.1, metavar="S", help="Seconds between two looks.", rich_help_panel=_FOLDER_PANEL),
    ] = 2.0,
    settle: Annotated[
        float,
        typer.Option(
            min=0.0,
            metavar="S",
            help="Seconds for which a new file must not have changed to count as whole.",
            rich_help_panel=_FOLDER_PANEL,
        ),
    ] = 2.0,
    once: Annotated[
        bool, typer.Option("--once", help="Do what is there, and end.", rich_help_panel=_FOLDER_PANEL)
    ] = False,
    quiet: opt.QuietOption = None,
    *,
    look: AskedLook,
) -> None:
    """Cut out every photo that is in a folder or arrives in it, until Ctrl-C.

    A photo is taken once it is there whole. A changed one is done again, under another name unless
    --on-existing says otherwise; one that fails is tried again when it changes. What was done is remembered
    from run to run for each pair of folders: see `zippo-desktop jobs list`.
    """
    from zippo_desktop.batch.watch_job import Watch
    from zippo_desktop.cli.run import Chosen, job_options
    from zippo_desktop.cli.watching import run_watch

    chosen = Chosen(
        model,
        engine,
        provider,
        on_existing or "skip",
        max_megapixels,
        uncertain_below=uncertain_below,
        uncertain_dir=move_uncertain,
    )
    options, request = job_options(output, chosen, look)
    request = replace(request, prompt=prompt, seed=seed)
    on_changed = on_existing or "rename"
    run_watch(Watch(folder, request, options, on_changed, recursive, interval, settle), once, quiet)
