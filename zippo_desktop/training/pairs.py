"""Training pairs by number: item i is the same picture on every machine and after every resume."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from zippo_desktop.imaging.cleanness import is_clipped
from zippo_desktop.training.composites import Pair, scene, studio
from zippo_desktop.training.config import DataConfig
from zippo_desktop.training.cutouts import (
    Cutout,
    load_rgb,
    load_rgba,
    read_backdrops,
    read_cutouts,
)
from zippo_desktop.training.figures import figure
from zippo_desktop.training.photos import load_photo, read_photos, view
from zippo_desktop.training.pixel_cache import PixelCache

if TYPE_CHECKING:
    from torch.utils.data import DataLoader

    from zippo_desktop.training.loop import Loop

ENDLESS = 1 << 40
GOLDEN_RATIO = 0.6180339887498949
MEGABYTE = 10**6
LOAD_SCALE = 1.5  # cut-outs are kept at this multiple of the training size
FIGURE_SCALE = 0.75  # figures are drawn at this multiple: half of them come out sharp, and drawing takes time


@dataclass(frozen=True)
class CaptionedPair:
    """A pair, a caption drawn for it, and whether it is a studio shot, or a photo as it was taken."""

    pair: Pair
    caption: str
    is_studio: bool
    is_photo: bool = False


class PairSource:
    """Composes pair number `index` from the material of one split, which it keeps decoded.

    It keeps no more than its part of `data.cache_mb`: each of `data.workers` has a copy of its own.
    """

    def __init__(self, data: DataConfig, split: str, seed: int = 0) -> None:
        self.data = data
        self.seed = seed
        self.cutouts = read_cutouts(data.cutouts, split)
        self.backdrops = read_backdrops(data.backgrounds, split)
        self.photos = read_photos(data.photos, split)
        self.cache = PixelCache(data.cache_mb * MEGABYTE // max(1, data.workers))

    def scene(self, index: int) -> CaptionedPair:
        """A subject in a scene, whatever its framing."""
        rng = np.random.default_rng([self.seed, 0, index])
        subject, cutout = self._subject(rng)
        data, draw = self.data, (self._distractor, self._background)
        is_sharp, is_varied = data.sharp_backgrounds, data.varied_sharpness
        pair = scene(subject, *draw, data.size_px, rng, is_sharp, is_varied, data.small)
        return CaptionedPair(pair, self._caption(cutout, rng) if cutout else "", False)

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

    def photo(self, index: int) -> CaptionedPair:
        """A window of a photo that has a matte."""
        rng = np.random.default_rng([self.seed, 2, index])
        photo = self.photos[int(rng.integers(len(self.photos)))]
        side = round(2 * LOAD_SCALE * self.data.size_px)
        pixels = self.cache.get(str(photo.image_path), lambda: load_photo(photo, side))
        return CaptionedPair(view(pixels, self.data.size_px, rng), photo.caption, False, is_photo=True)

    def captions(self) -> list[str]:
        """Every caption that can come up, sorted."""
        return sorted({caption for cutout in self.cutouts for caption in cutout.captions})

    def _draw(self, items: list[Cutout], rng: np.random.Generator) -> Cutout:
        return items[int(rng.integers(len(items)))]

    def _caption(self, cutout: Cutout, rng: np.random.Generator) -> str:
        return cutout.captions[int(rng.integers(len(cutout.captions)))]

    def _subject(self, rng: np.random.Generator) -> tuple[NDArray[np.uint8], Cutout | None]:
        """An object [H,W,4], and the cut-out that it is; None for a figure."""
        if self.data.figures and rng.random() < self.data.figures:
            return figure(round(FIGURE_SCALE * self.data.size_px), lambda: self._background(rng), rng), None
        cutout = self._draw(self.cutouts, rng)
        return self._rgba(cutout), cutout

    def _distractor(self, rng: np.random.Generator) -> NDArray[np.uint8]:
        return self._subject(rng)[0]

    def _background(self, rng: np.random.Generator) -> NDArray[np.uint8]:
        path = self.backdrops[int(rng.integers(len(self.backdrops)))].path
        return self.cache.get(str(path), lambda: load_rgb(path, round(2 * LOAD_SCALE * self.data.size_px)))

    def _rgba(self, cutout: Cutout) -> NDArray[np.uint8]:
        path = cutout.path
        return self.cache.get(str(path), lambda: load_rgba(path, round(LOAD_SCALE * self.data.size_px)))


class PairDataset:
    """A map-style dataset over pair numbers, without an end.

    `studio_share` of them are studio shots, and `photo_share` of the others photos.
    """

    def __init__(self, source: PairSource, studio_share: float, photo_share: float = 0.0) -> None:
        self.source = source
        self.studio_share = studio_share
        self.photos_end = studio_share + (1 - studio_share) * photo_share

    def __len__(self) -> int:
        return ENDLESS

    def __getitem__(self, index: int) -> CaptionedPair:
        # A golden-ratio sequence spreads the kinds evenly, along any stride through the numbers.
        position = index * GOLDEN_RATIO % 1.0
        if position < self.studio_share:
            return self.source.studio(index)
        return self.source.photo(index) if position < self.photos_end else self.source.scene(index)


class Numbered(Protocol):
    """Pairs by number, without an end."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> CaptionedPair: ...


def fresh_pairs(dataset: Numbered, count: int, workers: int, loop: Loop) -> Iterator[list[CaptionedPair]]:
    """This process's batches of `count` new pairs, beginning where the run's last checkpoint was written."""
    process, processes = loop.accelerator.process_index, loop.accelerator.num_processes
    first = loop.first_step * loop.config.accumulate * count * processes + process
    return stream(dataset, count, workers, first, processes)


def stream(
    dataset: Numbered, batch: int, workers: int, first: int, stride: int
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
