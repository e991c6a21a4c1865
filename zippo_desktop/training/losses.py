"""Losses on pictures and latents, all on [N,C,H,W] tensors."""

from __future__ import annotations

import torch
from torch.nn import functional

PYRAMID_LEVELS = 4


def laplacian_loss(predicted: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """L1 between Laplacian pyramids, level l weighted 2^l (Hou & Liu 2019, arXiv 1909.09725, section 3.4).

    Here a pyramid's blur is the mean of 2 x 2 pixels; sides must divide by 16.
    """
    error, loss = predicted - target, predicted.new_zeros(())  # pyramids are linear
    for level in range(PYRAMID_LEVELS):
        coarse = functional.avg_pool2d(error, 2)
        detail = error - functional.interpolate(coarse, scale_factor=2.0, mode="bilinear")
        loss = loss + 2**level * detail.abs().mean()
        error = coarse
    return (loss + 2**PYRAMID_LEVELS * error.abs().mean()) / 2**PYRAMID_LEVELS


def gradient_loss(predicted: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """L1 between the horizontal and vertical differences: keeps edges and thin structures."""
    return sum((predicted.diff(dim=axis) - target.diff(dim=axis)).abs().mean() for axis in (2, 3))  # type: ignore[return-value]


def matte_loss(predicted: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """L1, gradient and Laplacian error of mattes [N,1,S,S] in 0..1."""
    error = (predicted - target).abs().mean()
    return error + gradient_loss(predicted, target) + laplacian_loss(predicted, target)
