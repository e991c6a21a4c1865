"""A fresh VAE that begins as the best linear one: principal components of picture blocks.

A linear autoencoder's optimum spans the principal components (Baldi & Hornik 1989). Built into the
outer convolutions, with the residual blocks silent, they spare the network the hours that it would
take to find them, and training goes on from there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn.functional import pixel_unshuffle

from zippo_desktop.training.config import VaeConfig

if TYPE_CHECKING:
    from diffusers import AutoencoderTiny

LATENT_SPREAD = 0.25  # standard deviation of the widest latent: AutoencoderTiny bends what nears 3
WHITENING = 0.5  # 0 keeps the components' variances, 1 makes them equal


def build_vae(config: VaeConfig) -> AutoencoderTiny:
    """A fresh single-level `AutoencoderTiny` of the configured shape, randomly initialised."""
    from diffusers import AutoencoderTiny

    folded = 3 * config.patch**2
    return AutoencoderTiny(
        in_channels=folded,
        out_channels=folded,
        latent_channels=config.latent_channels,
        encoder_block_out_channels=(config.width,),
        decoder_block_out_channels=(config.width,),
        num_encoder_blocks=(config.encoder_blocks,),
        num_decoder_blocks=(config.decoder_blocks,),
        scaling_factor=1.0,
    )


@torch.no_grad()
def start_from_components(vae: AutoencoderTiny, pictures: torch.Tensor, patch: int) -> None:
    """Set `vae` to code folded blocks of `pictures` [N,3,H,W] (-1..1) by their principal components.

    The encoder sees blocks b in 0..1 and must carry signed numbers through ReLUs, so each component
    z travels as the two channels max(z, 0) and max(-z, 0). Needs at least twice as many channels as
    latents; the first encoder convolution computes z, the last one puts its halves together again.
    """
    blocks = pixel_unshuffle((pictures + 1) / 2, patch).permute(0, 2, 3, 1).flatten(0, 2)  # [M,192] 0..1
    centre = blocks.mean(dim=0)
    _, spread, components = torch.linalg.svd(blocks - centre, full_matrices=False)
    count = int(vae.config["latent_channels"])
    deviation = spread[:count] / len(blocks) ** 0.5
    scale = LATENT_SPREAD * deviation**-WHITENING / deviation[0] ** (1 - WHITENING)
    analysis = components[:count] * scale[:, None]  # [C,192]: z = analysis (b - centre)
    synthesis = components[:count].T / scale  # [192,C]: b = centre + synthesis z
    for block in [*vae.encoder.layers[1:-1], *vae.decoder.layers[2:-1]]:
        torch.nn.init.zeros_(block.conv[-1].weight)
        torch.nn.init.zeros_(block.conv[-1].bias)
    _set_pointwise(vae.encoder.layers[0], torch.cat([analysis, -analysis]), -analysis @ centre, signed=True)
    halves = torch.cat([torch.eye(count), -torch.eye(count)], dim=1)
    _set_pointwise(vae.encoder.layers[-1], halves, torch.zeros(count))
    _set_pointwise(vae.decoder.layers[0], halves.T, torch.zeros(count), signed=True)
    _set_pointwise(vae.decoder.layers[-1], synthesis @ halves, centre)


def _set_pointwise(
    convolution: torch.nn.Conv2d, matrix: torch.Tensor, bias: torch.Tensor, signed: bool = False
) -> None:
    """Let a 3x3 convolution begin as the 1x1 map `matrix` on its first channels; the rest stays random.

    Random weights into used outputs are zeroed, those from unused inputs too.
    """
    rows, columns = matrix.shape
    convolution.weight[:rows] = 0
    convolution.weight[:rows, :columns, 1, 1] = matrix
    if convolution.bias is not None:
        convolution.bias[:rows] = torch.cat([bias, -bias]) if signed else bias
