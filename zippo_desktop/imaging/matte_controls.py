"""The matte's own sliders, as retouchers know them: in floating point, and all off by default."""

from __future__ import annotations

import math
from dataclasses import dataclass

from zippo_desktop.errors import UsageError

MAX_EXPAND_PX = 100.0
MAX_FEATHER_PX = 250.0


@dataclass(frozen=True)
class MatteControls:
    """What is done to a matte [H,W] of the photo's size, in this order. Lengths are in its pixels.

    Raises `UsageError` for values that make no sense.
    """

    keep_largest: bool = False  # only the largest connected part stays
    fill_holes_px: int = 0  # transparent holes of at most so many pixels of area are filled; 0 fills none
    expand_px: float = 0.0  # the edge moves outward, or inward where negative
    contrast: float = 0.0  # 0 leaves the soft edge, 1 makes it nearly hard, negative softens
    feather_px: float = 0.0  # standard deviation of a Gaussian blur

    def __post_init__(self) -> None:
        if not isinstance(self.keep_largest, bool):
            raise UsageError(f"keep_largest is {self.keep_largest!r}.", "It is true or false.")
        if isinstance(self.fill_holes_px, float):
            raise UsageError(f"fill_holes_px is {self.fill_holes_px!r}.", "It is a whole number of pixels.")
        _check_range("fill_holes_px", self.fill_holes_px, 0, math.inf)
        _check_range("expand_px", self.expand_px, -MAX_EXPAND_PX, MAX_EXPAND_PX)
        _check_range("contrast", self.contrast, -1, 1)
        _check_range("feather_px", self.feather_px, 0, MAX_FEATHER_PX)


def _check_range(name: str, value: float, low: float, high: float) -> None:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not (is_number and low <= value <= high):  # NaN is in no range
        upper = f"at most {high:g}" if math.isfinite(high) else "any number above"
        raise UsageError(f"{name} is {value!r}.", f"It is at least {low:g} and {upper}.")
