"""File names from a template: `{stem}_{index:04}_{preset}` and the like."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from string import Formatter

from zippo_desktop.errors import UsageError
from zippo_desktop.export.naming import safe_stem

NUMBERS = ("index", "width", "height", "seed")
TEXTS = ("stem", "parent", "preset", "prompt")
FIELDS = (*TEXTS, *NUMBERS, "date")
Value = str | int | date

_DIGITS, _LENGTH = re.compile(r"0?\d{0,2}"), re.compile(r"\d{0,3}")


@dataclass(frozen=True)
class NameTemplate:
    """A checked template: literal texts, each with the field behind it (None at the end) and its format."""

    parts: tuple[tuple[str, str | None, str], ...]

    @property
    def fields(self) -> frozenset[str]:
        """The fields that it asks for."""
        return frozenset(name for _, name, _ in self.parts if name is not None)

    def fill(self, values: Mapping[str, Value]) -> str:
        """A file's stem, safe everywhere (see `safe_stem`); a missing value leaves its place empty."""
        texts = [
            literal + ("" if name is None else _formatted(values.get(name, ""), spec))
            for literal, name, spec in self.parts
        ]
        return safe_stem("".join(texts))


def parse_template(text: str) -> NameTemplate:
    """Read a template of `FIELDS`, such as "{stem}_{index:04}" or "{date:%Y%m%d} {prompt:40}".

    A number's format is its least digits, a text's the most characters of it. Raises `UsageError`
    for anything else, for braces that do not match and for folders.
    """
    try:
        parsed = list(Formatter().parse(text))
    except ValueError as error:
        raise UsageError(f'The name "{text}" cannot be read: {error}.', "Write {{ for a brace.") from None
    for _, name, spec, change in parsed:
        if name is not None:
            _check(text, name, spec or "", change)
    if "/" in text or "\\" in text:
        raise UsageError(f'The name "{text}" holds a folder.', "Choose the folder with --output.")
    if not any(name or literal.strip() for literal, name, _, _ in parsed):
        raise UsageError("The name is empty.", "Write {stem}, for instance.")
    return NameTemplate(tuple((literal, name, spec or "") for literal, name, spec, _ in parsed))


def _check(text: str, name: str, spec: str, change: str | None) -> None:
    if name not in FIELDS:
        known = " ".join(f"{{{field}}}" for field in FIELDS)
        raise UsageError(f'The name "{text}" asks for {{{name}}}, which there is not.', f"Known are {known}.")
    allowed = _DIGITS if name in NUMBERS else _LENGTH
    if change or (name != "date" and not allowed.fullmatch(spec)):
        hint = "{index:04} is a number of four digits, {prompt:40} at most forty characters."
        raise UsageError(f'The name "{text}": "{spec or change}" is no format of {{{name}}}.', hint)


def _formatted(value: Value, spec: str) -> str:
    if isinstance(value, date):
        return value.strftime(spec or "%Y-%m-%d")
    if isinstance(value, int):
        return format(value, spec)
    return value[: int(spec)].rstrip() if spec else value
