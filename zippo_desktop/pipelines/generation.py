"""Text -> RGB and matte: a transparent picture, sampled from the joint distribution."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from zippo_desktop.diffusion.latents import Array, Branch, draw_noise, join, split
from zippo_desktop.diffusion.sampler import Known, OnStep, Start, sample_ddim, steps_taken, within
from zippo_desktop.engine.session import ModelSpec, ZippoSession
from zippo_desktop.errors import UsageError
from zippo_desktop.imaging.backdrop import STUDIO_GREY, add_backdrop, remove_backdrop
from zippo_desktop.imaging.cleanness import cleanness, cleared
from zippo_desktop.imaging.colour import to_srgb
from zippo_desktop.imaging.decode import Photo
from zippo_desktop.imaging.layers import LayerStack, Matte, Metadata
from zippo_desktop.imaging.resize import Fit, fit_to_network, resize, unfit
from zippo_desktop.pipelines.guidance import guided_denoiser
from zippo_desktop.pipelines.pictures import (
    decode_colours,
    decode_mattes,
    encode_colours,
    encode_matte,
    to_uint8,
)
from zippo_desktop.pipelines.previews import OnPreview, Rgba, cut_preview
from zippo_desktop.pipelines.request import GenerationRequest

MIN_LATENTS_FOR_MARGIN = 8  # along a side: with fewer, one would be wider than studio shots leave free


def picture_side(request: GenerationRequest, spec: ModelSpec) -> int:
    """The side in pixels of the square to generate. Raises `UsageError` for one the model cannot make."""
    side = spec.size_px if request.size is None else request.size
    if side <= 0 or side % spec.multiple_px:
        raise UsageError(
            f"{spec.name} cannot make pictures of {side} px.",
            f"The size must be a multiple of {spec.multiple_px}; the model was trained at {spec.size_px}.",
        )
    return side


def prepare_start(photo: Photo, matte: Matte, spec: ModelSpec) -> Fit:
    """A cut-out as the network wants it: [h,w,4], its colours over the grey backdrop, then its matte."""
    picture = np.dstack([add_backdrop(to_srgb(photo), matte), matte])
    return fit_to_network(picture, spec.size_px, spec.multiple_px)


def infer(
    session: ZippoSession,
    request: GenerationRequest,
    on_step: OnStep | None = None,
    start: Fit | None = None,
    on_preview: OnPreview | None = None,
) -> Array:
    """A picture and its matte, [h,w,4] in 0..1: colours over the grey backdrop, then the matte.

    The first clean cut-out of the request's tries, or, where none is, the one that comes closest. Steps are
    told as of all the tries that there may be; those that are not needed count as done at the end.
    With a `start` (see `prepare_start`) that cut-out is varied, as much as the request's strength says, at
    its own shape; without one the object is kept free of the frame. Raises `UsageError` for a size that the
    model cannot make.
    """
    spec = session.spec
    # 1. draw the noise of both halves, for all tries
    side = picture_side(request, spec) // spec.downsampling
    shape: tuple[int, ...] = (2 * spec.latent_channels, side, side)
    begin, known, tries = None, None, request.tries
    if start is not None and request.strength is not None:
        begin, tries = Start(_encode(session, start.image), request.strength), 1
        shape = begin.clean.shape[1:]
    else:
        known = _free_margin(session, side * spec.downsampling)
    noises = draw_noise(request.seed, (tries, *shape))  # [tries,2C,h/f,w/f]
    # 2. sample both halves together, each by its own branch
    predict = guided_denoiser(
        session, [Branch.JOINT_RGB, Branch.JOINT_MATTE], request.prompt, request.negative, request.guidance
    )

    def denoise(joint: Array, timestep: int) -> Array:
        predictions = predict(joint, timestep)  # [2,C,h/f,w/f]
        return join(predictions[:1], predictions[1:])

    def show(joint: Array) -> None:
        if on_preview:
            on_preview(lambda: _preview(_decode(session, joint, start)))

    in_try = request.steps if begin is None else steps_taken(request.steps, begin.strength)
    pictures: list[Array] = []
    for place in range(tries):
        counted = within(on_step, place * in_try, tries * in_try)
        noise = noises[place : place + 1]
        joint = sample_ddim(denoise, noise, spec.schedule, request.steps, counted, begin, show, known)
        # 3. decode both halves
        pictures.append(_decode(session, joint, start))
        if cleanness(pictures[-1][..., 3]).is_clean:
            break
    if on_step is not None and len(pictures) < tries:
        on_step(tries * in_try, tries * in_try)
    # 4. choose the cleanest
    return max(pictures, key=lambda picture: cleanness(picture[..., 3]).rank)


def _decode(session: ZippoSession, joint: Array, start: Fit | None) -> Array:
    """A joint latent [1,2C,h/f,w/f] as a picture [h,w,4] in 0..1.

    Without the padding of a start; or, where there is none, without what the network's noise leaves around
    the object: a start's own haze, its shadow perhaps, is meant.
    """
    rgb, matte = split(joint)
    colours, alpha = decode_colours(session, rgb)[0], decode_mattes(session, matte)[0]
    if start is None:
        return np.dstack([colours, cleared(alpha)])
    return unfit(np.dstack([colours, alpha]), start)


def _preview(picture: Array) -> Rgba:
    return cut_preview(picture[..., :3], picture[..., 3])


def _free_margin(session: ZippoSession, side: int) -> Known | None:
    """The latents along the frame's border, [1,2C,h/f,w/f]: the backdrop, and nothing in the matte.

    Studio shots show whole objects; a network unsure of where one ends lets it run out of the frame.
    None for a picture so small that the margin would take what an object needs.
    """
    if side < MIN_LATENTS_FOR_MARGIN * session.spec.downsampling:
        return None
    empty = np.zeros((side, side, 4), np.float32)
    empty[..., :3] = STUDIO_GREY
    clean = _encode(session, empty)
    margin = np.ones(clean.shape, bool)
    margin[..., 1:-1, 1:-1] = False
    return Known(clean, margin)


def _encode(session: ZippoSession, picture: Array) -> Array:
    """Both halves of a picture [h,w,4] in 0..1, its colours over the grey backdrop: [1,2C,h/f,w/f]."""
    return join(encode_colours(session, picture[None, ..., :3]), encode_matte(session, picture[..., 3]))


def finish(picture: Array, parameters: Mapping[str, str], size: tuple[int, int] | None = None) -> LayerStack:
    """The network's picture [h,w,4] (colours over the grey backdrop, matte) as a layer stack.

    With `size`, height and width, it is brought to the size of the cut-out that it started from.
    """
    if size is not None:
        picture = resize(picture, *size)
    matte = np.ascontiguousarray(picture[..., 3])
    subject = remove_backdrop(picture[..., :3], matte)
    return LayerStack(to_uint8(subject), matte, metadata=Metadata(parameters=parameters))
