"""Laying a cut-out over a background."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from zippo_desktop.imaging.layers import Matte

Samples = TypeVar("Samples", NDArray[np.float32], NDArray[np.uint8], NDArray[np.uint16])

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
    return composite.astype(foreground.dtype)


def checkerboard(height: int, width: int, square_px: int = 8) -> NDArray[np.float32]:
    """The usual picture of transparency: light and dark grey squares, [h,w,3] float32 in 0..1."""
    rows, columns = np.arange(height) // square_px, np.arange(width) // square_px
    is_dark = (rows[:, None] + columns) % 2 == 1
    return np.repeat(np.where(is_dark, DARK, LIGHT)[..., None], 3, axis=2)
