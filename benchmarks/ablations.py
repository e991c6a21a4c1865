"""What each part of the training brings: small networks trained alike but for one thing, side by side.

    python benchmarks/ablations.py --model DIR --cutouts DIR --backgrounds DIR [--rows N] [--only NAME ...]

Every network starts from the same random weights and sees the same encoded pairs (VAE, text and image
encoder are the model's own, frozen) for the same number of rows; then all are measured on the same
unseen pairs under the same noise. Prints a Markdown table: docs/ablations.md is from this.
"""

from __future__ import annotations

import argparse
import contextlib
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from zippo_desktop.diffusion.latents import Branch
from zippo_desktop.engine.torch_session import TorchSession
from zippo_desktop.engine.zippo_unet import build_unet, use_plain_attention
from zippo_desktop.pipelines import matting
from zippo_desktop.pipelines.request import MattingRequest
from zippo_desktop.training.branches import PairBatch, RowMaker, Rows, concatenate, select
from zippo_desktop.training.config import DataConfig, UnetConfig
from zippo_desktop.training.latent_pairs import CaptionCache, Encoded, encoded_pairs
from zippo_desktop.training.pairs import CaptionedPair, PairSource
from zippo_desktop.training.train_unet import encode_pairs
from zippo_desktop.training.unet_losses import branch_losses, decoded_matte_loss

CHANNELS, ATTENTION, HEADS = (32, 64, 96), (1, 2), 4
BATCH = 24  # pairs a step
POOL = 1536  # encoded training pairs, half of them studio shots
TEST_PAIRS = 96
LEARNING_RATE = 1e-3
GENERATIVE = (Branch.MATTE_TO_RGB, Branch.JOINT_RGB, Branch.JOINT_MATTE)


@dataclass(frozen=True)
class Variant:
    """One thing changed: settings of the rows, which branches are trained, whose labels are wrong."""

    config: UnetConfig
    branches: tuple[Branch, ...] = tuple(Branch)
    scenes: float = 0.5  # share of a step's pairs that are scenes
    share: float = 1.0  # of the budget of rows
    has_features: bool = True
    wrong_labels: float = 0.0  # share of the scenes whose matte is spoiled
    seed: int = 0


BASE = Variant(UnetConfig(last_step_share=0.75, decoded_weight=2.0, studio_t_power=0.6))
VARIANTS: dict[str, Variant] = {
    "as shipped": BASE,
    "as shipped, other seed": replace(BASE, seed=1),
    "no image features": replace(BASE, has_features=False),
    "no identifier": replace(BASE, config=replace(BASE.config, use_identifier=False)),
    "no noise reassignment": replace(BASE, config=replace(BASE.config, reassign_noise=False)),
    "no loss on the decoded matte": replace(BASE, config=replace(BASE.config, decoded_weight=0.0)),
    "timesteps uniform": replace(BASE, config=replace(BASE.config, last_step_share=0.0, studio_t_power=1.0)),
    "25 % scenes": replace(BASE, scenes=0.25),
    "75 % scenes": replace(BASE, scenes=0.75),
    "matting alone, a third of the rows": replace(BASE, branches=(Branch.RGB_TO_MATTE,), share=1 / 3),
    "painting alone, a third": replace(BASE, branches=(Branch.MATTE_TO_RGB,), scenes=0.0, share=1 / 3),
    "generation alone, a third": replace(BASE, branches=GENERATIVE[1:], scenes=0.0, share=1 / 3),
    "25 % of the mattes spoiled": replace(BASE, wrong_labels=0.25),
    "50 % of the mattes spoiled": replace(BASE, wrong_labels=0.5),
}


def spoiled(pair: CaptionedPair, rng: np.random.Generator) -> CaptionedPair:
    """A label as a careless hand or a weak network leaves it: grown or eaten, moved, without softness."""
    matte, size = pair.pair.matte, len(pair.pair.matte)
    kernel = np.ones((3, 3), np.uint8)
    change = cv2.dilate if rng.random() < 0.5 else cv2.erode
    grown = change(matte, kernel, iterations=int(rng.integers(1, size // 24)))
    shift = np.array([[1, 0, rng.normal(0, size / 64)], [0, 1, rng.normal(0, size / 64)]], np.float32)
    moved = cv2.warpAffine(np.asarray(grown, np.float32), shift, (size, size))
    wrong = (np.asarray(moved) > 0.5).astype(np.float32)
    return replace(pair, pair=replace(pair.pair, matte=wrong))


class Pools:
    """Encoded pairs in memory: scenes, the same scenes with spoiled mattes, and studio shots."""

    def __init__(self, session: TorchSession, data: DataConfig) -> None:
        self._session = session
        self._captions = CaptionCache(lambda prompts: torch.from_numpy(session.encode_prompts(prompts)))
        train, rng = PairSource(data, "train"), np.random.default_rng(0)
        scenes = [train.scene(index) for index in range(POOL // 2)]
        self.scenes = self._encode(scenes)
        self.spoiled = self._encode([spoiled(pair, rng) for pair in scenes])
        self.studio = self._encode([train.studio(index) for index in range(POOL // 2)])
        test = PairSource(data, "test", seed=1)
        self.unseen = [test.scene(index) for index in range(TEST_PAIRS)]
        self.unseen_studio = self._encode([test.studio(index) for index in range(TEST_PAIRS)])

    def batch(self, variant: Variant, rng: np.random.Generator) -> PairBatch:
        """One step's pairs; the same ones at the same step of every variant with these shares."""
        scenes = round(BATCH * variant.scenes)
        chosen = torch.from_numpy(rng.integers(0, POOL // 2, BATCH))
        wrong = torch.from_numpy(rng.random(BATCH)) < variant.wrong_labels
        clean = select(self.scenes, chosen[:scenes])
        dirty = select(self.spoiled, chosen[:scenes])
        mixed = replace(
            clean,
            matte=torch.where(wrong[:scenes, None, None, None], dirty.matte, clean.matte),
            alpha=torch.where(wrong[:scenes, None, None], dirty.alpha, clean.alpha),
        )
        parts = [part for part in (mixed, select(self.studio, chosen[scenes:])) if len(part.rgb)]
        return concatenate(parts)

    def _encode(self, pairs: list[CaptionedPair]) -> PairBatch:
        def encode(pictures: torch.Tensor) -> Encoded:
            return encode_pairs(self._session, pictures, contextlib.nullcontext)

        chunks = [pairs[start : start + 32] for start in range(0, len(pairs), 32)]
        return concatenate([encoded_pairs(chunk, encode, self._captions) for chunk in chunks])


def _only(rows: Rows, branches: tuple[Branch, ...]) -> Rows:
    kept = torch.isin(rows.branches, torch.tensor([int(branch) for branch in branches]))
    return Rows(*(getattr(rows, name)[kept] for name in rows.__dataclass_fields__))


def _without_features(rows: Rows, channels: int) -> Rows:
    latents = rows.latents.clone()
    latents[:, 2 * channels :] = 0
    return replace(rows, latents=latents)


def train(session: TorchSession, pools: Pools, variant: Variant, budget: int) -> None:
    """Train a fresh network into `session.unet`."""
    spec = session.spec
    torch.manual_seed(variant.seed)
    unet = build_unet(
        spec.latent_channels,
        CHANNELS,
        ATTENTION,
        1,
        HEADS,
        session.unet.config["cross_attention_dim"],
        spec.size_px // spec.downsampling,
        spec.feature_channels,
    )
    use_plain_attention(unet)
    empty = torch.from_numpy(session.encode_prompts([""]))
    maker = RowMaker(spec.schedule, variant.config, empty)
    optimizer = torch.optim.AdamW(unet.parameters(), LEARNING_RATE, betas=(0.9, 0.99), fused=True)
    rng, seen, budget = np.random.default_rng(variant.seed), 0, round(budget * variant.share)
    torch.manual_seed(variant.seed)
    while seen < budget:
        pairs = pools.batch(variant, rng)
        rows = _only(maker.rows(pairs), variant.branches)
        if not variant.has_features:
            rows = _without_features(rows, spec.latent_channels)
        for group in optimizer.param_groups:
            group["lr"] = LEARNING_RATE * min(1.0, seen / 2000 + 0.1) * _cosine(seen / budget)
        optimizer.zero_grad()
        _loss(session, unet, maker, rows, pairs, variant).backward()
        torch.nn.utils.clip_grad_norm_(unet.parameters(), 1.0)
        optimizer.step()
        seen += len(rows.latents)
    session.unet = unet.eval()


def _loss(
    session: TorchSession,
    unet: torch.nn.Module,
    maker: RowMaker,
    rows: Rows,
    pairs: PairBatch,
    variant: Variant,
) -> torch.Tensor:
    with torch.autocast("cpu", torch.bfloat16):
        answer = unet(rows.latents, rows.timesteps, rows.text, class_labels=rows.identifiers).sample
    predicted = answer.float()
    loss = branch_losses(predicted, rows)["total"]
    if Branch.RGB_TO_MATTE in variant.branches and variant.config.decoded_weight:
        at_last, clean = maker.one_step_mattes(rows, predicted, len(pairs.alpha))
        if at_last.any():
            decoded = decoded_matte_loss(session.vae, clean, pairs.alpha[at_last])
            loss = loss + variant.config.decoded_weight * decoded
    return loss


def _cosine(share: float) -> float:
    return 0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * min(1.0, share)))


def measured(session: TorchSession, pools: Pools, variant: Variant) -> dict[str, float]:
    """MAD of one-step and four-step mattes, and each generative branch's loss on unseen studio shots.

    Timesteps and noise are those of the first variant, however the network was trained.
    """
    config = replace(BASE.config, use_identifier=variant.config.use_identifier)
    empty = torch.from_numpy(session.encode_prompts([""]))
    maker = RowMaker(session.spec.schedule, config, empty)
    scores: dict[str, float] = {}
    if Branch.RGB_TO_MATTE in variant.branches:
        for steps in (1, 4):
            scores[f"MAD, {steps} step"] = _mad(session, pools, variant, steps)
    torch.manual_seed(7)
    drawn = concatenate([maker.rows(pools.unseen_studio) for _ in range(4)])
    with torch.inference_mode():
        for branch in GENERATIVE:
            if branch in variant.branches:
                rows = _only(drawn, (branch,))
                answer = session.unet(rows.latents, rows.timesteps, rows.text, class_labels=rows.identifiers)
                error = (answer.sample - rows.targets).square().mean()
                scores[branch.name.lower()] = float(error)
    return scores


def _mad(session: TorchSession, pools: Pools, variant: Variant, steps: int) -> float:
    asked = _Unlabelled(session, variant)
    errors = []
    for pair in pools.unseen:
        fit = matting.fit(pair.pair.image, session.spec)
        matte = matting.infer_fits(asked, [fit], MattingRequest(steps=steps))[0]
        small = cv2.resize(pair.pair.matte, matte.shape[::-1], interpolation=cv2.INTER_AREA)
        errors.append(float(np.abs(matte - small).mean()))
    return float(np.mean(errors))


class _Unlabelled:
    """The session as a variant knows it: without identifier or features, where it was trained so."""

    def __init__(self, session: TorchSession, variant: Variant) -> None:
        self._session, self._variant = session, variant

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)

    def denoise(self, latents, timestep, branches, text, features=None):  # type: ignore[no-untyped-def]
        labels = branches if self._variant.config.use_identifier else [Branch(0)] * len(branches)
        seen = features if self._variant.has_features else None
        return self._session.denoise(latents, timestep, labels, text, seen)


def rows_of_table(scores: Iterator[tuple[str, dict[str, float]]], tell: Callable[[str], None]) -> None:
    """Print a Markdown table as its rows come."""
    columns = ["MAD, 1 step", "MAD, 4 step", *(branch.name.lower() for branch in GENERATIVE)]
    tell(f"| variant | {' | '.join(columns)} |\n|---|{'---|' * len(columns)}")
    for name, values in scores:
        cells = [f"{values[column]:.4f}" if column in values else "" for column in columns]
        tell(f"| {name} | {' | '.join(cells)} |")


def main() -> None:
    """Train and measure every variant."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--cutouts", type=Path, action="append", required=True)
    parser.add_argument("--backgrounds", type=Path, action="append", required=True)
    parser.add_argument("--rows", type=int, default=24000)
    parser.add_argument("--only", action="append", choices=VARIANTS)
    given = parser.parse_args()
    cv2.setNumThreads(1)
    session = TorchSession.open(given.model)
    spec = session.spec
    data = DataConfig(tuple(given.cutouts), tuple(given.backgrounds), spec.size_px * spec.detail)
    pools = Pools(session, data)

    def scores() -> Iterator[tuple[str, dict[str, float]]]:
        for name in given.only or VARIANTS:
            started = time.monotonic()
            train(session, pools, VARIANTS[name], given.rows)
            values = measured(session, pools, VARIANTS[name])
            yield f"{name} ({time.monotonic() - started:.0f} s)", values

    rows_of_table(scores(), lambda line: print(line, flush=True))


if __name__ == "__main__":
    main()
