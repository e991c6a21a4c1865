"""Between 8 and 16 bits for each channel of a layer stack."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from zippo_desktop.export.writing import Depth
from zippo_desktop.imaging.colour import to_8_bit
from zippo_desktop.imaging.layers import LayerStack, Pixels

Colour = TypeVar("Colour", Pixels, Pixels | None)

_DTYPES = {"8": np.uint8, "16": np.uint16}


def convert_depth(stack: LayerStack, depth: Depth) -> LayerStack:
    """The same layers with 8 or 16 bits for each channel, or as the photo has them.

    8 bits are scaled by 257, so that white stays white; 16 are rounded to the nearest. Matte and shadow
    are floats: at 16 bits they are written with all of their steps, whatever the photo had.
    """
    if depth == "photo" or stack.subject.dtype == _DTYPES[depth]:
        return stack
    subject = _converted(stack.subject, depth)
    original = subject if stack.original is stack.subject else _converted(stack.original, depth)
    return replace(stack, subject=subject, original=original, background=_converted(stack.background, depth))


def _converted(pixels: Colour, depth: Depth) -> Colour:
    if pixels is None:
        return None
    return to_8_bit(pixels) if depth == "8" else to_16_bit(pixels)


def to_16_bit(pixels: Pixels) -> NDArray[np.uint16]:
    """Samples of 8 bit to 16: 255 becomes 65535."""
    return pixels.astype(np.uint16) * np.uint16(257)
