from __future__ import annotations

import numpy as np
import pytest

from tests.export.stacks import HEIGHT, WIDTH, make_full_stack, make_stack
from zippo_desktop.export.layer_pictures import layer_picture, preview
from zippo_desktop.imaging.compositing import flatten
from zippo_desktop.imaging.layers import Layer, LayerStack
from zippo_desktop.imaging.matte import quantise


@pytest.mark.parametrize("bits", [8, 16])
def test_a_masked_layer_hides_nothing_under_its_transparent_parts(bits: int) -> None:
    stack = make_stack(bits)
    rgba = layer_picture(Layer("a", stack.subject, stack.matte))

    np.testing.assert_array_equal(rgba[..., 3], quantise(stack.matte, stack.subject.dtype))
    is_empty = rgba[..., 3] == 0
    assert 0 < is_empty.sum() < is_empty.size
    assert not rgba[is_empty].any()
    np.testing.assert_array_equal(rgba[~is_empty][:, :3], stack.subject[~is_empty])


def test_a_layer_without_mask_stays_as_it_is() -> None:
    pixels = make_stack().subject

    assert layer_picture(Layer("a", pixels)) is pixels


@pytest.mark.parametrize("has_background", [True, False])
def test_a_preview_of_a_small_picture_is_what_is_seen(has_background: bool) -> None:
    stack = make_full_stack(8, has_background)
    seen, small = flatten(stack), preview(stack, max(stack.size))

    assert small.shape == seen.shape == (HEIGHT, WIDTH, 3 if has_background else 4)
    np.testing.assert_allclose(small.astype(int), seen, atol=1)


def test_a_preview_has_the_colours_of_the_subject_alone() -> None:
    colours = np.zeros((900, 1500, 3), np.uint16)
    matte = np.zeros((900, 1500), np.float32)
    matte[:, 333:1111] = 1
    colours[:, :333, 1] = colours[:, 1111:, 1] = 65535  # a green background under the matte's zeros
    colours[:, 333:1111, 0] = 65535

    small = preview(LayerStack(colours, matte), 100)

    assert small.shape == (60, 100, 4)
    assert not small[..., 1].any()
    is_seen = small[..., 3] > 0
    assert (small[is_seen][:, 0] == 255).all()
    assert small[..., 3].mean() == pytest.approx(255 * (1111 - 333) / 1500, abs=1)


@pytest.mark.parametrize("shape", [(8, 30_001), (30_001, 8), (1, 1)])
def test_a_preview_has_at_least_one_pixel_along_a_side(shape: tuple[int, int]) -> None:
    small = preview(LayerStack(np.full((*shape, 3), 9, np.uint8), np.ones(shape, np.float32)), 160)

    assert max(small.shape[:2]) == min(160, max(shape))
    assert min(small.shape[:2]) == 1
    assert (small == [9, 9, 9, 255]).all()
