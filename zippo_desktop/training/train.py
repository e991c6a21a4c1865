"""One training run from a configuration file."""

from __future__ import annotations

from pathlib import Path

import cv2

from zippo_desktop.training.config import read_config


def train(config_path: Path) -> None:
    """Run, or resume, the stage that the TOML file `config_path` describes.

    Writes `log.jsonl`, sample sheets and a checkpoint into its `run_dir`, and the averaged weights
    into its `model_dir`. Raises UsageError, InputError or ModelError before anything is trained.
    """
    config = read_config(config_path)
    cv2.setNumThreads(1)  # the loader's processes are the parallelism
    if config.stage == "vae":
        from zippo_desktop.training.train_vae import train_vae

        train_vae(config)
    elif config.stage == "matte_decoder":
        from zippo_desktop.training.train_matte_decoder import train_matte_decoder

        train_matte_decoder(config)
    elif config.stage == "matting":
        from zippo_desktop.training.train_matting import train_matting

        train_matting(config)
    else:
        from zippo_desktop.training.train_unet import train_unet

        train_unet(config)
