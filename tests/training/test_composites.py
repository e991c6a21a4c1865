from pathlib import Path

import numpy as np
import pytest

from tests.training.material import write_material
from zippo_desktop.imaging.backdrop import STUDIO_GREY, remove_backdrop
from zippo_desktop.training.composites import SMALL, scene, studio
from zippo_desktop.training.pairs import PairDataset, PairSource, stream


@pytest.fixture
def source(tmp_path: Path) -> PairSource:
    return PairSource(write_material(tmp_path, size_px=48), "train")


def disc(colour: tuple[int, int, int]) -> np.ndarray:
    y, x = np.mgrid[0:64, 0:64] - 31.5
    alpha = np.clip(26 - np.hypot(x, y), 0, 4) / 4
    return np.dstack([np.full((64, 64, 3), colour, np.uint8), np.rint(alpha * 255).astype(np.uint8)])


def test_a_studio_shot_is_the_subject_over_the_known_grey():
    pair = studio(disc((200, 40, 90)), 64, np.random.default_rng(0))

    assert np.allclose(pair.image[pair.matte == 0], STUDIO_GREY)
    solid = pair.matte > 0.3
    colour = remove_backdrop(pair.image, pair.matte)[solid]
    np.testing.assert_allclose(
        colour, np.broadcast_to(np.float32([200, 40, 90]) / 255, colour.shape), atol=0.01
    )


def test_a_studio_shot_shows_the_whole_subject():
    for seed in range(20):
        pair = studio(disc((10, 20, 30)), 64, np.random.default_rng(seed))
        border = np.concatenate([pair.matte[0], pair.matte[-1], pair.matte[:, 0], pair.matte[:, -1]])
        assert border.max() == 0
        assert pair.matte.max() > 0.99


def test_scenes_are_in_range_and_hold_a_subject(source: PairSource):
    pairs = [source.scene(index).pair for index in range(40)]

    for pair in pairs:
        assert pair.image.shape == (48, 48, 3)
        assert pair.image.dtype == pair.matte.dtype == np.float32
        assert pair.image.min() >= 0
        assert pair.image.max() <= 1
        assert pair.matte.min() >= 0
        assert pair.matte.max() <= 1
    assert all(pair.matte.mean() > 0.02 for pair in pairs)


def test_a_pair_number_is_always_the_same_pair(source: PairSource, tmp_path: Path):
    again = PairSource(source.data, "train")

    for index in (0, 7, 123456789):
        np.testing.assert_array_equal(source.scene(index).pair.image, again.scene(index).pair.image)
    assert not np.array_equal(source.scene(0).pair.image, source.scene(1).pair.image)


def test_captions_have_no_say_in_the_picture(source: PairSource, monkeypatch: pytest.MonkeyPatch):
    """They are drawn last, and for the subject alone: the composed evaluation set must stay what it is."""
    pictures = [source.scene(index).pair.image for index in range(6)]
    monkeypatch.setattr(source, "_caption", lambda _cutout, rng: str(rng.integers(100)))
    for index, picture in enumerate(pictures):
        np.testing.assert_array_equal(source.scene(index).pair.image, picture)


def test_two_processes_share_the_numbers_without_overlap(source: PairSource):
    dataset = PairDataset(source, studio_share=0.25)
    alone = next(stream(dataset, 4, 0, first=0, stride=1))
    first, second = (next(stream(dataset, 2, 0, first=rank, stride=2)) for rank in (0, 1))

    for got, expected in zip([first[0], second[0], first[1], second[1]], alone, strict=True):
        np.testing.assert_array_equal(got.pair.image, expected.pair.image)


@pytest.mark.parametrize("stride", [1, 2, 3, 8])
def test_studio_shots_are_spread_evenly_over_any_stride(source: PairSource, stride: int):
    dataset = PairDataset(source, studio_share=0.25)

    kinds = [dataset[index].is_studio for index in range(0, 100 * stride, stride)]

    assert 18 <= sum(kinds) <= 32


def test_a_share_of_the_subjects_is_small_and_alone_in_its_scene():
    asked = []

    def distractor(_rng: np.random.Generator) -> np.ndarray:
        asked.append(1)
        return disc((10, 200, 30))

    def backdrop(_rng: np.random.Generator) -> np.ndarray:
        return np.full((96, 96, 3), 90, np.uint8)

    def sides(small: float) -> list[float]:
        """The subjects' longer sides, as shares of the frame."""
        pairs = [
            scene(disc((200, 40, 90)), distractor, backdrop, 96, np.random.default_rng(seed), small=small)
            for seed in range(60)
        ]
        masks = [pair.matte > 0.5 for pair in pairs]
        return [max(mask.any(axis=axis).sum() for axis in (0, 1)) / 96 for mask in masks]

    usual, of_usual = sides(0.0), len(asked)
    asked.clear()
    small, of_small = sides(1.0), len(asked)

    assert min(usual) > 0.6 * SMALL[1]  # a disc fills four fifths of its cut-out
    assert max(small) < 1.1 * SMALL[1]
    assert min(small) < 0.2
    assert np.mean([side < 0.6 * SMALL[1] for side in sides(0.5)]) == pytest.approx(0.3, abs=0.2)
    assert of_small < 0.7 * of_usual  # what is left is the clutter of backgrounds
