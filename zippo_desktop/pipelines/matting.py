"""RGB -> matte: the network's matte of a photo, and its way back to the photo's own size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from zippo_desktop.diffusion.latents import Array, Branch, draw_noise, join
from zippo_desktop.diffusion.sampler import Denoise, OnStep, sample_ddim
from zippo_desktop.engine.session import ModelSpec, Session
from zippo_desktop.imaging.colour import to_srgb
from zippo_desktop.imaging.decode import Photo
from zippo_desktop.imaging.layers import LayerStack, Matte
from zippo_desktop.imaging.matte import upsample_guided
from zippo_desktop.imaging.resize import Fit, fit_to_network, unfit
from zippo_desktop.pipelines.pictures import decode_mattes, encode_colours, to_network
from zippo_desktop.pipelines.request import MattingRequest


def prepare(photo: Photo, spec: ModelSpec) -> Fit:
    """The photo as the network wants it: sRGB, small, padded."""
    return fit(to_srgb(photo), spec)


def fit(image: Array, spec: ModelSpec) -> Fit:
    """An sRGB picture [H,W,3] in 0..1 at the VAE's size, and in the detail that the image encoder sees."""
    return fit_to_network(image, spec.size_px, spec.multiple_px, spec.detail)


def infer(session: Session, image: Array, request: MattingRequest, on_step: OnStep | None = None) -> Matte:
    """Matte of an sRGB picture [H,W,3] in 0..1, at the network's size [h,w] in 0..1, without padding."""
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
            _within_ensemble(on_step, member, request),
        )
        # 4. decode
        mattes = decode_mattes(session, latents)  # [N,h,w] 0..1
        total += _mirrored(mattes) if member % 2 else mattes
    # 5. average the ensemble and take the padding off
    return [unfit(matte, each) for matte, each in zip(total / request.ensemble, fits, strict=True)]


def _mirrored(pictures: Array) -> Array:
    """Pictures [N,h,w] or [N,h,w,C], left and right exchanged."""
    return pictures[:, :, ::-1]


def _within_ensemble(on_step: OnStep | None, member: int, request: MattingRequest) -> OnStep | None:
    """Report one member's steps as steps of the whole ensemble."""
    if on_step is None:
        return None
    before = member * request.steps
    return lambda done, _: on_step(before + done, request.ensemble * request.steps)


def finish(matte: Matte, photo: Photo) -> LayerStack:
    """Bring a matte [h,w] to the photo's size along the photo's edges, and cut the photo out.

    Transparency that the photo already has stays: the two are multiplied.
    """
    full = upsample_guided(matte, to_srgb(photo))  # [H,W] 0..1
    if photo.alpha is not None:
        full = full * photo.alpha
    return cut_out(photo, full)


def cut_out(photo: Photo, matte: Matte, parameters: Mapping[str, str] | None = None) -> LayerStack:
    """A photo's own pixels as the subject under a matte [H,W] of its size, over the photo itself."""
    metadata = replace(photo.metadata, parameters=parameters or {})
    return LayerStack(subject=photo.pixels, matte=matte, original=photo.pixels, metadata=metadata)
