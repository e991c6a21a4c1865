"""Small pictures that the fake session answers in a known way: the bright half is the subject."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image


def half_white(width: int = 80, height: int = 60) -> np.ndarray:
    """[H,W,3] uint8: white on the left, black on the right."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[:, : width // 2] = 255
    return pixels


def save_photo(path: Path, width: int = 80, height: int = 60) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(half_white(width, height)).save(path)
    return path


def save_matte(path: Path, width: int = 80, height: int = 60) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(half_white(width, height)[..., 0]).save(path)
    return path


def save_truncated(path: Path) -> Path:
    """A JPEG of which the second half is missing."""
    save_photo(path, 400, 300)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    return path
