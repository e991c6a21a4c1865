from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.export.stacks import make_full_stack, make_stack
from zippo_desktop.export.depth import convert_depth
from zippo_desktop.imaging.compositing import flatten


def test_16_bit_colours_are_those_of_8_bit() -> None:
    stack = make_full_stack(8)
    deep = convert_depth(stack, "16")

    for name in ("subject", "original", "background"):
        np.testing.assert_array_equal(getattr(deep, name), getattr(stack, name) * np.uint16(257), strict=True)


def test_8_bit_colours_are_rounded_to_the_nearest() -> None:
    stack = make_full_stack(16)
    shallow = convert_depth(stack, "8")

    for name in ("subject", "original", "background"):
        nearest = np.rint(getattr(stack, name) / 257).astype(np.uint8)
        np.testing.assert_array_equal(getattr(shallow, name), nearest, strict=True)


def test_a_soft_edge_gets_more_steps_at_16_bit() -> None:
    deep = convert_depth(make_stack(8), "16")
    steps = np.unique(flatten(deep)[..., 3])

    assert len(steps) > 3000
    assert (steps % 257 != 0).any()


@pytest.mark.parametrize(("bits", "depth"), [(8, "photo"), (16, "photo"), (8, "8"), (16, "16")])
def test_what_has_the_depth_is_handed_back(bits: int, depth: str) -> None:
    stack = make_stack(bits)

    assert convert_depth(stack, depth) is stack


def test_what_is_not_there_stays_away_and_what_is_shared_stays_shared() -> None:
    stack = make_stack(8, has_original=False)

    assert convert_depth(stack, "16").original is None
    shared = convert_depth(replace(stack, original=stack.subject), "16")
    assert shared.original is shared.subject
