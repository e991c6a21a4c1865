from __future__ import annotations

import cv2
import numpy as np
import pytest

from zippo_desktop.imaging.resize import (
    LARGE,
    fit_to_network,
    resize,
    resize_picture,
    stretch_to_network,
    unfit,
)

RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("size", "fitted", "padded"),
    [
        ((600, 400), (128, 85), (128, 96)),
        ((400, 600), (85, 128), (96, 128)),
        ((256, 256), (128, 128), (128, 128)),
        ((50, 40), (128, 102), (128, 128)),
        ((1000, 3), (128, 1), (128, 32)),
    ],
)
def test_the_long_side_fits_and_the_rest_is_padded(size: tuple, fitted: tuple, padded: tuple) -> None:
    fit = fit_to_network(RNG.random((*size, 3), np.float32), 128, 32)

    assert (fit.height, fit.width) == fitted
    assert fit.image.shape == (*padded, 3)
    assert fit.image.dtype == np.float32
    assert unfit(fit.image[..., 0], fit).shape == fitted


def test_the_padding_repeats_the_edges() -> None:
    fit = fit_to_network(RNG.random((64, 40, 3), np.float32), 64, 32)

    np.testing.assert_array_equal(fit.image[:, 40:], np.repeat(fit.image[:, 39:40], 24, axis=1))


def test_a_picture_of_the_right_size_is_not_touched() -> None:
    image = RNG.random((64, 96, 3), np.float32)
    fit = fit_to_network(image, 96, 32)

    np.testing.assert_array_equal(fit.image, image)
    np.testing.assert_array_equal(unfit(fit.image, fit), image)


def test_one_channel_stays_one_channel() -> None:
    assert fit_to_network(RNG.random((20, 30, 1), np.float32), 32, 32).image.shape == (32, 32, 1)
    assert resize(RNG.random((20, 30), np.float32), 5, 6).shape == (5, 6)


def test_shrinking_averages() -> None:
    image = RNG.random((8, 12, 3), np.float32)
    blocks = image.reshape(4, 2, 6, 2, 3).mean(axis=(1, 3))

    np.testing.assert_allclose(resize(image, 4, 6), blocks, atol=1e-6)


def test_enlarging_interpolates_between_centres_of_pixels() -> None:
    row = np.array([[0, 1]], np.float32)

    np.testing.assert_allclose(resize(row, 1, 4), [[0, 0.25, 0.75, 1]], atol=1e-6)


def smooth_bytes(height: int, width: int) -> np.ndarray:
    coarse = RNG.integers(0, 256, (8, 9, 3), np.uint8)
    return np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC))


@pytest.mark.parametrize("size", [(1000, 1400), (200, 140), (2000, 2400)])
@pytest.mark.parametrize("target", [(50, 70), (120, 100), (900, 1300)])
def test_bytes_become_floats_as_if_they_had_been_floats(size: tuple, target: tuple) -> None:
    image = smooth_bytes(*size)
    expected = resize(image.astype(np.float32) / 255, *target)

    result = resize_picture(image, *target)

    assert result.dtype == np.float32
    assert (image.size > LARGE) == (size == (2000, 2400))
    np.testing.assert_allclose(result, expected, atol=0.005)


def test_a_picture_of_bytes_fits_as_one_of_floats() -> None:
    image = smooth_bytes(700, 500)
    fit, expected = (fit_to_network(each, 64, 32, 2) for each in (image, image.astype(np.float32) / 255))

    assert fit.image.shape == expected.image.shape
    np.testing.assert_allclose(fit.detailed, expected.detailed, atol=0.005)


@pytest.mark.parametrize(("size", "proportions"), [((600, 400), (128, 85)), ((3, 1000), (1, 128))])
def test_a_stretched_picture_is_a_square_and_gets_its_proportions_back(
    size: tuple, proportions: tuple
) -> None:
    image = np.broadcast_to(np.linspace(0, 1, size[1], dtype=np.float32)[None, :, None], (*size, 3))
    fit = stretch_to_network(image, 128)

    assert fit.image.shape == (128, 128, 3)
    assert (fit.height, fit.width) == (128, 128)
    back = unfit(fit.image[..., 0], fit)
    assert back.shape == proportions
    np.testing.assert_allclose(back, resize(image[..., 0], *proportions), atol=0.01)
