"""One training step's inputs and targets: three branches, and noise reassigned between them.

Source: arXiv 2403.11077. For a pair one timestep and one noise per modality are drawn; the joint
branch reuses both, each for its own modality, so that it sees the pair under the conditionals' noise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TypeVar

import torch

from zippo_desktop.diffusion.latents import Branch
from zippo_desktop.diffusion.schedule import NoiseSchedule
from zippo_desktop.training.config import UnetConfig

T = TypeVar("T")  # a dataclass of tensors, each with the batch as its first axis


@dataclass(frozen=True)
class PairBatch:
    """N pairs: scaled latents [N,C,h,w], true mattes [N,S,S] in 0..1, text states [N,L,D], kinds [N].

    `features` [N,F,h,w] is what the image encoder makes of the pictures; F = 0 where there is none.
    """

    rgb: torch.Tensor
    matte: torch.Tensor
    alpha: torch.Tensor
    text: torch.Tensor
    is_studio: torch.Tensor
    features: torch.Tensor


@dataclass(frozen=True)
class Rows:
    """What the UNet sees, M rows: latents and features [M,2C+F,h,w], timesteps and identifiers [M], text.

    The targets are [M,C,h,w]. `branches` [M] says which branch a row trains, even where the identifier
    is switched off.
    """

    latents: torch.Tensor
    timesteps: torch.Tensor
    branches: torch.Tensor
    identifiers: torch.Tensor
    text: torch.Tensor
    targets: torch.Tensor


class RowMaker:
    """Turns pairs into rows by the noise schedule and the branch settings of one run."""

    def __init__(self, schedule: NoiseSchedule, config: UnetConfig, empty_text: torch.Tensor) -> None:
        self.config = config
        self.empty_text = empty_text  # [1,L,D]
        self.prediction_type = schedule.prediction_type
        self.alphas_cumprod = torch.from_numpy(schedule.alphas_cumprod).float()

    def rows(self, batch: PairBatch) -> Rows:
        """Matting rows for all pairs; painting and joint rows for the studio shots."""
        studio = batch.is_studio
        t = self._timesteps(batch)
        e_rgb, e_matte = torch.randn_like(batch.rgb), torch.randn_like(batch.matte)
        matting = self._rows(
            Branch.RGB_TO_MATTE, batch, t, batch.rgb, self._noisy(batch.matte, e_matte, t), e_matte
        )
        if not studio.any():
            return matting
        batch, t, e_rgb, e_matte = select(batch, studio), t[studio], e_rgb[studio], e_matte[studio]
        painting = self._rows(
            Branch.MATTE_TO_RGB, batch, t, self._noisy(batch.rgb, e_rgb, t), batch.matte, e_rgb
        )
        if not self.config.reassign_noise:
            t = self._timesteps(batch)
            e_rgb, e_matte = torch.randn_like(e_rgb), torch.randn_like(e_matte)
        rgb, matte = self._noisy(batch.rgb, e_rgb, t), self._noisy(batch.matte, e_matte, t)
        text = self._drop_captions(batch.text, self.config.caption_dropout)
        joint = [
            self._rows(branch, batch, t, rgb, matte, noise, text)
            for branch, noise in ((Branch.JOINT_RGB, e_rgb), (Branch.JOINT_MATTE, e_matte))
        ]
        return concatenate([matting, painting, *joint])

    def one_step_mattes(
        self, rows: Rows, predicted: torch.Tensor, count: int
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Which of the first `count` rows, the matting ones, start at pure noise; and their clean latents."""
        at_last = rows.timesteps[:count] == len(self.alphas_cumprod) - 1
        predicted = predicted[:count][at_last]
        channels = predicted.shape[1]
        noisy = rows.latents[:count][at_last][:, channels : 2 * channels]
        if self.prediction_type == "sample":
            return at_last, predicted
        alpha, sigma = self._alpha_sigma(rows.timesteps[:count][at_last])
        if self.prediction_type == "epsilon":
            return at_last, (noisy - sigma * predicted) / alpha
        return at_last, alpha * noisy - sigma * predicted

    def _timesteps(self, batch: PairBatch) -> torch.Tensor:
        """Uniform for scenes, but for a share at one-step matting's pure noise; studio shots as configured.

        Latents of neighbouring positions are alike, so that the shape of a whole object is settled
        where nearly all is noise: a power below 1 trains that end more.
        """
        count, last = len(batch.rgb), len(self.alphas_cumprod) - 1
        uniform = torch.rand(count, device=batch.rgb.device)
        power = torch.where(batch.is_studio, self.config.studio_t_power, 1.0)
        t = (uniform**power * (last + 1)).long().clamp(max=last)
        at_last = torch.rand(count, device=t.device) < self.config.last_step_share
        return torch.where(at_last & ~batch.is_studio, last, t)

    def _rows(
        self,
        branch: Branch,
        batch: PairBatch,
        t: torch.Tensor,
        rgb: torch.Tensor,
        matte: torch.Tensor,
        noise: torch.Tensor,
        text: torch.Tensor | None = None,
    ) -> Rows:
        if text is None:
            is_matting = branch is Branch.RGB_TO_MATTE
            rate = self.config.matting_caption_dropout if is_matting else self.config.caption_dropout
            text = self._drop_captions(batch.text, rate)
        clean = batch.matte if branch.targets_matte else batch.rgb
        branches = torch.full_like(t, int(branch))
        identifiers = branches * int(self.config.use_identifier)
        is_seen = branch is Branch.RGB_TO_MATTE  # a picture to be matted is there; one to be made is not
        features = batch.features if is_seen else torch.zeros_like(batch.features)
        latents = torch.cat([rgb, matte, features], dim=1)
        return Rows(latents, t, branches, identifiers, text, self._target(clean, noise, t))

    def _noisy(self, clean: torch.Tensor, noise: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        alpha, sigma = self._alpha_sigma(t)
        return alpha * clean + sigma * noise

    def _target(self, clean: torch.Tensor, noise: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        if self.prediction_type == "epsilon":
            return noise
        if self.prediction_type == "sample":
            return clean
        alpha, sigma = self._alpha_sigma(t)
        return alpha * noise - sigma * clean

    def _alpha_sigma(self, t: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        signal = self.alphas_cumprod.to(t.device)[t].view(-1, 1, 1, 1)
        return signal.sqrt(), (1.0 - signal).sqrt()

    def _drop_captions(self, text: torch.Tensor, rate: float) -> torch.Tensor:
        dropped = torch.rand(len(text), 1, 1, device=text.device) < rate
        return torch.where(dropped, self.empty_text.to(text), text)


def concatenate(parts: Sequence[T]) -> T:
    """Several batches of one kind, of pairs or of rows, as one."""
    kind = type(parts[0])
    return kind(*(torch.cat([getattr(part, item.name) for part in parts]) for item in fields(kind)))  # type: ignore[arg-type]


def select(batch: T, chosen: torch.Tensor | slice) -> T:
    """Some of a batch, by a mask [N], places [n] or a slice."""
    kind = type(batch)
    return kind(*(getattr(batch, item.name)[chosen] for item in fields(kind)))  # type: ignore[arg-type]
