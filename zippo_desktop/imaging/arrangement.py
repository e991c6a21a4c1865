"""What can be asked of the surroundings of a subject: plain values, and what their texts mean."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple, get_args

from zippo_desktop.errors import UsageError

Colour = tuple[int, int, int]  # sRGB, 0..255
ShadowKind = Literal["drop", "contact"]

BLUR = "blur"
MAX_PIXELS = 200_000_000  # of a result

_NUMBER = r"(\d+(?:\.\d+)?)"
_SHARES = ("background_blur", "shadow_opacity", "shadow_blur", "shadow_distance")


class Margin(NamedTuple):
    """Room round the subject: pixels of the photo, or a share of the subject's longer side."""

    amount: float
    is_share: bool


@dataclass(frozen=True)
class Arrangement:
    """Plain values, as presets and the command line give them; None, or the default, changes nothing.

    Raises UsageError for values that make no sense. A background's file is only looked for when it is used.
    """

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

    def __post_init__(self) -> None:
        margin_of(self.crop)
        aspect_of(self.aspect)
        canvas_of(self.canvas)
        if self.aspect is not None and self.crop is None:
            raise UsageError("An aspect ratio was given, but no crop.", 'Give a margin, too, such as "5%".')
        if not 0 < self.subject_share <= 1:
            raise UsageError(f"The subject cannot take {self.subject_share} of the canvas.", "0.85 is usual.")
        if self.long_edge_px is not None and self.long_edge_px < 1:
            raise UsageError(f"A long edge of {self.long_edge_px} pixels is impossible.", "Give 1 or more.")
        background_of(self.background)
        if self.shadow is not None and self.shadow not in get_args(ShadowKind):
            raise UsageError(f'"{self.shadow}" is no kind of shadow.', "There are drop and contact.")
        for name in _SHARES:
            if not 0 <= getattr(self, name) <= 1:
                words = name.replace("_", " ")
                raise UsageError(f"The {words} is a share, not {getattr(self, name)}.", "Give 0 to 1.")
        if not math.isfinite(self.shadow_angle):
            raise UsageError(f"The shadow's angle is not {self.shadow_angle}.", "Give degrees, such as 120.")


def margin_of(text: str | None) -> Margin | None:
    """ "40px" or "5%"."""
    if text is None:
        return None
    match = re.fullmatch(rf"{_NUMBER}\s*(px|%)", text.strip())
    if match is None:
        raise UsageError(f'"{text}" is no margin.', 'Give pixels, "40px", or per cent of the subject, "5%".')
    is_share = match[2] == "%"
    return Margin(float(match[1]) / (100 if is_share else 1), is_share)


def aspect_of(text: str | None) -> float | None:
    """ "4:5", as width / height."""
    if text is None:
        return None
    match = re.fullmatch(rf"{_NUMBER}\s*:\s*{_NUMBER}", text.strip())
    if match is None or not (float(match[1]) and float(match[2])):
        raise UsageError(f'"{text}" is no aspect ratio.', 'Give width to height, such as "4:5" or "1:1".')
    return float(match[1]) / float(match[2])


def canvas_of(text: str | None) -> tuple[int, int] | None:
    """ "2000x1600", as width and height."""
    if text is None:
        return None
    match = re.fullmatch(r"(\d{1,9})\s*[x×]\s*(\d{1,9})", text.strip().lower())
    width, height = (int(match[1]), int(match[2])) if match else (0, 0)
    if not width * height:
        raise UsageError(f'"{text}" is no canvas.', 'Give width and height in pixels, such as "2000x2000".')
    if width * height > MAX_PIXELS:
        limit = f"At most {MAX_PIXELS // 10**6} megapixels are possible."
        raise UsageError(f"A canvas of {width} x {height} pixels is too large.", limit)
    return width, height


def background_of(text: str | None) -> Colour | Path | str | None:
    """ "blur", a colour's name, "#rgb" or "#rrggbb"; what has a folder or an ending is a file."""
    from PIL import ImageColor

    if text is None or text == BLUR:
        return text
    if re.fullmatch(r"#(?:[0-9a-fA-F]{3}){1,2}", text) or text.lower() in ImageColor.colormap:
        return ImageColor.getrgb(text)[:3]
    path = Path(text)
    if text.startswith("#") or not (path.suffix or len(path.parts) > 1):
        hint = 'Give a colour ("white", "#f0f0f0"), an image file, or "blur".'
        raise UsageError(f'"{text}" is no background.', hint)
    return path
