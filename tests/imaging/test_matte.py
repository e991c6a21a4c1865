from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from zippo_desktop.imaging.matte import STRIP_ROWS, quantise, upsample_guided
from zippo_desktop.imaging.resize import resize

RNG = np.random.default_rng(0)


def soft_disc(side: int) -> NDArray[np.float32]:
    disc = np.zeros((side, side), np.float32)
    cv2.circle(disc, (side // 2, side // 2), side // 3, 1, -1, cv2.LINE_AA)
    return disc


def textbook_filter(matte: NDArray, guide: NDArray, radius: int, epsilon: float) -> NDArray:
    """He, Sun and Tang's colour guided filter, pixel by pixel in float64, then enlarged as a whole."""
    h, w = matte.shape
    small = cv2.resize(guide, (w, h), interpolation=cv2.INTER_AREA).astype(np.float64)
    edge = [(radius, radius), (radius, radius)]
    colours = np.pad(small, [*edge, (0, 0)], mode="symmetric")
    values = np.pad(matte.astype(np.float64), edge, mode="symmetric")
    fits = np.zeros((h, w, 4))
    for y in range(h):
        for x in range(w):
            window = slice(y, y + 2 * radius + 1), slice(x, x + 2 * radius + 1)
            i, p = colours[window].reshape(-1, 3), values[window].ravel()
            covariance = (i * p[:, None]).mean(0) - i.mean(0) * p.mean()
            variance = i.T @ i / len(i) - np.outer(i.mean(0), i.mean(0))
            slopes = np.linalg.solve(variance + epsilon * np.eye(3), covariance)
            fits[y, x] = *slopes, p.mean() - slopes @ i.mean(0)
    side = 2 * radius + 1
    fits = cv2.blur(fits, (side, side), borderType=cv2.BORDER_REFLECT)
    large = cv2.resize(fits, guide.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    return np.clip((large[..., :3] * guide).sum(-1) + large[..., 3], 0, 1)


def test_it_is_the_filter_of_the_paper_whatever_the_strips() -> None:
    guide = cv2.resize(RNG.random((30, 20, 3), np.float32), (90, STRIP_ROWS * 2 + 37))
    matte = np.clip(cv2.resize(RNG.random((9, 6), np.float32), (16, 40)), 0, 1)

    result = upsample_guided(matte, guide, radius_px=2, epsilon=1e-3)

    assert result.dtype == np.float32
    np.testing.assert_allclose(result, textbook_filter(matte, guide, 2, 1e-3), atol=2e-4)


@pytest.mark.parametrize("value", [0.0, 0.3, 0.7, 1.0])
def test_a_constant_matte_stays_exactly_what_it_is(value: float) -> None:
    matte = np.full((12, 9), value, np.float32)
    result = upsample_guided(matte, RNG.random((100, 70, 3), np.float32))

    np.testing.assert_array_equal(result, np.full((100, 70), value, np.float32))


def test_edges_follow_the_picture_much_better_than_by_enlarging_alone() -> None:
    truth = soft_disc(512)
    texture = cv2.resize(RNG.random((64, 64, 3), np.float32), (512, 512)) * 0.2
    guide = truth[..., None] * np.float32([0.8, 0.5, 0.3]) + (1 - truth[..., None]) * np.float32(
        [0.1, 0.3, 0.5]
    )
    guide = np.clip(guide + texture, 0, 1)
    matte = cv2.GaussianBlur(resize(truth, 64, 64), (0, 0), 0.7)

    guided = np.abs(upsample_guided(matte, guide) - truth).mean()
    linear = np.abs(resize(matte, 512, 512) - truth).mean()

    assert guided < 0.7 * linear


def test_a_guide_of_bytes_does_what_one_of_floats_does() -> None:
    guide = cv2.resize(RNG.integers(0, 256, (30, 40, 3), np.uint8), (300, STRIP_ROWS + 90))
    matte = np.clip(cv2.resize(RNG.random((9, 6), np.float32), (30, 35)), 0, 1)

    result = upsample_guided(matte, guide)

    np.testing.assert_allclose(result, upsample_guided(matte, guide.astype(np.float32) / 255), atol=0.03)


def test_the_result_stays_in_range() -> None:
    result = upsample_guided(RNG.random((16, 16), np.float32), RNG.random((80, 80, 3), np.float32), 1, 1e-6)

    assert result.min() >= 0
    assert result.max() <= 1
    assert np.isfinite(result).all()


def test_a_matte_of_the_pictures_size_is_left_as_it_is() -> None:
    matte = RNG.random((20, 30), np.float32)

    np.testing.assert_array_equal(upsample_guided(matte, RNG.random((20, 30, 3), np.float32)), matte)


def test_a_matte_larger_than_the_picture_is_averaged() -> None:
    matte = RNG.random((20, 30), np.float32)
    result = upsample_guided(matte, RNG.random((10, 15, 3), np.float32))

    np.testing.assert_allclose(result, matte.reshape(10, 2, 15, 2).mean(axis=(1, 3)), atol=1e-6)


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (7, 1)])
def test_a_very_small_matte_works(shape: tuple[int, int]) -> None:
    assert upsample_guided(np.full(shape, 0.5, np.float32), np.zeros((9, 9, 3), np.float32)).shape == (9, 9)


@pytest.mark.parametrize(("dtype", "full"), [(np.uint8, 255), (np.uint16, 65535)])
def test_quantising_is_to_the_nearest_level_and_clips(dtype: type, full: int) -> None:
    levels = np.arange(full + 1) / full

    np.testing.assert_array_equal(quantise(levels.astype(np.float32), dtype), np.arange(full + 1))
    np.testing.assert_array_equal(quantise(np.float32([-0.5, 1.5]), dtype), [0, full])
    assert quantise(levels.astype(np.float32), dtype).dtype == dtype
