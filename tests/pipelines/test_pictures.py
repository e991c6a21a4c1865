"""Layout and range on the way into the network and out of it."""

from dataclasses import replace

import numpy as np
import pytest

from zippo_desktop.engine.fake_session import FakeSession
from zippo_desktop.errors import EngineError
from zippo_desktop.pipelines.pictures import (
    colours_from_network,
    decode_colours,
    decode_mattes,
    encode_colours,
    encode_matte,
    matte_to_network,
    mattes_from_network,
    to_network,
    to_uint8,
)


def test_pictures_come_back_as_they_went():
    pictures = np.random.default_rng(0).random((2, 5, 7, 3), np.float32)
    network = to_network(pictures)
    assert network.shape == (2, 3, 5, 7)
    assert network.dtype == np.float32
    assert -1 <= network.min() < -0.8
    np.testing.assert_allclose(colours_from_network(network), pictures, atol=1e-6)


def test_mattes_come_back_as_they_went():
    matte = np.random.default_rng(0).random((5, 7), np.float32)
    network = matte_to_network(matte)
    assert network.shape == (1, 3, 5, 7)
    np.testing.assert_allclose(mattes_from_network(network)[0], matte, atol=1e-6)


def test_a_matte_is_the_mean_of_the_channels_before_it_is_clipped():
    decoded = np.array([3.0, -1.0, -1.0], np.float32).reshape(1, 3, 1, 1)
    np.testing.assert_allclose(mattes_from_network(decoded), 1 / 6 + 0.5, atol=1e-6)


def test_what_the_decoder_overshoots_is_clipped():
    decoded = np.array([-1.5, 0.0, 1.5], np.float32).reshape(1, 3, 1, 1)
    np.testing.assert_array_equal(colours_from_network(decoded)[0, 0, 0], [0, 0.5, 1])


@pytest.mark.parametrize("convert", [colours_from_network, mattes_from_network])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_no_number_is_an_engine_error(convert, value):
    decoded = np.zeros((1, 3, 2, 2), np.float32)
    decoded[0, 1, 1, 1] = value
    with pytest.raises(EngineError, match="not finite"):
        convert(decoded)


def test_levels_are_rounded_to_the_nearest():
    np.testing.assert_array_equal(to_uint8(np.array([0, 0.499 / 255, 0.501 / 255, 1])), [0, 0, 1, 255])


class Gaining(FakeSession):
    """A model whose UNet knows pictures at twice their scale."""

    @property
    def spec(self):
        return replace(super().spec, rgb_gain=2.0)


def test_only_pictures_are_scaled_for_the_unet_and_come_back_as_they_were():
    pictures = np.random.default_rng(1).random((1, 64, 64, 3), np.float32)
    plain, gaining = FakeSession(), Gaining()
    latents = encode_colours(gaining, pictures)
    np.testing.assert_allclose(latents, 2 * encode_colours(plain, pictures), atol=1e-6)
    expected = decode_colours(plain, encode_colours(plain, pictures))
    np.testing.assert_allclose(decode_colours(gaining, latents), expected, atol=1e-6)
    matte = pictures[0, ..., 0]
    np.testing.assert_array_equal(encode_matte(gaining, matte), encode_matte(plain, matte))
    latents = encode_matte(plain, matte)
    np.testing.assert_array_equal(decode_mattes(gaining, latents), decode_mattes(plain, latents))
