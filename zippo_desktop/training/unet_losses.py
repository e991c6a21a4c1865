"""What a step of the UNet stage descends: each branch's error, and that of decoded one-step mattes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch

from zippo_desktop.diffusion.latents import Branch
from zippo_desktop.engine import zippo_vae
from zippo_desktop.training.branches import PairBatch, RowMaker, Rows, concatenate
from zippo_desktop.training.conversion import FrozenBase
from zippo_desktop.training.loop import Losses
from zippo_desktop.training.losses import matte_loss

if TYPE_CHECKING:
    from zippo_desktop.engine.zippo_vae import Vae


def step_losses(
    module: torch.nn.Module,
    vae: Vae,
    maker: RowMaker,
    batch: PairBatch,
    base: FrozenBase | None = None,
) -> Losses:
    """The losses of one batch of pairs by name; "total" is the one to descend."""
    rows, weight = maker.rows(batch), maker.config.decoded_weight
    count = len(rows.timesteps)
    seen = concatenate([rows, base.rows(batch)]) if base else rows
    predicted = predict(module, seen)
    losses = branch_losses(predicted[:count], rows)
    at_last, clean = maker.one_step_mattes(rows, predicted, len(batch.alpha))
    if weight and at_last.any():
        losses["decoded"] = decoded_matte_loss(vae, clean, batch.alpha[at_last])
        losses["total"] = losses["total"] + weight * losses["decoded"]
    if base:
        losses["base"] = (predicted[count:] - seen.targets[count:]).square().mean()
        losses["total"] = losses["total"] + maker.config.base_weight * losses["base"]
    return losses


def base_losses(module: torch.nn.Module, base: FrozenBase, batch: PairBatch) -> Losses:
    """As `step_losses`, of what the base says alone."""
    rows = base.rows(batch)
    error = (predict(module, rows) - rows.targets).square().mean()
    return {"total": error, "base": error}


def mean_losses(parts: Sequence[Losses]) -> Losses:
    """The losses of a step's batches, each loss the mean over those batches that have it."""
    names = dict.fromkeys(name for part in parts for name in part)
    return {name: torch.stack([part[name] for part in parts if name in part]).mean() for name in names}


def predict(module: torch.nn.Module, rows: Rows) -> torch.Tensor:
    """The network's answers [M,C,h,w] in float32."""
    answer: torch.Tensor = module(
        rows.latents, rows.timesteps, rows.text, class_labels=rows.identifiers
    ).sample
    return answer.float()


def decoded_matte_loss(vae: Vae, clean: torch.Tensor, alpha: torch.Tensor) -> torch.Tensor:
    """L1, gradient and Laplacian error of decoded mattes against the true ones [N,S,S]."""
    matte = zippo_vae.decode(vae, clean).mean(dim=1, keepdim=True) / 2 + 0.5
    return matte_loss(matte, alpha[:, None])


def branch_losses(predicted: torch.Tensor, rows: Rows) -> dict[str, torch.Tensor]:
    """Mean squared error of the prediction: "total" over all rows, and one loss for each branch."""
    errors = (predicted - rows.targets).square().mean(dim=(1, 2, 3))
    losses = {"total": errors.mean()}
    for branch in Branch:
        chosen = errors[rows.branches == branch]
        if len(chosen):
            losses[branch.name.lower()] = chosen.mean()
    return losses
