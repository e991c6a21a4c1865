"""Where a closer look is taken, when it is believed, and how it goes back into the whole."""

import numpy as np
import pytest

from zippo_desktop.imaging.boxes import Box
from zippo_desktop.pipelines import second_pass


def matte_with(*boxes, size=(96, 128)):
    matte = np.zeros(size, np.float32)
    for box in boxes:
        matte[box.slices] = 1
    return matte


def test_a_small_subject_is_looked_at_with_a_margin():
    box = second_pass.close_up(matte_with(Box(40, 50, 60, 70)), 960, 1280)
    margin = round(second_pass.MARGIN * 200)
    assert box == Box(400 - margin, 500 - margin, 600 + margin, 700 + margin)


def test_a_subject_that_fills_its_frame_is_not_looked_at_again():
    assert second_pass.close_up(matte_with(Box(10, 10, 90, 110)), 960, 1280) is None


def test_nothing_is_looked_at_where_nothing_was_found():
    assert second_pass.close_up(np.full((96, 128), 0.04, np.float32), 960, 1280) is None


def test_a_faint_subject_is_a_subject():
    assert second_pass.close_up(0.3 * matte_with(Box(40, 50, 60, 70)), 960, 1280) is not None


def test_several_subjects_are_looked_at_together_and_specks_are_not():
    both = matte_with(Box(30, 40, 50, 50), Box(40, 70, 60, 90))
    with_speck = both.copy()
    with_speck[90:92, 120:123] = 1
    box = second_pass.close_up(both, 960, 1280)
    assert box is not None
    assert box.left <= 400
    assert box.right >= 900
    assert second_pass.close_up(with_speck, 960, 1280) == box


def test_a_subject_at_the_border_has_its_margin_where_there_is_room():
    box = second_pass.close_up(matte_with(Box(0, 50, 20, 70)), 960, 1280)
    assert box is not None
    assert box.top == 0
    assert box.bottom > 200
    assert box.width == box.height


def test_the_closer_look_is_square_where_the_photo_is_high_enough():
    box = second_pass.close_up(matte_with(Box(40, 30, 50, 90)), 960, 1280)
    assert box is not None
    assert (box.left, box.right) == (300 - 120, 900 + 120)
    assert box.height == box.width == 840
    flat = second_pass.close_up(matte_with(Box(10, 30, 20, 90), size=(32, 128)), 320, 1280)
    assert flat is not None
    assert (flat.top, flat.bottom) == (0, 320)


def test_a_closer_look_that_sees_something_else_does_not_agree():
    first, box = matte_with(Box(40, 50, 60, 70)), Box(360, 460, 640, 740)
    closer = matte_with(Box(18, 18, 110, 110), size=(128, 128))
    assert second_pass.agreement(first, closer, box, 960, 1280) > 0.9
    for other in (1 - closer, np.zeros_like(closer)):
        assert second_pass.agreement(first, other, box, 960, 1280) < second_pass.LEAST_AGREEMENT


@pytest.mark.parametrize(
    ("alpha", "agreement", "is_believed"),
    [(0.2, 0.05, False), (0.2, 0.15, True), (0.9, 0.15, False), (0.9, 0.55, False), (0.9, 0.65, True)],
)
def test_a_decided_first_matte_is_overruled_by_a_look_that_agrees_alone(alpha, agreement, is_believed):
    first = np.full((96, 128), alpha, np.float32)
    assert second_pass.is_believed(agreement, first, Box(0, 0, 480, 480), 960, 1280) == is_believed
    few_pixels = Box(0, 0, 470, 470)  # it may be decided and still too coarse
    assert second_pass.is_believed(agreement, first, few_pixels, 960, 1280) == (agreement > 0.1)


def test_the_overlap_is_the_shared_part_of_all_that_either_has():
    one, other = matte_with(Box(0, 0, 10, 10)), 0.5 * matte_with(Box(0, 5, 10, 10))
    assert second_pass.overlap(one, one) == 1
    assert second_pass.overlap(one, other) == second_pass.overlap(other, one) == 0.25
    assert second_pass.overlap(one, matte_with(Box(20, 20, 30, 30))) == 0
    assert second_pass.overlap(np.zeros((2, 2), np.float32), np.zeros((2, 2), np.float32)) == 1


@pytest.mark.parametrize("size", [(960, 1280), (3000, 4000)])
def test_the_joined_matte_has_the_closer_looks_detail_inside_and_the_first_matte_outside(size):
    image = np.full((*size, 3), 90, np.uint8)
    first = np.full((96, 128), 0.25, np.float32)
    box = Box(size[0] // 4, size[1] // 4, size[0] // 2, size[1] // 2)
    stripes = np.tile(np.float32([0, 1]), (96, 64))
    joined = second_pass.join(first, stripes, box, image)
    inner = box.scaled(size, joined.shape)
    assert max(joined.shape) == min(round(128 * size[1] / box.width), second_pass.LONGEST_PX)
    outside = np.ones(joined.shape, bool)
    outside[inner.slices] = False
    np.testing.assert_allclose(joined[outside], 0.25, atol=1e-6)
    middle = joined[inner.slices][20:-20, 20:-20]
    np.testing.assert_allclose(
        middle[:, :2], stripes[20:22, 20:22].repeat(1, 0)[:1].repeat(len(middle), 0), atol=1e-5
    )


def test_the_border_of_the_closer_look_shows_no_seam():
    image = np.full((960, 1280, 3), 90, np.uint8)
    joined = second_pass.join(
        np.zeros((96, 128), np.float32), np.ones((128, 128), np.float32), Box(200, 300, 600, 700), image
    )
    assert np.abs(np.diff(joined, axis=0)).max() < 0.3
    assert joined.max() == 1
