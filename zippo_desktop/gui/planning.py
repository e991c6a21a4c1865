"""From what the panels say to a job, by the same plans and options as the command line's; any thread."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from zippo_desktop.batch.job import Job, OnExisting, Options, Problem, Task
from zippo_desktop.batch.plan import plan_generation, plan_matting, plan_painting
from zippo_desktop.batch.prompts import PromptRow
from zippo_desktop.batch.scan import Found
from zippo_desktop.errors import UsageError
from zippo_desktop.looks.options import look_from, with_whole_path
from zippo_desktop.pipelines.request import GenerationRequest, MattingRequest, PaintingRequest
from zippo_desktop.settings import Settings


@dataclass(frozen=True)
class Order:
    """All that is set when Start is pressed. `values` are look options by name, as in a preset."""

    task: Task
    output_dir: Path
    photos: tuple[Found, ...] = ()
    mattes: tuple[Path, ...] = ()  # to paint into
    rows: tuple[PromptRow, ...] = ()
    photo: Path | None = None  # what a painting starts from, or a folder of such photos
    strength: float | None = None  # and how much of it becomes new
    values: Mapping[str, Any] = field(default_factory=dict)
    model: str = Settings.model
    preset: str = ""
    on_existing: OnExisting = "skip"


def options_of(order: Order, settings: Settings) -> tuple[Options, MattingRequest]:
    """The options of an order, with the person's settings where it leaves them out, and its look's request.

    Raises `UsageError` for values that make no sense.
    """
    look = look_from({"format": list(settings.formats)} | with_whole_path(order.values))
    options = Options(
        output_dir=order.output_dir,
        model=order.model or settings.model,
        engine=settings.engine,
        provider=settings.provider,
        arrangement=look.arrangement,
        writing=look.writing,
        preset=order.preset,
        on_existing=order.on_existing,
        memory_mb=settings.memory_mb,
    )
    return options, look.matting


def plan(order: Order, settings: Settings) -> Job:
    """The job of an order. Raises `UsageError` for one that asks for nothing, or for what cannot be."""
    options, matting = options_of(order, settings)
    if order.task == "matting":
        return plan_photos(order.photos, matting, options)
    if not order.rows:
        raise UsageError("There is no prompt.", "Write what is to be made.")
    if order.task == "generation":
        return plan_generation(order.rows, 1, GenerationRequest(""), options)
    if order.photo and not order.photo.exists():
        raise UsageError(f"{order.photo} does not exist.", "Choose another photo, or none.")
    request = PaintingRequest("", strength=order.strength if order.photo else None)
    return plan_painting(order.mattes, order.rows, 1, request, options, photos=order.photo)


def plan_photos(photos: Sequence[Found], request: MattingRequest, options: Options) -> Job:
    """The job of the photos in the list, by the plan of the folders that they were added by.

    So each result has the folder and the name that it has from the command line, whichever photos were
    taken from the list. One that is gone by now is a problem of the job's.
    """
    if not photos:
        raise UsageError("There are no photos.", "Drop some, or open a folder.")
    roots = dict.fromkeys(_root(photo) for photo in photos if photo.subfolder != Path())
    loose = [photo.path for photo in photos if photo.subfolder == Path() and photo.path.parent not in roots]
    whole = plan_matting([*roots, *loose], request, options)
    listed = {os.path.abspath(photo.path): photo for photo in photos}
    items = tuple(item for item in whole.items if item.source and os.path.abspath(item.source) in listed)
    for item in items:
        listed.pop(os.path.abspath(item.source or ""))
    gone = tuple(
        Problem(str(photo.path), f"{photo.path} does not exist.")
        for photo in listed.values()
        if not os.path.lexists(photo.path)
    )
    if roots:  # what else is wrong in a folder was told when it was added
        return replace(whole, items=items, problems=gone, passed_over=0)
    return replace(whole, items=items)


def _root(photo: Found) -> Path:
    """The folder that a photo was added by."""
    return photo.path.parents[len(photo.subfolder.parts)]
