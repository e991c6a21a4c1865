"""Plain captioned pictures, without mattes: what a conversion asks its frozen base about, beside pairs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from zippo_desktop.errors import InputError
from zippo_desktop.imaging.colour import srgb_8_bit
from zippo_desktop.imaging.decode import decode, is_image_name
from zippo_desktop.imaging.resize import resize_picture
from zippo_desktop.training.composites import Pair
from zippo_desktop.training.cutouts import caption_beside
from zippo_desktop.training.pairs import ENDLESS, CaptionedPair


@dataclass(frozen=True)
class CaptionedPicture:
    """A picture on disk, and what it shows."""

    path: Path
    caption: str


class CaptionedPictures:
    """A map-style dataset without an end: pictures drawn by number, whole, under all-white mattes."""

    def __init__(self, pictures: Sequence[CaptionedPicture], size_px: int, seed: int) -> None:
        self.pictures = pictures
        self.size_px = size_px
        self.seed = seed

    def __len__(self) -> int:
        return ENDLESS

    def __getitem__(self, index: int) -> CaptionedPair:
        rng = np.random.default_rng([self.seed, 3, index])
        picture = self.pictures[int(rng.integers(len(self.pictures)))]
        image = load_square(picture.path, self.size_px)
        white = np.ones((self.size_px, self.size_px), np.float32)
        return CaptionedPair(Pair(image, white), picture.caption, False)


def read_captioned(folders: Sequence[Path]) -> list[CaptionedPicture]:
    """All pictures of `folders` and the folders in them, in a stable order.

    Raises InputError if a folder is missing or holds none, and for a picture without a caption.
    """
    return [CaptionedPicture(path, _caption(path)) for folder in folders for path in _pictures_in(folder)]


def load_square(path: Path, side: int) -> NDArray[np.float32]:
    """The middle of a picture in sRGB, [side,side,3] in 0..1. Raises InputError as `decode` does."""
    colours = srgb_8_bit(decode(path))
    height, width = colours.shape[:2]
    shorter = min(height, width)
    top, left = (height - shorter) // 2, (width - shorter) // 2
    return resize_picture(colours[top : top + shorter, left : left + shorter], side, side)


def _pictures_in(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise InputError(f"The folder {folder} does not exist.", "Check the paths in the configuration.")
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and is_image_name(path))
    if not paths:
        raise InputError(f"The folder {folder} holds no images.")
    return paths


def _caption(path: Path) -> str:
    caption = caption_beside(path)
    if not caption:
        raise InputError(f"{path} has no caption.", f"Write what it shows into {path.stem}.txt beside it.")
    return caption
