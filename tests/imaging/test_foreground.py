from __future__ import annotations

import colorsys
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from zippo_desktop.imaging import foreground
from zippo_desktop.imaging.compositing import over
from zippo_desktop.imaging.foreground import OPAQUE, UNSEEN, estimate_foreground

SPILLS = {"green": (0.0, 0.8, 0.1), "red": (0.9, 0.05, 0.05), "blue": (0.05, 0.1, 0.9)}
# Measured on these pictures: 17.0 to 19.7 dB with the true matte, 7.5 to 10.9 with one that is too wide.
MIN_GAIN_DB = 14
MIN_GAIN_WIDE_DB = 5


def hairy_disc(height: int, width: int, seed: int = 0) -> NDArray[np.float32]:
    """A matte [H,W]: an opaque disc with soft hair round it."""
    rng = np.random.default_rng(seed)
    matte = np.zeros((height, width), np.uint8)
    centre, radius = np.array([width / 2, height / 2]), min(height, width) / 4
    cv2.circle(matte, tuple(int(v) for v in centre), int(radius), 255, -1, cv2.LINE_AA)
    for angle in rng.uniform(0, 2 * np.pi, 150):
        direction = np.array([np.cos(angle), np.sin(angle)])
        ends = centre + np.outer([0.9 * radius, rng.uniform(1.1, 1.8) * radius], direction)
        points = np.round(ends * 16).astype(np.int32)  # in sixteenths of a pixel
        cv2.polylines(matte, [points], False, int(rng.integers(100, 255)), 1, cv2.LINE_AA, 4)
    return cv2.GaussianBlur(matte.astype(np.float32) / 255, (0, 0), 1.0)


def skin(height: int, width: int) -> NDArray[np.float32]:
    """Straight colours [H,W,3] of a subject: brown, with coarse and fine texture."""
    rng = np.random.default_rng(1)
    coarse, fine = (
        cv2.resize(rng.standard_normal((n, n, 1)).astype(np.float32), (width, height)) for n in (8, 60)
    )
    brown = np.array([0.6, 0.4, 0.3], np.float32)
    return np.clip(brown * (1 + 0.15 * coarse + 0.1 * fine)[..., None], 0, 1)


def to_integers(image: NDArray[np.float32], dtype: type = np.uint8) -> NDArray:
    return np.rint(image * np.iinfo(dtype).max).astype(dtype)


def scene(
    spill: tuple[float, ...], dtype: type = np.uint8, size: tuple[int, int] = (240, 320)
) -> tuple[NDArray, NDArray[np.float32], NDArray[np.float32]]:
    """A photo [H,W,3] over one colour, its matte and its true colours."""
    matte, colours = hairy_disc(*size), skin(*size)
    return to_integers(over(colours, matte, np.array(spill, np.float32)), dtype), matte, colours


def psnr_over_new_backgrounds(
    pixels: NDArray, matte: NDArray[np.float32], colours: NDArray[np.float32], true: NDArray[np.float32]
) -> float:
    """In the soft band of the `true` matte, over black, white and grey, all under that of `pixels`."""
    soft = (true > 0.02) & (true < 0.98)
    found = pixels[soft].astype(np.float32) / np.iinfo(pixels.dtype).max
    errors = [
        over(found, matte[soft], np.full(3, grey, np.float32))
        - over(colours[soft], matte[soft], np.full(3, grey, np.float32))
        for grey in (0, 0.5, 1)
    ]
    return float(-10 * np.log10(np.square(errors).mean()))


@pytest.mark.parametrize("spill", SPILLS.values(), ids=SPILLS)
def test_spill_is_taken_out_of_soft_edges(spill: tuple[float, ...]) -> None:
    photo, matte, colours = scene(spill)

    found = estimate_foreground(photo, matte)

    before, after = (psnr_over_new_backgrounds(p, matte, colours, matte) for p in (photo, found))
    assert after > before + MIN_GAIN_DB


@pytest.mark.parametrize("spill", SPILLS.values(), ids=SPILLS)
def test_the_spills_hue_is_gone(spill: tuple[float, ...]) -> None:
    photo, matte, colours = scene(spill)
    half = (matte > 0.3) & (matte < 0.7)

    def chroma(pixels: NDArray) -> NDArray:
        mean = pixels[half].reshape(-1, 3).mean(axis=0)
        return mean - mean.mean()

    true, before, after = (
        chroma(p) for p in (to_integers(colours), photo, estimate_foreground(photo, matte))
    )

    assert np.linalg.norm(after - true) < 0.1 * np.linalg.norm(before - true)
    hue_before, hue_after, hue_true = (
        colorsys.rgb_to_hsv(*(c + 128 for c in colour))[0] * 360 for colour in (before, after, true)
    )
    assert abs((hue_after - hue_true + 180) % 360 - 180) < 5, (hue_before, hue_after, hue_true)


@pytest.mark.parametrize("spill", SPILLS.values(), ids=SPILLS)
def test_a_matte_that_is_too_wide_still_gives_better_colours_than_none(spill: tuple[float, ...]) -> None:
    photo, matte, colours = scene(spill)
    wide = cv2.GaussianBlur(matte, (0, 0), 3) ** 0.8

    found = estimate_foreground(photo, wide)

    before, after = (psnr_over_new_backgrounds(p, wide, colours, matte) for p in (photo, found))
    assert after > before + MIN_GAIN_WIDE_DB


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_opaque_and_empty_pixels_are_the_photos_own(dtype: type) -> None:
    photo, matte, _ = scene(SPILLS["green"], dtype)
    own = (matte >= OPAQUE) | (matte < UNSEEN)

    found = estimate_foreground(photo, matte)

    assert found.dtype == dtype
    assert (found[~own] != photo[~own]).any()
    np.testing.assert_array_equal(found[own], photo[own])


def test_16_bits_are_not_lost() -> None:
    photo, matte, _ = scene(SPILLS["blue"], np.uint16)
    fine = estimate_foreground(photo, matte)
    coarse = estimate_foreground(to_integers(photo.astype(np.float32) / 65535), matte)
    soft = (matte > 0.1) & (matte < 0.9)

    assert len(np.unique(fine[soft] % 257)) > 200  # multiples of 257 are what 8 bits can say
    assert np.abs(fine[soft] / 65535 - coarse[soft] / 255).mean() < 0.005


@pytest.mark.parametrize("size", [(199, 301), (256, 256)])
def test_tiles_have_no_seams(size: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    photo, matte, _ = scene(SPILLS["red"], size=size)
    rng = np.random.default_rng(2)
    photo = np.clip(photo.astype(int) + rng.integers(-20, 21, photo.shape), 0, 255).astype(np.uint8)
    matte = np.maximum(matte, 0.4 * cv2.resize(rng.random((9, 9), np.float32), size[::-1]))  # soft all over

    whole = estimate_foreground(photo, matte)
    monkeypatch.setattr(foreground, "TILE_PX", 64)
    tiled = estimate_foreground(photo, matte)

    assert (whole != photo).mean() > 0.5
    np.testing.assert_array_equal(tiled, whole)


@pytest.mark.slow  # the oracle compiles itself at its first import
@pytest.mark.parametrize("seed", range(3))
def test_it_is_as_good_as_the_papers_authors_own_program(seed: int) -> None:
    """On pictures with texture and noise. Measured: 0.1 to 0.7 dB better."""
    pymatting = pytest.importorskip("pymatting", reason="the oracle is not installed")
    size, rng = (360, 480), np.random.default_rng(seed + 5)
    matte, colours = hairy_disc(*size, seed), skin(*size)
    texture = 0.2 * cv2.resize(rng.standard_normal((12, 16, 3)).astype(np.float32), size[::-1])
    backdrop = np.clip(np.array([*SPILLS.values()][seed], np.float32) + texture, 0, 1)
    noise = 0.01 * rng.standard_normal((*size, 1)).astype(np.float32)
    photo = to_integers(np.clip(over(colours, matte, backdrop) + noise, 0, 1))

    theirs = to_integers(pymatting.estimate_foreground_ml(photo / 255, matte))
    ours = estimate_foreground(photo, matte)

    ours_db, theirs_db = (psnr_over_new_backgrounds(p, matte, colours, matte) for p in (ours, theirs))
    assert ours_db > theirs_db - 0.3


@pytest.mark.parametrize("shape", [(1, 1), (1, 2), (2, 1), (3, 500), (5, 7)])
@pytest.mark.parametrize("alpha", [0.0, 0.5, 1.0])
def test_very_small_and_even_pictures(shape: tuple[int, int], alpha: float) -> None:
    photo = np.full((*shape, 3), (10, 200, 90), np.uint8)

    found = estimate_foreground(photo, np.full(shape, alpha, np.float32))

    np.testing.assert_allclose(found, photo, atol=1)  # of one colour there is nothing to take out


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_picture_that_is_soft_all_over_is_taken_apart(dtype: type) -> None:
    matte = cv2.resize(np.random.default_rng(3).uniform(0.05, 0.95, (7, 9)).astype(np.float32), (90, 70))
    front, back = np.array([0.9, 0.4, 0.2], np.float32), np.array([0.1, 0.3, 0.8], np.float32)
    colours = np.broadcast_to(front, (70, 90, 3))
    photo = to_integers(over(colours, matte, back), dtype)

    found = estimate_foreground(photo, matte)

    before, after = (psnr_over_new_backgrounds(p, matte, colours, matte) for p in (photo, found))
    assert after > before + MIN_GAIN_DB


def test_read_only_pixels_are_not_changed_and_threads_may_share_them() -> None:
    photo, matte, _ = scene(SPILLS["green"])
    photo.flags.writeable = matte.flags.writeable = False
    alone = estimate_foreground(photo, matte)

    with ThreadPoolExecutor(3) as pool:
        results = list(pool.map(lambda _: estimate_foreground(photo, matte), range(6)))

    for result in results:
        np.testing.assert_array_equal(result, alone)


def test_a_matte_without_a_soft_pixel_changes_nothing() -> None:
    photo = np.random.default_rng(4).integers(0, 256, (30, 40, 3)).astype(np.uint8)
    matte = np.zeros((30, 40), np.float32)
    matte[:, 20:] = 1

    np.testing.assert_array_equal(estimate_foreground(photo, matte), photo)
