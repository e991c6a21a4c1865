"""From noise prediction to v-prediction with zero terminal SNR, without forgetting what the base knows.

A network that predicts noise cannot start from pure noise, and one whose answers are merely read otherwise
knows next to nothing. So a run's first steps train the inflated network to say of pictures under a white
matte what its frozen base says of them: the velocity that the base's noise stands for. The steps on pairs go
on with that beside them, for all that pairs do not show is quickly forgotten.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from zippo_desktop.diffusion.latents import Branch
from zippo_desktop.diffusion.schedule import NoiseSchedule
from zippo_desktop.engine.model_store import read_json
from zippo_desktop.engine.zippo_unet import IDENTIFIER, load_unet
from zippo_desktop.errors import UsageError
from zippo_desktop.training.branches import PairBatch, Rows, concatenate, select
from zippo_desktop.training.checkpoint import STATE_FILE
from zippo_desktop.training.config import TrainConfig, UnetConfig
from zippo_desktop.training.model_folder import write_json

BASE = "base"  # the folder of a run that keeps what it began from
SCHEDULER = Path("scheduler") / "scheduler_config.json"
ROWS_A_PAIR = 2
LEAST_SIGNAL = 0.2  # the base's error of the velocity is its error of the noise, divided by the signal
V_PREDICTION = {
    "_class_name": "DDIMScheduler",
    "prediction_type": "v_prediction",
    "rescale_betas_zero_snr": True,
    "timestep_spacing": "trailing",
    "clip_sample": False,
    "set_alpha_to_one": True,
    "steps_offset": 0,
}


def begin_conversion(config: TrainConfig) -> None:
    """Keep the network and schedule that a conversion starts from in the run's folder.

    Nothing is done if `config` asks for none, if it was begun before, or if the model predicts v up to
    pure noise already. The model's own folder stays what it is until the run ends. Raises UsageError for a
    network that has been trained on pairs: what it knows of them is not what the base would say.
    """
    base_dir = config.run_dir / BASE
    if config.unet.prediction != "v_prediction" or base_dir.is_dir():
        return
    if _is_converted(NoiseSchedule.from_config(read_json(config.model_dir / SCHEDULER))):
        return
    if (config.run_dir / STATE_FILE).is_file() or not _is_fresh(config.model_dir / "unet"):
        raise UsageError(
            f"{config.model_dir} has been trained on pairs already, so that it cannot be converted.",
            "Convert a folder as zippo-desktop init makes it, with a run_dir of its own.",
        )
    beside = base_dir.with_suffix(".part")
    shutil.rmtree(beside, ignore_errors=True)
    for name in ("unet", "scheduler"):
        shutil.copytree(config.model_dir / name, beside / name)
    os.replace(beside, base_dir)


def converted_scheduler(run_dir: Path) -> dict[str, Any] | None:
    """The scheduler's configuration that a begun conversion leads to; None where there is none."""
    path = run_dir / BASE / SCHEDULER
    return read_json(path) | V_PREDICTION if path.is_file() else None


def end_conversion(config: TrainConfig) -> None:
    """Let the model's folder say what its network, just written, predicts."""
    scheduler = converted_scheduler(config.run_dir)
    if scheduler:
        path = config.model_dir / SCHEDULER
        write_json(path.with_suffix(".part"), scheduler)
        os.replace(path.with_suffix(".part"), path)


class FrozenBase:
    """What a run began from, as a teacher: rows whose targets are what the base says."""

    def __init__(
        self,
        run_dir: Path,
        white: torch.Tensor,
        empty_text: torch.Tensor,
        config: UnetConfig,
        captioned: Iterator[PairBatch] | None = None,
    ) -> None:
        """Read what `begin_conversion` kept; `white` [1,C,h,w] is the latent of an all-white matte.

        Of `captioned` come further pictures, one batch for each batch of pairs.
        """
        self.captioned = captioned
        scheduler = read_json(run_dir / BASE / SCHEDULER)
        self.unet = load_unet(run_dir / BASE / "unet").to(white.device).requires_grad_(False)
        self.base_schedule = NoiseSchedule.from_config(scheduler)
        self.schedule = NoiseSchedule.from_config(scheduler | V_PREDICTION)
        self.white, self.empty_text, self.config = white, empty_text.to(white.device), config
        powers = self.schedule.alphas_cumprod
        self._signal = torch.from_numpy(np.sqrt(powers)).float().to(white.device)  # [T]
        self._sigma = torch.from_numpy(np.sqrt(1 - powers)).float().to(white.device)
        times = base_times(self.base_schedule, self.schedule)
        self._base_times = torch.from_numpy(times).float().to(white.device)

    def rows(self, batch: PairBatch) -> Rows:
        """`ROWS_A_PAIR` rows for each pair's picture, whole: to be painted into a white matte.

        Captioned pictures take the place of as many pairs'.
        Where next to no picture is left the base's error would be multiplied, and the true velocity is
        the target.
        """
        batch = self._pictures(batch)
        clean = batch.rgb.repeat(ROWS_A_PAIR, 1, 1, 1)
        text = batch.text.repeat(ROWS_A_PAIR, 1, 1)
        dropped = torch.rand(len(text), 1, 1, device=text.device) < self.config.caption_dropout
        text = torch.where(dropped, self.empty_text, text)
        t = torch.randint(self.schedule.length, (len(clean),), device=clean.device)
        noise = torch.randn_like(clean)
        signal, sigma = self._signal_sigma(t)
        noisy = signal * clean + sigma * noise
        is_known = signal >= LEAST_SIGNAL
        target = torch.where(is_known, self.velocity(noisy, t, text), signal * noise - sigma * clean)
        features = batch.features.new_zeros(len(clean), *batch.features.shape[1:])
        latents = torch.cat([noisy, self.white.expand_as(clean), features], dim=1)
        branches = torch.full_like(t, int(Branch.MATTE_TO_RGB))
        return Rows(latents, t, branches, branches * int(self.config.use_identifier), text, target)

    def _pictures(self, batch: PairBatch) -> PairBatch:
        if self.captioned is None:
            return batch
        captioned = next(self.captioned)
        kept = max(0, len(batch.rgb) - len(captioned.rgb))
        return concatenate([captioned, select(batch, slice(kept))])

    @torch.no_grad()
    def velocity(self, noisy: torch.Tensor, t: torch.Tensor, text: torch.Tensor) -> torch.Tensor:
        """What the base says of `noisy` [N,C,h,w], at the new schedule's steps `t` [N], as a velocity.

        A fresh Zippo network is its base where both halves are equal. Far from finite at pure noise.
        """
        both, labels = torch.cat([noisy, noisy], dim=1), torch.zeros_like(t)
        answer: torch.Tensor = self.unet(both, self._base_times[t], text, class_labels=labels).sample
        signal, sigma = self._signal_sigma(t)
        if self.base_schedule.prediction_type == "v_prediction":
            return answer
        if self.base_schedule.prediction_type == "sample":
            return (signal * noisy - answer) / sigma
        return (answer - sigma * noisy) / signal.clamp_min(1e-6)

    def _signal_sigma(self, t: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return self._signal[t].view(-1, 1, 1, 1), self._sigma[t].view(-1, 1, 1, 1)


def base_times(base: NoiseSchedule, schedule: NoiseSchedule) -> np.ndarray:
    """For each step of `schedule` the time [T], in between steps too, at which `base` has as much noise."""
    return np.array([time_of(base, _ratio(power)) for power in schedule.alphas_cumprod])


def time_of(schedule: NoiseSchedule, signal_to_noise: float) -> float:
    """The time at which signal**2 / sigma**2 is this, between two steps linear in its logarithm.

    Beyond the schedule's ends it is the last time there.
    """
    logarithms = np.log([_ratio(power) for power in schedule.alphas_cumprod])
    return float(np.interp(-np.log(signal_to_noise), -logarithms, np.arange(schedule.length)))


def _ratio(power: float) -> float:
    return max(float(power), 1e-12) / (1 - float(power))


def _is_converted(schedule: NoiseSchedule) -> bool:
    return schedule.prediction_type == "v_prediction" and schedule.has_zero_terminal_snr


def _is_fresh(folder: Path) -> bool:
    """Whether a network is as `inflate` makes it: equal input halves, and nothing in the identifier."""
    weights: Mapping[str, torch.Tensor] = load_unet(folder).state_dict()
    halves = weights["conv_in.weight"].chunk(2, dim=1)
    return torch.equal(*halves) and not weights[IDENTIFIER].any()
