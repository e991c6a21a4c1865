"""What the runner does with one item of each task: decode, infer, finish. Exporting is the same for all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from zippo_desktop.batch.job import Item, Job, Task
from zippo_desktop.diffusion.sampler import OnStep
from zippo_desktop.engine.session import ModelSpec, Session
from zippo_desktop.errors import InputError, ModelError
from zippo_desktop.imaging.decode import decode, decode_matte
from zippo_desktop.imaging.layers import LayerStack
from zippo_desktop.imaging.trimap import read_known
from zippo_desktop.pipelines import generation, matting, painting
from zippo_desktop.pipelines.cutting import cut_out, has_matte, kept_as_it_is
from zippo_desktop.pipelines.request import (
    GenerationRequest,
    MattingRequest,
    PaintingRequest,
    keeps_start,
)


@dataclass(frozen=True)
class Stages:
    """Three steps of one task. What passes between them is the task's own affair."""

    decode: Callable[[Item, ModelSpec, int], Any]  # any thread; the last is the most pixels of a picture
    infer: Callable[[Session, Any, Item, OnStep], Any]  # the session's thread
    finish: Callable[[Any, Any, Item, Mapping[str, str]], LayerStack]  # any thread


def check(job: Job, spec: ModelSpec) -> None:
    """Refuse a job that this model cannot do, before its first item.

    Raises `ModelError` for the task, `UsageError` for a request.
    """
    if job.task not in spec.tasks:
        raise ModelError(f"The model {spec.name} cannot do {job.task}.", f"It does {', '.join(spec.tasks)}.")
    for request in dict.fromkeys(item.request for item in job.items):
        spec.schedule.timesteps(request.steps)
        if isinstance(request, GenerationRequest):
            generation.picture_side(request, spec)


def _decode_photo(item: Item, spec: ModelSpec, max_pixels: int) -> Any:
    photo = decode(_source(item), max_pixels)
    known = read_known(item.trimap, photo.size) if item.trimap else None
    request = cast(MattingRequest, item.request)
    return photo, known, None if has_matte(photo, request) else matting.prepare(photo, spec)


def _infer_matte(session: Session, decoded: Any, item: Item, on_step: OnStep) -> Any:
    *_, prepared = decoded
    return prepared and matting.infer_photo(session, prepared, cast(MattingRequest, item.request), on_step)


def _finish_cutout(decoded: Any, found: Any, item: Item, parameters: Mapping[str, str]) -> LayerStack:
    photo, known, prepared = decoded
    matte = photo.alpha if prepared is None else matting.native_matte(found, prepared)
    return cut_out(photo, matte, cast(MattingRequest, item.request), known)


def _decode_matte(item: Item, spec: ModelSpec, max_pixels: int) -> Any:
    matte = decode_matte(_source(item), max_pixels)
    fit = painting.prepare(matte, spec)
    if item.start is None:
        return matte, fit, None, None
    photo = decode(item.start, max_pixels)
    if photo.pixels.shape[:2] != matte.shape:
        raise InputError(
            f"{item.start} and its matte {item.source} are of different sizes.",
            "A photo is painted over inside a matte of its own size.",
        )
    return matte, fit, photo, painting.prepare_start(photo, matte, spec)


def _infer_colours(session: Session, decoded: Any, item: Item, on_step: OnStep) -> Any:
    _, fit, _, start = decoded
    request = cast(PaintingRequest, item.request)
    if keeps_start(request):
        return None
    return painting.infer_fit(session, fit, request, on_step, start)


def _finish_painting(decoded: Any, colours: Any, item: Item, parameters: Mapping[str, str]) -> LayerStack:
    matte, _, photo, _ = decoded
    if colours is None:
        return kept_as_it_is(photo, matte, parameters)
    return painting.finish(colours, matte, parameters)


def _decode_start(item: Item, spec: ModelSpec, max_pixels: int) -> Any:
    if item.start is None:
        return None, None
    photo = decode(item.start, max_pixels)
    if photo.alpha is None:
        raise InputError(
            f"{item.start} is not transparent anywhere.", "Cut it out first: zippo-desktop matte"
        )
    return photo, generation.prepare_start(photo, photo.alpha, spec)


def _infer_picture(session: Session, decoded: Any, item: Item, on_step: OnStep) -> Any:
    _, start = decoded
    request = cast(GenerationRequest, item.request)
    if keeps_start(request):
        return None
    return generation.infer(session, request, on_step, start)


def _finish_picture(decoded: Any, picture: Any, item: Item, parameters: Mapping[str, str]) -> LayerStack:
    photo, _ = decoded
    if picture is None:
        return kept_as_it_is(photo, photo.alpha, parameters)
    return generation.finish(picture, parameters, photo and photo.pixels.shape[:2])


def _source(item: Item) -> Path:
    if item.source is None:
        raise InputError(f"{item.label} names no file.")
    return item.source


STAGES: Mapping[Task, Stages] = {
    "matting": Stages(_decode_photo, _infer_matte, _finish_cutout),
    "painting": Stages(_decode_matte, _infer_colours, _finish_painting),
    "generation": Stages(_decode_start, _infer_picture, _finish_picture),
}
