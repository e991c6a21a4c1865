"""Fine edges on composites whose alpha is known."""

import cv2
import numpy as np
import pytest

from zippo_desktop.imaging.matte import upsample_guided
from zippo_desktop.imaging.resize import resize
from zippo_desktop.pipelines import detail


def disc_scene(side=512, spikes=24):
    """A star with soft edges over another colour, [H,W,3] uint8, and its alpha."""
    y, x = np.mgrid[:side, :side].astype(np.float32) - side / 2
    radius = side * (0.28 + 0.05 * np.sin(spikes * np.arctan2(y, x)))
    true = np.clip((radius - np.hypot(x, y)) / 3 + 0.5, 0, 1).astype(np.float32)
    rng = np.random.default_rng(0)
    texture = cv2.resize(rng.normal(0, 0.03, (32, 32, 3)).astype(np.float32), (side, side))
    image = true[..., None] * np.float32([0.8, 0.5, 0.2]) + (1 - true[..., None]) * np.float32(
        [0.2, 0.3, 0.6]
    )
    noisy = image + texture + rng.normal(0, 0.01, image.shape)
    return np.rint(np.clip(noisy, 0, 1) * 255).astype(np.uint8), true


def test_it_mends_an_edge_that_the_network_blurred():
    image, true = disc_scene()
    coarse = cv2.GaussianBlur(resize(true, 128, 128), (0, 0), 3)

    fast = np.abs(upsample_guided(coarse, image) - true).mean()
    fine = np.abs(upsample_guided(detail.refine(coarse, image), image) - true).mean()

    assert fine < 0.6 * fast


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_a_sure_matte_stays_exactly_what_it_is(value):
    image, _ = disc_scene(256)
    refined = detail.refine(np.full((64, 64), value, np.float32), image)
    np.testing.assert_array_equal(refined, np.full((128, 128), value, np.float32))


def test_the_size_is_bounded_by_the_photo_and_by_a_limit(monkeypatch):
    image = np.zeros((300, 400, 3), np.uint8)
    assert detail.refine(np.zeros((96, 128), np.float32), image).shape == (192, 256)
    assert detail.refine(np.zeros((288, 384), np.float32), image).shape == (300, 400)
    monkeypatch.setattr(detail, "LONGEST_PX", 200)
    assert detail.refine(np.zeros((96, 128), np.float32), image).shape == (150, 200)


def test_tiles_leave_no_seam(monkeypatch):
    image, true = disc_scene(512)
    coarse = cv2.GaussianBlur(resize(true, 128, 128), (0, 0), 1.5)
    whole = detail.refine(coarse, image)
    monkeypatch.setattr(detail, "TILE_PX", 100)
    in_tiles = detail.refine(coarse, image)
    assert np.abs(in_tiles - whole).max() < 0.1
    assert np.abs(in_tiles - whole).mean() < 0.002


def test_a_solution_that_turns_over_the_coarse_decision_is_dropped(monkeypatch):
    image, true = disc_scene(512)
    coarse = np.where(resize(true, 128, 128) > 0.5, np.float32(0.7), np.float32(0.3))
    start = upsample_guided(coarse, resize(image / np.float32(255), 256, 256))
    monkeypatch.setattr(detail, "solve_near", lambda laplacian, start, *_: 1 - start)
    kept = detail.refine(coarse, image)
    wide = cv2.GaussianBlur(np.abs(1 - 2 * start), (0, 0), 8) > 0.38
    inside = cv2.erode((start > 0.6).astype(np.uint8), np.ones((65, 65), np.uint8)) > 0
    assert (wide & inside).any()
    np.testing.assert_allclose(kept[inside], start[inside], atol=1e-3)
