"""Presets: named bundles of look options as TOML files, shipped ones and the person's own."""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zippo_desktop.errors import ExportError, UsageError
from zippo_desktop.looks.options import look_from, with_whole_path
from zippo_desktop.paths import presets_dir, resource_dir

_NAME = re.compile(r"[\w][\w .+-]{0,59}")  # also a file's stem everywhere
_SUFFIX = ".toml"


@dataclass(frozen=True)
class Preset:
    """A preset: `values` by option name, as in the file; `is_own` for one of the person's."""

    name: str
    description: str
    values: Mapping[str, Any]
    path: Path
    is_own: bool = False


def list_presets() -> list[Path]:
    """The files of all presets, sorted by name; the person's own hide shipped ones of the same name."""
    found = {path.stem: path for path in (resource_dir() / "presets").glob(f"*{_SUFFIX}")}
    found |= {path.stem: path for path in presets_dir().glob(f"*{_SUFFIX}")}
    return [found[name] for name in sorted(found)]


def load_preset(name: str) -> Preset:
    """A preset by its name, or by its file. Raises `UsageError` where it is missing or makes no sense."""
    known = {path.stem: path for path in list_presets()}
    if name in known:
        return read_preset(known[name])
    if name.endswith(_SUFFIX) and Path(name).is_file():
        return read_preset(Path(name))
    raise UsageError(
        f"There is no preset '{name}'.", f"Known are {', '.join(known)}; a TOML file can be named."
    )


def read_preset(path: Path) -> Preset:
    """Read and check one file. Raises `UsageError` with the file's name."""
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
        description = values.pop("description", "")
        look_from(values)
    except (OSError, ValueError) as error:
        raise UsageError(f"The preset {path} cannot be read: {error}.") from error
    except UsageError as error:
        raise UsageError(f"The preset {path}: {error.message}", error.hint) from error
    return Preset(path.stem, str(description), values, path, path.parent == presets_dir())


def save_preset(name: str, description: str, values: Mapping[str, Any], *, is_overwriting: bool) -> Path:
    """Write one of the person's own presets, whole or not at all.

    Raises `UsageError` for a name that is no file's, values that make no sense, or a preset that is
    there and not to be replaced; `ExportError` where it cannot be written.
    """
    if not _NAME.fullmatch(name) or name.endswith((" ", ".")):
        raise UsageError(f"'{name}' cannot be a preset's name.", "Use letters, digits, spaces, '-' and '_'.")
    look_from(values)
    values = with_whole_path(values)
    path = presets_dir() / f"{name}{_SUFFIX}"
    if path.exists() and not is_overwriting:
        raise UsageError(f"The preset {path} exists.", "Choose another name, or add --overwrite.")
    draft = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.write_text(preset_text(description, values), encoding="utf-8")
        os.replace(draft, path)
    except OSError as error:
        raise ExportError(f"The preset {path} cannot be saved: {error.strerror or error}.") from error
    return path


def preset_text(description: str, values: Mapping[str, Any]) -> str:
    """A preset as TOML: every value that it can hold is written the same way in JSON."""
    lines = {"description": description, **values} if description else dict(values)
    return "".join(f"{key} = {json.dumps(value, ensure_ascii=False)}\n" for key, value in lines.items())
