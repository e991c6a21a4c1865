"""A wider first level for a trained UNet, which goes on from what it knows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import torch

from zippo_desktop.engine.model_store import read_config, record_digests
from zippo_desktop.engine.zippo_unet import load_unet
from zippo_desktop.errors import UsageError
from zippo_desktop.training.model_folder import write_network

if TYPE_CHECKING:
    from diffusers import UNet2DConditionModel

TIME_INPUT = "time_embedding.linear_1.weight"
UNEVEN = 0.5  # how far the copies of a channel are from weighing alike; alike they would stay copies


def widen_finest_level(model_dir: Path, channels: int) -> None:
    """Give the UNet of a Zippo folder `channels` channels at its finest level; nothing if it has them."""
    if read_config(model_dir, "unet")["block_out_channels"][0] == channels:
        return
    write_network(wider(load_unet(model_dir / "unet"), channels), model_dir / "unet")
    record_digests(model_dir)


def wider(unet: UNet2DConditionModel, channels: int) -> UNet2DConditionModel:
    """The same network with each channel of its finest level several times.

    Net2WiderNet (Chen et al. 2016, "Net2Net: Accelerating Learning via Knowledge Transfer", section 2.3),
    though the answer is a little off until it is trained. Group normalisation sees copies as it saw the
    channels, but for two layers of the way up, whose groups also hold channels of the second level; and
    where that level becomes no wider than the finest, its first block has no shortcut convolution any more.
    Raises UsageError unless `channels` is a multiple of what there is.
    """
    from diffusers import UNet2DConditionModel

    config = dict(unet.config)
    config.pop("_use_default_values", None)  # diffusers would take its own again for these
    known, *coarser = config["block_out_channels"]
    if channels % known:
        raise UsageError(
            f"The UNet's finest level has {known} channels, and cannot be widened to {channels}.",
            f"Write a multiple of {known} for unet.finest_channels.",
        )
    config["time_embedding_dim"] = config.get("time_embedding_dim") or 4 * known
    config["block_out_channels"] = (channels, *coarser)
    widened = UNet2DConditionModel.from_config(config)
    weights, shapes = unet.state_dict(), {name: value.shape for name, value in widened.state_dict().items()}
    for name in weights.keys() - shapes.keys():  # a shortcut's mean answer is kept
        if name.endswith("conv_shortcut.bias"):
            beside = name.replace("conv_shortcut", "conv2")
            weights[beside] = weights[beside] + weights[name]
    times = channels // known
    widened.load_state_dict({name: _grown(name, weights[name], shapes[name], times) for name in shapes})
    return widened.eval()


def _grown(name: str, weight: torch.Tensor, shape: torch.Size, times: int) -> torch.Tensor:
    """`weight` in its new `shape`; the channels that come `times` as often are the last of an axis."""
    if name == TIME_INPUT:
        return _finer_frequencies(weight, shape)
    for axis, (before, after) in enumerate(zip(weight.shape, shape, strict=True)):
        repeated = (after - before) // (times - 1)
        kept = before - repeated
        copies = torch.arange(kept, before).repeat_interleave(times)
        weight = weight.index_select(axis, torch.cat([torch.arange(kept), copies]))
        if axis == 1:  # inputs: what copies weigh adds up to what the one channel weighed
            shares = torch.cat([torch.ones(kept), _shares(repeated, times)])
            weight = weight * shares.reshape(-1, *[1] * (weight.dim() - 2))
    return weight


def _shares(channels: int, times: int) -> torch.Tensor:
    """Unequal weights of each channel's copies [channels*times], one in the sum."""
    shares = 1 + UNEVEN * (2 * torch.rand(channels, times) - 1)
    return (shares / shares.sum(dim=1, keepdim=True)).flatten()


def _finer_frequencies(weight: torch.Tensor, shape: torch.Size) -> torch.Tensor:
    """The timestep's cosines and sines: of so many times more frequencies one in as many is known."""
    times = shape[1] // weight.shape[1]
    grown = weight.new_zeros(shape)
    grown[:, ::times] = weight
    return grown
