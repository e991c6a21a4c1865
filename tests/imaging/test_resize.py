from __future__ import annotations

import numpy as np
import pytest

from zippo_desktop.imaging.resize import fit_to_network, resize, unfit

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
