"""A job: the items to do, each with its request and its target, and the options they share."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from zippo_desktop.export.long_paths import reachable
from zippo_desktop.export.write import Target, planned_paths
from zippo_desktop.export.writing import Writing
from zippo_desktop.imaging.arrangement import Arrangement
from zippo_desktop.imaging.decode import MAX_PIXELS
from zippo_desktop.pipelines.confidence import UNCERTAIN_BELOW
from zippo_desktop.pipelines.request import Request

Task = Literal["matting", "painting", "generation"]
OnExisting = Literal["skip", "overwrite", "rename"]


@dataclass(frozen=True)
class Options:
    """What holds for a whole job beside its items.

    `batch_size` is how many items may go through the network together, 0 for what suits its provider.
    `memory_mb` bounds the pictures in memory, 0 for half of what the machine has to give; a picture
    that needs more by itself is done alone. Results whose confidence is below `uncertain_below` are
    uncertain: they go to `uncertain_dir`, where there is one, and with `fail_if_uncertain` they count as a
    failure. The photo of a done item is moved to `originals_dir`, where there is one.
    """

    output_dir: Path
    model: str = "zippo-mini"
    engine: str = "auto"
    provider: str = "auto"
    arrangement: Arrangement = field(default_factory=Arrangement)
    writing: Writing = field(default_factory=Writing)
    preset: str = ""  # its name, for the results' names
    on_existing: OnExisting = "skip"
    max_pixels: int = MAX_PIXELS
    batch_size: int = 0
    memory_mb: int = 0
    uncertain_below: float = UNCERTAIN_BELOW
    uncertain_dir: Path | None = None
    fail_if_uncertain: bool = False
    originals_dir: Path | None = None


@dataclass(frozen=True)
class Item:
    """One photo, or one picture to make. `label` is what a person calls it; `source` may be None.

    `start` is the picture that a painting or a generation starts from, if it does not start from noise;
    `trimap` the file that says what is known of a photo's matte. `uncertain_target` is where the results
    go instead of `target` if they are uncertain, and `archive` where the photo goes once they are written;
    no file had either name when the job was planned.
    """

    label: str
    request: Request
    target: Target
    source: Path | None = None
    start: Path | None = None
    trimap: Path | None = None
    uncertain_target: Target | None = None
    archive: Path | None = None


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
    """What is still to be written of an item, or None when that is nothing.

    With `skip`, formats whose files are all there, be it among the uncertain results, stay as they are.
    An empty file is not there: something died while writing it.
    """
    if on_existing != "skip":
        return item.target
    wanted = item.target
    left = replace(
        wanted,
        formats=tuple(name for name in wanted.formats if not _is_written(item, formats=(name,))),
        with_matte=wanted.with_matte and not _is_written(item, with_matte=True),
        with_foreground=wanted.with_foreground and not _is_written(item, with_foreground=True),
    )
    return left if left.suffixes else None


def results_there(item: Item) -> tuple[Path, ...]:
    """The results of an item that are there, in either place where they may be."""
    places = [target for target in (item.target, item.uncertain_target) if target]
    return tuple(path for place in places for path in planned_paths(place) if _has_content(path))


def _is_written(item: Item, **part: Any) -> bool:
    """Whether a part of an item's results is whole in one of the places where it may be."""
    alone: dict[str, Any] = {"formats": (), "with_matte": False, "with_foreground": False} | part
    places = [target for target in (item.target, item.uncertain_target) if target]
    return any(all(map(_has_content, planned_paths(replace(place, **alone)))) for place in places)


def _has_content(path: Path) -> bool:
    path = reachable(path)
    try:
        return path.is_dir() or path.stat().st_size > 0
    except OSError:
        return False
