"""Classifier-free guidance over one or more branches of the joint latent, as one batch a step."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from zippo_desktop.diffusion.latents import Array, Branch
from zippo_desktop.diffusion.sampler import guide
from zippo_desktop.engine.session import ZippoSession

# Lin et al. 2024 (arXiv 2305.08891, section 3.4): without it, guidance under zero terminal SNR over-exposes.
GUIDANCE_RESCALE = 0.7


def guided_denoiser(
    session: ZippoSession, branches: Sequence[Branch], prompt: str, negative: str, guidance: float
) -> Callable[[Array, int], Array]:
    """A function from a joint latent [1,2C,h,w] and a timestep to the predictions [len(branches),C,h,w].

    Every branch sees the same joint latent. The prompt and the negative one go through the network
    together, so a step costs one evaluation; guidance 1 needs no negative half and leaves it out.
    """
    text = session.encode_prompts([prompt] if guidance == 1 else [prompt, negative])  # [1 or 2,L,D]
    text_of_each = np.repeat(text, len(branches), axis=0)
    branch_of_each = list(branches) * len(text)

    def denoise(joint: Array, timestep: int) -> Array:
        batch = np.repeat(joint, len(branch_of_each), axis=0)
        predictions = session.denoise(batch, timestep, branch_of_each, text_of_each)
        if len(text) == 1:
            return predictions
        conditional, unconditional = np.split(predictions, 2)
        return guide(conditional, unconditional, guidance, GUIDANCE_RESCALE)

    return denoise
