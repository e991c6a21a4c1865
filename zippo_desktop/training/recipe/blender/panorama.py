"""Perspective crops of an equirectangular panorama, exposed and tone-mapped like a photo."""

from __future__ import annotations

import math
import random
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import bpy

Picture = NDArray[np.floating]


def load_panorama(path: Path) -> Picture:
    """Linear light [H,W,3], the zenith first."""
    image = bpy.data.images.load(str(path))
    width, height = image.size
    pixels = np.empty(width * height * 4, np.float32)
    image.pixels.foreach_get(pixels)
    return pixels.reshape(height, width, 4)[::-1, :, :3]


def crop(panorama: Picture, side: int, chance: random.Random) -> tuple[Picture, dict[str, float]]:
    """A square crop in a random direction, 45 to 90 degrees wide: sRGB [side,side,3] 0..1, and its angles."""
    view, yaw = math.radians(chance.uniform(45, 90)), chance.uniform(-math.pi, math.pi)
    pitch = chance.gauss(0, 0.2)
    across = np.tan(view / 2) * (2 * (np.arange(side) + 0.5) / side - 1)
    x, y = np.meshgrid(across, -across)
    up = y * math.cos(pitch) + math.sin(pitch)
    ahead = math.cos(pitch) - y * math.sin(pitch)
    longitude = np.arctan2(x, ahead) + yaw
    latitude = np.arctan2(up, np.hypot(x, ahead))
    picture = _sample(panorama, longitude / (2 * math.pi), 0.5 - latitude / math.pi)
    angles = {"fov": round(math.degrees(view)), "yaw": round(yaw, 2), "pitch": round(pitch, 2)}
    return _tone(picture, chance), angles


def save_rgb(picture: Picture, path: Path) -> None:
    """Write [H,W,3] 0..1 as a PNG."""
    height, width = picture.shape[:2]
    image: Any = bpy.data.images.new("crop", width, height)
    flat = np.ones((height, width, 4), np.float32)
    flat[..., :3] = picture[::-1]
    image.pixels.foreach_set(flat.ravel())
    image.filepath_raw, image.file_format = str(path), "PNG"
    image.save()


def _sample(panorama: Picture, across: Picture, down: Picture) -> Picture:
    """Bilinear samples at fractions of the width (which wraps) and of the height."""
    height, width = panorama.shape[:2]
    x, y = across % 1 * width - 0.5, np.clip(down * height - 0.5, 0, height - 1.001)
    left, top = np.floor(x).astype(int), np.floor(y).astype(int)
    right_share, low_share = (x - left)[..., None], (y - top)[..., None]
    low = np.minimum(top + 1, height - 1)
    upper = panorama[top, left % width] * (1 - right_share) + panorama[top, (left + 1) % width] * right_share
    lower = panorama[low, left % width] * (1 - right_share) + panorama[low, (left + 1) % width] * right_share
    return upper * (1 - low_share) + lower * low_share


def _tone(linear: Picture, chance: random.Random) -> Picture:
    """Expose for the median, roll the lights off (Reinhard et al. 2002, equation 4), encode as sRGB."""
    luminance = float(np.median(linear @ np.array([0.2126, 0.7152, 0.0722]))) + 1e-4
    light = np.maximum(linear, 0) * chance.uniform(0.14, 0.3) / luminance
    white = 4.0
    light = np.clip(light * (1 + light / white**2) / (1 + light), 0, 1)
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
