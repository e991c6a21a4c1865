"""What the person set once for every run, as JSON with a schema version and ordered upgrades."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from zippo_desktop.errors import ExportError

SCHEMA_VERSION = 2

Upgrade = Callable[[dict[str, Any]], dict[str, Any]]


def _from_the_command_line_alone(content: dict[str, Any]) -> dict[str, Any]:
    """Schema 1 knew four fields; whatever else stood there never meant what it means now."""
    return {name: content[name] for name in ("model", "engine", "provider", "formats") if name in content}


UPGRADES: tuple[Upgrade, ...] = (  # the n-th one turns schema n into n + 1; never edited, only added to
    _from_the_command_line_alone,
)


@dataclass(frozen=True)
class Settings:
    """Defaults for options that the command line leaves out, and what the window remembers."""

    model: str = "zippo-mini"
    engine: str = "auto"
    provider: str = "auto"
    formats: tuple[str, ...] = ("png",)
    memory_mb: int = 0  # of pictures at a time; 0: what suits the machine
    mirror: str = ""  # where `models get` fetches from; "": where each is published
    theme: str = "dark"  # or "light", or "system"
    output_dir: str = ""  # the window's; "" for its own choice
    preset: str = ""  # the window's, and over it the look's values by option name
    look: Mapping[str, Any] = field(default_factory=dict)
    open_sections: tuple[str, ...] = ("Matte", "Edge", "Background", "Results")  # of its panel


def load_settings(path: Path) -> tuple[Settings, tuple[str, ...]]:
    """The settings in `path`, and a sentence for each thing that could not be used.

    No file means the defaults. A file that cannot be understood is renamed beside itself, so that
    nothing of it is lost; one from a newer program is left alone. Never raises.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(content, dict):
            raise ValueError("it holds no JSON object")
        version = content.pop("schema_version", None)
        if type(version) is not int or version < 1:
            raise ValueError("it has no schema_version")
        if version > SCHEMA_VERSION:
            return Settings(), (f"The settings in {path} are from a newer version: the defaults are used.",)
        return _read(upgrade(content, version)), ()
    except FileNotFoundError:
        return Settings(), ()
    except OSError as error:
        return Settings(), (f"The settings in {path} cannot be read ({error.strerror}): defaults are used.",)
    except ValueError as error:
        return Settings(), (_set_aside(path, error),)


def save_settings(settings: Settings, path: Path) -> None:
    """Write the settings, whole or not at all. Raises `ExportError`."""
    content = {"schema_version": SCHEMA_VERSION} | asdict(settings)
    beside = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
        os.replace(beside, path)
    except OSError as error:
        raise ExportError(f"The settings cannot be saved to {path}: {error.strerror}.") from error


def change_settings(path: Path, **changes: Any) -> Settings:
    """Change some fields of the settings in `path`; the others stay as they are there.

    A file that cannot be read, or is a newer program's, stays as it is. Raises `ExportError`.
    """
    settings, problems = load_settings(path)
    changed = replace(settings, **changes)
    if changed != settings and not (problems and path.exists()):
        save_settings(changed, path)
    return changed


def upgrade(
    content: dict[str, Any], version: int, upgrades: tuple[Upgrade, ...] = UPGRADES
) -> dict[str, Any]:
    """Bring a file's content from schema `version` to the newest, one upgrade after the other."""
    for step in upgrades[version - 1 :]:
        content = step(content)
    return content


def _read(content: Mapping[str, Any]) -> Settings:
    """Take the known fields. Raises `ValueError` where one is of the wrong kind."""
    defaults = asdict(Settings())
    return Settings(
        **{name: _as_kind(name, content[name], defaults[name]) for name in defaults if name in content}
    )


def _as_kind(name: str, value: Any, default: Any) -> Any:
    """A field's value as its default's kind; JSON has lists where settings have tuples."""
    if isinstance(default, tuple):
        if not isinstance(value, list) or not all(isinstance(entry, str) for entry in value):
            raise ValueError(f"{name} is no list of texts")
        if name == "formats" and not value:
            raise ValueError("formats is empty")
        return tuple(value)
    if type(value) is not type(default):
        kinds = {str: "text", int: "whole number", dict: "object"}
        raise ValueError(f"{name} is no {kinds[type(default)]}")
    return value


def _set_aside(path: Path, error: ValueError) -> str:
    aside = path.with_name(f"{path.stem}.unreadable{path.suffix}")
    number = 1
    while aside.exists():
        number += 1
        aside = path.with_name(f"{path.stem}.unreadable-{number}{path.suffix}")
    try:
        path.rename(aside)
    except OSError:
        return f"The settings in {path} make no sense ({error}): the defaults are used."
    return f"The settings in {path} make no sense ({error}). They were set aside as {aside.name}."
