from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import ImageCms

from tests.imaging.icc_profiles import (
    ADOBE_GAMMA,
    ADOBE_RGB,
    DISPLAY_P3,
    PRIMARIES,
    adobe_rgb_profile,
    cyan_is_red_profile,
    display_p3_profile,
    grey_profile,
    linear_srgb_profile,
    plain_srgb_profile,
    rotated_rgb_profile,
)
from zippo_desktop.imaging.colour import colour_space, is_srgb, srgb_8_bit, srgb_profile, to_8_bit, to_srgb
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


def srgb_decoded(values: NDArray) -> NDArray:
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def srgb_encoded(linear: NDArray) -> NDArray:
    return np.where(linear <= 0.0031308, linear * 12.92, 1.055 * np.abs(linear) ** (1 / 2.4) - 0.055)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize(
    ("profile", "primaries", "decoded"),
    [
        (adobe_rgb_profile(), ADOBE_RGB, lambda values: values**ADOBE_GAMMA),
        (display_p3_profile(), DISPLAY_P3, srgb_decoded),
    ],
    ids=["Adobe RGB", "Display P3"],
)
def test_wider_spaces_come_out_as_the_formulas_say(
    profile: bytes, primaries: tuple, decoded: object, dtype: type
) -> None:
    full = np.iinfo(dtype).max
    values = np.array(
        [[0.5, 0.5, 0.5], [0.6, 0.45, 0.4], [0.3, 0.4, 0.35], [0.45, 0.5, 0.7], [0.9, 0.85, 0.8]]
    )
    pixels = np.rint(values * full).astype(dtype)

    srgb = srgb_8_bit(photo(pixels[None], profile))[0]

    light = decoded(pixels / full) @ np.array(primaries) @ np.linalg.inv(np.array(PRIMARIES))
    np.testing.assert_allclose(srgb / 255, srgb_encoded(light), atol=1.5 / 255)
    assert np.abs(srgb - to_8_bit(pixels).astype(int)).max() > 2  # it is not what it was


@pytest.mark.parametrize("profile", [None, srgb_profile(), plain_srgb_profile(), b"nonsense"])
def test_srgb_photos_are_not_copied(profile: bytes | None) -> None:
    assert srgb_8_bit(photo(PIXELS, profile)) is PIXELS


def test_a_profile_is_srgb_by_its_effect_and_not_its_name() -> None:
    assert is_srgb(plain_srgb_profile("Some camera"))
    assert not is_srgb(linear_srgb_profile())
    assert not is_srgb(display_p3_profile())


def test_16_bit_photos_become_8_bit_in_strips() -> None:
    pixels = np.random.default_rng(1).integers(0, 65536, (600, 3, 3), dtype=np.uint16)

    np.testing.assert_array_equal(srgb_8_bit(photo(pixels)), np.rint(pixels / 257))
    rotated = srgb_8_bit(photo(pixels, rotated_rgb_profile()))
    parts = [srgb_8_bit(photo(pixels[row : row + 1], rotated_rgb_profile())) for row in (0, 300, 599)]
    np.testing.assert_array_equal(rotated[[0, 300, 599]], np.concatenate(parts))


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
