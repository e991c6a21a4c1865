"""`zippo-desktop paint`: paint objects into given mattes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from zippo_desktop.cli import options as opt
from zippo_desktop.cli.look_options import AskedLook, with_look
from zippo_desktop.pipelines.request import PaintingRequest

EXAMPLES = """Examples:

    zippo-desktop paint shape.png -o out --prompt "a ripe pear" --count 4

    zippo-desktop paint mattes/ -o out --prompts prompts.csv --seed 7

    zippo-desktop paint cut/cup.matte.png -o out --image cup.jpg --prompt "a blue cup" --strength 0.5
"""


@with_look("arrangement", "writing")
def paint(
    output: opt.OutputOption,
    mattes: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="MATTE",
            help="Mattes, or folders of them: grey pictures, or the transparency of any. Not needed where "
            "every prompt of a table names its own.",
            show_default=False,
        ),
    ] = None,
    prompt: Annotated[
        list[str] | None, typer.Option("--prompt", metavar="TEXT", help="What to paint; may be repeated.")
    ] = None,
    prompts: opt.PromptsOption = None,
    image: Annotated[
        Path | None,
        typer.Option(
            "--image",
            metavar="PHOTO|DIR",
            help="Paint over this photo inside the matte, or over the photo of the matte's name in a folder.",
        ),
    ] = None,
    strength: opt.StrengthOption = None,
    negative: opt.NegativeOption = PaintingRequest.negative,
    count: opt.CountOption = 1,
    steps: opt.StepsOption = PaintingRequest.steps,
    guidance: opt.GuidanceOption = PaintingRequest.guidance,
    seed: opt.SeedOption = PaintingRequest.seed,
    max_megapixels: opt.MegapixelsOption = opt.MAX_MEGAPIXELS,
    model: opt.ModelOption = None,
    engine: opt.EngineOption = None,
    provider: opt.ProviderOption = None,
    memory_limit: opt.MemoryLimitOption = None,
    recursive: opt.RecursiveOption = True,
    on_existing: opt.OnExistingOption = "skip",
    report: opt.ReportOption = None,
    dry_run: opt.DryRunOption = False,
    quiet: opt.QuietOption = None,
    *,
    look: AskedLook,
) -> None:
    """Paint what the prompt says into each matte, at the matte's own size.

    Each matte is painted once for each prompt and seed. Files are named from index and prompt.
    """
    from zippo_desktop.batch.plan import plan_painting
    from zippo_desktop.cli.run import Chosen, Shown, job_options, prompt_rows, run, strength_from

    share = strength_from(strength, image, "--image")
    request = PaintingRequest("", negative, steps, guidance, seed, share)
    chosen = Chosen(model, engine, provider, on_existing, max_megapixels, memory_mb=memory_limit)
    options, _ = job_options(output, chosen, look)
    rows = prompt_rows(prompt, prompts, recursive)
    job = plan_painting(mattes or [], rows, count, request, options, recursive, image)
    run(job, Shown(report or (), dry_run, quiet))
