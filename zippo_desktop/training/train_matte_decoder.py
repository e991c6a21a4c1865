"""Stage three: a decoder of matte latents that sees the photo, trained on what the finished UNet answers.

All other networks are frozen: the generative tasks, which never decode a matte by it, stay as they were.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch

from zippo_desktop.engine.matte_decoder import WIDTHS, MatteDecoder, load_matte_decoder
from zippo_desktop.engine.model_store import MATTE_DECODER, record_digests
from zippo_desktop.engine.session import ZippoSpec
from zippo_desktop.engine.torch_session import TorchSession
from zippo_desktop.training.branches import RowMaker, select
from zippo_desktop.training.config import TrainConfig
from zippo_desktop.training.latent_pairs import CaptionCache, Encoded, encoded_pairs
from zippo_desktop.training.loop import Loop, Losses
from zippo_desktop.training.losses import matte_loss
from zippo_desktop.training.matting_pairs import MattingPairs, one_step_rows, open_frozen, write_sheet
from zippo_desktop.training.model_folder import write_index, write_own_network
from zippo_desktop.training.pairs import CaptionedPair
from zippo_desktop.training.train_unet import encode_pairs
from zippo_desktop.training.train_vae import pictures_of
from zippo_desktop.training.unet_losses import predict


@dataclass(frozen=True)
class Answered:
    """N pictures [N,3,S,S] in -1..1, their true mattes `alpha` [N,1,S,S] in 0..1, and what the networks say.

    `latents` [N,C,h,w] are the UNet's one-step mattes, `features` [N,F,h,w] the image encoder's.
    """

    pictures: torch.Tensor
    alpha: torch.Tensor
    latents: torch.Tensor
    features: torch.Tensor


def train_matte_decoder(config: TrainConfig) -> None:
    """Train the matte decoder of the Zippo folder `config.model_dir`, which need not have one yet.

    The folder's ONNX graphs are those of before: `export` makes them anew.
    """
    accelerator, session = open_frozen(config)
    folder = config.model_dir / MATTE_DECODER
    decoder = load_matte_decoder(folder) or fresh_matte_decoder(session.spec)
    loop = Loop(accelerator, decoder.train(), config.loop, config.run_dir)
    torch.manual_seed(config.loop.seed + 1000 * loop.first_step + accelerator.process_index)
    answering = Answering.of(config, session, loop)
    pairs = MattingPairs(config, session.spec.detail, loop)
    unseen = answering.answered(pairs.unseen()) if accelerator.is_main_process else None
    batches = pairs.batches(answering.answered)
    loop.run(
        lambda step: _losses(loop, next(batches)),
        lambda step: _sheet(loop, session, unseen, step) if unseen else None,
    )
    if accelerator.is_main_process:
        with loop.averaged() as trained:
            write_own_network(trained, folder)
        write_index(config.model_dir)
        record_digests(config.model_dir)


def fresh_matte_decoder(spec: ZippoSpec) -> MatteDecoder:
    """A decoder that has learnt nothing, of the shape that a model needs."""
    levels = (spec.downsampling * spec.detail).bit_length() - 1
    return MatteDecoder(spec.latent_channels, spec.feature_channels, WIDTHS[-levels:])


@dataclass(frozen=True)
class Answering:
    """The frozen networks of one run, asked about pairs as in one-step matting."""

    session: TorchSession
    loop: Loop
    maker: RowMaker
    captions: CaptionCache

    @classmethod
    def of(cls, config: TrainConfig, session: TorchSession, loop: Loop) -> Answering:
        """The networks of a session."""
        maker, captions = one_step_rows(config, session)
        return cls(session, loop, maker, captions)

    @torch.no_grad()
    def answered(self, pairs: list[CaptionedPair]) -> Answered:
        """What the networks make of some pairs, in one step from fresh noise."""
        session, accelerator = self.session, self.loop.accelerator

        def encode(pictures: torch.Tensor) -> Encoded:
            return encode_pairs(session, pictures.to(accelerator.device), accelerator.autocast)

        batch = encoded_pairs(pairs, encode, self.captions)
        batch = replace(batch, is_studio=torch.zeros_like(batch.is_studio))  # matting is all that is asked
        rows = self.maker.rows(batch)
        with accelerator.autocast():
            predicted = predict(session.unet, rows)
        _, latents = self.maker.one_step_mattes(rows, predicted, len(pairs))
        pictures, mattes = pictures_of(pairs).to(accelerator.device).chunk(2)
        return Answered(pictures, mattes[:, :1] / 2 + 0.5, latents, batch.features)


def _losses(loop: Loop, batch: Answered) -> Losses:
    matte = _decoded(loop.module, batch)
    return {
        "total": matte_loss(matte, batch.alpha),
        "mad": (matte.detach() - batch.alpha).abs().mean(),
    }


def _decoded(decoder: torch.nn.Module, batch: Answered) -> torch.Tensor:
    """Mattes [N,1,S,S] in float32."""
    pictures = batch.pictures.contiguous(memory_format=torch.channels_last)
    mattes: torch.Tensor = decoder(pictures, torch.cat([batch.latents, batch.features], dim=1))
    return mattes.float()


@torch.no_grad()
def _sheet(loop: Loop, session: TorchSession, unseen: Answered, step: int) -> None:
    with loop.averaged() as decoder:
        single = (select(unseen, slice(place, place + 1)) for place in range(len(unseen.alpha)))
        decoded = torch.cat([_decoded(decoder, one) for one in single])
    write_sheet(loop, step, session, unseen.pictures, unseen.latents, decoded, unseen.alpha)
