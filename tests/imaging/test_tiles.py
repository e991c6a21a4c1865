from __future__ import annotations

import numpy as np
import pytest

from zippo_desktop.imaging.boxes import Box, box_of, whole_of
from zippo_desktop.imaging.tiles import blend_window, tiles


def test_a_box_cuts_out_what_it_names() -> None:
    picture = np.arange(30).reshape(5, 6)
    box = Box(1, 2, 3, 6)

    np.testing.assert_array_equal(picture[box.slices], [[8, 9, 10, 11], [14, 15, 16, 17]])
    assert (box.height, box.width, box.area) == (2, 4, 8)
    assert whole_of(picture.shape) == Box(0, 0, 5, 6)


def test_a_grown_box_ends_with_the_picture() -> None:
    assert Box(3, 10, 5, 20).grown(4, 100, 22) == Box(0, 6, 9, 22)


def test_the_smallest_box_of_a_mask() -> None:
    mask = np.zeros((9, 9), np.bool_)
    assert box_of(mask) is None

    mask[2, 3] = mask[5, 7] = True
    assert box_of(mask) == Box(2, 3, 6, 8)


def test_a_scaled_box_covers_all_that_it_covered() -> None:
    assert Box(1, 1, 2, 3).scaled((4, 4), (10, 6)) == Box(2, 1, 5, 5)
    assert Box(0, 0, 4, 4).scaled((4, 4), (10, 6)) == Box(0, 0, 10, 6)


@pytest.mark.parametrize("size", [(1, 1), (10, 7), (10, 21), (23, 10)])
def test_tiles_cover_a_picture_once(size: tuple[int, int]) -> None:
    count = np.zeros(size, int)
    for box in tiles(*size, side=10):
        assert max(box.height, box.width) <= 10
        count[box.slices] += 1

    np.testing.assert_array_equal(count, 1)


def test_a_blend_window_falls_to_nothing_inside_the_picture_and_not_at_its_border() -> None:
    window = blend_window(Box(0, 20, 30, 60), 100, 100, margin_px=8)

    assert window.shape == (30, 40)
    np.testing.assert_array_equal(window[:22, 8:-8], 1)
    assert window[0, 20] == 1
    assert window[-1].max() < 0.02
    assert window[:, [0, -1]].max() < 0.02
    assert (np.diff(window[0, :20]) >= 0).all()
