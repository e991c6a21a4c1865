from pathlib import Path

import pytest
import torch

from tests.tiny_models import build_tiny_zippo
from zippo_desktop.engine import zippo_vae
from zippo_desktop.engine.model_store import downsampling_of
from zippo_desktop.training.config import VaeConfig
from zippo_desktop.training.model_folder import write_network
from zippo_desktop.training.vae_start import build_vae, start_from_components

SMALL = VaeConfig(width=64, latent_channels=12, encoder_blocks=1, decoder_blocks=1)


def smooth_pictures(count: int, side: int = 32) -> torch.Tensor:
    torch.manual_seed(0)
    coarse = torch.rand(count, 3, side // 16, side // 16) * 1.6 - 0.8
    return torch.nn.functional.interpolate(coarse, size=side, mode="bilinear", align_corners=False)


def test_a_kl_vae_folded_by_two_keeps_its_shapes(tmp_path: Path):
    build_tiny_zippo(tmp_path)
    vae = zippo_vae.load_vae(tmp_path / "vae")
    pictures = smooth_pictures(2)

    with torch.no_grad():
        latents = zippo_vae.encode(vae, pictures)
        rebuilt = zippo_vae.decode(vae, latents)

    assert latents.shape == (2, 4, 4, 4)
    assert rebuilt.shape == pictures.shape
    assert downsampling_of(vae.config) == 8


def test_a_tiny_autoencoder_survives_its_folder(tmp_path: Path):
    vae = build_vae(SMALL)
    vae.register_to_config(scaling_factor=1.7)
    write_network(vae, tmp_path)

    again = zippo_vae.load_vae(tmp_path)

    pictures = smooth_pictures(1)
    with torch.no_grad():
        torch.testing.assert_close(
            zippo_vae.encode(again, pictures), zippo_vae.encode(vae, pictures), atol=5e-3, rtol=5e-3
        )
    assert again.config["scaling_factor"] == 1.7
    assert downsampling_of(again.config) == 8


@pytest.mark.parametrize("rank", [4, 12])
def test_the_start_reconstructs_pictures_that_the_components_span(rank: int):
    """Blocks that vary along `rank` <= C directions come back, but for the latent clamp's mild bend."""
    torch.manual_seed(1)
    directions = torch.linalg.qr(torch.randn(192, rank)).Q
    blocks = 0.5 + torch.randn(24, 4, 4, rank) @ directions.T * 0.1
    pictures = torch.nn.functional.pixel_shuffle(blocks.permute(0, 3, 1, 2), 8) * 2 - 1
    vae = build_vae(SMALL)

    start_from_components(vae, pictures, patch=8)

    with torch.no_grad():
        rebuilt = zippo_vae.decode_unscaled(vae, zippo_vae.encode_unscaled(vae, pictures))
    error, spread = (rebuilt - pictures).square().mean(), (pictures - pictures.mean()).square().mean()
    assert error < 0.02 * spread


def test_an_untrained_vae_does_not():
    torch.manual_seed(1)
    pictures = smooth_pictures(4)
    vae = build_vae(SMALL)

    with torch.no_grad():
        rebuilt = zippo_vae.decode_unscaled(vae, zippo_vae.encode_unscaled(vae, pictures))

    assert (rebuilt - pictures).square().mean() > 0.5 * (pictures - pictures.mean()).square().mean()
