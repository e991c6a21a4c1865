"""The look options on the command line: added to a command's own, and merged with preset and settings."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal, get_type_hints

import typer

from zippo_desktop.looks.options import LOOK_OPTIONS, LookOption, Part, Values
from zippo_desktop.looks.presets import list_presets, load_preset

_PANELS: Mapping[Part, str] = {
    "matting": "Matte",
    "controls": "Matte",
    "arrangement": "Frame, background, shadow",
    "writing": "Results",
}


@dataclass(frozen=True)
class AskedLook:
    """The values by option name that preset and person gave, and the preset's name, "" without one."""

    values: Values
    preset: str = ""


def complete_preset(incomplete: str) -> list[str]:
    """Names of presets, for tab completion."""
    return [path.stem for path in list_presets() if path.stem.startswith(incomplete)]


PresetOption = Annotated[
    str | None,
    typer.Option(
        "--preset",
        metavar="NAME|FILE",
        help="Start from a bundle of the options below: see `zippo-desktop presets list`.",
        autocompletion=complete_preset,
    ),
]


def with_look(*parts: Part) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command the look options of these parts, and --preset.

    The command takes a parameter `look`, an `AskedLook`.
    """
    options = [option for option in LOOK_OPTIONS if option.part in parts]

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        def call(**arguments: Any) -> None:
            given = {option.name: arguments.pop(_parameter(option)) for option in options}
            preset = arguments.pop("preset")
            values = merged(preset, given, {option.name for option in options})
            command(**arguments, look=AskedLook(values, Path(preset or "").stem))

        hints = get_type_hints(command, include_extras=True)
        own = [
            item.replace(annotation=hints[name])
            for name, item in inspect.signature(command).parameters.items()
            if name != "look"
        ]
        added = [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)
            for name, annotation in [("preset", PresetOption), *map(_annotated, options)]
        ]
        kept = [item.replace(kind=inspect.Parameter.KEYWORD_ONLY) for item in own]
        call.__signature__ = inspect.Signature([*kept, *added])  # type: ignore[attr-defined]
        call.__annotations__ = {item.name: item.annotation for item in [*kept, *added]}
        call.__name__, call.__doc__ = command.__name__, command.__doc__
        return call

    return decorate


def merged(preset: str | None, given: Values, known: Iterable[str]) -> dict[str, Any]:
    """The preset's values that concern the command, and over them those given by hand."""
    values = dict(load_preset(preset).values) if preset else {}
    by_hand = {name: value for name, value in given.items() if value not in (None, [], ())}
    return {name: value for name, value in values.items() if name in set(known)} | by_hand


def _annotated(option: LookOption) -> tuple[str, Any]:
    """A parameter for typer; all default to None, which leaves the word to preset and settings."""
    flag = f"--{option.name}"
    flags = [f"{flag}/--no-{option.name}"] if option.hint is bool else [flag]
    told = typer.Option(
        *flags,
        help=f"{option.help} {_default_told(option)}".strip(),
        metavar=option.metavar or None,
        show_default=False,
        rich_help_panel=_PANELS[option.part],
    )
    return _parameter(option), Annotated[_kind(option) | None, told]


def _kind(option: LookOption) -> Any:
    if option.name == "format":
        return list[Format]
    return Literal[option.choices] if option.choices else option.hint


def _default_told(option: LookOption) -> str:
    default = option.default
    if option.name == "format":
        return "\\[default: the settings', else png]"
    if default is None or (option.hint is bool and not default):
        return ""
    return f"\\[default: {'yes' if default is True else default}]"


def _parameter(option: LookOption) -> str:
    return option.name.replace("-", "_")


class Format(StrEnum):
    """Kinds of result; an enumeration because typer takes no list of literals."""

    PNG = "png"
    WEBP = "webp"
    AVIF = "avif"
    TIFF = "tiff"
    JPEG = "jpeg"
    PSD = "psd"
    PSB = "psb"
    ORA = "ora"
    LAYERS = "layers"
