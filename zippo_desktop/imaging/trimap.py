"""What the user knows of a matte: the trimap or keep/erase mask of a photo, found, read and honoured."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from zippo_desktop.errors import InputError
from zippo_desktop.imaging.colour import to_8_bit
from zippo_desktop.imaging.decode import decode
from zippo_desktop.imaging.layers import Matte

Array = NDArray[np.float32]
Bytes = NDArray[np.uint8]
Flags = NDArray[np.bool_]  # [H,W]

SIDE_SUFFIXES = (".trimap.png", ".mask.png")

MAX_FACTOR = 8  # a trimap may be as many times smaller than its photo
GREY_TOLERANCE = 5  # levels of 255 from white or black, as JPEG and soft brushes leave
COLOUR_TOLERANCE = 48  # levels between the channels of what still counts as grey
VIVID = 102  # levels of a green or red that counts as one; it is twice the other channels, too

AGREES = 0.02  # a matte that is no farther from what is known needs no correction round it
REACH = 0.05  # how far a correction is carried, as a share of the photo's longer side
WORK_PIXELS = 1_000_000  # that the correction is fitted on
RADII_PX = (1, 2, 4, 8, 16, 32)  # of the windows it is fitted in, in such pixels
DOUBT = 0.1  # how much "nothing is wrong here" weighs for an unknown pixel against a known one
EPSILON = 1e-3  # on colours in 0..1, as for `matte.upsample_guided`
NOISE = 0.1  # corrections so small are left out, larger ones grow so that the whole stays whole
STRIP_ROWS = 32


@dataclass(frozen=True)
class Known:
    """Where the matte is known: `keep` is subject, `erase` is background; bool [H,W], never both."""

    keep: Flags
    erase: Flags


def photo_is_mask(path: Path) -> bool:
    """Whether a file's name says that it is the trimap or mask of a photo, and no photo itself."""
    name = path.name.lower()
    return any(name.endswith(suffix) and name != suffix for suffix in SIDE_SUFFIXES)


def find_known(photo_path: Path, given: Path | None = None) -> Path | None:
    """The trimap or mask of a photo, None where it has none.

    `NAME.trimap.png` or `NAME.mask.png` beside the photo, or in a `given` folder, where
    `NAME.png` and a file of the photo's full name do too. A `given` file is that of each photo.
    Raises InputError where `given` does not exist.
    """
    stem = photo_path.stem
    names = [stem + suffix for suffix in SIDE_SUFFIXES]
    if given is None:
        candidates = [photo_path.with_name(name) for name in names]
    elif given.is_dir():
        candidates = [given / name for name in (*names, f"{stem}.png", photo_path.name)]
    elif given.exists():
        return given
    else:
        raise InputError(f"The trimap {given} does not exist.", "Name a file, or a folder of trimaps.")
    found = (path for path in candidates if path.is_file() and not path.samefile(photo_path))
    return next(found, None)


def read_known(path: Path, size: tuple[int, int]) -> Known:
    """Read a trimap or mask for an upright photo of `size` (width, height).

    * Grey: white keeps, black erases (within `GREY_TOLERANCE`), all between is unknown.
    * With green or red in it (`VIVID`): green keeps, red erases, every other colour is unknown.
    * Pixels less than half opaque are unknown in both.

    One that is smaller by up to `MAX_FACTOR` in the same shape is enlarged without smoothing; the
    edge between kept and erased then lies somewhere in its pixels, which become unknown. Raises
    InputError for any other size, for a colour picture of neither kind, and as `decode` does.
    """
    picture = decode(path)
    height, width = picture.pixels.shape[:2]
    _check_size(path, (width, height), size)
    known = _classify(to_8_bit(picture.pixels), picture.alpha, path)
    return known if (width, height) == size else _enlarged(known, size)


def _check_size(path: Path, own: tuple[int, int], size: tuple[int, int]) -> None:
    factor = math.sqrt(size[0] * size[1] / (own[0] * own[1]))
    is_same_shape = all(abs(full / factor - side) < 1 for side, full in zip(own, size, strict=True))
    if own == size or (is_same_shape and 1 < factor <= MAX_FACTOR):
        return
    is_turned = own == size[::-1]
    raise InputError(
        f"The trimap {path} has {own[0]} x {own[1]} pixels, its photo {size[0]} x {size[1]}.",
        "Draw it on the upright photo."
        if is_turned
        else f"Give it the photo's size, or the same shape up to {MAX_FACTOR} times smaller.",
    )


def _classify(colour: Bytes, alpha: Matte | None, path: Path) -> Known:
    """`colour` is [H,W,3], `alpha` [H,W] or None."""
    seen = np.ones(colour.shape[:2], np.bool_) if alpha is None else alpha >= 0.5
    red, green, blue = (colour[..., channel] for channel in range(3))
    keep = seen & (green >= VIVID) & (green // 2 >= np.maximum(red, blue))
    erase = seen & (red >= VIVID) & (red // 2 >= np.maximum(green, blue))
    if keep.any() or erase.any():
        return Known(keep, erase)
    highest, lowest = colour.max(axis=2), colour.min(axis=2)
    if (seen & (highest - lowest > COLOUR_TOLERANCE)).any():
        hint = "Use white, black and grey, or green for what to keep and red for what to erase."
        raise InputError(f"{path} is neither a trimap nor a mask: it has colours, but no green or red.", hint)
    return Known(seen & (lowest >= 255 - GREY_TOLERANCE), seen & (highest <= GREY_TOLERANCE))


def _enlarged(known: Known, size: tuple[int, int]) -> Known:
    """Nearest neighbours; pixels of one kind that touch the other kind are taken for unknown."""
    around = np.ones((3, 3), np.uint8)
    parts = []
    for ours, theirs in ((known.keep, known.erase), (known.erase, known.keep)):
        touched = cv2.dilate(theirs.view(np.uint8), around).reshape(theirs.shape)
        clear = ours & (touched == 0)
        large = cv2.resize(clear.view(np.uint8), size, interpolation=cv2.INTER_NEAREST_EXACT)
        parts.append(large.reshape(size[::-1]) > 0)
    return Known(*parts)


def enforce(matte: Matte, known: Known) -> Matte:
    """A matte [H,W] that is exactly 1 where `known` keeps, exactly 0 where it erases, else as it was."""
    result = matte.copy()
    np.copyto(result, 1, where=known.keep)
    np.copyto(result, 0, where=known.erase)
    return result


def honour(matte: Matte, known: Known, guide: Bytes | None = None) -> Matte:
    """A matte [H,W] that agrees with what is known, and goes over into the unknown without a seam.

    Where the matte is wrong in a known region it is likely to be wrong beside it. So its error is
    carried on: in windows of many sizes it is fitted as a linear function of the colour of `guide`
    (sRGB uint8 [H,W,3]; None: as a weighted mean), a guided filter (He, Sun, Tang, TPAMI 2013) with
    weights, in which unknown pixels count a little as free of error. It ends at `REACH`. A matte that
    agrees already is changed in the known regions alone.
    """
    result = enforce(matte, known)
    wrong = cv2.absdiff(result, matte).reshape(matte.shape) > AGREES
    box = _box(wrong, math.ceil(REACH * max(matte.shape)))
    if box is None:
        return result
    error = result[box] - matte[box]
    factor = max(1, math.ceil(math.sqrt(error.size / WORK_PIXELS)))
    share = (known.keep[box] | known.erase[box]).astype(np.float32)
    colour = None if guide is None else guide[box]
    return result
