"""`zippo-desktop presets`: the bundles of options that there are, and saving one's own."""

from __future__ import annotations

from typing import Annotated

import typer

from zippo_desktop.cli.console import output_console, plain
from zippo_desktop.cli.look_options import AskedLook, complete_preset, with_look

PresetArgument = Annotated[
    str, typer.Argument(metavar="NAME|FILE", help="A preset.", autocompletion=complete_preset)
]


def list_() -> None:
    """List the presets, one line each; your own are marked with a star."""
    from zippo_desktop.looks.presets import list_presets, read_preset

    found = [read_preset(path) for path in list_presets()]
    width = max((len(preset.name) for preset in found), default=0)
    for preset in found:
        mark = "*" if preset.is_own else " "
        output_console().print(plain(f"{mark} {preset.name:<{width}}  {preset.description}"))


def show(name: PresetArgument) -> None:
    """Print a preset as the TOML that it is."""
    from zippo_desktop.looks.presets import load_preset, preset_text

    preset = load_preset(name)
    output_console().print(plain(f"# {preset.path}"))
    for line in preset_text(preset.description, preset.values).splitlines():
        output_console().print(plain(line))


@with_look("matting", "controls", "arrangement", "writing")
def save(
    preset_name: Annotated[str, typer.Argument(metavar="NAME", help="What to call it.", show_default=False)],
    description: Annotated[str, typer.Option("--description", metavar="TEXT", help="What it is for.")] = "",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace one of this name.")] = False,
    *,
    look: AskedLook,
) -> None:
    """Save the options given here, on top of --preset's if there is one, as a preset of your own."""
    from zippo_desktop.looks.presets import save_preset

    path = save_preset(preset_name, description, look.values, is_overwriting=overwrite)
    output_console().print(plain(f"Saved {path}. Use it with: --preset {preset_name}"))
