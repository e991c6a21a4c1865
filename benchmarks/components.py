"""What a VAE that is nothing but principal components keeps: PSNR of pictures and error of mattes.

    python benchmarks/components.py --cutouts DIR --backgrounds DIR [--vae DIR]

Unseen objects over unseen backgrounds at 128 px; components of the training split. The numbers in
docs/model.md are from this.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from zippo_desktop.engine import zippo_vae
from zippo_desktop.training.config import DataConfig, VaeConfig
from zippo_desktop.training.pairs import PairSource
from zippo_desktop.training.train_vae import COMPONENT_PAIRS, pictures_of, reconstruction_quality
from zippo_desktop.training.vae_start import build_vae, start_from_components

TEST_PAIRS = 64


@torch.no_grad()
def quality(vae: zippo_vae.Vae, pictures: torch.Tensor) -> dict[str, float]:
    """How well `vae` keeps stacked pictures and mattes."""
    return reconstruction_quality(
        pictures, zippo_vae.decode_unscaled(vae, zippo_vae.encode_unscaled(vae, pictures))
    )


def main() -> None:
    """Print one line for each number of latent channels."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cutouts", type=Path, action="append", required=True)
    parser.add_argument("--backgrounds", type=Path, action="append", required=True)
    parser.add_argument("--vae", type=Path, help="a trained one to set beside them")
    given = parser.parse_args()
    data = DataConfig(tuple(given.cutouts), tuple(given.backgrounds))
    train, test = PairSource(data, "train"), PairSource(data, "test", seed=1)
    known = pictures_of([train.scene(index) for index in range(COMPONENT_PAIRS)])
    unseen = pictures_of([test.scene(index) for index in range(TEST_PAIRS)])
    for channels in (8, 12, 16, 24):
        config = VaeConfig(latent_channels=channels)
        vae = build_vae(config)
        start_from_components(vae, known, config.patch)
        print(f"{channels} channels: {quality(vae, unseen)}")
    if given.vae:
        print(f"{given.vae}: {quality(zippo_vae.load_vae(given.vae), unseen)}")


if __name__ == "__main__":
    main()
