"""A session without networks, whose answers are plain functions of its input: for tests."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from zippo_desktop.diffusion.latents import Array, Branch, split
from zippo_desktop.diffusion.schedule import NoiseSchedule
from zippo_desktop.engine.session import SessionInfo, ZippoSpec
from zippo_desktop.errors import EngineError, OutOfMemory

CHANNELS, DOWNSAMPLING, TEXT_TOKENS, TEXT_WIDTH = 4, 8, 4, 8
_LUMINANCE = np.array([0.299, 0.587, 0.114], np.float32)
_SCHEDULE = {
    "beta_schedule": "scaled_linear",
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "prediction_type": "v_prediction",
    "timestep_spacing": "trailing",
    "rescale_betas_zero_snr": True,
}


class FakeSession:
    """A "model" with C = 4 and 8-fold down-sampling whose denoiser is exact at every step count.

    A latent holds each 8 x 8 block's mean red, green, blue and luminance. The subject is

    * matting: every block whose luminance is over the middle (0 in -1..1);
    * painting: `colour_of(prompt)` inside the matte, black outside;
    * generation: `colour_of(prompt)` in a centred disc that covers a quarter of the picture.

    `failures` maps the number of a `denoise` call, from 1, to the exception that it raises;
    `memory_px` is the most picture pixels in one batch before `OutOfMemory`; `delay_s` is spent
    in each `denoise`. `calls` lists the methods called so far.
    """

    def __init__(
        self,
        *,
        size_px: int = 64,
        matting_px: int | None = None,
        closer_px: int | None = None,
        failures: Mapping[int, Exception] | None = None,
        memory_px: int | None = None,
        delay_s: float = 0.0,
        provider: str = "cpu",
        fallbacks: tuple[str, ...] = (),
    ) -> None:
        self._spec = _spec(size_px, matting_px or size_px, closer_px or matting_px or size_px)
        self._info = SessionInfo("fake", provider, fallbacks)
        self._failures = dict(failures or {})
        self._memory_px = memory_px
        self._delay_s = delay_s
        self.calls: list[str] = []
        self.is_closed = False

    @property
    def spec(self) -> ZippoSpec:
        """The facts of the made-up model."""
        return self._spec

    @property
    def info(self) -> SessionInfo:
        """Engine "fake" and the provider that the test asked for."""
        return self._info

    def encode_images(self, images: Array) -> Array:
        """The mean red, green, blue and luminance of each block."""
        self._enter("encode_images", pixels=images.shape[0] * images.shape[2] * images.shape[3])
        return encode(images)

    def decode_latents(self, latents: Array) -> Array:
        """Each block filled with its mean colour."""
        self._enter("decode_latents", pixels=_pixels(latents))
        return latents[:, :3].repeat(DOWNSAMPLING, axis=2).repeat(DOWNSAMPLING, axis=3)

    def image_features(self, images: Array) -> Array | None:
        """None: there is no image encoder."""
        return None

    def decode_mattes(self, latents: Array, images: Array, features: Array | None) -> Array | None:
        """None: there is no matte decoder."""
        return None

    def encode_prompts(self, prompts: Sequence[str]) -> Array:
        """Text states that hold the prompt's colour, and nothing for an empty prompt."""
        self._enter("encode_prompts")
        states = np.zeros((len(prompts), TEXT_TOKENS, TEXT_WIDTH), np.float32)
        for state, prompt in zip(states, prompts, strict=True):
            state[:, :3] = colour_of(prompt)
        return states

    def denoise(
        self,
        latents: Array,
        timestep: float,
        branches: Sequence[Branch],
        text: Array,
        features: Array | None = None,
    ) -> Array:
        """The exact v-prediction for the one picture that each branch stands for."""
        self._enter("denoise", pixels=_pixels(latents))
        time.sleep(self._delay_s)
        failure = self._failures.get(self.calls.count("denoise"))
        if failure is not None:
            raise failure
        rows = zip(latents, branches, text, strict=True)
        return np.stack([self._velocity(joint, int(timestep), *row) for joint, *row in rows])

    def close(self) -> None:
        """Refuse every later call."""
        self.is_closed = True

    def _velocity(self, joint: Array, t: int, branch: Branch, text: Array) -> Array:
        """v = (signal * x_t - clean) / sigma for one joint latent [2C,h,w]."""
        rgb, matte = (half[0] for half in split(joint[None]))
        sample = matte if branch.targets_matte else rgb
        clean = _clean(branch, rgb, matte, colour=text[0, :3])
        schedule = self._spec.schedule
        velocity: Array = (schedule.signal(t) * sample - clean) * (1 / schedule.sigma(t))
        return velocity

    def _enter(self, method: str, pixels: int = 0) -> None:
        if self.is_closed:
            raise EngineError("The session is closed.")
        self.calls.append(method)
        if self._memory_px is not None and pixels > self._memory_px:
            raise OutOfMemory(f"Memory ran out at {pixels} pixels.", "Try a smaller size.")


def encode(images: Array) -> Array:
    """Pictures [N,3,H,W] to latents [N,4,H/8,W/8], as `FakeSession` does."""
    count, _, height, width = images.shape
    blocks = images.reshape(
        count, 3, height // DOWNSAMPLING, DOWNSAMPLING, width // DOWNSAMPLING, DOWNSAMPLING
    )
    colour = blocks.mean(axis=(3, 5))  # [N,3,h,w]
    luminance = np.einsum("c,nchw->nhw", _LUMINANCE, colour)[:, None]
    return np.concatenate([colour, luminance], axis=1)


def colour_of(prompt: str) -> Array:
    """The colour [3] in -1..1 that stands for a prompt: any, but always the same; grey for none."""
    if not prompt:
        return np.zeros(3, np.float32)
    digest = hashlib.sha256(prompt.encode()).digest()
    return np.frombuffer(digest[:3], np.uint8).astype(np.float32) / 127.5 - 1


def _clean(branch: Branch, rgb: Array, matte: Array, colour: Array) -> Array:
    """The clean latent [4,h,w] that a branch of the fake network believes in."""
    if branch is Branch.RGB_TO_MATTE:
        return _matte_latent(rgb[3] > 0)
    inside = matte[3] > 0 if branch is Branch.MATTE_TO_RGB else _disc(*rgb.shape[1:])
    if branch is Branch.JOINT_MATTE:
        return _matte_latent(inside)
    painted = np.where(inside, colour[:, None, None], np.float32(-1))  # [3,h,w]
    return np.concatenate([painted, np.einsum("c,chw->hw", _LUMINANCE, painted)[None]])


def _matte_latent(inside: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> Array:
    return np.repeat(np.where(inside, np.float32(1), np.float32(-1))[None], CHANNELS, axis=0)


def _disc(height: int, width: int) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """A centred ellipse [h,w] over a quarter of the area."""
    y, x = np.ogrid[:height, :width]
    squares = ((y + 0.5) / height - 0.5) ** 2 + ((x + 0.5) / width - 0.5) ** 2
    return np.asarray(squares < 0.25 / np.pi)


def _pixels(latents: Array) -> int:
    return latents[:, 0].size * DOWNSAMPLING**2


def _spec(size_px: int, matting_px: int, closer_px: int) -> ZippoSpec:
    return ZippoSpec(
        name="fake",
        version="1",
        digest=hashlib.sha256(b"fake").hexdigest(),
        model_dir=Path("fake"),
        size_px=size_px,
        matting_px=matting_px,
        closer_px=closer_px,
        multiple_px=16,
        latent_channels=CHANNELS,
        downsampling=DOWNSAMPLING,
        text_tokens=TEXT_TOKENS,
        tasks=("matting", "painting", "generation"),
        licence="none",
        schedule=NoiseSchedule.from_config(_SCHEDULE),
    )
