"""Layers as pictures without masks, and a whole stack as a small preview."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from zippo_desktop.imaging.colour import to_8_bit
from zippo_desktop.imaging.compositing import flatten
from zippo_desktop.imaging.layers import Layer, LayerStack, Pixels
from zippo_desktop.imaging.resize import resize

_SAMPLES_PER_PX = 4  # along a side of a preview


def layer_picture(layer: Layer) -> Pixels:
    """The layer as RGB [H,W,3], or with its mask applied as straight RGBA [H,W,4], black where that is 0."""
    return layer.pixels if layer.mask is None else flatten(LayerStack(layer.pixels, layer.mask))


def preview(stack: LayerStack, side_px: int) -> NDArray[np.uint8]:
    """What is seen of the stack, its longer side at most `side_px`: RGB [h,w,3] or straight RGBA [h,w,4].

    Made from a grid of the pixels, some in each of the preview's, so that it costs next to nothing.
    """
    factor = min(1.0, side_px / max(stack.size))
    width, height = (max(1, round(side * factor)) for side in stack.size)
    step = max(1, max(stack.size) // (side_px * _SAMPLES_PER_PX))
    seen = to_8_bit(flatten(_sampled(stack, step))).astype(np.float32)
    if seen.shape[2] == 4:
        seen[..., :3] *= seen[..., 3:] / 255  # colour without opacity has no say in the mean
    small = resize(seen, height, width)
    if seen.shape[2] == 4:
        small[..., :3] /= np.maximum(small[..., 3:], 1e-3) / 255
    return np.rint(np.clip(small, 0, 255)).astype(np.uint8)


def _sampled(stack: LayerStack, step: int) -> LayerStack:
    """Every `step`-th row and column of all that is seen."""
    grid = np.s_[::step, ::step]
    return LayerStack(
        stack.subject[grid],
        stack.matte[grid],
        background=None if stack.background is None else stack.background[grid],
        shadow=None if stack.shadow is None else stack.shadow[grid],
    )
