"""Stage two: the UNet's three branches on the frozen VAE's latents, with noise reassigned by modality."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import torch

from zippo_desktop.diffusion.latents import Branch
from zippo_desktop.engine import zippo_vae
from zippo_desktop.engine.model_store import downsampling_of, read_config, read_json
from zippo_desktop.engine.torch_session import TorchSession
from zippo_desktop.engine.zippo_unet import build_unet
from zippo_desktop.errors import UsageError
from zippo_desktop.training.branches import PairBatch, RowMaker, Rows
from zippo_desktop.training.compose import training_mean_area
from zippo_desktop.training.config import TrainConfig
from zippo_desktop.training.latent_pairs import CaptionCache, latent_batches
from zippo_desktop.training.loop import Loop, Losses, open_accelerator
from zippo_desktop.training.losses import gradient_loss
from zippo_desktop.training.model_folder import (
    SCHEDULER_CONFIG,
    record_quality,
    write_index,
    write_json,
    write_manifest,
    write_network,
    write_text_encoder,
)
from zippo_desktop.training.pairs import PairDataset, PairSource, stream
from zippo_desktop.training.samples import write_samples

if TYPE_CHECKING:
    from zippo_desktop.engine.zippo_vae import Vae

TEXT_TOKENS = 32


def train_unet(config: TrainConfig) -> None:
    """Train the UNet of the Zippo folder `config.model_dir`, and write its averaged weights there.

    A folder that holds only a trained VAE is completed first: a fresh UNet of the configured shape,
    `config.text_encoder_dir`'s text encoder, and a zero terminal SNR schedule.
    """
    torch.manual_seed(config.loop.seed)
    accelerator = open_accelerator(config.loop)
    if accelerator.is_main_process and not (config.model_dir / "unet").is_dir():
        complete_folder(config)
    accelerator.wait_for_everyone()
    session = TorchSession.open(config.model_dir, device=accelerator.device)
    loop = Loop(accelerator, session.unet.train(), config.loop, config.run_dir)
    torch.manual_seed(config.loop.seed + 1000 * loop.first_step + accelerator.process_index)
    maker = RowMaker(session.spec.schedule, config.unet, _text(session, [""]))
    batches = _batches(config, session, loop)
    loop.run(
        lambda step: step_losses(loop.module, session.vae, maker, next(batches)),
        lambda step: _sheets(config, session, loop, step),
    )
    if accelerator.is_main_process:
        with loop.averaged() as unet:
            write_network(unet, config.model_dir / "unet")
        _record(config)


def complete_folder(config: TrainConfig) -> None:
    """Add all that a folder with a trained VAE lacks to be a Zippo folder."""
    if not (config.model_dir / "vae" / "config.json").is_file() or config.text_encoder_dir is None:
        raise UsageError(
            f"{config.model_dir} is no Zippo folder, and lacks what is needed to start one.",
            'Train stage "vae" into it and name text_encoder_dir, or make one with: zippo-desktop init',
        )
    write_text_encoder(config.text_encoder_dir, config.model_dir)
    write_json(config.model_dir / "scheduler" / "scheduler_config.json", SCHEDULER_CONFIG)
    vae = read_config(config.model_dir, "vae")
    text = read_config(config.model_dir, "text_encoder")
    torch.manual_seed(config.loop.seed)
    shape = config.unet
    unet = build_unet(
        vae["latent_channels"],
        shape.channels,
        shape.attention_levels,
        shape.layers,
        shape.heads,
        text["hidden_size"],
        config.data.size_px // downsampling_of(vae),
    )
    write_network(unet, config.model_dir / "unet")
    write_index(config.model_dir)
    _record(config)


def step_losses(module: torch.nn.Module, vae: Vae, maker: RowMaker, batch: PairBatch) -> Losses:
    """The losses of one batch of pairs by name; "total" is the one to descend."""
    rows = maker.rows(batch)
    predicted = module(rows.latents, rows.timesteps, rows.text, class_labels=rows.identifiers).sample.float()
    losses = branch_losses(predicted, rows)
    weight = maker.config.decoded_weight
    at_last, clean = maker.one_step_mattes(rows, predicted, len(batch.alpha))
    if weight and at_last.any():
        losses["decoded"] = decoded_matte_loss(vae, clean, batch.alpha[at_last])
        losses["total"] = losses["total"] + weight * losses["decoded"]
    return losses


def decoded_matte_loss(vae: Vae, clean: torch.Tensor, alpha: torch.Tensor) -> torch.Tensor:
    """L1 and gradient error of decoded mattes against the true ones [N,S,S]."""
    matte = zippo_vae.decode(vae, clean).mean(dim=1, keepdim=True) / 2 + 0.5
    true = alpha[:, None]
    return (matte - true).abs().mean() + gradient_loss(matte, true)


def branch_losses(predicted: torch.Tensor, rows: Rows) -> dict[str, torch.Tensor]:
    """Mean squared error of the prediction: "total" over all rows, and one loss for each branch."""
    errors = (predicted - rows.targets).square().mean(dim=(1, 2, 3))
    losses = {"total": errors.mean()}
    for branch in Branch:
        chosen = errors[rows.branches == branch]
        if len(chosen):
            losses[branch.name.lower()] = chosen.mean()
    return losses


def _batches(config: TrainConfig, session: TorchSession, loop: Loop) -> Iterator[PairBatch]:
    process, processes = loop.accelerator.process_index, loop.accelerator.num_processes
    fresh = max(1, config.loop.batch // config.unet.replay)
    per_step = fresh * processes
    source = PairSource(config.data, "train", config.loop.seed)
    dataset = PairDataset(source, 1 - config.unet.scenes_per_batch)
    first = loop.first_step * per_step + process
    pairs = stream(dataset, fresh, config.data.workers, first, processes)
    generator = torch.Generator().manual_seed(config.loop.seed + process)
    captions = CaptionCache(lambda prompts: _text(session, prompts))
    device = loop.accelerator.device
    return latent_batches(
        pairs,
        lambda pictures: zippo_vae.encode(session.vae, pictures.to(device)),
        captions,
        config.unet.replay,
        generator,
    )


def _text(session: TorchSession, prompts: list[str]) -> torch.Tensor:
    return torch.from_numpy(session.encode_prompts(prompts))


def _sheets(config: TrainConfig, session: TorchSession, loop: Loop, step: int) -> None:
    with loop.averaged():
        write_samples(session, PairSource(config.data, "test", seed=1), config.run_dir, step)


def _record(config: TrainConfig) -> None:
    vae = read_config(config.model_dir, "vae")
    unet = read_config(config.model_dir, "unet")
    downsampling = downsampling_of(vae)
    path = config.model_dir / "zippo.json"
    known: dict[str, Any] = read_json(path) if path.is_file() else {}
    write_manifest(
        config.model_dir,
        name=config.name,
        version=known.get("version", "0"),
        size_px=config.data.size_px,
        multiple_px=downsampling * 2 ** (len(unet["block_out_channels"]) - 1),
        text_tokens=known.get("text_tokens", TEXT_TOKENS),
        licence=known.get("licence", "MIT"),
    )
    area = training_mean_area(config.data.cutouts, config.data.backgrounds)
    record_quality(config.model_dir, {"training_mean_area": round(area, 4)})
