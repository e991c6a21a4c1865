"""What surrounds the subject in the result: frame, canvas, size, background and shadow."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Arrangement:
    """Plain values, as presets and the command line give them; None, or the default, changes nothing."""

    crop: str | None = None  # margin round the subject: "5%" of its longer side, or "40px"
    aspect: str | None = None  # of the crop, "4:5": the frame grows to it
    canvas: str | None = None  # "2000x2000": the subject is placed on it, scaled and centred
    subject_share: float = 0.85  # how much of the canvas the subject takes along the side that binds
    long_edge_px: int | None = None  # the result is scaled down (never up) to this longer side
    background: str | None = None  # a colour ("white", "#rrggbb"), an image file, or "blur" of the original
    background_blur: float = 0.02  # standard deviation of that blur, as a share of the longer side
    shadow: str | None = None  # "drop" or "contact"
    shadow_opacity: float = 0.5
    shadow_blur: float = 0.03  # as a share of the subject's longer side, like the distance
    shadow_distance: float = 0.04
    shadow_angle: float = 120.0  # degrees, where the light comes from: 90 is above, 0 the right
