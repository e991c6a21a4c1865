"""The matte's own sliders, as retouchers know them: in floating point, and all off by default."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class MatteControls:
    """What is done to a matte [H,W] of the photo's size, in this order. Lengths are in its pixels."""

    keep_largest: bool = False  # only the largest connected part stays
    fill_holes_px: int = 0  # transparent holes of at most so many pixels of area are filled; 0 fills none
    expand_px: float = 0.0  # the edge moves outward, or inward where negative
    contrast: float = 0.0  # 0 leaves the soft edge, 1 makes it nearly hard, negative softens
    feather_px: float = 0.0  # standard deviation of a Gaussian blur
