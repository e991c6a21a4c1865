"""Which look option stands in which section of the panel, and which of a set of values make no sense."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from zippo_desktop.errors import UsageError
from zippo_desktop.looks.options import look_from, look_option


@dataclass(frozen=True)
class Section:
    """The options of a section by name: those that most people need, and those that few do."""

    title: str
    common: tuple[str, ...]
    advanced: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """All of them."""
        return self.common + self.advanced

    @property
    def is_for_photos(self) -> bool:
        """Whether its options decide about mattes that are found in photos, and about nothing else."""
        return {look_option(name).part for name in self.names} <= {"matting", "controls"}


SECTIONS = (
    Section(
        "Matte",
        ("edges", "second-pass", "keep-largest"),
        ("steps", "ensemble", "check", "refine", "fill-holes", "alpha"),
    ),
    Section("Edge", ("expand", "contrast", "feather", "foreground")),
    Section("Frame", ("crop", "canvas", "long-edge"), ("aspect", "subject-share")),
    Section("Background", ("background", "background-blur")),
    Section("Shadow", ("shadow", "shadow-opacity", "shadow-blur"), ("shadow-distance", "shadow-angle")),
    Section(
        "Results",
        ("format", "quality", "name", "matte", "foreground-file"),
        ("depth", "under-alpha", "metadata", "keep-folders", "keep-times"),
    ),
)


def problems_of(values: Mapping[str, Any]) -> dict[str, str]:
    """A sentence for each option whose value makes no sense, by itself or beside the others."""
    problems: dict[str, str] = {}
    rest = dict(values)
    while (told := _problem(rest)) is not None:
        culprit = next((name for name in rest if _problem(_without(rest, name)) != told), None)
        if culprit is None:
            return problems
        problems[culprit] = told
        rest = _without(rest, culprit)
    return problems


def without_effect(values: Mapping[str, Any]) -> frozenset[str]:
    """The options that change nothing as things stand; `values` has every option."""
    idle = set()
    if values["shadow"] is None:
        idle |= {name for name in values if name.startswith("shadow-")}
    if values["background"] != "blur":
        idle.add("background-blur")
    if values["canvas"] is None:
        idle.add("subject-share")
    if values["crop"] is None and values["aspect"] is None:
        idle.add("aspect")
    if not {"jpeg", "webp", "avif"} & set(values["format"]):
        idle.add("quality")
    return frozenset(idle)


def _problem(values: Mapping[str, Any]) -> str | None:
    try:
        look_from(values)
    except UsageError as error:
        return str(error)
    return None


def _without(values: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {other: value for other, value in values.items() if other != name}
