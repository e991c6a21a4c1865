"""Encoded pairs for the UNet: composed pairs through the frozen VAE and text encoder, a few times each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch

from zippo_desktop.training.branches import PairBatch, T, concatenate
from zippo_desktop.training.pairs import CaptionedPair
from zippo_desktop.training.train_vae import pictures_of

Encode = Callable[[torch.Tensor], "Encoded"]  # N pictures and their N mattes, [2N,3,S*d,S*d] in -1..1
EncodeText = Callable[[list[str]], torch.Tensor]  # N prompts -> text states [N,L,D]
RESERVE = 128  # how many times a step's fresh pairs the replay holds


@dataclass(frozen=True)
class Encoded:
    """N pictures, then their N mattes, at the VAE's size [2N,3,S,S] and as scaled latents [2N,C,h,w].

    `features` [N,F,h,w] are the image encoder's, of the pictures alone; F = 0 where there is none.
    """

    pictures: torch.Tensor
    latents: torch.Tensor
    features: torch.Tensor


class CaptionCache:
    """Text states of captions, each encoded once: the text encoder is frozen and captions repeat."""

    def __init__(self, encode: EncodeText) -> None:
        self._encode = encode
        self._states: dict[str, torch.Tensor] = {}

    def __call__(self, captions: list[str]) -> torch.Tensor:
        """Text states [N,L,D] of N captions."""
        unknown = sorted(set(captions) - self._states.keys())
        if unknown:
            for caption, state in zip(unknown, self._encode(unknown), strict=True):
                self._states[caption] = state.half()
        return torch.stack([self._states[caption] for caption in captions]).float()


def encoded_pairs(fresh: list[CaptionedPair], encode: Encode, captions: CaptionCache) -> PairBatch:
    """Composed pairs as the UNet sees them, without gradients."""
    with torch.no_grad():
        encoded = encode(pictures_of(fresh))
    rgb, matte = encoded.latents.chunk(2)
    alpha = encoded.pictures[len(fresh) :, 0] / 2 + 0.5
    is_studio = torch.tensor([item.is_studio for item in fresh], device=rgb.device)
    text = captions([item.caption for item in fresh]).to(rgb.device)
    return PairBatch(rgb, matte, alpha, text, is_studio, encoded.features)


def replayed(batches: Iterator[T], replay: int, generator: torch.Generator) -> Iterator[T]:
    """Batches that are `replay` times as large as the fresh ones given, each pair used about so often.

    They are drawn from the latest `RESERVE` fresh ones: where composing and encoding cost as much as the
    network, as on a CPU, this buys gradient steps for little. With `replay` 1 they are passed on.
    """
    reserve: list[T] = []
    for fresh in batches:
        if replay == 1:
            yield fresh
            continue
        reserve.append(fresh)
        if len(reserve) >= min(2 * replay, RESERVE):
            yield _draw(reserve, replay, generator)
        if len(reserve) > RESERVE:
            reserve.pop(0)


def _draw(reserve: list[T], count: int, generator: torch.Generator) -> T:
    """`count` rounds out of the reserve, the newest always among them."""
    older = torch.randperm(len(reserve) - 1, generator=generator)[: count - 1].tolist()
    return concatenate([reserve[-1], *(reserve[index] for index in older)])
