from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from zippo_desktop.imaging import bleed as module
from zippo_desktop.imaging.bleed import bleed

RED, BLUE = (220, 30, 20), (20, 60, 230)


def sprite(side: int = 64) -> tuple[NDArray, NDArray[np.float32]]:
    """A soft red disc over a bright blue that nobody shall see."""
    matte = np.zeros((side, side), np.uint8)
    cv2.circle(matte, (side // 2, side // 2), side // 4, 255, -1, cv2.LINE_AA)
    matte = cv2.GaussianBlur(matte, (5, 5), 0)
    pixels = np.where(matte[..., None] > 0, RED, BLUE).astype(np.uint8)
    return pixels, matte.astype(np.float32) / 255


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_what_is_seen_stays_exactly(dtype: type) -> None:
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, np.iinfo(dtype).max, (37, 53, 3), dtype, endpoint=True)
    matte = rng.choice(np.float32([0, 0.004, 0.5, 1]), (37, 53))

    result = bleed(pixels, matte)

    assert result.dtype == dtype
    np.testing.assert_array_equal(result[matte > 0], pixels[matte > 0])
    assert (result[matte == 0] != pixels[matte == 0]).any()


@pytest.mark.parametrize("side", [64, 61])
def test_one_colour_goes_on_everywhere(side: int) -> None:
    pixels, matte = sprite(side)

    np.testing.assert_allclose(bleed(pixels, matte), np.broadcast_to(RED, pixels.shape), atol=1)


def test_no_mip_level_has_a_fringe() -> None:
    pixels, matte = sprite()
    level = bleed(pixels, matte).astype(np.float32)
    fringed = np.where(matte[..., None] > 0, pixels, 0).astype(np.float32)
    while min(level.shape[:2]) > 1:
        level, fringed = (
            cv2.resize(image, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
            for image in (level, fringed)
        )
        np.testing.assert_allclose(level, np.broadcast_to(RED, level.shape), atol=1)
    assert fringed[0, 0, 0] < RED[0] / 2  # as it is with black under the matte


def test_the_nearest_colour_wins() -> None:
    pixels = np.zeros((40, 80, 3), np.uint8)
    matte = np.zeros((40, 80), np.float32)
    for colour, columns in ((RED, slice(10, 30)), (BLUE, slice(50, 70))):
        pixels[10:30, columns], matte[10:30, columns] = colour, 1

    result = bleed(pixels, matte).astype(int)

    near_red, near_blue = result[20, 8], result[20, 72]
    assert np.abs(near_red - RED).max() < 60
    assert np.abs(near_blue - BLUE).max() < 60
    assert RED[0] > result[20, 40, 0] > BLUE[0]


def test_faint_pixels_count_for_little() -> None:
    pixels = np.full((32, 32, 3), BLUE, np.uint8)
    matte = np.zeros((32, 32), np.float32)
    matte[8:24, 8:24], pixels[8:24, 8:24] = 1, RED
    matte[8:24, 7] = 1 / 255  # has the background's colour still

    assert np.abs(bleed(pixels, matte)[16, 6].astype(int) - RED).max() < 20


def test_strips_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    pixels = rng.integers(0, 256, (101, 75, 3)).astype(np.uint8)
    matte = (rng.random((101, 75)) < 0.02).astype(np.float32)

    whole = bleed(pixels, matte)
    monkeypatch.setattr(module, "STRIP_ROWS", 8)

    np.testing.assert_array_equal(bleed(pixels, matte), whole)


def test_where_nothing_is_seen_nothing_is_left() -> None:
    pixels = np.full((9, 14, 3), BLUE, np.uint8)

    assert not bleed(pixels, np.zeros((9, 14), np.float32)).any()


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (3, 500)])
def test_very_small_pictures(shape: tuple[int, int]) -> None:
    pixels = np.full((*shape, 3), BLUE, np.uint8)
    pixels[0, 0] = RED
    matte = np.zeros(shape, np.float32)
    matte[0, 0] = 1

    np.testing.assert_allclose(bleed(pixels, matte), np.broadcast_to(RED, pixels.shape), atol=1)


def test_full_white_at_16_bits_does_not_wrap_round() -> None:
    pixels = np.full((333, 517, 3), 65535, np.uint16)
    matte = (np.random.default_rng(2).random((333, 517)) < 0.01).astype(np.float32) * np.float32(0.37)

    np.testing.assert_array_equal(bleed(pixels, matte), pixels)
