from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from zippo_desktop.imaging.shadow import cast_shadow

GIVEN = {"opacity": 0.5, "blur": 0.03, "distance": 0.04, "angle": 120.0}


def shadow_of(matte: NDArray, kind: str = "drop", **changes: float) -> NDArray[np.float32]:
    return cast_shadow(matte, kind, **(GIVEN | changes))


def square(side: int = 100, size: int = 200) -> NDArray[np.float32]:
    matte = np.zeros((size, size), np.float32)
    first = (size - side) // 2
    matte[first : first + side, first : first + side] = 1
    return matte


def centre(shadow: NDArray) -> tuple[float, float]:
    """Of its mass: across and down."""
    rows, columns = np.indices(shadow.shape)
    return float((columns * shadow).sum() / shadow.sum()), float((rows * shadow).sum() / shadow.sum())


def chair(rung: bool = False) -> NDArray[np.float32]:
    """A seat on two front legs and two shorter, farther ones between them."""
    matte = np.zeros((500, 500), np.float32)
    matte[50:250, 100:400] = 1
    matte[250:440, 110:130] = matte[250:440, 370:390] = 1
    matte[250:400, 200:215] = matte[250:400, 290:305] = 1
    if rung:
        matte[330:345, 110:390] = 1
    return matte


@pytest.mark.parametrize("kind", ["drop", "contact"])
@pytest.mark.parametrize("opacity", [0.0, 0.5, 1.0])
def test_it_is_an_opacity_that_is_nowhere_above_the_one_asked_for(kind: str, opacity: float) -> None:
    shadow = shadow_of(square(), kind, opacity=opacity)

    assert shadow.dtype == np.float32
    assert shadow.shape == (200, 200)
    assert shadow.min() == 0
    assert 0.9 * opacity <= shadow.max() <= opacity


@pytest.mark.parametrize("kind", ["drop", "contact"])
def test_an_empty_matte_has_none(kind: str) -> None:
    np.testing.assert_array_equal(shadow_of(np.zeros((30, 40), np.float32), kind), 0)


@pytest.mark.parametrize("kind", ["drop", "contact"])
@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (50, 1), (40, 60)])
@pytest.mark.parametrize("changes", [{}, {"blur": 0.0, "distance": 0.0}, {"blur": 1.0, "distance": 1.0}])
def test_a_full_matte_of_any_size(kind: str, shape: tuple[int, int], changes: dict) -> None:
    shadow = shadow_of(np.ones(shape, np.float32), kind, **changes)

    assert shadow.shape == shape
    assert np.isfinite(shadow).all()
    assert shadow.max() <= 0.5


@pytest.mark.parametrize(
    ("angle", "across", "down"), [(90, 0, 1), (0, -1, 0), (180, 1, 0), (270, 0, -1), (120, 0.5, 0.866)]
)
def test_a_drop_shadow_falls_away_from_the_light(angle: float, across: float, down: float) -> None:
    shadow = shadow_of(square(), angle=angle, distance=0.1)

    assert centre(shadow) == pytest.approx((99.5 + 10 * across, 99.5 + 10 * down), abs=0.05)


def test_without_blur_it_is_the_silhouette_moved() -> None:
    shadow = shadow_of(square(), blur=0.0, distance=0.1, angle=90, opacity=1.0)

    np.testing.assert_allclose(shadow, np.roll(square(), 10, axis=0), atol=1e-6)


@pytest.mark.parametrize("blur", [0.02, 0.05, 0.1])  # 10, 25 and 50 pixels, so made smaller
def test_a_reduced_blur_is_the_blur(blur: float) -> None:
    matte = square(500, 1000)
    shadow = shadow_of(matte, blur=blur, distance=0.0, opacity=1.0)

    np.testing.assert_allclose(shadow, cv2.GaussianBlur(matte, (0, 0), blur * 500), atol=0.02)


def test_sizes_are_relative_to_the_subject() -> None:
    small, large = shadow_of(square(100, 200)), shadow_of(square(400, 800))

    np.testing.assert_allclose(cv2.resize(large, (200, 200), interpolation=cv2.INTER_AREA), small, atol=0.02)


def test_far_from_the_subject_there_is_exactly_nothing() -> None:
    shadow = shadow_of(square(50, 400))

    assert shadow[:140].max() == shadow[-140:].max() == 0


def test_a_contact_shadow_lies_flat_on_the_ground() -> None:
    shadow = shadow_of(square(), "contact")

    assert shadow[:130].max() == 0
    in_front = shadow[150:, 100]  # below the middle of the lower edge
    assert in_front[0] > 0.4
    assert np.all(np.diff(in_front) <= 1e-6)
    assert in_front[12] < 0.01
    assert shadow[150, 148] < shadow[150, 100]


def test_each_foot_has_its_own_and_the_seat_has_none() -> None:
    shadow = shadow_of(chair(), "contact")

    for bottom, column in [(440, 120), (440, 380), (400, 207), (400, 297)]:
        assert shadow[bottom, column] > 0.25
    assert shadow[255, 250] == 0
    assert shadow[345, 160] < 0.02


def test_a_rung_is_not_taken_for_a_foot() -> None:
    plain, with_rung = shadow_of(chair(), "contact"), shadow_of(chair(rung=True), "contact")

    assert abs(with_rung[346, 130:370] - plain[346, 130:370]).max() < 0.02
    assert with_rung[440, 165] > plain[440, 165]  # but the ground below it is darker


def test_a_ball_touches_only_at_its_lowest_point() -> None:
    matte = np.zeros((500, 500), np.float32)
    cv2.circle(matte, (250, 250), 200, 1, -1, cv2.LINE_AA)
    shadow = shadow_of(matte, "contact")

    assert shadow[451, 250] > 0.4
    assert shadow[:370].max() < 0.02  # nothing climbs up its sides


def test_the_pool_leans_away_from_the_light() -> None:
    left, right = (shadow_of(square(), "contact", angle=angle) for angle in (150.0, 30.0))

    assert centre(left)[0] > 100 > centre(right)[0]
    np.testing.assert_allclose(left, right[:, ::-1], atol=2e-3)
