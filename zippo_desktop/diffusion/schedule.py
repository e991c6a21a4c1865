"""Noise schedules: how much of the picture and how much noise a noisy latent holds at each timestep."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zippo_desktop.diffusion.latents import Array
from zippo_desktop.errors import ModelError, UsageError

PREDICTION_TYPES = ("v_prediction", "epsilon", "sample")
TIMESTEP_SPACINGS = ("trailing", "leading", "linspace")


@dataclass(frozen=True, eq=False)
class NoiseSchedule:
    """A variance-preserving schedule: x_t = sqrt(alpha_t) * clean + sqrt(1 - alpha_t) * noise.

    `alphas_cumprod` [T] float64 falls from almost 1 to almost 0; its last entry is exactly 0 with
    zero terminal SNR (Lin et al. 2024, "Common Diffusion Noise Schedules and Sample Steps are
    Flawed"). A network that predicts noise says nothing about the picture there, so that pairing
    is a `ModelError`. Timesteps count from 0 to T-1.
    """

    alphas_cumprod: NDArray[np.float64] = field(repr=False)
    prediction_type: str = "v_prediction"
    timestep_spacing: str = "trailing"
    steps_offset: int = 0

    def __post_init__(self) -> None:
        _check_choice("prediction type", self.prediction_type, PREDICTION_TYPES)
        _check_choice("timestep spacing", self.timestep_spacing, TIMESTEP_SPACINGS)
        if self.prediction_type == "epsilon" and self.has_zero_terminal_snr:
            raise ModelError(
                "The scheduler configuration pairs noise prediction with zero terminal SNR.",
                "Set prediction_type to v_prediction, or rescale_betas_zero_snr to false.",
            )

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> NoiseSchedule:
        """Read the content of a diffusers `scheduler_config.json`, with diffusers' own defaults.

        Only what decides the schedule is read. Latents are never clipped, whatever `clip_sample`
        says, and the last step always ends on the clean latent (`set_alpha_to_one`).
        """
        alphas_cumprod = np.cumprod(1.0 - _betas(config), dtype=np.float64)
        if config.get("rescale_betas_zero_snr", False):
            alphas_cumprod = rescale_zero_terminal_snr(alphas_cumprod)
        return cls(
            alphas_cumprod,
            prediction_type=str(config.get("prediction_type", "epsilon")),
            timestep_spacing=str(config.get("timestep_spacing", "leading")),
            steps_offset=int(config.get("steps_offset", 0)),
        )

    @property
    def length(self) -> int:
        """T, the number of training timesteps."""
        return len(self.alphas_cumprod)

    @property
    def has_zero_terminal_snr(self) -> bool:
        """Whether the last timestep is pure noise."""
        return bool(self.alphas_cumprod[-1] == 0.0)

    def timesteps(self, steps: int) -> list[int]:
        """The timesteps that `steps` network evaluations visit, noisiest first.

        The same numbers as diffusers' `DDIMScheduler` (Lin et al. 2024, table 2). Only "trailing"
        starts from T-1 at every count of steps. Raises `UsageError` where there are no such steps.
        """
        if not 1 <= steps <= self.length:
            raise UsageError(f"{steps} steps are not possible.", f"Ask for 1 to {self.length} steps.")
        if self.timestep_spacing == "trailing":
            spaced = np.round(np.arange(self.length, 0, -self.length / steps)) - 1
        elif self.timestep_spacing == "leading":
            spaced = np.arange(steps)[::-1] * (self.length // steps) + self.steps_offset
        else:
            spaced = np.linspace(0, self.length - 1, steps).round()[::-1]
        if spaced[0] >= self.length:  # the offset pushed it past the end of the table
            raise UsageError(f"{steps} steps are not possible with this model.", "Ask for fewer steps.")
        return [int(t) for t in spaced[:steps]]

    def signal(self, t: int) -> float:
        """sqrt(alpha_t), the clean latent's share of x_t."""
        return float(np.sqrt(self.alphas_cumprod[t]))

    def sigma(self, t: int) -> float:
        """sqrt(1 - alpha_t), the noise's share of x_t."""
        return float(np.sqrt(1.0 - self.alphas_cumprod[t]))

    def add_noise(self, clean: Array, noise: Array, t: int) -> Array:
        """The noisy latent x_t of a clean latent and standard normal noise of the same shape."""
        return self.signal(t) * clean + self.sigma(t) * noise

    def velocity(self, clean: Array, noise: Array, t: int) -> Array:
        """The v target: signal * noise - sigma * clean (Salimans & Ho 2022, appendix D)."""
        return self.signal(t) * noise - self.sigma(t) * clean

    def to_clean_and_noise(self, sample: Array, prediction: Array, t: int) -> tuple[Array, Array]:
        """What the network's `prediction` at x_t = `sample` says of the clean latent and of the noise."""
        signal, sigma = self.signal(t), self.sigma(t)
        if self.prediction_type == "v_prediction":
            return signal * sample - sigma * prediction, signal * prediction + sigma * sample
        if self.prediction_type == "epsilon":
            return sample * (1 / signal) - prediction * (sigma / signal), prediction
        return prediction, self.noise_beside(prediction, sample, t)

    def noise_beside(self, clean: Array, sample: Array, t: int) -> Array:
        """The noise that makes x_t = `sample` of a clean latent."""
        return sample * (1 / self.sigma(t)) - clean * (self.signal(t) / self.sigma(t))


def rescale_zero_terminal_snr(alphas_cumprod: NDArray[np.float64]) -> NDArray[np.float64]:
    """Shift and scale sqrt(alpha) so that it ends on exactly 0 and keeps its first value.

    Lin et al. 2024, algorithm 1, on the cumulative products instead of the betas.
    """
    root = np.sqrt(alphas_cumprod)
    scale = root[0] / (root[0] - root[-1])
    rescaled: NDArray[np.float64] = ((root - root[-1]) * scale) ** 2
    return rescaled


def _betas(config: Mapping[str, Any]) -> NDArray[np.float64]:
    """The betas [T] of the named schedule, before any rescaling."""
    if config.get("trained_betas") is not None:
        return np.asarray(config["trained_betas"], dtype=np.float64)
    name = str(config.get("beta_schedule", "linear"))
    _check_choice("beta schedule", name, ("linear", "scaled_linear"))
    start, end = float(config.get("beta_start", 0.0001)), float(config.get("beta_end", 0.02))
    length = int(config.get("num_train_timesteps", 1000))
    if name == "linear":
        return np.linspace(start, end, length)
    return np.linspace(start**0.5, end**0.5, length) ** 2


def _check_choice(what: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise ModelError(
            f"The scheduler configuration asks for the {what} '{value}', which is not supported.",
            f"Supported: {', '.join(known)}.",
        )
