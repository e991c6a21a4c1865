"""The measuring compositor: exact alpha whatever happens to colours, and the membrane by hand."""

from __future__ import annotations

import numpy as np
import pytest

from zippo_desktop.training import harmonise
from zippo_desktop.training.harmonise import Placement, compose, crop_to, membrane, place, to_linear, to_srgb


@pytest.fixture
def cutout() -> np.ndarray:
    """A red disc with a soft rim."""
    y, x = np.mgrid[:40, :40] - 19.5
    rgba = np.zeros((40, 40, 4), np.uint8)
    rgba[..., 0] = 200
    rgba[..., 3] = np.rint(np.clip(16 - np.hypot(x, y), 0, 4) / 4 * 255)
    return rgba


def test_linear_light_there_and_back() -> None:
    srgb = np.linspace(0, 1, 256, dtype=np.float32)
    np.testing.assert_allclose(to_srgb(to_linear(srgb)), srgb, atol=1e-5)
    assert to_linear(np.float32([0.5]))[0] == pytest.approx(0.2140, abs=1e-4)


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_the_matte_is_the_placed_alpha_whatever_colours_do(
    cutout: np.ndarray, share: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("SEAM_SHARE", "SHADOW_SHARE", "DEFOCUS_SHARE", "JPEG_SHARE"):
        monkeypatch.setattr(harmonise, name, share)
    background = np.full((64, 80, 3), 90, np.uint8)
    composite = compose(cutout, background, Placement(40, 40, 10, 12), np.random.default_rng(0))
    expected = np.zeros((64, 80), np.uint8)
    expected[12:52, 10:50] = cutout[..., 3]
    np.testing.assert_array_equal(composite.matte, expected)
    assert composite.blend == ("defocus+seam+shadow+jpeg" if share else "")
    assert composite.image.shape == (64, 80, 3)


def test_the_picture_is_alpha_of_the_subject_over_the_background(
    cutout: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("SEAM_SHARE", "SHADOW_SHARE", "DEFOCUS_SHARE", "JPEG_SHARE"):
        monkeypatch.setattr(harmonise, name, 0.0)
    monkeypatch.setattr(harmonise, "_match_colours", lambda colour, *_: colour)
    background = np.full((64, 64, 3), 90, np.uint8)
    composite = compose(cutout, background, Placement(40, 40, 12, 12), np.random.default_rng(0))
    alpha = composite.matte[..., None] / 255
    red = to_linear(np.array([200, 0, 0], np.float32) / 255)
    behind = to_linear(np.float32(90 / 255))
    difference = to_linear(composite.image / np.float32(255)) - (alpha * red + (1 - alpha) * behind)
    assert np.abs(difference).mean() < 0.01  # the sensor's noise is left
    assert np.abs(difference.mean()) < 0.002


def test_hidden_colour_does_not_come_through_when_a_cutout_shrinks(cutout: np.ndarray) -> None:
    cutout[cutout[..., 3] == 0] = (0, 255, 0, 0)
    colour, alpha = place(cutout, Placement(20, 20, 4, 4), (32, 32))
    assert colour[alpha > 0.02][:, 1].max() < 0.01
    assert alpha.max() == 1.0


def test_a_membrane_between_two_known_sides_is_a_ramp() -> None:
    values, is_known = np.zeros((32, 33, 3), np.float32), np.zeros((32, 33), bool)
    is_known[:, [0, -1]] = True
    values[:, -1] = 1.0
    field = membrane(values, is_known)
    np.testing.assert_array_equal(field[:, -1], 1.0)
    np.testing.assert_allclose(field[16, :, 0], np.linspace(0, 1, 33), atol=0.06)
    assert (np.diff(field[16, :, 0]) > -1e-6).all()


def test_a_constant_seam_is_added_evenly() -> None:
    values, is_known = np.full((40, 40, 3), 0.3, np.float32), np.zeros((40, 40), bool)
    is_known[10, 10:30] = True
    np.testing.assert_allclose(membrane(values, is_known), 0.3, atol=1e-5)


@pytest.mark.parametrize("shape", [(200, 300), (50, 40)])
def test_a_crop_has_the_canvas_s_shape_and_the_photo_s_colour(shape: tuple[int, int]) -> None:
    photo = np.full((*shape, 3), (10, 120, 240), np.uint8)
    crop = crop_to(photo, 96, 72, np.random.default_rng(1))
    assert crop.shape == (96, 72, 3)
    assert (crop == (10, 120, 240)).all()
