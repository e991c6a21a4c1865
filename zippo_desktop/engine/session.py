"""What an opened model is to the rest of the program, whichever engine runs it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from zippo_desktop.diffusion.latents import Array, Branch
from zippo_desktop.diffusion.schedule import NoiseSchedule


@dataclass(frozen=True)
class ModelSpec:
    """What a caller must know of a model to feed it."""

    name: str
    version: str
    digest: str  # SHA-256 over the weights' digests, hexadecimal
    model_dir: Path
    size_px: int  # the side of the square pictures that it was trained on
    multiple_px: int  # picture sides must divide by this
    latent_channels: int
    downsampling: int  # pixels for each latent, along a side
    text_tokens: int
    tasks: tuple[str, ...]
    licence: str
    schedule: NoiseSchedule
    feature_channels: int = 0  # of the image encoder, 0 for a model without one
    rgb_gain: float = 1.0  # a picture's scaled latents times this are what the UNet knows; mattes stay
    detail: int = 1  # pixels that the image encoder sees for one of the VAE's, along a side


@dataclass(frozen=True)
class SessionInfo:
    """What was asked for, what is really in use, and why they differ."""

    engine: str  # "onnx", "torch" or "fake"
    provider: str  # the provider that the opened session reports, for example "cpu" or "cuda"
    fallbacks: tuple[str, ...] = ()  # one sentence for each step down from what was asked for


class Session(Protocol):
    """An opened model. One thread creates, uses and closes it. Pictures are [N,3,H,W] in -1..1."""

    @property
    def spec(self) -> ModelSpec:
        """The model's own facts."""
        ...

    @property
    def info(self) -> SessionInfo:
        """The engine and provider really in use."""
        ...

    def encode_images(self, images: Array) -> Array:
        """Pictures [N,3,H,W] float32 in -1..1 to scaled latents [N,C,H/f,W/f] (the posterior's mean)."""
        ...

    def decode_latents(self, latents: Array) -> Array:
        """Scaled latents [N,C,h,w] to pictures [N,3,h*f,w*f], about -1..1, not clipped."""
        ...

    def image_features(self, images: Array) -> Array | None:
        """Features [N,F,h,w] of pictures [N,3,H*detail,W*detail]; None without an image encoder."""
        ...

    def encode_prompts(self, prompts: Sequence[str]) -> Array:
        """Prompts to text states [N,L,D] float32; too long ones are cut at the model's token limit."""
        ...

    def denoise(
        self,
        latents: Array,
        timestep: float,
        branches: Sequence[Branch],
        text: Array,
        features: Array | None = None,
    ) -> Array:
        """One evaluation of the UNet.

        `latents` [N,2C,h,w] (RGB half, matte half), one `timestep` for all, a branch and text
        states [N,L,D] for each, and for matting the picture's `features`. Returns [N,C,h,w]: the
        prediction (v or noise, as the schedule says) for each branch's target half.
        """
        ...

    def close(self) -> None:
        """Free the networks; the session cannot be used afterwards."""
        ...
