"""The UNet stage's material: checked at the start, then as encoded batches that a resumed run goes on in."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import torch

from zippo_desktop.imaging.decode import decode
from zippo_desktop.training.branches import PairBatch
from zippo_desktop.training.captioned import CaptionedPicture, CaptionedPictures, read_captioned
from zippo_desktop.training.config import DataConfig, TrainConfig
from zippo_desktop.training.latent_pairs import CaptionCache, Encode, encoded_pairs, replayed
from zippo_desktop.training.loop import Loop
from zippo_desktop.training.pairs import Numbered, PairDataset, PairSource, fresh_pairs
from zippo_desktop.training.photos import check_photo, read_photos

CAPTIONED_SHARE = 0.5  # of the pictures that a frozen base is asked about


def check_material(data: DataConfig, process: int = 0, processes: int = 1) -> None:
    """Decode all photos, mattes and captioned pictures once, so that a broken one does not end a run.

    Each of the training processes does its share, `data.workers` at a time. Raises InputError or UsageError
    for the first that cannot be used.
    """
    photos, pictures = read_photos(data.photos), read_captioned(data.captioned)
    with ThreadPoolExecutor(max(1, data.workers)) as pool:
        for _ in pool.map(check_photo, photos[process::processes]):
            pass
        for _ in pool.map(_check_picture, pictures[process::processes]):
            pass


def _check_picture(picture: CaptionedPicture) -> None:
    decode(picture.path)


def seen_at(data: DataConfig, side: int, detail: int) -> DataConfig:
    """The material as large as an image encoder sees pairs of `side` px: `detail` times that."""
    return replace(data, size_px=side * detail)


@dataclass(frozen=True)
class BatchMaker:
    """Encoded batches of one run; the image encoder sees `detail` times the pixels along a side."""

    config: TrainConfig
    detail: int
    loop: Loop
    encode: Encode
    captions: CaptionCache

    def steps(self) -> Iterator[tuple[PairBatch, ...]]:
        """A step's pairs by the configured shares: one batch, or two where scenes have their own size."""
        data, share = self.config.data, self.config.unet.scenes_per_batch
        count = self.config.loop.batch
        if data.scene_side == data.size_px:
            return zip(self._pairs(data.size_px, count, share))
        scenes = round(count * share)
        parts = [(data.scene_side, scenes, 1.0), (data.size_px, count - scenes, 0.0)]
        return zip(*(self._pairs(*part) for part in parts if part[1]), strict=True)

    def _pairs(self, side: int, count: int, scene_share: float) -> Iterator[PairBatch]:
        """Batches of `count` scenes, photos and studio shots of `side` px."""
        unet, data = self.config.unet, seen_at(self.config.data, side, self.detail)
        source = PairSource(data, "train", self.config.loop.seed)
        photo_share = unet.photos_per_batch if source.photos else 0.0
        dataset = PairDataset(source, 1 - scene_share, photo_share)
        fresh = max(1, count // unet.replay)
        return self._encoded(dataset, fresh, unet.replay, data.workers)

    def captioned(self) -> Iterator[PairBatch] | None:
        """Batches of captioned pictures, `CAPTIONED_SHARE` of a batch of pairs; None without any."""
        pictures = read_captioned(self.config.data.captioned)
        if not pictures:
            return None
        data = seen_at(self.config.data, self.config.data.size_px, self.detail)
        dataset = CaptionedPictures(pictures, data.size_px, self.config.loop.seed)
        count = max(1, round(CAPTIONED_SHARE * self.config.loop.batch))
        return self._encoded(dataset, count, 1, min(1, data.workers))

    def _encoded(self, dataset: Numbered, count: int, replay: int, workers: int) -> Iterator[PairBatch]:
        """Batches of `count` fresh items, each used `replay` times."""
        items = fresh_pairs(dataset, count, workers, self.loop)
        process = self.loop.accelerator.process_index
        generator = torch.Generator().manual_seed(self.config.loop.seed + process)
        encoded = (encoded_pairs(pairs, self.encode, self.captions) for pairs in items)
        return replayed(encoded, replay, generator)
