"""Stage four: the image encoder and the matte decoder together, by the error of the decoded matte alone.

The gradient passes through the UNet, which is frozen as the VAE is: painting and generation, which have
neither features nor a photo, stay what they were to the last bit. For matting the features turn from what
tells a thousand kinds of things apart into what tells a subject from its surroundings.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch.nn import functional

from zippo_desktop.engine.image_encoder import ImageEncoder
from zippo_desktop.engine.matte_decoder import MatteDecoder
from zippo_desktop.engine.model_store import IMAGE_ENCODER, MATTE_DECODER, record_digests
from zippo_desktop.engine.torch_session import TorchSession
from zippo_desktop.errors import UsageError
from zippo_desktop.training.branches import PairBatch, RowMaker, select
from zippo_desktop.training.config import TrainConfig
from zippo_desktop.training.latent_pairs import CaptionCache
from zippo_desktop.training.loop import Loop, Losses
from zippo_desktop.training.losses import matte_loss
from zippo_desktop.training.matting_pairs import MattingPairs, one_step_rows, open_frozen, write_sheet
from zippo_desktop.training.model_folder import write_own_network
from zippo_desktop.training.pairs import CaptionedPair
from zippo_desktop.training.train_unet import encode_latents
from zippo_desktop.training.train_vae import pictures_of
from zippo_desktop.training.unet_losses import decoded_matte_loss, predict

FROZEN_BLOCKS = 4  # of the image encoder: edges and textures, and most of its gradient's time


@dataclass(frozen=True)
class Seen:
    """N pictures [N,3,S,S] in -1..1, their true mattes `alpha` [N,1,S,S] in 0..1, and what is fixed of them.

    That is their scaled latents, `rgb` and `matte` [N,C,h,w], and the text states [N,L,D] of their captions.
    """

    pictures: torch.Tensor
    alpha: torch.Tensor
    rgb: torch.Tensor
    matte: torch.Tensor
    text: torch.Tensor


class OneStepMatting(torch.nn.Module):
    """All that lies between a picture and its matte in one step; what is not a part of it is frozen."""

    def __init__(
        self, unet: torch.nn.Module, maker: RowMaker, encoder: ImageEncoder, decoder: MatteDecoder
    ) -> None:
        super().__init__()
        self.image_encoder, self.matte_decoder = encoder, decoder
        self._maker = maker
        self._unet = (unet,)  # in a tuple, so that it is no module of this one's

    def forward(self, seen: Seen) -> tuple[torch.Tensor, torch.Tensor]:
        """The latents [N,C,h,w] of the mattes, and the decoded ones [N,1,S,S] in 0..1, both float32."""
        pictures = seen.pictures.contiguous(memory_format=torch.channels_last)
        features = self.image_encoder(pictures)
        is_studio = torch.zeros(len(pictures), dtype=torch.bool, device=pictures.device)  # matting alone
        batch = PairBatch(seen.rgb, seen.matte, seen.alpha[:, 0], seen.text, is_studio, features.float())
        rows = self._maker.rows(batch)
        predicted = predict(self._unet[0], rows)
        _, latents = self._maker.one_step_mattes(rows, predicted, len(pictures))
        mattes = self.matte_decoder(pictures, torch.cat([latents, features], dim=1))
        return latents, mattes.float()


def train_matting(config: TrainConfig) -> None:
    """Train the image encoder and the matte decoder of the Zippo folder `config.model_dir`.

    The folder's ONNX graphs are those of before: `export` makes them anew. Raises `UsageError` for a model
    that lacks one of the two.
    """
    accelerator, session = open_frozen(config)
    if session.image_encoder is None or session.matte_decoder is None:
        raise UsageError(
            f"{config.model_dir} has no image encoder, or no matte decoder, which this stage trains.",
            'Train stage "unet" with image_encoder_file, then stage "matte_decoder".',
        )
    maker, captions = one_step_rows(config, session)
    loop = Loop(accelerator, _trainable(session, maker), config.loop, config.run_dir)
    torch.manual_seed(config.loop.seed + 1000 * loop.first_step + accelerator.process_index)
    pairs = MattingPairs(config, session.spec.detail, loop)
    unseen = _see(session, captions, pairs.unseen()) if accelerator.is_main_process else None
    batches = pairs.batches(lambda composed: _see(session, captions, composed))
    weight = config.unet.decoded_weight
    loop.run(
        lambda step: _losses(loop.module, session, next(batches), weight),
        lambda step: _sheet(loop, session, unseen, step) if unseen else None,
    )
    if accelerator.is_main_process:
        with loop.averaged() as trained:
            write_own_network(trained.image_encoder, config.model_dir / IMAGE_ENCODER)
            write_own_network(trained.matte_decoder, config.model_dir / MATTE_DECODER)
        record_digests(config.model_dir)


def _trainable(session: TorchSession, maker: RowMaker) -> OneStepMatting:
    encoder, decoder = session.image_encoder, session.matte_decoder
    encoder.requires_grad_(True)
    for part in (encoder.stem, *encoder.blocks[:FROZEN_BLOCKS]):
        part.requires_grad_(False)
    for block in encoder.blocks:  # a few numbers for each channel, and again half of the gradient's time
        block.depthwise.requires_grad_(False)
    decoder.requires_grad_(True)
    return OneStepMatting(session.unet, maker, encoder, decoder).train()


@torch.no_grad()
def _see(session: TorchSession, captions: CaptionCache, composed: list[CaptionedPair]) -> Seen:
    """Some pairs as this stage takes them, on the session's device."""
    both = pictures_of(composed).to(next(session.unet.parameters()).device)
    pictures, mattes = both.chunk(2)
    rgb, matte = encode_latents(session, functional.avg_pool2d(both, session.spec.detail)).chunk(2)
    text = captions([pair.caption for pair in composed]).to(both.device)
    return Seen(pictures, mattes[:, :1] / 2 + 0.5, rgb, matte, text)


def _losses(module: torch.nn.Module, session: TorchSession, seen: Seen, weight: float) -> Losses:
    """The decoded matte's error, and `weight` times that of the VAE's, which stays the sketch that it was."""
    latents, mattes = module(seen)
    small = functional.avg_pool2d(seen.alpha, session.spec.detail)[:, 0]
    decoded, plain = matte_loss(mattes, seen.alpha), decoded_matte_loss(session.vae, latents, small)
    mad = (mattes.detach() - seen.alpha).abs().mean()
    return {"total": decoded + weight * plain, "decoded": decoded, "plain": plain, "mad": mad}


@torch.no_grad()
def _sheet(loop: Loop, session: TorchSession, unseen: Seen, step: int) -> None:
    with loop.averaged() as matting:
        answers = [matting(select(unseen, slice(place, place + 1))) for place in range(len(unseen.alpha))]
    latents, mattes = (torch.cat(part) for part in zip(*answers, strict=True))
    write_sheet(loop, step, session, unseen.pictures, latents, mattes, unseen.alpha)
