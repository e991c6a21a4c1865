"""Unfinished pictures: what the network believes in the middle of its steps, for the eye alone."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from zippo_desktop.diffusion.latents import Array
from zippo_desktop.imaging.backdrop import remove_backdrop
from zippo_desktop.imaging.layers import Matte
from zippo_desktop.pipelines.pictures import to_uint8

Rgba = NDArray[np.uint8]  # [h,w,4] straight
# Told after every step but the last how to make the preview, which costs a pass through the decoder:
# whoever is told makes it, or leaves it.
OnPreview = Callable[[Callable[[], Rgba]], None]


def cut_preview(colours: Array, matte: Matte) -> Rgba:
    """Colours [h,w,3] over the grey backdrop and their matte [h,w], all in 0..1, as one picture."""
    return np.dstack([to_uint8(remove_backdrop(colours, matte)), to_uint8(matte)])
