"""Subjects and pictures of varied sharpness: what changes, and what must not."""

from __future__ import annotations

import numpy as np
import pytest

from zippo_desktop.training import surfaces
from zippo_desktop.training.optics import blur, camera
from zippo_desktop.training.surfaces import vary_surface

SIDE = 64
NOISE = np.random.default_rng(0).random((SIDE, SIDE, 3), np.float32)


def subject() -> tuple[np.ndarray, np.ndarray]:
    """A flat disc with a soft edge: premultiplied colour and matte."""
    y, x = np.mgrid[:SIDE, :SIDE] - SIDE / 2
    matte = np.clip(20 - np.hypot(x, y), 0, 4).astype(np.float32) / 4
    return matte[..., None] * np.float32([0.6, 0.4, 0.2]), matte


def roughness(image: np.ndarray) -> float:
    return float(np.abs(image - blur(image, 1.0)).mean())


@pytest.mark.parametrize("seed", range(20))
def test_a_surface_stays_within_its_matte(seed: int) -> None:
    colour, matte = subject()
    one, two = (vary_surface(colour, matte, lambda: NOISE, np.random.default_rng(seed)) for _ in range(2))
    np.testing.assert_array_equal(one, two)
    assert one.dtype == np.float32
    assert one.min() >= 0
    assert (one <= matte[..., None] + 1e-6).all()


def test_some_surfaces_are_changed_and_some_left() -> None:
    colour, matte = subject()
    colour *= NOISE
    changed = [
        not np.array_equal(vary_surface(colour, matte, lambda: NOISE, np.random.default_rng(seed)), colour)
        for seed in range(100)
    ]
    assert 0.5 < np.mean(changed) < 0.85


def test_a_texture_shades_the_subject_as_it_is_shaded_itself() -> None:
    colour, matte = subject()
    inside = matte == 1
    grain = surfaces._with_texture(colour, matte, NOISE, 1.0)[..., 0][inside]
    assert np.corrcoef(grain, NOISE.mean(axis=2)[inside])[0, 1] > 0.9


def test_sharpening_makes_no_seam_at_the_matte_s_edge() -> None:
    colour, matte = subject()
    sharpened = surfaces._sharpened(colour, matte, 4.0, 1.5)
    np.testing.assert_allclose(sharpened, colour, atol=1e-3)  # the straight colour is flat: nothing to see

    grained = colour * (0.5 + 0.5 * NOISE)
    assert roughness(surfaces._sharpened(grained, matte, 4.0, 1.0)) > 1.3 * roughness(grained)


def test_a_varied_camera_makes_some_pictures_softer_and_some_sharper() -> None:
    image = 0.4 + 0.2 * np.random.default_rng(1).random((256, 256, 3), np.float32)
    matte = np.tri(256, dtype=np.float32)
    plain, varied = (
        np.array(
            [roughness(camera(image, matte, np.random.default_rng(seed), how)[0]) for seed in range(100)]
        )
        for how in (False, True)
    )
    assert np.quantile(varied, 0.1) < np.quantile(plain, 0.1)
    assert np.quantile(varied, 0.8) > 1.1 * np.quantile(plain, 0.8)


def test_what_is_soft_all_over_has_a_soft_matte_and_what_is_sharpened_its_own() -> None:
    image, matte = np.full((SIDE, SIDE, 3), 0.5, np.float32), np.tri(SIDE, dtype=np.float32)
    mattes = [camera(image, matte, np.random.default_rng(seed), True)[1] for seed in range(200)]
    soft = [not np.array_equal(one, matte) for one in mattes]
    assert 0.25 < np.mean(soft) < 0.5  # a fifth of the varied, and a fifth of all
