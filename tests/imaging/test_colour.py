from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import ImageCms

from tests.imaging.icc_profiles import cyan_is_red_profile, grey_profile, rotated_rgb_profile
from zippo_desktop.imaging.colour import colour_space, srgb_profile, to_8_bit, to_srgb
from zippo_desktop.imaging.decode import Photo
from zippo_desktop.imaging.layers import Metadata

PIXELS = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)


def photo(pixels: NDArray, profile: bytes | None = None) -> Photo:
    return Photo(Path("a.png"), pixels, None, Metadata(icc_profile=profile))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_without_a_profile_the_values_are_only_scaled(dtype: type) -> None:
    full = np.iinfo(dtype).max
    pixels = np.array([[[0, full // 3, full]]], dtype)

    srgb = to_srgb(photo(pixels))

    assert srgb.dtype == np.float32
    np.testing.assert_allclose(srgb, [[[0, 1 / 3, 1]]], atol=1e-7)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_profile_is_applied(dtype: type) -> None:
    full = np.iinfo(dtype).max
    pixels = np.array([[[full, 0, 0], [0, full, 0], [0, 0, full], [full, full, full]]], dtype)

    srgb = to_srgb(photo(pixels, rotated_rgb_profile()))

    np.testing.assert_allclose(srgb, [[[0, 1, 0], [0, 0, 1], [1, 0, 0], [1, 1, 1]]], atol=0.02)


def test_the_srgb_profile_changes_nothing() -> None:
    np.testing.assert_allclose(to_srgb(photo(PIXELS, srgb_profile())), PIXELS / 255, atol=1.01 / 255)


@pytest.mark.parametrize(
    "profile", [b"nonsense", grey_profile(2.2), cyan_is_red_profile(), srgb_profile()[:200]]
)
def test_a_profile_that_cannot_be_used_counts_as_srgb(profile: bytes) -> None:
    np.testing.assert_allclose(to_srgb(photo(PIXELS, profile)), PIXELS / 255, atol=1e-7)


def test_the_photo_itself_is_left_alone() -> None:
    pixels = PIXELS.copy()
    to_srgb(photo(pixels, rotated_rgb_profile()))[:] = 0

    np.testing.assert_array_equal(pixels, PIXELS)


def test_16_bit_values_go_to_the_nearest_of_8() -> None:
    values = np.arange(65536, dtype=np.uint16)

    np.testing.assert_array_equal(to_8_bit(values), np.rint(values / 257))
    np.testing.assert_array_equal(to_8_bit(PIXELS), PIXELS)


def test_profiles_are_told_apart() -> None:
    assert colour_space(srgb_profile()) == "RGB"
    assert colour_space(grey_profile(2.2)) == "GRAY"
    assert colour_space(cyan_is_red_profile()) == "CMYK"
    assert colour_space(b"nonsense") == colour_space(None) == ""


def test_our_srgb_profile_is_sound() -> None:
    profile = ImageCms.ImageCmsProfile(io.BytesIO(srgb_profile()))

    assert "sRGB" in ImageCms.getProfileDescription(profile)
    assert profile.profile.creation_date is not None
    assert profile.profile.creation_date.year == 2024
