"""What is done with the items of each task: decode, infer, finish. Exporting is the same for all."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from zippo_desktop.batch.job import Item, Job, Task
from zippo_desktop.diffusion.sampler import OnStep
from zippo_desktop.engine.session import AutoSpec, ExpertSpec, ModelSpec, Session, ZippoSpec, zippo_of
from zippo_desktop.errors import InputError, ModelError, UsageError, ZippoError
from zippo_desktop.imaging.colour import srgb_8_bit
from zippo_desktop.imaging.decode import Photo, decode, decode_matte
from zippo_desktop.imaging.layers import LayerStack, Matte
from zippo_desktop.imaging.trimap import read_known
from zippo_desktop.pipelines import generation, matting, painting
from zippo_desktop.pipelines.confidence import Assessment, assess
from zippo_desktop.pipelines.cutting import cut_out, has_matte, kept_as_it_is
from zippo_desktop.pipelines.network_matte import NetworkMatte
from zippo_desktop.pipelines.previews import OnPreview
from zippo_desktop.pipelines.request import (
    GenerationRequest,
    MattingRequest,
    PaintingRequest,
    Request,
    keeps_start,
)

BatchKey = Hashable | None  # what items of one batch have in common; None for what goes alone


@dataclass(frozen=True)
class Finished:
    """The layers of an item, a way to the sRGB picture [H,W,3] that it began with, and how sure it is.

    `told` is what its parameters say beside its request, such as which of several models it is of.
    """

    layers: LayerStack
    picture: Callable[[], NDArray[np.uint8]] | None = None
    assessment: Assessment | None = None
    told: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Stages:
    """Three steps of one task. What passes between them is the task's own affair."""

    decode: Callable[[Item, ModelSpec, int], Any]  # any thread; the last is the most pixels of a picture
    infer: Callable[[Session, Sequence[Any], Request, OnStep, OnPreview | None], Sequence[Any]]  # session's
    finish: Callable[[Any, Any, Item, Mapping[str, str]], Finished]  # any thread
    batch_key: Callable[[Any], BatchKey] = lambda decoded: None  # of items of one request


def check(job: Job, spec: ModelSpec) -> None:
    """Refuse a job that this model cannot do, before its first item.

    Raises `ModelError` for the task, `UsageError` for a request.
    """
    if job.task not in spec.tasks:
        raise ModelError(f"The model {spec.name} cannot do {job.task}.", f"It does {', '.join(spec.tasks)}.")
    zippo = spec.zippo if isinstance(spec, AutoSpec) else spec
    for request in dict.fromkeys(item.request for item in job.items):
        if isinstance(request, MattingRequest):
            _check_kind(request, spec)
        if isinstance(zippo, ZippoSpec):
            zippo.schedule.timesteps(request.steps)
        if isinstance(request, GenerationRequest):
            generation.picture_side(request, spec)


def _check_kind(request: MattingRequest, spec: ModelSpec) -> None:
    """Refuse what a model of this kind would have to ignore."""
    if isinstance(spec, ZippoSpec) and request.refine != "none":
        raise UsageError(f"{spec.name} refines experts' mattes, not its own.", "Leave --refine out.")
    if not isinstance(spec, ExpertSpec) or request.refine != "none":
        return
    if request.prompt:
        raise UsageError(f"The model {spec.name} takes no prompt.", "Leave --prompt out.")
    if request.steps > 1:
        raise UsageError(f"The model {spec.name} takes no steps.", "Leave --steps out.")


def _decode_photo(item: Item, spec: ModelSpec, max_pixels: int) -> Any:
    photo = decode(_source(item), max_pixels)
    known = read_known(item.trimap, photo.size) if item.trimap else None
    request = cast(MattingRequest, item.request)
    return photo, known, None if has_matte(photo, request) else matting.prepare(photo, spec)


def _matte_key(decoded: Any) -> BatchKey:
    *_, prepared = decoded
    return None if prepared is None else tuple(prepared.fit.image.shape)


def _infer_mattes(
    session: Session,
    decoded: Sequence[Any],
    request: Request,
    on_step: OnStep,
    on_preview: OnPreview | None,
) -> Sequence[Any]:
    photos = [prepared for *_, prepared in decoded if prepared is not None]
    if not photos:
        return [None] * len(decoded)
    return matting.infer_photos(session, photos, cast(MattingRequest, request), on_step)


def _finish_cutout(decoded: Any, found: Any, item: Item, parameters: Mapping[str, str]) -> Finished:
    photo, known, prepared = decoded
    request = cast(MattingRequest, item.request)
    if prepared is None:
        return Finished(cut_out(photo, photo.alpha, request, known), partial(srgb_8_bit, photo))
    matte = matting.native_matte(found, prepared)
    assessment = _assessed(found, matte)
    told = {"model_used": found.model_used} if found.model_used else {}
    return Finished(cut_out(photo, matte, request, known), lambda: prepared.image, assessment, told)


def _assessed(found: NetworkMatte, matte: Matte) -> Assessment | None:
    """How sure a matte is; what it fails of does not fail the matte, unless it is a bug."""
    try:
        judged = assess(found, matte)
    except (MemoryError, ZippoError):
        return None
    return replace(judged, doubts=(*judged.doubts, found.remark)) if found.remark else judged


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


def _infer_colours(
    session: Session,
    decoded: Sequence[Any],
    request: Request,
    on_step: OnStep,
    on_preview: OnPreview | None,
) -> Sequence[Any]:
    request = cast(PaintingRequest, request)
    if keeps_start(request):
        return [None] * len(decoded)
    return [
        painting.infer_fit(zippo_of(session), fit, request, on_step, start, on_preview)
        for _, fit, _, start in decoded
    ]


def _finish_painting(decoded: Any, colours: Any, item: Item, parameters: Mapping[str, str]) -> Finished:
    matte, _, photo, _ = decoded
    if colours is None:
        return Finished(kept_as_it_is(photo, matte, parameters), _picture_of(photo))
    return Finished(painting.finish(colours, matte, parameters), _picture_of(photo))


def _decode_start(item: Item, spec: ModelSpec, max_pixels: int) -> Any:
    if item.start is None:
        return None, None
    photo = decode(item.start, max_pixels)
    if photo.alpha is None:
        raise InputError(
            f"{item.start} is not transparent anywhere.", "Cut it out first: zippo-desktop matte"
        )
    return photo, generation.prepare_start(photo, photo.alpha, spec)


def _infer_pictures(
    session: Session,
    decoded: Sequence[Any],
    request: Request,
    on_step: OnStep,
    on_preview: OnPreview | None,
) -> Sequence[Any]:
    request = cast(GenerationRequest, request)
    if keeps_start(request):
        return [None] * len(decoded)
    return [generation.infer(zippo_of(session), request, on_step, start, on_preview) for _, start in decoded]


def _finish_picture(decoded: Any, picture: Any, item: Item, parameters: Mapping[str, str]) -> Finished:
    photo, _ = decoded
    if picture is None:
        return Finished(kept_as_it_is(photo, photo.alpha, parameters), _picture_of(photo))
    size = photo and photo.pixels.shape[:2]
    return Finished(generation.finish(picture, parameters, size), _picture_of(photo))


def _picture_of(photo: Photo | None) -> Callable[[], NDArray[np.uint8]] | None:
    return None if photo is None else partial(srgb_8_bit, photo)


def _source(item: Item) -> Path:
    if item.source is None:
        raise InputError(f"{item.label} names no file.")
    return item.source


STAGES: Mapping[Task, Stages] = {
    "matting": Stages(_decode_photo, _infer_mattes, _finish_cutout, _matte_key),
    "painting": Stages(_decode_matte, _infer_colours, _finish_painting),
    "generation": Stages(_decode_start, _infer_pictures, _finish_picture),
}
