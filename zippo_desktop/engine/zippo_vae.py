"""The shared autoencoder in PyTorch: one frozen VAE codes pictures and mattes alike.

Stable Diffusion's `AutoencoderKL` and diffusers' norm-free `AutoencoderTiny` serve. One with 3 p^2
input channels sees pictures folded by `pixel_unshuffle(p)`: p x p pixels become channels, so that
the costly full-resolution levels fall away. Stable Diffusion's have p = 1.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import torch
from torch.nn.functional import pixel_shuffle, pixel_unshuffle

from zippo_desktop.engine.model_store import patch_size
from zippo_desktop.engine.zippo_unet import load_weights

if TYPE_CHECKING:
    from diffusers import AutoencoderKL, AutoencoderTiny

    Vae: TypeAlias = AutoencoderKL | AutoencoderTiny


def load_vae(folder: Path) -> Vae:
    """The VAE of a diffusers folder in float32; `ModelError` if its weights do not fit."""
    from diffusers import AutoencoderKL, AutoencoderTiny

    kinds = {kind.__name__: kind for kind in (AutoencoderKL, AutoencoderTiny)}
    config = AutoencoderKL.load_config(folder)
    kind = kinds[config.get("_class_name", "AutoencoderKL")]
    if kind is AutoencoderTiny:
        config.pop("block_out_channels", None)  # written by diffusers, and then complained about
    vae = kind.from_config(config)
    load_weights(vae, folder)
    return vae


def encode_unscaled(vae: Vae, images: torch.Tensor) -> torch.Tensor:
    """Pictures [N,3,H,W] in -1..1 to latents [N,C,H/f,W/f]; the mean, where the VAE gives a posterior."""
    coded = vae.encode(pixel_unshuffle(images, patch_size(vae.config)))
    latents: torch.Tensor = coded.latent_dist.mean if hasattr(coded, "latent_dist") else coded.latents
    return latents


def decode_unscaled(vae: Vae, latents: torch.Tensor) -> torch.Tensor:
    """Unscaled latents [N,C,h,w] to pictures [N,3,h*f,w*f], about -1..1, not clipped."""
    return pixel_shuffle(vae.decode(latents).sample, patch_size(vae.config))


def encode(vae: Vae, images: torch.Tensor) -> torch.Tensor:
    """Pictures [N,3,H,W] in -1..1 to scaled latents [N,C,H/f,W/f]."""
    return encode_unscaled(vae, images) * float(vae.config["scaling_factor"])


def decode(vae: Vae, latents: torch.Tensor) -> torch.Tensor:
    """Scaled latents [N,C,h,w] to pictures [N,3,h*f,w*f], about -1..1, not clipped."""
    return decode_unscaled(vae, latents / float(vae.config["scaling_factor"]))
