"""`zippo-desktop matte`: cut the subjects out of photos."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from zippo_desktop.cli import options as opt
from zippo_desktop.cli.look_options import AskedLook, with_look
from zippo_desktop.pipelines.request import MattingRequest

EXAMPLES = """Examples:

    zippo-desktop matte photo.jpg -o out

    zippo-desktop matte photos/ -o out --format psd --format png --matte --report out/report.json

    zippo-desktop matte shoes/ -o shop --preset marketplace-white-2000 --shadow contact

    zippo-desktop matte photos/ -o out --move-uncertain look --report out/report.html

On Linux and macOS `kill -USR1 PID` lets a job rest, and the next one lets it go on.
"""


@with_look("matting", "controls", "arrangement", "writing")
def matte(
    inputs: Annotated[
        list[Path],
        typer.Argument(metavar="INPUT", help="Photos, or folders of photos.", show_default=False),
    ],
    output: opt.OutputOption,
    prompt: Annotated[str, typer.Option("--prompt", metavar="TEXT", help="What the subject is.")] = "",
    seed: opt.SeedOption = MattingRequest.seed,
    trimap: Annotated[
        Path | None,
        typer.Option(
            "--trimap",
            metavar="FILE|DIR",
            help="What is known: white or green stays, black or red goes. One file for a single photo, or a "
            "folder with one of each photo's name. NAME.trimap.png beside a photo is taken by itself.",
        ),
    ] = None,
    max_megapixels: opt.MegapixelsOption = opt.MAX_MEGAPIXELS,
    model: opt.ModelOption = None,
    engine: opt.EngineOption = None,
    provider: opt.ProviderOption = None,
    batch_size: opt.BatchSizeOption = 0,
    memory_limit: opt.MemoryLimitOption = None,
    recursive: opt.RecursiveOption = True,
    on_existing: opt.OnExistingOption = "skip",
    move_originals: opt.MoveOriginalsOption = None,
    uncertain_below: opt.UncertainBelowOption = None,
    move_uncertain: opt.MoveUncertainOption = None,
    fail_if_uncertain: opt.FailIfUncertainOption = False,
    report: opt.ReportOption = None,
    dry_run: opt.DryRunOption = False,
    quiet: opt.QuietOption = None,
    *,
    look: AskedLook,
) -> None:
    """Cut the subject out of each photo, at the photo's own size.

    Writes NAME.png with transparency for each photo. Folders are searched with their sub-folders, which
    are kept in the output; files that are no pictures are passed over.
    """
    from zippo_desktop.batch.plan import plan_matting
    from zippo_desktop.cli.run import Chosen, Shown, job_options, run

    chosen = Chosen(
        model,
        engine,
        provider,
        on_existing,
        max_megapixels,
        batch_size=batch_size,
        memory_mb=memory_limit,
        uncertain_below=uncertain_below,
        uncertain_dir=move_uncertain,
        fail_if_uncertain=fail_if_uncertain,
        originals_dir=move_originals,
    )
    options, request = job_options(output, chosen, look)
    job = plan_matting(inputs, replace(request, prompt=prompt, seed=seed), options, recursive, trimap)
    run(job, Shown(report or (), dry_run, quiet))
