from __future__ import annotations

import numpy as np

from zippo_desktop.imaging.compositing import DARK, LIGHT, checkerboard, over

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
