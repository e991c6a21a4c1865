from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from zippo_desktop.errors import InputError
from zippo_desktop.imaging.arrangement import Margin
from zippo_desktop.imaging.boxes import Box, subject_box
from zippo_desktop.imaging.compositing import over
from zippo_desktop.imaging.framing import choose_frame, crop_box, reframe
from zippo_desktop.imaging.layers import LayerStack

RNG = np.random.default_rng(0)
DTYPES = [np.uint8, np.uint16]


def box_matte(height: int, width: int, box: Box) -> NDArray[np.float32]:
    matte = np.zeros((height, width), np.float32)
    matte[box.slices] = 1
    return matte


def noise(height: int, width: int, dtype: type = np.uint8) -> NDArray:
    return RNG.integers(0, np.iinfo(dtype).max, (height, width, 3), dtype, endpoint=True)


def stack_of(matte: NDArray, dtype: type = np.uint8) -> LayerStack:
    return LayerStack(noise(*matte.shape, dtype), matte, noise(*matte.shape, dtype))


@pytest.mark.parametrize("factor", [1, 3])  # below and above the size in which parts are told apart
def test_the_box_is_exact(factor: int) -> None:
    box = Box(53 * factor, 101 * factor, 441 * factor + 2, 307 * factor + 1)

    assert subject_box(box_matte(500 * factor, 700 * factor, box)) == box


def test_a_speck_does_not_widen_the_box_but_a_second_part_does() -> None:
    box = Box(400, 400, 1000, 1000)
    matte = box_matte(2000, 3000, box)
    matte[50:60, 2900:2910] = 1  # 100 of 360,000
    assert subject_box(matte) == box

    matte[50:100, 2900:2950] = 0.5
    assert subject_box(matte) == Box(50, 400, 1000, 2950)


def test_a_faint_matte_is_no_part_of_the_subject() -> None:
    box = Box(30, 20, 70, 60)
    matte = np.maximum(box_matte(100, 100, box), np.float32(0.04))

    assert subject_box(matte) == box
    assert subject_box(np.full((10, 10), 0.04, np.float32)) is None


def test_thin_hair_counts() -> None:
    matte = box_matte(3000, 3000, Box(1000, 1000, 2000, 2000))
    matte[400:1000, 1500] = 0.6

    assert subject_box(matte) == Box(400, 1000, 2000, 2000)


def test_an_empty_and_a_full_matte() -> None:
    assert subject_box(np.zeros((7, 9), np.float32)) is None
    assert subject_box(np.ones((7, 9), np.float32)) == Box(0, 0, 7, 9)
    assert subject_box(np.ones((1, 1), np.float32)) == Box(0, 0, 1, 1)


def test_margins_are_pixels_or_a_share_of_the_longer_side() -> None:
    subject = Box(50, 100, 150, 300)

    assert crop_box(subject, Margin(7, is_share=False)) == Box(43, 93, 157, 307)
    assert crop_box(subject, Margin(0.05, is_share=True)) == Box(40, 90, 160, 310)


@pytest.mark.parametrize(("aspect", "size"), [(1.0, (200, 200)), (4 / 5, (200, 250)), (3.0, (300, 100))])
def test_the_crop_grows_to_its_aspect_about_the_middle(aspect: float, size: tuple[int, int]) -> None:
    box = crop_box(Box(50, 100, 150, 300), Margin(0, is_share=False), aspect)

    assert (box.width, box.height) == size
    assert (box.left + box.right, box.top + box.bottom) == (400, 200)


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_crop_keeps_the_pixels_themselves(dtype: type) -> None:
    stack = stack_of(box_matte(60, 80, Box(20, 30, 40, 50)), dtype)
    cropped = reframe(stack, choose_frame(stack.matte, margin=Margin(5, is_share=False)))

    assert cropped.size == (30, 30)
    for plane, whole in [
        (cropped.subject, stack.subject),
        (cropped.original, stack.original),
        (cropped.matte, stack.matte),
    ]:
        np.testing.assert_array_equal(plane, whole[15:45, 25:55])
    assert cropped.original_mask is None
    assert cropped.subject.dtype == dtype


def test_beyond_the_photo_there_is_nothing() -> None:
    stack = stack_of(box_matte(60, 80, Box(20, 0, 40, 20)))
    cropped = reframe(stack, choose_frame(stack.matte, margin=Margin(10, is_share=False)))

    assert cropped.size == (40, 40)
    assert cropped.matte[:, :10].max() == 0
    np.testing.assert_array_equal(cropped.original_mask[:, :10], 0)
    np.testing.assert_array_equal(cropped.original_mask[:, 10:], 1)
    np.testing.assert_array_equal(cropped.original[:, 10:], stack.original[10:50, :30])
    np.testing.assert_array_equal(cropped.subject[:, 0], cropped.subject[:, 10])


def test_all_planes_are_framed() -> None:
    stack = stack_of(box_matte(60, 80, Box(20, 30, 40, 50)))
    stack = LayerStack(
        stack.subject,
        stack.matte,
        stack.original,
        background=noise(60, 80),
        shadow=RNG.random((60, 80), np.float32),
        original_mask=RNG.random((60, 80), np.float32),
    )
    cropped = reframe(stack, choose_frame(stack.matte, margin=Margin(0, is_share=False)))

    for name in ("background", "shadow", "original_mask"):
        np.testing.assert_array_equal(getattr(cropped, name), getattr(stack, name)[20:40, 30:50])


def test_a_photo_that_is_its_own_subject_is_not_held_twice() -> None:
    photo = noise(60, 80)
    stack = LayerStack(photo, box_matte(60, 80, Box(20, 30, 40, 50)), photo)
    cropped = reframe(stack, choose_frame(stack.matte, margin=Margin(0, is_share=False)))

    assert cropped.original is cropped.subject


@pytest.mark.parametrize("matte", [np.zeros((60, 80), np.float32), np.ones((60, 80), np.float32)])
def test_an_empty_or_a_full_matte_leaves_the_whole_frame(matte: NDArray) -> None:
    stack = stack_of(matte)

    assert reframe(stack, choose_frame(matte, margin=Margin(0, is_share=False), aspect=4 / 3)) is stack


@pytest.mark.parametrize("size", [(400, 400), (300, 500), (1111, 77)])
@pytest.mark.parametrize("subject", [Box(300, 700, 1150, 1303), Box(20, 10, 45, 50), Box(0, 0, 1200, 1600)])
def test_the_subject_takes_its_share_of_the_canvas(size: tuple[int, int], subject: Box) -> None:
    stack = stack_of(box_matte(1200, 1600, subject))
    placed = reframe(stack, choose_frame(stack.matte, canvas=size, subject_share=0.8))
    seen = np.argwhere(placed.matte > 0.5)
    top, left = seen.min(axis=0)
    bottom, right = seen.max(axis=0) + 1

    assert placed.size == size
    share = max((right - left) / size[0], (bottom - top) / size[1])
    assert share == pytest.approx(0.8, abs=1.01 / min(size))
    assert abs(left + right - size[0]) <= 2
    assert abs(top + bottom - size[1]) <= 2
    assert (right - left) / (bottom - top) == pytest.approx(subject.width / subject.height, rel=0.03)


def test_a_crop_on_a_canvas_keeps_only_its_part_of_the_photo() -> None:
    stack = stack_of(box_matte(200, 200, Box(80, 80, 120, 120)))
    frame = choose_frame(stack.matte, margin=Margin(10, is_share=False), canvas=(400, 400), subject_share=0.5)

    framed = reframe(stack, frame)

    assert framed.size == (400, 400)
    assert framed.original_mask is not None
    np.testing.assert_array_equal(np.argwhere(framed.original_mask > 0)[[0, -1]], [[50, 50], [349, 349]])


@pytest.mark.parametrize(("edge", "size"), [(40, (40, 30)), (80, (80, 60)), (500, (80, 60)), (1, (1, 1))])
def test_the_long_edge_only_scales_down(edge: int, size: tuple[int, int]) -> None:
    stack = stack_of(np.ones((60, 80), np.float32))

    assert reframe(stack, choose_frame(stack.matte, long_edge_px=edge)).size == size


def test_a_canvas_is_scaled_to_its_long_edge_in_one_go() -> None:
    stack = stack_of(box_matte(120, 160, Box(30, 40, 90, 120)))
    direct = reframe(stack, choose_frame(stack.matte, canvas=(50, 40)))
    both = reframe(stack, choose_frame(stack.matte, canvas=(100, 80), long_edge_px=50))

    np.testing.assert_array_equal(direct.matte, both.matte)
    np.testing.assert_array_equal(direct.subject, both.subject)


@pytest.mark.parametrize("dtype", DTYPES)
def test_shrinking_averages(dtype: type) -> None:
    stack = stack_of(np.ones((60, 80), np.float32), dtype)
    small = reframe(stack, choose_frame(stack.matte, long_edge_px=20))
    means = stack.subject.reshape(15, 4, 20, 4, 3).mean(axis=(1, 3))

    np.testing.assert_allclose(small.subject, means, atol=1)
    assert small.subject.dtype == small.original.dtype == dtype


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("side", [13, 31, 200])
@pytest.mark.parametrize("beside", [(0, 0, 0), (0, 255, 0)])
def test_what_lies_beside_a_hard_edge_never_mixes_into_it(dtype: type, side: int, beside: tuple) -> None:
    full = np.iinfo(dtype).max // 255
    matte = np.zeros((64, 64), np.float32)
    cv2.circle(matte, (32, 32), 20, 1, -1)
    red = np.array((255, 20, 10), dtype) * dtype(full)
    colour = np.where(matte[..., None] > 0, red, np.array(beside, dtype) * dtype(full)).astype(dtype)
    stack = LayerStack(colour, matte)

    framed = reframe(stack, choose_frame(matte, canvas=(side, side)))

    shown = framed.matte > 0.01
    error = abs(framed.subject[shown].astype(float) - red) * framed.matte[shown][:, None]
    assert error.max() <= 0.005 * 255 * full


def test_scaling_and_laying_over_a_background_change_places() -> None:
    stack = stack_of(RNG.random((60, 80), np.float32))
    small = reframe(stack, choose_frame(stack.matte, long_edge_px=20))
    white = np.full(3, 255, np.uint8)
    flat = over(stack.subject, stack.matte, white).reshape(15, 4, 20, 4, 3).mean(axis=(1, 3))

    np.testing.assert_allclose(over(small.subject, small.matte, white), flat, atol=2)


@pytest.mark.parametrize("dtype", DTYPES)
def test_enlarging_does_not_ring(dtype: type) -> None:
    matte = box_matte(20, 20, Box(5, 5, 15, 15))
    stack = LayerStack(np.full((20, 20, 3), np.iinfo(dtype).max, dtype), matte)

    framed = reframe(stack, choose_frame(matte, canvas=(211, 211)))

    assert framed.matte.min() == 0
    assert framed.matte.max() == 1
    np.testing.assert_array_equal(framed.subject, np.iinfo(dtype).max)
    inside = framed.matte[105]
    assert np.all(np.diff(inside[:105]) > -1e-6)  # up once, with neither dip nor bump
    assert np.all(np.diff(inside[106:]) < 1e-6)


def test_enlarging_is_sharper_than_linear() -> None:
    matte = box_matte(40, 40, Box(10, 10, 30, 30))
    framed = reframe(LayerStack(noise(40, 40), matte), choose_frame(matte, canvas=(160, 160)))

    steps = np.diff(framed.matte[80])
    assert steps.max() > 1.1 * 20 / 136  # of linear, whose edge is one source pixel wide


@pytest.mark.parametrize("value", [0, 1])
def test_a_single_pixel(value: int) -> None:
    stack = stack_of(np.full((1, 1), value, np.float32))

    assert reframe(stack, choose_frame(stack.matte, margin=Margin(3, False))).size == (1 + 6 * value,) * 2
    assert reframe(stack, choose_frame(stack.matte, canvas=(30, 20))).size == (30, 20)
    assert reframe(stack, choose_frame(stack.matte, long_edge_px=1)) is stack


def test_a_frame_beyond_all_measure_is_refused() -> None:
    with pytest.raises(InputError, match="pixels"):
        choose_frame(np.ones((10, 10), np.float32), margin=Margin(10_000, is_share=False))
