"""`zippo-desktop generate`: make transparent pictures from prompts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from zippo_desktop.cli import options as opt
from zippo_desktop.cli.look_options import AskedLook, with_look
from zippo_desktop.pipelines.request import GenerationRequest

EXAMPLES = """Examples:

    zippo-desktop generate "a red apple" "a wooden chair" -o out --seed 7

    zippo-desktop generate --prompts prompts.csv -o out --count 4 --format layers

    zippo-desktop generate "a green apple" -o out --from apple.png --strength 0.4 --count 4
"""


@with_look("arrangement", "writing")
def generate(
    output: opt.OutputOption,
    prompt: Annotated[
        list[str] | None,
        typer.Argument(metavar="PROMPT", help="What to make; put each in quotes.", show_default=False),
    ] = None,
    prompts: opt.PromptsOption = None,
    start: Annotated[
        Path | None,
        typer.Option("--from", metavar="CUTOUT", help="Vary this transparent picture and its matte."),
    ] = None,
    strength: opt.StrengthOption = None,
    negative: opt.NegativeOption = GenerationRequest.negative,
    count: opt.CountOption = 1,
    size: Annotated[
        int | None,
        typer.Option(
            "--size", min=1, metavar="PX", help="Side of the square picture. [default: the model's]"
        ),
    ] = None,
    steps: opt.StepsOption = GenerationRequest.steps,
    guidance: opt.GuidanceOption = GenerationRequest.guidance,
    tries: opt.TriesOption = GenerationRequest.tries,
    seed: opt.SeedOption = GenerationRequest.seed,
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
    """Make transparent pictures from prompts.

    Files are named from index and prompt. The prompt, the seed and all else that made the picture are
    written into its PNG.
    """
    from zippo_desktop.batch.plan import plan_generation
    from zippo_desktop.cli.run import Chosen, Shown, job_options, prompt_rows, run, strength_from

    share = strength_from(strength, start, "--from")
    request = GenerationRequest("", negative, size, steps, guidance, seed, share, tries)
    chosen = Chosen(model, engine, provider, on_existing, max_megapixels, memory_mb=memory_limit)
    options, _ = job_options(output, chosen, look)
    job = plan_generation(prompt_rows(prompt, prompts, recursive), count, request, options, start)
    run(job, Shown(report or (), dry_run, quiet))
