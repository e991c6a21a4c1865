from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from zippo_desktop.errors import UsageError
from zippo_desktop.imaging.matte_controls import MatteControls
from zippo_desktop.imaging.matte_edges import TILE_PX, add_contrast, apply_controls, expand, feather
from zippo_desktop.imaging.matte_parts import fill_holes, keep_largest

Matte = NDArray[np.float32]

RNG = np.random.default_rng(0)
EACH = [
    MatteControls(keep_largest=True),
    MatteControls(fill_holes_px=50),
    MatteControls(expand_px=1.5),
    MatteControls(expand_px=-12.25),
    MatteControls(contrast=0.7),
    MatteControls(contrast=-0.7),
    MatteControls(feather_px=1.5),
    MatteControls(feather_px=20),
]
ALL = MatteControls(True, 50, 2.5, 0.5, 3.0)


def disc(side: int, radius: float, softness: float = 1.0, centre: tuple[float, float] | None = None) -> Matte:
    """A disc about `centre` (y, x), whose opacity falls linearly over `softness` pixels round its radius."""
    y, x = np.ogrid[:side, :side]
    middle = centre or (side / 2, side / 2)
    inward = radius - np.hypot(y - middle[0], x - middle[1])
    return np.clip(inward / softness + 0.5, 0, 1).astype(np.float32)


def crossings(matte: Matte, level: float) -> NDArray[np.float32]:
    """How far from the middle a centred shape falls below `level`, along 90 directions."""
    angles = np.arange(90) * (math.tau / 90)
    steps = np.arange(0, len(matte) / 2, 0.02)
    x, y = (len(matte) / 2 + steps * part(angles)[:, None] for part in (np.cos, np.sin))
    values = cv2.remap(matte, x.astype(np.float32), y.astype(np.float32), cv2.INTER_LINEAR)
    return steps[np.argmax(values < level, axis=1)]


@pytest.mark.parametrize("controls", [*EACH, ALL])
@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (2, 3), (40, 30)])
@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_a_constant_matte_stays_what_it_is(
    controls: MatteControls, shape: tuple[int, int], value: float
) -> None:
    result = apply_controls(np.full(shape, value, np.float32), controls)

    assert result.shape == shape
    np.testing.assert_allclose(result, value, atol=2e-7)


@pytest.mark.parametrize("controls", [*EACH, ALL])
@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (5, 600), (60, 70)])
def test_the_result_is_a_new_matte_in_range_and_the_given_one_is_left_alone(
    controls: MatteControls, shape: tuple[int, int]
) -> None:
    matte = RNG.random(shape, np.float32)
    given = matte.copy()
    matte.flags.writeable = False
    result = apply_controls(matte, controls)

    assert result.dtype == np.float32
    assert result.shape == shape
    assert np.isfinite(result).all()
    assert 0 <= result.min() <= result.max() <= 1
    np.testing.assert_array_equal(matte, given)


def test_all_off_gives_the_same_array_back() -> None:
    matte = RNG.random((8, 8), np.float32)

    assert apply_controls(matte, MatteControls()) is matte


@pytest.mark.parametrize("controls", [*EACH, ALL])
def test_a_soft_matte_never_becomes_a_hard_one(controls: MatteControls) -> None:
    result = apply_controls(disc(160, 50, softness=20), controls)
    soft = (result > 0.1) & (result < 0.9)

    assert soft.sum() > 300
    assert len(np.unique(result[soft])) > 100


@pytest.mark.parametrize(
    "values",
    [
        {"fill_holes_px": -1},
        {"fill_holes_px": 2.5},
        {"expand_px": 101},
        {"expand_px": math.nan},
        {"contrast": 1.1},
        {"contrast": "0.5"},
        {"contrast": True},
        {"feather_px": -0.1},
        {"feather_px": math.inf},
        {"feather_px": None},
        {"keep_largest": 1},
    ],
)
def test_values_that_make_no_sense_are_refused_by_name(values: dict[str, object]) -> None:
    with pytest.raises(UsageError) as caught:
        MatteControls(**values)  # type: ignore[arg-type]

    assert next(iter(values)) in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize("softness", [1, 8])
@pytest.mark.parametrize("distance_px", [0.25, 0.5, 1.0, 1.5, 3.7, 8.0, -0.25, -1.5, -7.3])
def test_a_disc_grows_by_the_distance_in_every_direction(distance_px: float, softness: float) -> None:
    before = disc(160, 40, softness)
    after = expand(before, distance_px)

    grown_by = math.sqrt(after.sum() / math.pi) - math.sqrt(before.sum() / math.pi)
    assert grown_by == pytest.approx(distance_px, abs=0.1)
    np.testing.assert_allclose(crossings(after, 0.5) - 40, distance_px, atol=0.15)


@pytest.mark.parametrize("distance_px", [12.5, 30.0, 60.0, -25.0])
def test_large_distances_are_right_within_two_per_cent(distance_px: float) -> None:
    after = expand(disc(260, 50), distance_px)

    np.testing.assert_allclose(crossings(after, 0.5) - 50, distance_px, atol=0.02 * abs(distance_px) + 0.1)


@pytest.mark.parametrize("distance_px", [1.5, -1.5, 20.0, -20.0])
def test_a_moved_edge_keeps_its_profile(distance_px: float) -> None:
    before, after = disc(200, 60, softness=10), expand(disc(200, 60, softness=10), distance_px)

    for level in (0.1, 0.3, 0.7, 0.9):
        moved = (crossings(after, level) - crossings(before, level)).mean()
        assert moved == pytest.approx(distance_px, abs=0.2)


def test_a_faint_hair_is_widened_and_keeps_its_opacity() -> None:
    matte = np.zeros((41, 60), np.float32)
    matte[20] = 0.3
    after = expand(matte, 3.0)

    np.testing.assert_allclose(after[:, 30], np.repeat([0, 0.3, 0], [17, 7, 17]), atol=1e-6)


def test_the_pictures_border_is_no_edge() -> None:
    matte = np.zeros((50, 50), np.float32)
    matte[:, :25] = 1  # cut off by three borders

    np.testing.assert_array_equal(expand(matte, -5)[:, :20], 1)
    np.testing.assert_array_equal(expand(matte, 5)[:, 30:], 0)
    for sigma in (3, 12):
        rows = feather(matte, sigma)
        np.testing.assert_allclose(rows, np.broadcast_to(rows[25], rows.shape), atol=1e-6)


@pytest.mark.parametrize("shift", [-3, 0, 3])
def test_tiles_leave_no_trace(shift: int) -> None:
    """A disc across the seams between the tiles is what it is inside one tile."""
    side, small = TILE_PX + 200, 160
    matte = np.zeros((side, side), np.float32)
    at = side // 2 - small // 2 + shift
    matte[at : at + small, at : at + small] = disc(small, 40, 6)

    for change in (lambda m: expand(m, 6.5), lambda m: expand(m, -6.5), lambda m: feather(m, 4)):
        np.testing.assert_allclose(
            change(matte)[at : at + small, at : at + small], change(disc(small, 40, 6)), atol=1e-6
        )


@pytest.mark.parametrize("contrast", [-1.0, -0.4, 0.2, 0.5, 1.0])
def test_contrast_is_symmetric_monotonic_and_has_fixed_ends(contrast: float) -> None:
    levels = np.linspace(0, 1, 1001, dtype=np.float32)[None]
    curve = add_contrast(levels, contrast)[0]

    assert curve[0] == 0
    assert curve[500] == pytest.approx(0.5)
    assert curve[-1] == 1
    assert (np.diff(curve) > 0).all()
    np.testing.assert_allclose(curve + curve[::-1], 1, atol=1e-6)
    slope = (curve[501] - curve[499]) / 0.002
    assert slope == pytest.approx(16**contrast, rel=0.1)


def test_opposite_contrasts_undo_each_other() -> None:
    matte = RNG.random((30, 30), np.float32)

    np.testing.assert_allclose(add_contrast(add_contrast(matte, 0.6), -0.6), matte, atol=1e-5)


@pytest.mark.parametrize("sigma_px", [1.0, 2.0, 7.9, 8.1, 20.0, 50.0])
def test_a_feathered_edge_is_the_normal_distribution(sigma_px: float) -> None:
    matte = np.zeros((8, 700), np.float32)
    matte[:, 350:] = 1
    result = feather(matte, sigma_px)

    position = np.arange(700) - 349.5
    expected = [0.5 * (1 + math.erf(x / (sigma_px * math.sqrt(2)))) for x in position]
    np.testing.assert_allclose(result, np.broadcast_to(expected, result.shape), atol=0.01)


def test_only_the_largest_part_stays_with_all_of_its_fringe() -> None:
    subject, other = disc(300, 60, 30, (110, 110)), disc(300, 25, 10, (240, 240))
    result = keep_largest(np.maximum(subject, other))

    np.testing.assert_array_equal(result, subject)


def test_a_hair_that_is_fainter_than_half_stays_and_a_ghost_goes() -> None:
    matte = disc(200, 50, 4, (100, 80))
    matte[100, 128:180] = np.linspace(0.6, 0.05, 52)  # thins out
    matte[80, 128:180] = np.where(np.arange(52) % 10 < 4, 0.8, 0.1)  # is opaque here and there
    with_ghost = matte.copy()
    with_ghost[10:20, 10:20] = 0.45
    with_ghost[180:190, 180:190] = 0.9

    np.testing.assert_array_equal(keep_largest(with_ghost), matte)


def test_faint_haze_does_not_join_two_subjects() -> None:
    subject, other = disc(300, 60, 4, (100, 100)), disc(300, 30, 4, (230, 230))
    haze = np.full((300, 300), 0.01, np.float32)
    result = keep_largest(np.maximum(np.maximum(subject, other), haze))

    assert result[subject > 0.01] == pytest.approx(subject[subject > 0.01])
    assert result[other > 0.01].max() == 0
    assert result[0, 0] == np.float32(0.01)  # goes with the nearer
    assert result[299, 299] == 0


def test_two_subjects_whose_fringes_touch_are_parted_in_the_middle_without_a_hard_cut() -> None:
    left, right = disc(200, 50, 30, (100, 60)), disc(200, 40, 30, (100, 160))
    joined = np.maximum(left, right)
    assert joined[100, 100:130].min() > 0.02
    result = keep_largest(joined)

    np.testing.assert_array_equal(result[100, :110], joined[100, :110])
    assert result[right > 0.5].max() == 0
    assert np.abs(np.diff(result[100])).max() < 0.25  # a hard cut would be of 0.37


def test_where_nothing_is_half_opaque_there_is_nothing_to_choose() -> None:
    matte = disc(60, 20, 5) * np.float32(0.4)

    assert keep_largest(matte) is matte


def test_one_subject_alone_is_left_as_it_is() -> None:
    matte = disc(60, 20, 12)

    assert keep_largest(matte) is matte


@pytest.mark.parametrize("softness", [1, 6, 12])
def test_a_hole_is_filled_up_to_its_area_without_a_dark_ring(softness: float) -> None:
    body, hole = disc(200, 80, 6), disc(200, 12, softness, (110, 90))
    matte = np.minimum(body, 1 - hole)
    area = int((matte[60:140, 60:140] < 0.5).sum())

    np.testing.assert_array_equal(fill_holes(matte, area), body)
    assert fill_holes(matte, area - 1) is matte


def test_a_hole_in_glass_gets_the_opacity_of_the_glass() -> None:
    glass = disc(160, 60, 4) * np.float32(0.8)
    matte = glass * (1 - disc(160, 10, 4, (80, 70)))

    np.testing.assert_allclose(fill_holes(matte, 1000), glass, atol=1e-6)


def test_a_hole_near_the_outer_edge_leaves_that_edge_alone() -> None:
    body = disc(200, 70, 8)
    matte = body * (1 - disc(200, 10, 4, (100, 155)))  # the wall beside it is some 4 px thick
    result = fill_holes(matte, 1000)

    outer = np.hypot(*(np.ogrid[:200, :200][axis] - 100 for axis in (0, 1))) > 69
    np.testing.assert_array_equal(result[outer], matte[outer])
    np.testing.assert_allclose(result[100, 140:164], body[100, 140:164], atol=1e-6)
    assert (result >= matte).all()


def test_what_is_open_to_the_outside_or_to_the_border_is_no_hole() -> None:
    bay = disc(120, 50)
    bay[57:64, 60:] = 0
    cut = np.ones((60, 60), np.float32)
    cut[:5, 20:30] = 0

    assert fill_holes(bay, 10**6) is bay
    assert fill_holes(cut, 10**6) is cut


def test_a_line_of_diagonal_pixels_encloses_a_hole() -> None:
    matte = np.zeros((9, 9), np.float32)
    for step in range(4):
        for y, x in ((4 - step, 1 + step), (4 + step, 1 + step), (1 + step, 4 + step), (7 - step, 4 + step)):
            matte[y, x] = 1

    filled = fill_holes(matte, 100)
    assert filled[4, 4] == 1
    assert filled[0, 0] == filled[4, 0] == 0
