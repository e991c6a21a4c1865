"""RGB -> matte: the network's matte of a photo, and its way back to the photo's own size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zippo_desktop.diffusion.latents import Array, Branch, draw_noise, join
from zippo_desktop.diffusion.sampler import Denoise, OnStep, sample_ddim
from zippo_desktop.engine.session import ModelSpec, Session
from zippo_desktop.imaging.boxes import Box
from zippo_desktop.imaging.colour import srgb_8_bit
from zippo_desktop.imaging.decode import Photo
from zippo_desktop.imaging.layers import Matte
from zippo_desktop.imaging.matte import upsample_guided
from zippo_desktop.imaging.resize import Fit, Picture, fit_to_network, unfit
from zippo_desktop.pipelines import second_pass
from zippo_desktop.pipelines.detail import refine
from zippo_desktop.pipelines.pictures import decode_mattes, encode_colours, to_network
from zippo_desktop.pipelines.request import Edges, MattingRequest


@dataclass(frozen=True)
class Prepared:
    """What the network needs of a photo: its sRGB picture [H,W,3] at 8 bit, and that at its own size."""

    image: NDArray[np.uint8]
    fit: Fit


@dataclass(frozen=True)
class NetworkMatte:
    """What the network found, and how it is to become a matte of the photo's size.

    `first` [h,w] is of the whole photo. `closer` [h',w'] is that of the subject's `box` in the photo's
    pixels, and None where no second look was taken, or where it contradicted the first.
    """

    first: Matte
    closer: Matte | None = None
    box: Box | None = None
    edges: Edges = "fast"


def prepare(photo: Photo, spec: ModelSpec) -> Prepared:
    """The photo as the network wants it: sRGB, whole and small. Any thread."""
    image = srgb_8_bit(photo)
    return Prepared(image, fit(image, spec))


def fit(image: Picture, spec: ModelSpec) -> Fit:
    """An sRGB picture [H,W,3] at the VAE's size, and in the detail that the image encoder sees."""
    return fit_to_network(image, spec.size_px, spec.multiple_px, spec.detail)


def infer_photo(
    session: Session, prepared: Prepared, request: MattingRequest, on_step: OnStep | None = None
) -> NetworkMatte:
    """The network's mattes of a photo; the session's thread.

    Whether a second pass is worth it is known only after the first. Its steps are part of the total from
    the start, and are told as done at once where it is left out.
    """
    steps = request.ensemble * request.steps
    total = 2 * steps if request.second_pass else steps
    first = infer_fits(session, [prepared.fit], request, _within(on_step, 0, total))[0]
    height, width = prepared.image.shape[:2]
    box = second_pass.close_up(first, height, width) if request.second_pass else None
    if box is None:
        if on_step is not None and request.second_pass:
            on_step(total, total)
        return NetworkMatte(first, edges=request.edges)
    crop = fit(prepared.image[box.slices], session.spec)
    closer = infer_fits(session, [crop], request, _within(on_step, steps, total))[0]
    if not second_pass.agree(first, closer, box, height, width):
        return NetworkMatte(first, edges=request.edges)
    return NetworkMatte(first, closer, box, request.edges)


def native_matte(found: NetworkMatte, prepared: Prepared) -> Matte:
    """The matte [H,W] of the photo's own size in 0..1, along the photo's edges; any thread."""
    matte = found.first
    if found.closer is not None and found.box is not None:
        matte = second_pass.join(found.first, found.closer, found.box, prepared.image)
    if found.edges == "fine":
        matte = refine(matte, prepared.image)
    return upsample_guided(matte, prepared.image)


def infer(session: Session, image: Picture, request: MattingRequest, on_step: OnStep | None = None) -> Matte:
    """One pass: the matte [h,w] in 0..1 of an sRGB picture [H,W,3], at the network's size, not padded."""
    return infer_fits(session, [fit(image, session.spec)], request, on_step)[0]


def infer_fits(
    session: Session, fits: Sequence[Fit], request: MattingRequest, on_step: OnStep | None = None
) -> list[Matte]:
    """Mattes of pictures of one padded shape, as one batch; each [h,w] in 0..1, without padding.

    A picture's noise depends on the seed and the shape only, so its matte does not depend on the
    batch that it is in. Ensemble member i draws its noise from seed + i, and every second one sees
    the pictures in a mirror; the members' mattes are averaged.
    """
    # 1. encode, as they are and mirrored
    pictures = np.stack([each.image for each in fits])  # [N,h,w,3] 0..1
    detailed = np.stack([each.detailed for each in fits])  # [N,h*d,w*d,3] 0..1
    views = [(pictures, detailed), (_mirrored(pictures), _mirrored(detailed))][: request.ensemble]
    seen = [(encode_colours(session, a), session.image_features(to_network(b))) for a, b in views]
    text = np.repeat(session.encode_prompts([request.prompt]), len(fits), axis=0)  # [N,L,D]
    branches = [Branch.RGB_TO_MATTE] * len(fits)

    def denoiser(rgb: Array, features: Array | None) -> Denoise:
        return lambda matte, timestep: session.denoise(join(rgb, matte), timestep, branches, text, features)

    total = np.zeros(pictures.shape[:3], np.float32)
    for member in range(request.ensemble):
        rgb, features = seen[member % 2]  # [N,C,h/f,w/f], [N,F,h/f,w/f]
        # 2. draw the noise, the same for each picture
        noise = np.repeat(draw_noise(request.seed + member, (1, *rgb.shape[1:])), len(fits), axis=0)
        # 3. sample the matte's half, given the RGB half
        latents = sample_ddim(
            denoiser(rgb, features),
            noise,
            session.spec.schedule,
            request.steps,
            _within(on_step, member * request.steps, request.ensemble * request.steps),
        )
        # 4. decode
        mattes = decode_mattes(session, latents)  # [N,h,w] 0..1
        total += _mirrored(mattes) if member % 2 else mattes
    # 5. average the ensemble and take the padding off
    return [unfit(matte, each) for matte, each in zip(total / request.ensemble, fits, strict=True)]


def _mirrored(pictures: Array) -> Array:
    """Pictures [N,h,w] or [N,h,w,C], left and right exchanged."""
    return pictures[:, :, ::-1]


def _within(on_step: OnStep | None, before: int, total: int) -> OnStep | None:
    """Report the steps of a part as steps of the whole, of which `before` are done already."""
    if on_step is None:
        return None
    return lambda done, _: on_step(before + done, total)
