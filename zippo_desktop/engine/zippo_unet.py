"""The Zippo network in PyTorch: a diffusers UNet with an inflated input and a distribution identifier.

Xie et al., "Zippo: Zipping Color and Transparency Distributions into a Single Diffusion Model",
arXiv 2403.11077. The identifier is diffusers' class embedding, added to the timestep embedding.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from zippo_desktop.diffusion.latents import Branch
from zippo_desktop.engine.weights import find_weights, read_weights
from zippo_desktop.errors import ModelError

if TYPE_CHECKING:
    from diffusers import UNet2DConditionModel

IDENTIFIER = "class_embedding.weight"

# Diffusers warns, at each start, that optimum consists of two distributions; that is as it should be.
logging.getLogger("diffusers.utils.import_utils").setLevel(logging.ERROR)


def build_unet(
    latent_channels: int,
    channels: Sequence[int],
    attention_levels: Sequence[int],
    layers: int,
    heads: int,
    text_width: int,
    latent_size: int,
    feature_channels: int = 0,
) -> UNet2DConditionModel:
    """A fresh Zippo UNet; cross attention sits at `attention_levels` (0 is the finest) and in the middle.

    Behind the two halves of the joint latent it takes `feature_channels` of an image encoder's.
    """
    from diffusers import UNet2DConditionModel

    down = ["CrossAttnDownBlock2D" if i in attention_levels else "DownBlock2D" for i in range(len(channels))]
    unet = UNet2DConditionModel(
        sample_size=latent_size,
        in_channels=2 * latent_channels + feature_channels,
        out_channels=latent_channels,
        down_block_types=tuple(down),
        up_block_types=tuple(name.replace("Down", "Up") for name in reversed(down)),
        block_out_channels=tuple(channels),
        layers_per_block=layers,
        attention_head_dim=heads,  # diffusers reads this as the number of heads
        cross_attention_dim=text_width,
        norm_num_groups=32 if all(count % 32 == 0 for count in channels) else 16,
        num_class_embeds=len(Branch),
    )
    torch.nn.init.zeros_(unet.get_parameter(IDENTIFIER))
    return unet


def load_unet(folder: Path) -> UNet2DConditionModel:
    """The UNet of a diffusers folder in float32, weights dequantised; `ModelError` if they do not fit."""
    from diffusers import UNet2DConditionModel

    unet = UNet2DConditionModel.from_config(UNet2DConditionModel.load_config(folder))
    load_weights(unet, folder)
    return unet


def load_weights(module: torch.nn.Module, folder: Path) -> None:
    """Fill `module` from the safetensors in `folder`; `ModelError` names a weight that does not fit."""
    tensors = {name: torch.from_numpy(array) for name, array in read_weights(find_weights(folder)).items()}
    expected = module.state_dict()
    for name, value in expected.items():
        if name not in tensors:
            raise ModelError(f"{folder} lacks the weight {name}.", "Copy or download the model again.")
        if tensors[name].shape != value.shape:
            raise ModelError(f"{folder}: the weight {name} does not fit the configuration.")
    module.load_state_dict({name: tensors[name] for name in expected})
    module.eval()


def use_plain_attention(unet: UNet2DConditionModel) -> None:
    """Let attention be two matrix products and a softmax, in place.

    On the CPU, in bf16, the gradient of PyTorch's fused attention over few, narrow tokens takes a third
    of a training step: written out, a step is 1.3 times as fast. In float32 both take as long.
    """
    from diffusers.models.attention_processor import AttnProcessor

    unet.set_attn_processor(AttnProcessor())


def widen(unet: UNet2DConditionModel, feature_channels: int) -> UNet2DConditionModel:
    """The same network with further input channels that it does not heed yet: their weights are zero."""
    from diffusers import UNet2DConditionModel

    channels = unet.config["in_channels"] + feature_channels
    wider = UNet2DConditionModel.from_config(dict(unet.config) | {"in_channels": channels})
    weights = unet.state_dict()
    known = weights["conv_in.weight"]
    weights["conv_in.weight"] = torch.zeros(known.shape[0], channels, *known.shape[2:])
    weights["conv_in.weight"][:, : known.shape[1]] = known
    wider.load_state_dict(weights)
    return wider.eval()


def inflate(base: UNet2DConditionModel) -> UNet2DConditionModel:
    """Turn a text-to-image UNet with C latent channels into a Zippo UNet with 2C input channels.

    `conv_in`'s weights are copied to both halves and halved (as Marigold does: Ke et al. 2024,
    section 3.2), its bias is kept, and the identifier starts at zero: fed the same latent in both
    halves, the new network reproduces `base` for every branch.
    """
    from diffusers import UNet2DConditionModel

    if base.config["in_channels"] != base.config["out_channels"]:
        raise ModelError(
            "The base UNet is no plain text-to-image network: its input and output channels differ.",
            "Inpainting, depth and Zippo networks cannot be inflated.",
        )
    config = dict(base.config) | {
        "in_channels": 2 * base.config["in_channels"],
        "num_class_embeds": len(Branch),
    }
    unet = UNet2DConditionModel.from_config(config)
    weights = base.state_dict()
    weights["conv_in.weight"] = torch.cat([weights["conv_in.weight"]] * 2, dim=1) / 2
    weights[IDENTIFIER] = torch.zeros_like(unet.get_parameter(IDENTIFIER))
    unet.load_state_dict(weights)
    return unet.eval()
