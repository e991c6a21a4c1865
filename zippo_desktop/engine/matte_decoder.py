"""A decoder of matte latents that sees the photo: the outline is drawn along the photo's own edges.

The VAE's decoder makes a matte out of its latents alone: where these are unsure of an outline, it is a haze.
Here the photo's own pixels join in from level to level, as in the asymmetric decoder of Zhu et al. 2023,
"Designing a Better Asymmetric VQGAN for StableDiffusion" (arXiv 2306.04632), and the detail capture module of
Yao et al. 2024, "ViTMatte" (arXiv 2305.15272, section 3.3). The shape of the network is our own.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from zippo_desktop.engine.model_store import read_own_config
from zippo_desktop.engine.zippo_unet import load_weights

CLASS_NAME = "MatteDecoder"
FOLD = 2  # pixels along a side that are folded into channels: the finest level has half the picture's side
DILATIONS = (1, 2, 4)  # of the residual blocks on the latents' grid
WIDTHS = (24, 32, 48, 96)  # channels at 1/2, 1/4 ... of the picture's side; the last on the latents' grid


class MatteDecoder(nn.Module):
    """Mattes [N,1,H,W] in 0..1 of pictures [N,3,H,W] in -1..1, from what the other networks made of them.

    `coded` [N,C+F,h,w] are the UNet's latents of the matte, and behind them the image encoder's features. A
    picture's sides are 2^len(widths) times those of the latents' grid.
    """

    def __init__(self, latent_channels: int, feature_channels: int, widths: tuple[int, ...] = WIDTHS) -> None:
        super().__init__()
        self.config: dict[str, Any] = {
            "_class_name": CLASS_NAME,
            "latent_channels": latent_channels,
            "feature_channels": feature_channels,
            "widths": list(widths),
        }
        finest, coarsest = widths[0], widths[-1]
        self.stem = _convolution(3 * FOLD**2, finest)
        self.down = nn.ModuleList(_convolution(a, b, stride=2) for a, b in pairwise(widths))
        self.join = _convolution(latent_channels + feature_channels + coarsest, coarsest)
        self.middle = nn.ModuleList(_Residual(coarsest, dilation) for dilation in DILATIONS)
        self.up = nn.ModuleList(_convolution(a + b, b) for a, b in pairwise(widths[::-1]))
        self.out = _convolution(finest, FOLD**2)

    def forward(self, sample: torch.Tensor, coded: torch.Tensor) -> torch.Tensor:
        """See the class."""
        seen = [functional.relu(self.stem(functional.pixel_unshuffle(sample, FOLD)))]
        for down in self.down:
            seen.append(functional.relu(down(seen[-1])))
        x = functional.relu(self.join(torch.cat([coded, seen.pop()], dim=1)))
        for block in self.middle:
            x = block(x)
        for up in self.up:
            x = functional.interpolate(x, scale_factor=2.0, mode="nearest")
            x = functional.relu(up(torch.cat([x, seen.pop()], dim=1)))
        return torch.sigmoid(functional.pixel_shuffle(self.out(x), FOLD))


class _Residual(nn.Module):
    """Two convolutions, the first dilated, added to what they see."""

    def __init__(self, channels: int, dilation: int) -> None:
        super().__init__()
        self.first = _convolution(channels, channels, dilation=dilation)
        self.second = _convolution(channels, channels)
        nn.init.zeros_(self.second.weight)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y: torch.Tensor = x + self.second(functional.relu(self.first(x)))
        return y


def _convolution(inputs: int, outputs: int, stride: int = 1, dilation: int = 1) -> nn.Conv2d:
    layer = nn.Conv2d(inputs, outputs, 3, stride, padding=dilation, dilation=dilation)
    nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
    return layer


def load_matte_decoder(folder: Path) -> MatteDecoder | None:
    """The matte decoder of a model folder in float32; None where the model has none.

    Raises `ModelError` for another kind, or weights that do not fit.
    """
    config = read_own_config(folder, CLASS_NAME)
    if config is None:
        return None
    decoder = MatteDecoder(
        int(config["latent_channels"]), int(config["feature_channels"]), tuple(config["widths"])
    )
    load_weights(decoder, folder)
    return decoder
