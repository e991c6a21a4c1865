"""Pairs for the stages that train matting alone, at the size that the image encoder sees."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch
from PIL import Image
from torch.nn import functional

from zippo_desktop.engine import zippo_vae
from zippo_desktop.engine.model_store import read_spec
from zippo_desktop.engine.torch_session import TorchSession
from zippo_desktop.engine.zippo_unet import use_plain_attention
from zippo_desktop.training.branches import RowMaker, T
from zippo_desktop.training.config import TrainConfig
from zippo_desktop.training.latent_pairs import CaptionCache, replayed
from zippo_desktop.training.loop import Loop, open_accelerator
from zippo_desktop.training.pairs import CaptionedPair, PairDataset, PairSource, fresh_pairs
from zippo_desktop.training.unet_batches import check_material, seen_at

if TYPE_CHECKING:
    from accelerate import Accelerator

STUDIO_SHARE = 0.1  # of the pairs on plain grey: products are photographed so, and generated pictures are
SHEET_PAIRS = 12


def open_frozen(config: TrainConfig) -> tuple[Accelerator, TorchSession]:
    """A run's device, and the model's networks on it, none of which is trained until a stage says so.

    The run's material is looked through first.
    """
    torch.manual_seed(config.loop.seed)
    accelerator = open_accelerator(config.loop)
    check_material(config.data, accelerator.process_index, accelerator.num_processes)
    session = TorchSession(read_spec(config.model_dir), accelerator.device)
    if accelerator.device.type == "cpu":
        use_plain_attention(session.unet)
    session.unet.requires_grad_(False).eval()
    return accelerator, session


@dataclass(frozen=True)
class MattingPairs:
    """Scenes, photos and some studio shots of one run, with `detail` times the VAE's pixels along a side."""

    config: TrainConfig
    detail: int
    loop: Loop

    def batches(self, prepare: Callable[[list[CaptionedPair]], T]) -> Iterator[T]:
        """Batches that a resumed run goes on in: each new pair prepared once, then used `replay` times."""
        config, replay = self.config, self.config.unet.replay
        source = self._source("train", config.loop.seed)
        dataset = PairDataset(source, STUDIO_SHARE, config.unet.photos_per_batch if source.photos else 0.0)
        fresh = fresh_pairs(dataset, max(1, config.loop.batch // replay), config.data.workers, self.loop)
        process = self.loop.accelerator.process_index
        generator = torch.Generator().manual_seed(config.loop.seed + process)
        return replayed((prepare(pairs) for pairs in fresh), replay, generator)

    def unseen(self) -> list[CaptionedPair]:
        """Scenes of the test split, always the same."""
        source = self._source("test", 1)
        return [source.scene(index) for index in range(SHEET_PAIRS)]

    def _source(self, split: str, seed: int) -> PairSource:
        data = self.config.data
        return PairSource(seen_at(data, data.scene_side, self.detail), split, seed)


def one_step_rows(config: TrainConfig, session: TorchSession) -> tuple[RowMaker, CaptionCache]:
    """What makes rows of one-step matting out of pairs, and the text states of their captions."""

    def text(prompts: list[str]) -> torch.Tensor:
        return torch.from_numpy(session.encode_prompts(prompts))

    settings = replace(config.unet, last_step_share=1.0)
    return RowMaker(session.spec.schedule, settings, text([""])), CaptionCache(text)


def write_sheet(
    loop: Loop,
    step: int,
    session: TorchSession,
    pictures: torch.Tensor,
    latents: torch.Tensor,
    mattes: torch.Tensor,
    alpha: torch.Tensor,
) -> None:
    """Draw unseen pictures [N,3,S,S] in -1..1, and below them three mattes of each; log their errors.

    These are what the VAE's decoder makes of `latents` [N,C,h,w], what the matte decoder does (`mattes`), and
    the true ones (`alpha`), [N,1,S,S] in 0..1.
    """
    plain = zippo_vae.decode(session.vae, latents).mean(dim=1, keepdim=True) / 2 + 0.5
    plain = functional.interpolate(plain.clamp(0, 1), size=alpha.shape[2:], mode="bilinear")
    rows = [pictures / 2 + 0.5, *(each.expand(-1, 3, -1, -1) for each in (plain, mattes, alpha))]
    small = [functional.avg_pool2d(row, 2) for row in rows]
    grid = torch.cat([torch.cat(list(row), dim=2) for row in small], dim=1)
    image = (grid.clamp(0, 1) * 255).byte().permute(1, 2, 0).cpu().numpy()
    Image.fromarray(image).save(loop.run_dir / f"sheet-{step:06}.png")
    errors = {"mad_plain": plain, "mad_unseen": mattes}
    loop.note(step, {name: round(float((m - alpha).abs().mean()), 5) for name, m in errors.items()})
