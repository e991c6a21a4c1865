"""`zippo-desktop matte`: cut the subjects out of photos."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from zippo_desktop.cli import options as opt
from zippo_desktop.pipelines.request import MattingRequest

EXAMPLES = """Examples:

    zippo-desktop matte photo.jpg -o out

    zippo-desktop matte photos/ -o out --format psd --format png --matte --report out/report.json
"""


def matte(
    inputs: Annotated[
        list[Path],
        typer.Argument(metavar="INPUT", help="Photos, or folders of photos.", show_default=False),
    ],
    output: opt.OutputOption,
    prompt: Annotated[str, typer.Option("--prompt", metavar="TEXT", help="What the subject is.")] = "",
    steps: opt.StepsOption = MattingRequest.steps,
    ensemble: opt.EnsembleOption = MattingRequest.ensemble,
    seed: opt.SeedOption = MattingRequest.seed,
    with_matte: Annotated[
        bool, typer.Option("--matte", help="Write the matte as a grey picture, too.")
    ] = False,
    model: opt.ModelOption = None,
    engine: opt.EngineOption = None,
    provider: opt.ProviderOption = None,
    formats: opt.FormatOption = None,
    recursive: opt.RecursiveOption = True,
    on_existing: opt.OnExistingOption = "skip",
    report: opt.ReportOption = None,
    dry_run: opt.DryRunOption = False,
    quiet: opt.QuietOption = None,
) -> None:
    """Cut the subject out of each photo, at the photo's own size.

    Writes NAME.png with transparency for each photo. Folders are searched with their sub-folders, which
    are kept in the output; files that are no pictures are passed over.
    """
    from zippo_desktop.batch.plan import plan_matting
    from zippo_desktop.cli.run import Shown, job_options, run

    request = MattingRequest(prompt, steps, ensemble, seed)
    options = job_options(output, model, engine, provider, formats, on_existing, with_matte=with_matte)
    job = plan_matting(inputs, request, options, recursive)
    run(job, Shown(report, dry_run, quiet))
