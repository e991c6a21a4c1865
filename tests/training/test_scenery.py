"""Backgrounds: in range, the same for the same seed, and as sharp as a subject may be."""

import numpy as np
import pytest

from zippo_desktop.training import scenery
from zippo_desktop.training.scenery import background

SMOOTH = np.linspace(0, 255, 48 * 48 * 3).reshape(48, 48, 3).astype(np.uint8)


def cutout(rng: np.random.Generator) -> np.ndarray:
    return np.full((20, 20, 4), 255, np.uint8)


@pytest.mark.parametrize("is_sharp", [False, True])
@pytest.mark.parametrize("seed", range(40))
def test_a_background_is_a_picture_and_the_same_again(seed: int, is_sharp: bool):
    one, two = (
        background(lambda rng: SMOOTH, cutout, 64, np.random.default_rng(seed), is_sharp) for _ in range(2)
    )
    assert one.shape == (64, 64, 3)
    assert one.dtype == np.float32
    assert -1e-6 < one.min() <= one.max() < 1 + 1e-6
    np.testing.assert_array_equal(one, two)


def test_dead_leaves_have_hard_edges_at_every_scale():
    leaves = scenery._dead_leaves(SMOOTH, 256, np.random.default_rng(3))
    for scale in (1, 2, 4, 8):
        seen = leaves[::scale, ::scale].mean(axis=2)
        steps = np.abs(np.diff(seen, axis=1))
        assert np.quantile(steps, 0.98) > 4 * np.median(steps)  # few large steps, between flat leaves


def test_a_mirrored_crop_is_the_crop_itself_and_its_mirror_images():
    crop = np.random.default_rng(0).random((32, 32, 3), np.float32)
    tiled = scenery._mirrored(crop, 64, 2)
    np.testing.assert_allclose(tiled[:32, :32], crop, atol=1e-6)
    np.testing.assert_array_equal(tiled[:32, 32:], tiled[:32, :32][:, ::-1])
    np.testing.assert_array_equal(tiled[32:], tiled[:32][::-1])
    assert scenery._mirrored(crop, 64, 3).shape == (64, 64, 3)
