"""One frame of a cut-out set: is it worth keeping, what colour is it, is it there already."""

from __future__ import annotations

import colorsys
import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from zippo_desktop.export.atomic import open_atomically
from zippo_desktop.imaging.cleanness import is_clipped

MIN_FOREGROUND = 0.03
DUPLICATE_BITS = 3  # of 128
DUPLICATE_COLOUR = 10.0  # of 255: red and green apples have one shape
Frame = NDArray[np.uint8]
_HUES = [
    (15, "red"),
    (40, "orange"),
    (68, "yellow"),
    (165, "green"),
    (260, "blue"),
    (295, "purple"),
    (345, "pink"),
]


def fault_of(frame: Frame) -> str | None:
    """Why a frame [H,W,4] is of no use ("empty" or "clipped"), else None."""
    if foreground_share(frame) < MIN_FOREGROUND:
        return "empty"
    return "clipped" if is_clipped(frame[..., 3]) else None


def foreground_share(frame: Frame) -> float:
    """The mean of alpha, 0..1."""
    return float(frame[..., 3].mean() / 255)


def soft_share(frame: Frame) -> float:
    """The share of pixels whose alpha is neither 0 nor 1, but for 2 %."""
    return float(((frame[..., 3] > 5) & (frame[..., 3] < 250)).mean())


def colour_name(frame: Frame) -> str:
    """A coarse name of the colour that most of the object has; "" where there is no such colour."""
    names: dict[str, float] = {}
    small = Image.fromarray(frame, "RGBA").resize((24, 24), Image.Resampling.BOX)
    for red, green, blue, alpha in np.asarray(small).reshape(-1, 4):
        name = _colour(red / 255, green / 255, blue / 255)
        names[name] = names.get(name, 0.0) + float(alpha)
    if not any(names.values()):
        return ""
    best = max(names, key=lambda name: names[name])
    return best if names[best] > 0.5 * sum(names.values()) else ""


def _colour(red: float, green: float, blue: float) -> str:
    hue, saturation, value = colorsys.rgb_to_hsv(red, green, blue)
    if value < 0.16:
        return "black"
    if saturation < 0.16:
        return "white" if value > 0.82 else "grey"
    name = next((name for limit, name in _HUES if hue * 360 < limit), "red")
    return "brown" if name in ("red", "orange", "yellow") and value * (1 + saturation) < 0.9 else name


def fingerprint(frame: Frame) -> list[int]:
    """Differences of neighbours (dHash) of the picture on grey and of alpha, 64 bits each; mean colour."""
    image = Image.fromarray(frame, "RGBA")
    grey = Image.new("RGBA", image.size, (128, 128, 128, 255))
    grey.alpha_composite(image)
    bits = [_difference_hash(grey.convert("L")), _difference_hash(image.getchannel("A"))]
    mean = np.asarray(grey.convert("RGB")).reshape(-1, 3).mean(0)
    return bits + [round(float(channel)) for channel in mean]


def _difference_hash(image: Image.Image) -> int:
    small = np.asarray(image.resize((9, 8), Image.Resampling.BOX)).astype(int)
    bits = np.packbits((small[:, 1:] > small[:, :-1]).ravel())
    return int.from_bytes(bits.tobytes(), "big")


def find_duplicates(prints: list[list[int]]) -> dict[int, int]:
    """Which frames repeat an earlier one: their places in `prints`, with that of the first like them."""
    if not prints:
        return {}
    bits = np.array([row[:2] for row in prints], np.uint64)
    colours = np.array([row[2:] for row in prints], np.float64)
    found: dict[int, int] = {}
    for place in range(1, len(prints)):
        away = np.bitwise_count(bits[:place] ^ bits[place]).sum(1)
        near = np.nonzero(away <= DUPLICATE_BITS)[0]
        close = near[np.abs(colours[near] - colours[place]).max(1, initial=0) <= DUPLICATE_COLOUR]
        first = next((int(other) for other in close if int(other) not in found), None)
        if first is not None:
            found[place] = first
    return found


def write_webp(image: Image.Image, path: Path) -> int:
    """Write a picture, colour at quality 95, alpha lossless; returns the file's size in bytes."""
    content = io.BytesIO()
    image.save(content, "WEBP", quality=95, method=4, alpha_quality=100, exact=False)
    with open_atomically(path) as file:
        file.write(content.getvalue())
    return len(content.getvalue())
