"""`zippo-desktop data`: make pictures to train and test on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from zippo_desktop.cli import options as opt
from zippo_desktop.cli.console import output_console, plain


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
) -> None:
    """Put cut-outs over backgrounds: an evaluation set with true mattes, always the same for one seed.

    Writes image/NNNN.png and matte/NNNN.png for `zippo-desktop evaluate`.
    """
    from zippo_desktop.training.compose import write_evaluation_set

    write_evaluation_set(tuple(cutouts), tuple(backgrounds), output, split, count, size, seed)
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
