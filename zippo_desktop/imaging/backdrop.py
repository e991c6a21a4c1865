"""The plain grey that zippo's generative branches paint on, and its exact removal.

Painting and joint generation are trained on whole subjects over `STUDIO_GREY`. Since that backdrop
is known, the straight colour under a soft matte follows in closed form instead of by estimation.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from zippo_desktop.imaging.compositing import over

Array = NDArray[np.float32]

STUDIO_GREY = 0.5
MIN_ALPHA = 0.02  # below it the colour is lost in quantisation and is left as it is


def add_backdrop(foreground: Array, matte: Array) -> Array:
    """Straight colour [H,W,3] over the grey, by its matte [H,W]; the inverse of `remove_backdrop`."""
    return over(foreground, matte, np.full(3, STUDIO_GREY, np.float32))


def remove_backdrop(image: Array, matte: Array) -> Array:
    """Straight foreground colour [H,W,3] of `image` = F a + grey (1 - a), all float32 in 0..1.

    `matte` is [H,W]. Where it is below `MIN_ALPHA` the picture's own colour is returned.
    """
    alpha = matte[..., None]
    foreground = (image - STUDIO_GREY * (1.0 - alpha)) / np.maximum(alpha, MIN_ALPHA)
    return np.where(alpha < MIN_ALPHA, image, np.clip(foreground, 0.0, 1.0)).astype(np.float32)
