"""Laying a cut-out over a background, and a whole layer stack into one picture."""

from __future__ import annotations

from typing import Literal, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from zippo_desktop.imaging.layers import LayerStack, Matte, Pixels
from zippo_desktop.imaging.matte import quantise

Samples = TypeVar("Samples", NDArray[np.float32], NDArray[np.uint8], NDArray[np.uint16], Pixels)

UnderAlpha = Literal["scrub", "keep"]  # colour where nothing is seen: black, or as it is

STRIP_ROWS = 256
LIGHT, DARK = np.float32(0.8), np.float32(0.6)


def over(foreground: Samples, matte: Matte, background: Samples) -> Samples:
    """Composite straight colour: F a + B (1 - a), after Porter and Duff (SIGGRAPH 1984).

    `foreground` is [H,W,3], `matte` [H,W] in 0..1, `background` [H,W,3] or one colour [3], all of
    one type; the result is [H,W,3] of that type, integers rounded.
    """
    alpha = matte[..., None]
    behind = background.astype(np.float32)
    composite = behind + alpha * (foreground - behind)
    if np.issubdtype(foreground.dtype, np.integer):
        np.rint(composite, out=composite)
    return composite.astype(foreground.dtype)  # type: ignore[return-value]


def checkerboard(height: int, width: int, square_px: int = 8) -> NDArray[np.float32]:
    """The usual picture of transparency: light and dark grey squares, [h,w,3] float32 in 0..1."""
    rows, columns = np.arange(height) // square_px, np.arange(width) // square_px
    is_dark = (rows[:, None] + columns) % 2 == 1
    return np.repeat(np.where(is_dark, DARK, LIGHT)[..., None], 3, axis=2)


def flatten(stack: LayerStack, under_alpha: UnderAlpha = "scrub") -> Pixels:
    """What is seen of a stack, of its own type: RGB [H,W,3] over a background, else straight RGBA [H,W,4].

    Where RGBA is wholly transparent its colour is black, so that a hidden background cannot be made to
    show again, unless `under_alpha` keeps it. Works in strips of rows: it needs little more than its result.
    """
    channels = 4 if stack.background is None else 3
    flat = np.empty((*stack.matte.shape, channels), stack.subject.dtype)
    for start in range(0, len(flat), STRIP_ROWS):
        rows = slice(start, start + STRIP_ROWS)
        if stack.background is None:
            _flatten_transparent(stack, rows, flat[rows], under_alpha)
        else:
            behind = stack.background[rows]
            if stack.shadow is not None:
                behind = over(np.zeros_like(behind), stack.shadow[rows], behind)
            flat[rows] = over(stack.subject[rows], stack.matte[rows], behind)
    return flat


def _flatten_transparent(stack: LayerStack, rows: slice, flat: Pixels, under_alpha: UnderAlpha) -> None:
    """Fill `flat` [h,W,4]: the subject over its black shadow, straight."""
    colour, alpha = stack.subject[rows], stack.matte[rows]
    if stack.shadow is not None:
        total = alpha + stack.shadow[rows] * (1 - alpha)
        share = np.divide(alpha, total, out=np.ones_like(total), where=total > 0)
        colour, alpha = over(colour, share, np.zeros_like(colour)), total
    cv2.cvtColor(colour, cv2.COLOR_RGB2RGBA, dst=flat)
    flat[..., 3] = quantise(alpha, flat.dtype)
    if under_alpha == "scrub":  # whole pixels at a time: six times as fast as by channels
        pixels = flat.view(np.uint32 if flat.dtype == np.uint8 else np.uint64)[..., 0]
        np.multiply(pixels, flat[..., 3] > 0, out=pixels)
