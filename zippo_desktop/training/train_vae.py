"""Stage one: the small VAE that codes pictures and mattes into the same latents."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from PIL import Image

from zippo_desktop.engine import zippo_vae
from zippo_desktop.training.config import TrainConfig, VaeConfig
from zippo_desktop.training.loop import Loop, Losses, open_accelerator
from zippo_desktop.training.losses import gradient_loss
from zippo_desktop.training.model_folder import write_network
from zippo_desktop.training.pairs import CaptionedPair, PairDataset, PairSource, fresh_pairs
from zippo_desktop.training.vae_start import build_vae, start_from_components

if TYPE_CHECKING:
    from zippo_desktop.engine.zippo_vae import Vae

STUDIO_SHARE = 0.25
COMPONENT_PAIRS = 200  # pairs that the principal components come from
SCALE_PAIRS = 256  # pairs that the latents' standard deviation is measured on


class Reconstruction(torch.nn.Module):
    """The VAE from pictures to pictures, as one forward pass that data parallelism can wrap."""

    def __init__(self, vae: Vae, latent_noise: float) -> None:
        super().__init__()
        self.vae = vae
        self.latent_noise = latent_noise

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """[N,3,H,W] to its reconstruction; in training from slightly noisy latents."""
        latents = zippo_vae.encode_unscaled(self.vae, pictures)
        if self.training:
            noise = self.latent_noise * latents.detach().std() * torch.randn_like(latents)
            latents = latents + noise
        return zippo_vae.decode_unscaled(self.vae, latents)


def train_vae(config: TrainConfig) -> None:
    """Train the VAE of `config.model_dir` (made if missing) and write its averaged weights there."""
    torch.manual_seed(config.loop.seed)
    accelerator = open_accelerator(config.loop)
    folder = config.model_dir / "vae"
    source = PairSource(config.data, "train", config.loop.seed)
    vae = zippo_vae.load_vae(folder) if (folder / "config.json").is_file() else _fresh_vae(config.vae, source)
    if config.vae.freeze_encoder:
        vae.encoder.requires_grad_(False)
    model = Reconstruction(vae.train(), config.vae.latent_noise)
    loop = Loop(accelerator, model, config.loop, config.run_dir)
    batches = _batches(config, source, loop)
    loop.run(lambda step: _losses(loop, config.vae, next(batches)), lambda step: _sheet(loop, config, step))
    if accelerator.is_main_process:
        _write(loop, config, source, folder)


def pictures_of(pairs: list[CaptionedPair]) -> torch.Tensor:
    """The pairs' pictures and mattes as [2N,3,S,S] in -1..1: first all pictures, then all mattes."""
    images = np.stack([item.pair.image for item in pairs])
    mattes = np.repeat(np.stack([item.pair.matte for item in pairs])[..., None], 3, axis=-1)
    stacked = np.concatenate([images, mattes]).transpose(0, 3, 1, 2)
    return torch.from_numpy(np.ascontiguousarray(stacked)) * 2.0 - 1.0


def reconstruction_quality(pictures: torch.Tensor, rebuilt: torch.Tensor) -> dict[str, float]:
    """PSNR of the pictures (dB, peak 1) and MAD of the mattes, for stacks as `pictures_of` makes them."""
    half = len(pictures) // 2
    error = (rebuilt.clamp(-1, 1) - pictures) / 2
    psnr = -10 * error[:half].square().mean(dim=(1, 2, 3)).clamp_min(1e-10).log10()
    mad = error[half:].mean(dim=1).abs().mean()
    return {"psnr_rgb": round(float(psnr.mean()), 3), "mad_matte": round(float(mad), 5)}


def _fresh_vae(config: VaeConfig, source: PairSource) -> Vae:
    vae = build_vae(config)
    pictures = pictures_of([source.scene(index) for index in range(COMPONENT_PAIRS)])
    start_from_components(vae, pictures, config.patch)
    _normalise_latents(vae, source, torch.device("cpu"))
    return vae


@torch.no_grad()
def _normalise_latents(vae: Any, source: PairSource, device: torch.device) -> None:
    """Set the scaling factor that gives the latents of training pairs unit variance."""
    chunks = pictures_of([source.scene(index) for index in range(SCALE_PAIRS)]).to(device).split(32)
    spread = torch.cat([zippo_vae.encode_unscaled(vae, chunk) for chunk in chunks]).std()
    vae.register_to_config(scaling_factor=round(1.0 / float(spread), 5))


def _batches(config: TrainConfig, source: PairSource, loop: Loop) -> Iterator[torch.Tensor]:
    """Pictures, and half as many mattes: [N,3,S,S]."""
    dataset = PairDataset(source, STUDIO_SHARE)
    for pairs in fresh_pairs(dataset, config.loop.batch, config.data.workers, loop):
        pictures = pictures_of(pairs)
        yield torch.cat([pictures[: len(pairs)], pictures[len(pairs) :: 2]]).to(loop.accelerator.device)


def _losses(loop: Loop, config: VaeConfig, pictures: torch.Tensor) -> Losses:
    rebuilt = loop.module(pictures)
    l1 = (rebuilt - pictures).abs().mean()
    l2 = (rebuilt - pictures).square().mean()
    gradient = gradient_loss(rebuilt, pictures)
    return {"total": l1 + l2 + config.gradient_weight * gradient, "l1": l1, "l2": l2, "gradient": gradient}


@torch.no_grad()
def _sheet(loop: Loop, config: TrainConfig, step: int) -> None:
    """Unseen pictures above their reconstructions, with the PSNR and matte error in the log."""
    source = PairSource(config.data, "test", seed=1)
    pictures = pictures_of([source.scene(index) for index in range(16)])
    with loop.averaged() as model:
        rebuilt = model(pictures.to(loop.accelerator.device)).cpu()
    rows = [pictures[:16], rebuilt[:16], pictures[16:], rebuilt[16:]]
    grid = torch.cat([torch.cat(list(row), dim=2) for row in rows], dim=1)
    image = ((grid.clamp(-1, 1) + 1) * 127.5).byte().permute(1, 2, 0).numpy()
    Image.fromarray(image).save(config.run_dir / f"sheet-{step:06}.png")
    loop.note(step, reconstruction_quality(pictures, rebuilt))


def _write(loop: Loop, config: TrainConfig, source: PairSource, folder: Path) -> None:
    """Save the averaged VAE. With a frozen encoder its scaling stays what a trained UNet knows."""
    with loop.averaged() as model:
        vae: Any = model.vae
        if not config.vae.freeze_encoder:
            _normalise_latents(vae, source, loop.accelerator.device)
        write_network(vae, folder)
