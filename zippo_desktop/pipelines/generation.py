"""Text -> RGB and matte: a transparent picture, sampled from the joint distribution."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from zippo_desktop.diffusion.latents import Array, Branch, draw_noise, join, split
from zippo_desktop.diffusion.sampler import OnStep, sample_ddim
from zippo_desktop.engine.session import ModelSpec, Session
from zippo_desktop.errors import UsageError
from zippo_desktop.imaging.backdrop import remove_backdrop
from zippo_desktop.imaging.layers import LayerStack, Metadata
from zippo_desktop.pipelines.guidance import guided_denoiser
from zippo_desktop.pipelines.pictures import colours_from_network, mattes_from_network, to_uint8
from zippo_desktop.pipelines.request import GenerationRequest


def picture_side(request: GenerationRequest, spec: ModelSpec) -> int:
    """The side in pixels of the square to generate. Raises `UsageError` for one the model cannot make."""
    side = spec.size_px if request.size is None else request.size
    if side <= 0 or side % spec.multiple_px:
        raise UsageError(
            f"{spec.name} cannot make pictures of {side} px.",
            f"The size must be a multiple of {spec.multiple_px}; the model was trained at {spec.size_px}.",
        )
    return side


def infer(session: Session, request: GenerationRequest, on_step: OnStep | None = None) -> Array:
    """A picture and its matte, [h,w,4] in 0..1: colours over the grey backdrop, then the matte.

    Raises `UsageError` for a size that the model cannot make.
    """
    spec = session.spec
    # 1. draw the noise of both halves
    side = picture_side(request, spec) // spec.downsampling
    noise = draw_noise(request.seed, (1, 2 * spec.latent_channels, side, side))  # [1,2C,h/f,w/f]
    # 2. sample both halves together, each by its own branch
    predict = guided_denoiser(
        session, [Branch.JOINT_RGB, Branch.JOINT_MATTE], request.prompt, request.negative, request.guidance
    )

    def denoise(joint: Array, timestep: int) -> Array:
        predictions = predict(joint, timestep)  # [2,C,h/f,w/f]
        return join(predictions[:1], predictions[1:])

    joint = sample_ddim(denoise, noise, spec.schedule, request.steps, on_step)
    # 3. decode both halves as one batch
    decoded = session.decode_latents(np.concatenate(split(joint)))  # [2,3,h,w]
    colours, mattes = colours_from_network(decoded[:1]), mattes_from_network(decoded[1:])
    return np.concatenate([colours[0], mattes[0][..., None]], axis=2)


def finish(picture: Array, parameters: Mapping[str, str]) -> LayerStack:
    """The network's picture [h,w,4] (colours over the grey backdrop, matte) as a layer stack."""
    matte = np.ascontiguousarray(picture[..., 3])
    subject = remove_backdrop(picture[..., :3], matte)
    return LayerStack(to_uint8(subject), matte, metadata=Metadata(parameters=parameters))
