"""Training pairs by number: item i is the same picture on every machine and after every resume."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from zippo_desktop.training.composites import Pair, scene, studio
from zippo_desktop.training.config import DataConfig
from zippo_desktop.training.cutouts import (
    Cutout,
    is_clipped,
    load_rgb,
    load_rgba,
    read_backdrops,
    read_cutouts,
)

if TYPE_CHECKING:
    from torch.utils.data import DataLoader

ENDLESS = 1 << 40
GOLDEN_RATIO = 0.6180339887498949
LOAD_SCALE = 1.5  # cut-outs are kept at this multiple of the training size


@dataclass(frozen=True)
class CaptionedPair:
    """A pair, a caption drawn for it, and whether it is a studio shot."""

    pair: Pair
    caption: str
    is_studio: bool


class PairSource:
    """Composes pair number `index` from the cut-outs and backgrounds of one split; keeps them decoded."""

    def __init__(self, data: DataConfig, split: str, seed: int = 0) -> None:
        self.data = data
        self.seed = seed
        self.cutouts = read_cutouts(data.cutouts, split)
        self.backdrops = read_backdrops(data.backgrounds, split)
        self._pixels: dict[str, NDArray[np.uint8]] = {}
        self._whole: list[Cutout] | None = None

    def scene(self, index: int) -> CaptionedPair:
        """A subject in a scene, whatever its framing."""
        rng = np.random.default_rng([self.seed, 0, index])
        cutout = self._draw(self.cutouts, rng)
        pair = scene(self._rgba(cutout), self._distractor, self._background, self.data.size_px, rng)
        return CaptionedPair(pair, self._caption(cutout, rng), False)

    def studio(self, index: int) -> CaptionedPair:
        """A whole subject on plain grey; objects clipped by their own frame are passed over."""
        rng = np.random.default_rng([self.seed, 1, index])
        cutout = self._draw(self.cutouts, rng)
        for _ in range(20):
            if not is_clipped(self._rgba(cutout)[..., 3]):
                break
            cutout = self._draw(self.cutouts, rng)
        pair = studio(self._rgba(cutout), self.data.size_px, rng)
        return CaptionedPair(pair, self._caption(cutout, rng), True)

    def captions(self) -> list[str]:
        """Every caption that can come up, sorted."""
        return sorted({caption for cutout in self.cutouts for caption in cutout.captions})

    def _draw(self, items: list[Cutout], rng: np.random.Generator) -> Cutout:
        return items[int(rng.integers(len(items)))]

    def _caption(self, cutout: Cutout, rng: np.random.Generator) -> str:
        return cutout.captions[int(rng.integers(len(cutout.captions)))]

    def _distractor(self, rng: np.random.Generator) -> NDArray[np.uint8]:
        return self._rgba(self._draw(self.cutouts, rng))

    def _background(self, rng: np.random.Generator) -> NDArray[np.uint8]:
        path = self.backdrops[int(rng.integers(len(self.backdrops)))].path
        return self._cached(str(path), lambda: load_rgb(path, round(2 * LOAD_SCALE * self.data.size_px)))

    def _rgba(self, cutout: Cutout) -> NDArray[np.uint8]:
        path = cutout.path
        return self._cached(str(path), lambda: load_rgba(path, round(LOAD_SCALE * self.data.size_px)))

    def _cached(self, key: str, load: Callable[[], NDArray[np.uint8]]) -> NDArray[np.uint8]:
        if key not in self._pixels:
            self._pixels[key] = load()
        return self._pixels[key]


class PairDataset:
    """A map-style dataset over pair numbers, without an end; `studio_share` of them are studio shots."""

    def __init__(self, source: PairSource, studio_share: float) -> None:
        self.source = source
        self.studio_share = studio_share

    def __len__(self) -> int:
        return ENDLESS

    def __getitem__(self, index: int) -> CaptionedPair:
        # A golden-ratio sequence spreads studio shots evenly, along any stride through the numbers.
        is_studio = index * GOLDEN_RATIO % 1.0 < self.studio_share
        return self.source.studio(index) if is_studio else self.source.scene(index)


def stream(
    dataset: PairDataset, batch: int, workers: int, first: int, stride: int
) -> Iterator[list[CaptionedPair]]:
    """Batches of pairs `first`, `first + stride`, ... in order.

    Of several training processes each takes its own residue: `first` = done + rank, `stride` = their number.
    """
    from torch.utils.data import DataLoader

    loader: DataLoader[CaptionedPair] = DataLoader(
        dataset,  # type: ignore[arg-type]
        batch_size=batch,
        sampler=range(first, ENDLESS, stride),
        num_workers=workers,
        collate_fn=list,
        persistent_workers=workers > 0,
    )
    return iter(loader)
