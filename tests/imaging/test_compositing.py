from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from zippo_desktop.imaging.compositing import DARK, LIGHT, checkerboard, flatten, over
from zippo_desktop.imaging.layers import LayerStack
from zippo_desktop.imaging.matte import quantise

MATTE = np.array([[0, 0.25, 1]], np.float32)


def test_over_blends_by_the_matte() -> None:
    foreground = np.full((1, 3, 3), 0.8, np.float32)
    background = np.full((1, 3, 3), 0.4, np.float32)

    result = over(foreground, MATTE, background)

    assert result.dtype == np.float32
    np.testing.assert_allclose(result[..., 0], [[0.4, 0.5, 0.8]], atol=1e-6)


def test_integers_are_rounded_and_one_colour_is_a_background() -> None:
    foreground = np.full((1, 3, 3), 255, np.uint8)

    result = over(foreground, MATTE, np.array([0, 100, 255], np.uint8))

    assert result.dtype == np.uint8
    np.testing.assert_array_equal(result, [[[0, 100, 255], [64, 139, 255], [255, 255, 255]]])


def test_the_checkerboard_alternates() -> None:
    board = checkerboard(17, 20, square_px=8)

    assert board.shape == (17, 20, 3)
    assert board[0, 0, 0] == board[8, 8, 0] == board[16, 0, 0] == LIGHT
    assert board[7, 8, 2] == board[8, 7, 1] == DARK


def stack(dtype: type, **more: object) -> LayerStack:
    """More rows than a strip, with empty, soft and full pixels."""
    rng = np.random.default_rng(1)
    matte = np.clip(rng.random((300, 7), np.float32) * 2 - 0.5, 0, 1)
    subject = rng.integers(1, np.iinfo(dtype).max, (300, 7, 3), dtype=dtype)
    return LayerStack(subject, matte, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_cutout_hides_nothing_under_its_transparency(dtype: type) -> None:
    given = stack(dtype)
    flat = flatten(given)
    np.testing.assert_array_equal(flat[..., 3], quantise(given.matte, dtype))
    is_seen = flat[..., 3] > 0
    np.testing.assert_array_equal(flat[is_seen, :3], given.subject[is_seen])
    assert not flat[~is_seen].any()
    np.testing.assert_array_equal(flatten(given, "keep")[..., :3], given.subject)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_background_shows_through_and_takes_the_shadow(dtype: type) -> None:
    given = stack(dtype)
    background = np.full_like(given.subject, np.iinfo(dtype).max)
    shadow = np.full(given.matte.shape, 0.25, np.float32)
    flat = flatten(replace(given, background=background, shadow=shadow))
    behind = 0.75 * np.iinfo(dtype).max
    expected = behind + given.matte[..., None] * (given.subject - behind)
    assert np.abs(flat - expected).max() <= 1
    assert flat.shape[2] == 3


def test_subject_and_shadow_over_transparency_look_as_their_parts_do() -> None:
    given = stack(np.uint16, shadow=np.full((300, 7), 0.4, np.float32))
    flat = flatten(given).astype(np.float64) / 65535
    on_white = flat[..., :3] * flat[..., 3:] + 1 - flat[..., 3:]
    alpha = given.matte[..., None].astype(np.float64)
    expected = given.subject / 65535 * alpha + (1 - alpha) * 0.6  # white under a shadow of 0.4
    assert np.abs(on_white - expected).max() < 1e-4
