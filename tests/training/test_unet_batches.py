"""Which pairs a process trains on, and where a resumed run goes on among them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from tests.training.material import write_captioned, write_material, write_photos
from zippo_desktop.training.captioned import CaptionedPictures, read_captioned
from zippo_desktop.training.config import LoopConfig, TrainConfig, UnetConfig
from zippo_desktop.training.latent_pairs import CaptionCache, Encoded
from zippo_desktop.training.pairs import PairDataset, PairSource
from zippo_desktop.training.unet_batches import BatchMaker

LOOP = LoopConfig(steps=9, batch=4, learning_rate=1e-3, accumulate=2)


def encode(pictures: torch.Tensor) -> Encoded:
    count = len(pictures) // 2
    return Encoded(pictures, pictures[..., ::8, ::8], pictures.new_zeros(count, 0, 4, 4))


@pytest.fixture
def maker(tmp_path: Path) -> BatchMaker:
    """The second of two processes, after three steps of two batches of four."""
    data = write_material(tmp_path)
    data = replace(
        data,
        photos=(write_photos(tmp_path / "photos", [f"shot {index}" for index in range(5)]),),
        captioned=(write_captioned(tmp_path / "captioned", ["a hill", "a lake"]),),
    )
    config = TrainConfig("unet", tmp_path, tmp_path, data, LOOP, unet=UnetConfig(photos_per_batch=0.4))
    loop = SimpleNamespace(
        config=LOOP, first_step=3, accelerator=SimpleNamespace(process_index=1, num_processes=2)
    )
    captions = CaptionCache(lambda prompts: torch.zeros(len(prompts), 5, 7))
    return BatchMaker(config, 1, loop, encode, captions)  # type: ignore[arg-type]


def test_pairs_go_on_where_the_checkpoint_was_written(maker: BatchMaker):
    dataset = PairDataset(PairSource(maker.config.data, "train"), studio_share=0.25, photo_share=0.4)
    first = 3 * 2 * 4 * 2 + 1

    (batch,) = next(maker.steps())

    for place, index in enumerate(range(first, first + 8, 2)):
        matte = torch.from_numpy(dataset[index].pair.matte)
        torch.testing.assert_close(batch.alpha[place], matte, atol=1e-6, rtol=0)
        assert bool(batch.is_studio[place]) == dataset[index].is_studio


def test_photos_are_taken_at_the_configured_share(maker: BatchMaker, monkeypatch):
    drawn = []
    photo = PairSource.photo
    monkeypatch.setattr(PairSource, "photo", lambda self, index: drawn.append(index) or photo(self, index))
    batches = maker.steps()

    for _ in range(25):
        next(batches)

    assert len(drawn) == pytest.approx(100 * 0.75 * 0.4, abs=4)


def test_captioned_pictures_are_half_a_batch_and_go_on_too(maker: BatchMaker):
    pictures = CaptionedPictures(
        read_captioned(maker.config.data.captioned), maker.config.data.size_px, seed=0
    )
    first = 3 * 2 * 2 * 2 + 1

    batch = next(maker.captioned())

    expected = [pictures[index].pair.image for index in (first, first + 2)]
    shown = batch.rgb.permute(0, 2, 3, 1) / 2 + 0.5
    for latent, image in zip(shown, expected, strict=True):
        torch.testing.assert_close(latent, torch.from_numpy(image)[::8, ::8])
    assert (batch.alpha == 1).all()


def test_scenes_of_another_size_are_a_batch_of_their_own(maker: BatchMaker):
    unet = UnetConfig(scenes_per_batch=0.25, photos_per_batch=0.0)
    config = replace(maker.config, data=replace(maker.config.data, scene_px=64), unet=unet)

    scenes, studios = next(replace(maker, config=config).steps())

    assert (scenes.alpha.shape, studios.alpha.shape) == ((1, 64, 64), (3, 32, 32))
    assert not scenes.is_studio.any()
    assert studios.is_studio.all()
