from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from tests.imaging.files import png_bytes
from tests.imaging.icc_profiles import rotated_rgb_profile
from zippo_desktop.errors import InputError
from zippo_desktop.imaging.background import blurred_background, colour_background, image_background
from zippo_desktop.imaging.colour import srgb_profile
from zippo_desktop.imaging.layers import LayerStack, Metadata

DTYPES = [np.uint8, np.uint16]
RNG = np.random.default_rng(0)


def stack(
    height: int = 40, width: int = 60, dtype: type = np.uint8, profile: bytes | None = None
) -> LayerStack:
    pixels = np.zeros((height, width, 3), dtype)
    matte = np.ones((height, width), np.float32)
    return LayerStack(pixels, matte, pixels, Metadata(icc_profile=profile))


def saved(path: Path, pixels: NDArray, profile: bytes | None = None) -> Path:
    Image.fromarray(pixels).save(path, icc_profile=profile)
    return path


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("profile", [None, srgb_profile()])
def test_a_colour_is_exact(dtype: type, profile: bytes | None) -> None:
    background = colour_background(stack(dtype=dtype, profile=profile), (255, 1, 128))

    assert background.shape == (40, 60, 3)
    assert background.dtype == dtype
    full = np.iinfo(dtype).max // 255
    np.testing.assert_array_equal(background.reshape(-1, 3), [(255 * full, full, 128 * full)] * 2400)


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_colour_goes_into_the_photos_profile(dtype: type) -> None:
    full = np.iinfo(dtype).max
    place = stack(1, 1, dtype, rotated_rgb_profile())

    np.testing.assert_array_equal(colour_background(place, (255, 255, 255)), full)
    np.testing.assert_allclose(colour_background(place, (0, 255, 0))[0, 0] / full, (1, 0, 0), atol=0.02)


def test_a_broken_profile_counts_as_srgb() -> None:
    background = colour_background(stack(profile=b"nonsense"), (1, 2, 3))

    np.testing.assert_array_equal(background[0, 0], (1, 2, 3))


@pytest.mark.parametrize("size", [(120, 80), (60, 40), (120, 200), (700, 80), (6, 4)])
def test_a_picture_covers_the_whole_from_its_middle(tmp_path: Path, size: tuple[int, int]) -> None:
    width, height = size
    ramp = np.zeros((height, width, 3), np.uint8)
    ramp[..., 0] = np.rint(np.linspace(0, 255, width))
    ramp[..., 1] = np.rint(np.linspace(0, 255, height))[:, None]
    background = image_background(stack(), saved(tmp_path / "ramp.png", ramp))

    assert background.shape == (40, 60, 3)
    np.testing.assert_allclose(background[19:21, 29:31, :2].mean((0, 1)), 127.5, atol=2)
    slope = 255 / (max(width, height * 1.5) if width < height * 1.5 else height * 1.5)
    shown = background[20, -1, 0].astype(int) - background[20, 0, 0]
    assert shown == pytest.approx(255 * min(1, height * 1.5 / width), abs=255 * 1.5 / 40 + slope)


def test_transparency_is_laid_over_white(tmp_path: Path) -> None:
    rgba = np.zeros((40, 60, 4), np.uint8)
    rgba[:, 30:, 3] = 255
    background = image_background(stack(), saved(tmp_path / "half.png", rgba))

    assert background[:, :30].min() == 255
    assert background[:, 30:].max() == 0


@pytest.mark.parametrize(
    ("source", "target", "expected"),
    [(None, rotated_rgb_profile(), (1, 0, 0)), (rotated_rgb_profile(), None, (0, 0, 1))],
)
def test_a_picture_goes_into_the_photos_profile(
    tmp_path: Path, source: bytes | None, target: bytes | None, expected: tuple
) -> None:
    green = np.full((4, 6, 3), (0, 255, 0), np.uint8)
    background = image_background(stack(profile=target), saved(tmp_path / "green.png", green, source))

    np.testing.assert_allclose(background[0, 0] / 255, expected, atol=0.02)


def test_16_bit_pictures_keep_their_depth_where_the_profile_is_the_same(tmp_path: Path) -> None:
    pixels = RNG.integers(0, 65536, (40, 60, 3), np.uint16)
    (tmp_path / "deep.png").write_bytes(png_bytes(pixels))

    np.testing.assert_array_equal(image_background(stack(dtype=np.uint16), tmp_path / "deep.png"), pixels)
    shallow = image_background(stack(), tmp_path / "deep.png")
    assert shallow.dtype == np.uint8
    np.testing.assert_allclose(shallow, pixels / 257, atol=0.51)


@pytest.mark.parametrize("content", [None, b"", b"no picture"])
def test_a_picture_that_cannot_be_read_is_an_input_error(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "bad.png"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=r"bad\.png"):
        image_background(stack(), path)


def scene(dtype: type = np.uint8, size: int = 400) -> LayerStack:
    """A red subject before a blue background."""
    full = np.iinfo(dtype).max
    photo = np.full((size, size, 3), (0, 0, full), dtype)
    matte = np.zeros((size, size), np.float32)
    matte[size // 4 : size // 2, size // 4 : size // 2] = 1
    photo[matte > 0] = (full, 0, 0)
    return LayerStack(photo, matte, photo)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("blur", [0.0, 0.001, 0.02, 0.3, 1.0])
def test_no_halo_of_the_subject_is_in_the_blur(dtype: type, blur: float) -> None:
    blurred = blurred_background(scene(dtype), blur)

    assert blurred.dtype == dtype
    full = np.iinfo(dtype).max
    np.testing.assert_allclose(blurred / full, np.broadcast_to((0, 0, 1), blurred.shape), atol=2 / 255)


def test_the_blur_has_the_width_asked_for() -> None:
    photo = np.zeros((300, 600, 3), np.uint8)
    photo[:, 300:] = 255
    matte = np.zeros((300, 600), np.float32)
    row = blurred_background(LayerStack(photo, matte, photo), 0.05)[150, :, 0].astype(float)

    slopes = np.diff(row)
    middles = np.arange(1, 600)
    mean = (middles * slopes).sum() / slopes.sum()
    deviation = np.sqrt(((middles - mean) ** 2 * slopes).sum() / slopes.sum())
    assert mean == pytest.approx(300, abs=0.5)
    assert deviation == pytest.approx(0.05 * 600, rel=0.05)


def test_beyond_the_photo_its_mirror_image_goes_on() -> None:
    photo = np.zeros((200, 400, 3), np.uint8)
    photo[:, 100:120] = 200  # a bar at the photo's left edge, which is at 100
    mask = np.zeros((200, 400), np.float32)
    mask[:, 100:300] = 1
    blurred = blurred_background(
        LayerStack(photo, np.zeros_like(mask), photo, original_mask=mask), 0.01
    ).astype(int)

    np.testing.assert_allclose(blurred[100, 60:100], blurred[100, 139:99:-1], atol=12)
    assert blurred[100, 90, 0] > 150
    assert blurred[100, 20, 0] < 5


@pytest.mark.parametrize("size", [1, 2, 7])
def test_a_subject_that_fills_the_photo_is_blurred_itself(size: int) -> None:
    photo = np.full((size, size, 3), (10, 200, 30), np.uint8)
    full = LayerStack(photo, np.ones((size, size), np.float32), photo)

    np.testing.assert_array_equal(blurred_background(full, 0.02), photo)


def test_without_an_original_there_is_nothing_to_blur() -> None:
    with pytest.raises(InputError, match="no original"):
        blurred_background(LayerStack(np.zeros((4, 4, 3), np.uint8), np.ones((4, 4), np.float32)), 0.02)
