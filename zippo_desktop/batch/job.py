"""A job: the items to do, each with its request and its target, and the options they share."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from zippo_desktop.export.write import Target, planned_paths
from zippo_desktop.export.writing import Writing
from zippo_desktop.imaging.arrangement import Arrangement
from zippo_desktop.imaging.decode import MAX_PIXELS
from zippo_desktop.pipelines.request import Request

Task = Literal["matting", "painting", "generation"]
OnExisting = Literal["skip", "overwrite", "rename"]


@dataclass(frozen=True)
class Options:
    """What holds for a whole job beside its items."""

    output_dir: Path
    model: str = "zippo-mini"
    engine: str = "auto"
    provider: str = "auto"
    arrangement: Arrangement = field(default_factory=Arrangement)
    writing: Writing = field(default_factory=Writing)
    preset: str = ""  # its name, for the results' names
    on_existing: OnExisting = "skip"
    max_pixels: int = MAX_PIXELS


@dataclass(frozen=True)
class Item:
    """One photo, or one picture to make. `label` is what a person calls it; `source` may be None.

    `start` is the picture that a painting or a generation starts from, if it does not start from noise;
    `trimap` the file that says what is known of a photo's matte.
    """

    label: str
    request: Request
    target: Target
    source: Path | None = None
    start: Path | None = None
    trimap: Path | None = None


@dataclass(frozen=True)
class Problem:
    """An input that never became an item, and why, as a sentence."""

    label: str
    message: str


@dataclass(frozen=True)
class Job:
    """One run. `passed_over` counts the files among the inputs that are no pictures."""

    task: Task
    options: Options
    items: tuple[Item, ...]
    problems: tuple[Problem, ...] = ()
    passed_over: int = 0


def remaining_target(item: Item, on_existing: OnExisting) -> Target | None:
    """What is still to be written for an item, or None when that is nothing.

    With `skip`, formats whose files are all there stay as they are. An empty file is not there:
    something died while writing it.
    """
    if on_existing != "skip":
        return item.target
    nothing = replace(item.target, formats=(), with_matte=False, with_foreground=False)
    left = replace(
        item.target,
        formats=tuple(
            name for name in item.target.formats if not _is_written(replace(nothing, formats=(name,)))
        ),
        with_matte=item.target.with_matte and not _is_written(replace(nothing, with_matte=True)),
        with_foreground=item.target.with_foreground
        and not _is_written(replace(nothing, with_foreground=True)),
    )
    return None if left == nothing else left


def _is_written(target: Target) -> bool:
    return all(map(_has_content, planned_paths(target)))


def _has_content(path: Path) -> bool:
    try:
        return path.is_dir() or path.stat().st_size > 0
    except OSError:
        return False
