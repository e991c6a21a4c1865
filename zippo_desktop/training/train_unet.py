"""Stage two: the UNet's three branches on the frozen VAE's latents, with noise reassigned by modality."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from zippo_desktop.diffusion.schedule import NoiseSchedule
from zippo_desktop.engine import zippo_vae
from zippo_desktop.engine.model_store import IMAGE_ENCODER, downsampling_of, read_config, read_json, read_spec
from zippo_desktop.engine.torch_session import TorchSession
from zippo_desktop.engine.zippo_unet import build_unet, use_plain_attention
from zippo_desktop.errors import UsageError
from zippo_desktop.pipelines.pictures import encode_matte
from zippo_desktop.training.branches import RowMaker
from zippo_desktop.training.compose import training_mean_area
from zippo_desktop.training.config import TrainConfig
from zippo_desktop.training.conversion import (
    FrozenBase,
    begin_conversion,
    converted_scheduler,
    end_conversion,
)
from zippo_desktop.training.image_encoder_start import add_image_encoder
from zippo_desktop.training.latent_pairs import CaptionCache, Encoded
from zippo_desktop.training.loop import Loop, open_accelerator
from zippo_desktop.training.model_folder import (
    SCHEDULER_CONFIG,
    record_quality,
    write_index,
    write_json,
    write_manifest,
    write_network,
    write_text_encoder,
)
from zippo_desktop.training.pairs import PairSource
from zippo_desktop.training.rgb_gain import set_rgb_gain
from zippo_desktop.training.samples import write_samples
from zippo_desktop.training.unet_batches import BatchMaker, check_material, seen_at
from zippo_desktop.training.unet_losses import base_losses, mean_losses, step_losses
from zippo_desktop.training.wider_unet import widen_finest_level

TEXT_TOKENS = 32
CODED_AT_ONCE_PX = 1 << 20


def train_unet(config: TrainConfig) -> None:
    """Train the UNet of the Zippo folder `config.model_dir`, and write its averaged weights there.

    A folder that holds only a trained VAE is completed first: a fresh UNet of the configured shape,
    `config.text_encoder_dir`'s text encoder, and a zero terminal SNR schedule. A network that predicts
    noise is converted first if `config` says so; the folder is not touched before the run's end.
    """
    torch.manual_seed(config.loop.seed)
    accelerator = open_accelerator(config.loop)
    if accelerator.is_main_process:
        if not (config.model_dir / "unet").is_dir():
            complete_folder(config)
        if config.image_encoder_file and not (config.model_dir / IMAGE_ENCODER).is_dir():
            add_image_encoder(config)
        if config.unet.rgb_gain:
            set_rgb_gain(config.model_dir, config.unet.rgb_gain)
        if config.unet.finest_channels:
            widen_finest_level(config.model_dir, config.unet.finest_channels)
        begin_conversion(config)
    accelerator.wait_for_everyone()
    _require_fitting_conversion(config)
    check_material(config.data, accelerator.process_index, accelerator.num_processes)
    session = _open(config, accelerator.device)
    if accelerator.device.type == "cpu":
        use_plain_attention(session.unet)
    if config.unet.checkpointing:
        session.unet.enable_gradient_checkpointing()
    loop = Loop(accelerator, session.unet.train(), config.loop, config.run_dir)
    torch.manual_seed(config.loop.seed + 1000 * loop.first_step + accelerator.process_index)
    maker = RowMaker(session.spec.schedule, config.unet, _text(session, [""]))
    batch_maker = _batch_maker(config, session, loop)
    batches = batch_maker.steps()
    scenes, studios = (  # there must be some: found out at once
        PairSource(seen_at(config.data, side, session.spec.detail), "test", seed=1)
        for side in (config.data.scene_side, config.data.size_px)
    )
    base = _frozen_base(config, session, batch_maker)
    loop.run(
        lambda step: (
            mean_losses([base_losses(loop.module, base, batch) for batch in next(batches)])
            if base and step < config.unet.conversion_steps
            else mean_losses(
                [step_losses(loop.module, session.vae, maker, batch, base) for batch in next(batches)]
            )
        ),
        lambda step: _sheets(config, session, loop, (scenes, studios), step),
    )
    if accelerator.is_main_process:
        with loop.averaged() as unet:
            write_network(unet, config.model_dir / "unet")
        end_conversion(config)
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


def _open(config: TrainConfig, device: torch.device) -> TorchSession:
    """The model's folder, by the schedule that it will have when a begun conversion has ended."""
    spec = read_spec(config.model_dir)
    scheduler = converted_scheduler(config.run_dir)
    if scheduler:
        spec = replace(spec, schedule=NoiseSchedule.from_config(scheduler))
    return TorchSession(spec, device)


def _require_fitting_conversion(config: TrainConfig) -> None:
    is_converted = converted_scheduler(config.run_dir) is not None
    if config.data.captioned and not is_converted:
        raise UsageError(
            "Captioned pictures teach what the frozen base says of them, and this run has no base to keep.",
            'Convert a fresh model with prediction = "v_prediction", or leave data.captioned out.',
        )
    if is_converted and config.data.scene_side != config.data.size_px:
        raise UsageError(
            "A conversion asks the frozen base about pictures of one size.",
            "Leave data.scene_px out until it is done.",
        )


def _frozen_base(config: TrainConfig, session: TorchSession, batch_maker: BatchMaker) -> FrozenBase | None:
    """What a conversion began from; None where there is nothing to convert."""
    if converted_scheduler(config.run_dir) is None:
        return None
    white = encode_matte(session, np.ones((config.data.size_px, config.data.size_px), np.float32))
    latent = torch.from_numpy(white).to(batch_maker.loop.accelerator.device)
    return FrozenBase(config.run_dir, latent, _text(session, [""]), config.unet, batch_maker.captioned())


def _batch_maker(config: TrainConfig, session: TorchSession, loop: Loop) -> BatchMaker:
    device, autocast = loop.accelerator.device, loop.accelerator.autocast
    return BatchMaker(
        config,
        session.spec.detail,
        loop,
        lambda pictures: encode_pairs(session, pictures.to(device), autocast),
        CaptionCache(lambda prompts: _text(session, prompts)),
    )


def encode_pairs(
    session: TorchSession, pictures: torch.Tensor, autocast: Callable[[], AbstractContextManager[None]]
) -> Encoded:
    """Encode N pictures and their N mattes [2N,3,S*d,S*d], as large as the image encoder sees them.

    Only the image encoder computes within `autocast`: latents are targets, and stay exact.
    """
    count, detail = len(pictures) // 2, session.spec.detail
    small = functional.avg_pool2d(pictures, detail) if detail > 1 else pictures
    latents = encode_latents(session, small)
    if session.image_encoder is None:
        return Encoded(small, latents, latents.new_zeros(count, 0, *latents.shape[2:]))
    with autocast():
        features = session.image_encoder(pictures[:count].contiguous(memory_format=torch.channels_last))
    return Encoded(small, latents, features.float().contiguous())


def encode_latents(session: TorchSession, small: torch.Tensor) -> torch.Tensor:
    """The scaled latents [2N,C,h,w] of N pictures and then their N mattes [2N,3,S,S], in -1..1."""
    at_once = pictures_coded_at_once(small.shape[-1])
    latents = torch.cat([zippo_vae.encode(session.vae, some) for some in small.split(at_once)])
    latents[: len(small) // 2] *= session.spec.rgb_gain
    return latents


def pictures_coded_at_once(side: int) -> int:
    """How many pictures of `side` px the VAE codes at a time: its first levels outgrow the UNet's."""
    return max(1, CODED_AT_ONCE_PX // side**2)


def _text(session: TorchSession, prompts: list[str]) -> torch.Tensor:
    return torch.from_numpy(session.encode_prompts(prompts))


def _sheets(
    config: TrainConfig, session: TorchSession, loop: Loop, unseen: tuple[PairSource, PairSource], step: int
) -> None:
    with loop.averaged():
        write_samples(session, *unseen, config.run_dir, step)


def _closer_px(known: Mapping[str, Any], matting_px: int) -> int:
    """What was found to be best holds for the size that photos were seen at, and for no other."""
    before = known.get("matting_px", known.get("size_px"))
    return int(known.get("closer_px", matting_px)) if before == matting_px else matting_px


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
        matting_px=config.data.scene_side,
        closer_px=_closer_px(known, config.data.scene_side),
        multiple_px=downsampling * 2 ** (len(unet["block_out_channels"]) - 1),
        text_tokens=known.get("text_tokens", TEXT_TOKENS),
        licence=known.get("licence", "MIT"),
        rgb_gain=known.get("rgb_gain", config.unet.rgb_gain or 1.0),
    )
    area = training_mean_area(config.data.cutouts, config.data.backgrounds)
    record_quality(config.model_dir, {"training_mean_area": round(area, 4)})
