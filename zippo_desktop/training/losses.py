"""Losses on pictures and latents, all on [N,C,H,W] tensors."""

from __future__ import annotations

import torch


def gradient_loss(predicted: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """L1 between the horizontal and vertical differences: keeps edges and thin structures."""
    return sum((predicted.diff(dim=axis) - target.diff(dim=axis)).abs().mean() for axis in (2, 3))  # type: ignore[return-value]
