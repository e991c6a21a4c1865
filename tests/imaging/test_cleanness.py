import numpy as np
import pytest

from zippo_desktop.imaging.cleanness import cleanness, cleared, is_clipped


def square(top, left, side, frame=40):
    matte = np.zeros((frame, frame), np.float32)
    matte[top : top + side, left : left + side] = 1.0
    return matte


def test_each_condition_of_a_clean_cut_out():
    whole = cleanness(square(10, 10, 20))
    assert (whole.largest_part, whole.area, whole.touches_border) == (1.0, 0.25, False)
    assert whole.is_clean
    speck = cleanness(square(10, 10, 4))
    assert (speck.is_one_part, speck.has_fair_area, speck.is_clean) == (True, False, False)
    assert not cleanness(square(1, 1, 38)).has_fair_area
    at_border = cleanness(square(0, 10, 20))
    assert (at_border.touches_border, at_border.is_clean) == (True, False)
    torn = cleanness(square(4, 4, 10) + square(25, 25, 10))
    assert torn.largest_part == pytest.approx(0.5)
    assert (torn.is_one_part, torn.has_fair_area, torn.is_clean) == (False, True, False)
    assert cleanness(np.zeros((8, 8), np.float32)).largest_part == 0.0


def test_dust_under_five_percent_is_still_one_part():
    assert cleanness(square(10, 10, 20) + square(2, 2, 4)).is_one_part  # 16 of 416 pixels
    assert not cleanness(square(10, 10, 20) + square(2, 2, 5)).is_one_part  # 25 of 425


def test_what_meets_more_conditions_ranks_higher_then_what_is_less_torn():
    clean, dusty = square(10, 10, 20), square(10, 10, 20) + square(2, 2, 4)
    torn, clipped_and_torn = square(4, 4, 10) + square(25, 25, 8), square(0, 4, 10) + square(25, 25, 4)
    ranked = sorted((torn, clean, clipped_and_torn, dusty), key=lambda matte: cleanness(matte).rank)
    for found, expected in zip(ranked, (clipped_and_torn, torn, dusty, clean), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_an_object_at_the_border_counts_as_clipped():
    alpha = np.zeros((50, 50), np.uint8)
    alpha[10:40, 10:40] = 255
    assert not is_clipped(alpha)
    alpha[10:50, 20:30] = 255
    assert is_clipped(alpha)


def glass_in_haze():
    """A ring with a clear middle and a soft rim, haze all over the frame, and two specks."""
    y, x = np.mgrid[:128, :128] - 63.5
    reach = np.hypot(x, y)
    ring = np.clip(1 - np.abs(reach - 30) / 4, 0.05, 1).astype(np.float32)
    ring[4:8, 4:8] = ring[100:103, 110:114] = 0.8
    return ring, reach


def test_haze_and_specks_around_an_object_go_and_nothing_of_the_object():
    matte, reach = glass_in_haze()
    clear = cleared(matte)
    np.testing.assert_array_equal(clear[reach < 35], matte[reach < 35])
    assert not clear[reach > 38].any()
    assert cleanness(clear).largest_part > cleanness(matte).largest_part + 0.05


def test_a_second_thing_of_some_size_stays():
    matte = square(4, 4, 16) + square(30, 30, 5)
    np.testing.assert_array_equal(cleared(matte), matte)


@pytest.mark.parametrize("value", [0.0, 0.05, 1.0])
def test_an_even_matte_is_nothing_or_stays(value):
    matte = np.full((12, 9), value, np.float32)
    np.testing.assert_array_equal(cleared(matte), matte if value == 1 else np.zeros_like(matte))
