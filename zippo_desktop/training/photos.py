"""Photos with mattes as training pairs: read as `evaluate` does, then seen in random windows.

A set is a folder with `image/` and `matte/` of equal names. Such pairs train matting alone: what stands
behind a photo's subject is mixed into its colours for good.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from zippo_desktop.errors import InputError
from zippo_desktop.imaging.colour import srgb_8_bit
from zippo_desktop.imaging.decode import decode, decode_matte
from zippo_desktop.imaging.layers import Matte
from zippo_desktop.imaging.matte import quantise
from zippo_desktop.imaging.resize import fit_to_network, resize, resize_picture
from zippo_desktop.training.composites import Pair
from zippo_desktop.training.cutouts import caption_beside, split_of
from zippo_desktop.training.evaluate import find_pairs
from zippo_desktop.training.optics import camera
from zippo_desktop.training.placement import Rng

WHOLE_SHARE = 0.3  # of the views: the whole photo, which is what matting sees first
LEAST_WINDOW = 0.8  # of the subject's longer side
IN_VIEW = 0.75  # of the subject's height and of its width, at least
MOST_ENLARGED = 2.0
CAMERA_SHARE = 0.5  # of the views: through another camera and file; the others stay as they were taken
VISIBLE = 25  # of 255, where a subject begins


@dataclass(frozen=True)
class MattedPhoto:
    """A photo and its matte on disk, of one size, and what the photo shows, if told."""

    image_path: Path
    matte_path: Path
    caption: str


def read_photos(folders: Sequence[Path], split: str | None = None) -> list[MattedPhoto]:
    """The photos of `folders` that belong to `split` (None: all) by their names, in a stable order.

    Raises UsageError or InputError for folders that `evaluate` would refuse, for a caption that cannot be
    read, and if none of the photos is left to train on.
    """
    files = [pair for folder in folders for pair in find_pairs(folder / "image", folder / "matte")]
    chosen = [
        MattedPhoto(pair.image_path, pair.matte_path, caption_beside(pair.image_path) or "")
        for pair in files
        if split in (None, split_of(f"photo {pair.image_path.stem}"))
    ]
    if files and not chosen and split == "train":
        raise InputError(
            f"No photos for the train set in {', '.join(map(str, folders))}.",
            "A tenth of the photos, by their names, is never trained on: add more.",
        )
    return chosen


def check_photo(photo: MattedPhoto) -> None:
    """Decode a photo and its matte. Raises InputError as `load_photo` does."""
    _decode(photo)


def load_photo(photo: MattedPhoto, side: int) -> NDArray[np.uint8]:
    """A photo in sRGB and its matte, [H,W,4] uint8, shrunk so that the longer side is at most `side`.

    Raises InputError for files that cannot be decoded, or differ in size.
    """
    colours, matte = _decode(photo)
    factor = side / max(matte.shape)
    if factor < 1:
        height, width = (max(1, round(extent * factor)) for extent in matte.shape)
        colours = np.asarray(quantise(resize_picture(colours, height, width), np.uint8), np.uint8)
        matte = resize(matte, height, width)
    return np.dstack([colours, quantise(matte, np.uint8)])


def view(photo: NDArray[np.uint8], size: int, rng: Rng) -> Pair:
    """A square window of a photo [H,W,4] with its subject in view, as a pair of `size` pixels.

    Windows reach from the whole photo down to somewhat less than the subject. Where one is wider than the
    photo, the photo's edge is continued, as in matting. Half of them are mirrored.
    """
    top, left, side = _window(photo[..., 3], size, rng)
    part = photo[top : top + side, left : left + side]
    if rng.random() < 0.5:
        part = part[:, ::-1]
    fitted = np.clip(fit_to_network(np.ascontiguousarray(part), size, size).image, 0, 1)
    image, matte = fitted[..., :3], fitted[..., 3]
    return Pair(*camera(image, matte, rng)) if rng.random() < CAMERA_SHARE else Pair(image, matte)


def _decode(photo: MattedPhoto) -> tuple[NDArray[np.uint8], Matte]:
    """Colours [H,W,3] and matte [H,W]."""
    decoded, matte = decode(photo.image_path), decode_matte(photo.matte_path)
    width, height = decoded.size
    if matte.shape != (height, width):
        raise InputError(
            f"{photo.matte_path} is {matte.shape[1]}x{matte.shape[0]} pixels, its image {width}x{height}.",
            "A true matte has the size of its image.",
        )
    return srgb_8_bit(decoded), matte


def _window(matte: NDArray[np.uint8], size: int, rng: Rng) -> tuple[int, int, int]:
    """Top, left and side of a window on a matte [H,W]; a photo without a subject is one itself."""
    longest = max(matte.shape)
    spans = [_span(matte.max(axis=axis)) for axis in (1, 0)]
    subject = max(last - first for first, last in spans)
    least = min(longest, max(LEAST_WINDOW * subject, size / MOST_ENLARGED))
    side = round(np.exp(rng.uniform(np.log(least), np.log(longest))))
    if rng.random() < WHOLE_SHARE:
        side = longest
    starts = [_start(*span, extent, side, rng) for span, extent in zip(spans, matte.shape, strict=True)]
    return starts[0], starts[1], side


def _span(profile: NDArray[np.uint8]) -> tuple[int, int]:
    """Where the subject begins and ends along one axis."""
    found = np.flatnonzero(profile > VISIBLE)
    return (int(found[0]), int(found[-1]) + 1) if len(found) else (0, len(profile))


def _start(first: int, last: int, extent: int, side: int, rng: Rng) -> int:
    """Where along `extent` a window of `side` begins, so that `IN_VIEW` of first..last lies in it."""
    seen = min(IN_VIEW * (last - first), side)
    start = round(rng.uniform(first + seen - side, last - seen))
    return min(max(0, start), max(0, extent - side))
