"""What the user knows of a matte: the trimap or keep/erase mask of a photo, found, read and honoured."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from zippo_desktop.errors import InputError
from zippo_desktop.imaging.boxes import box_of
from zippo_desktop.imaging.colour import to_8_bit
from zippo_desktop.imaging.decode import decode
from zippo_desktop.imaging.layers import Matte
from zippo_desktop.imaging.matte_parts import distance_to
from zippo_desktop.imaging.resize import resize, resize_picture

Array = NDArray[np.float32]
Bytes = NDArray[np.uint8]
Flags = NDArray[np.bool_]  # [H,W]

SIDE_SUFFIXES = (".trimap.png", ".mask.png")

MAX_FACTOR = 8  # a trimap may be as many times smaller than its photo
GREY_TOLERANCE = 5  # levels of 255 from white or black, as JPEG and soft brushes leave
COLOUR_TOLERANCE = 48  # levels between the channels of what still counts as grey
VIVID = 102  # levels of a green or red that counts as one; it is twice the other channels, too

AGREES = 0.02  # a matte that is no farther from what is known needs no correction round it
WORK_SIDE_PX = 1000  # the longer side of the photo that a correction is fitted on
RADII_PX = (4, 8, 16, 32, 64)  # of the windows it is fitted in, in pixels of that size
REACH = RADII_PX[-1] / WORK_SIDE_PX  # how far it is carried, as a share of the photo's longer side
DOUBT = 0.01  # how much "nothing is wrong here" weighs for an unknown pixel against a known one
EPSILON = 1e-3  # on colours in 0..1: contrasts well below sqrt(EPSILON) = 3 % count as noise
CUT = 0.1  # a correction below this share of the error round it counts as none, above 1 - CUT as whole


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
    return next((path for path in candidates if _is_other_file(path, photo_path)), None)


def _is_other_file(path: Path, photo_path: Path) -> bool:
    """Whether there is such a file, and it is not the photo. A name too long for the disk is no file's."""
    try:
        return path.is_file() and not path.samefile(photo_path)
    except OSError:
        return False


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
    red, green, blue = (np.asarray(plane, np.uint8).reshape(seen.shape) for plane in cv2.split(colour))
    keep = seen & (green >= VIVID) & (green >> 1 >= np.maximum(red, blue))
    erase = seen & (red >= VIVID) & (red >> 1 >= np.maximum(green, blue))
    if keep.any() or erase.any():
        return Known(keep, erase)
    highest = np.maximum(np.maximum(red, green), blue)
    lowest = np.minimum(np.minimum(red, green), blue)
    if (seen & (highest - lowest > COLOUR_TOLERANCE)).any():
        hint = "Use white, black and grey, or green for what to keep and red for what to erase."
        raise InputError(f"{path} is neither a trimap nor a mask: it has colours, but no green or red.", hint)
    return Known(seen & (lowest >= 255 - GREY_TOLERANCE), seen & (highest <= GREY_TOLERANCE))


def _enlarged(known: Known, size: tuple[int, int]) -> Known:
    """Nearest neighbours; pixels of one kind that touch the other kind are taken for unknown."""
    parts = []
    for ours, theirs in ((known.keep, known.erase), (known.erase, known.keep)):
        clear = ours & ~_with_neighbours(theirs)
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
    carried on: in windows of several sizes it is fitted as a linear function of the matte itself and
    of the colour of `guide` (sRGB [H,W,3], or None), as in the guided filter (He, Sun, Tang, TPAMI
    2013), but with weights: an unknown pixel counts as slightly known to be right. This ends at
    `REACH`. A matte that is nowhere wrong is changed in the known regions alone.
    """
    result = enforce(matte, known)
    wrong = cv2.absdiff(result, matte).reshape(matte.shape) > AGREES
    found = box_of(wrong)
    if found is None:
        return result
    longer_side = max(matte.shape)
    reach_px = REACH * longer_side
    part = found.grown(math.ceil(reach_px), *matte.shape).slices
    unknown = ~(known.keep[part] | known.erase[part])
    clues: list[Matte | Bytes] = [matte[part]]  # C of [H,W]
    if guide is not None:
        clues += [np.asarray(plane, np.uint8).reshape(unknown.shape) for plane in cv2.split(guide[part])]
    # 1. shrink: a correction is smooth, and has its edges from the guide
    factor = max(1.0, longer_side / WORK_SIDE_PX)
    size = math.ceil(unknown.shape[0] / factor), math.ceil(unknown.shape[1] / factor)  # h, w
    error = resize(result[part] - matte[part], *size)  # 0 where unknown
    share = 1 - resize(unknown.astype(np.float32), *size)  # of known pixels
    small_clues = np.dstack([resize_picture(clue[..., None], *size) for clue in clues])
    is_wrong = resize(wrong[part].astype(np.float32), *size) > 0
    # 2. fit
    fade = np.clip(2 - distance_to(is_wrong) * (2 * factor / reach_px), 0, 1)
    fit = _fit_error(error, share, small_clues, _with_neighbours((share < 1) & (fade > 0)))  # [h,w,C+2]
    fit *= fade[..., None]
    # 3. enlarge and add
    corrected = result[part]  # a view
    np.add(corrected, _correction(fit, clues), out=corrected, where=unknown)
    np.clip(corrected, 0, 1, out=corrected)
    return result


def _fit_error(error: Array, share: Array, clues: Array, needed: Flags) -> Array:
    """Slopes and offset of the error as a function of `clues` [h,w,C], and its size: [h,w,C+2].

    `error` [h,w] is that of a pixel's known part times the `share` [h,w] of this part. The size is the
    error of those pixels that have one. All are 0 but where `needed`.
    """
    channels = range(clues.shape[2])
    weight = share + DOUBT * (1 - share)

    def mean(values: Array) -> Array:
        return _gathered(values, needed) / total

    total = _gathered(weight, needed)  # [K], as all below, for the needed pixels
    mean_error = mean(error)
    mean_clue = np.empty((len(total), len(channels)), np.float32)
    covariance = np.empty_like(mean_clue)
    variance = np.empty((len(total), len(channels), len(channels)), np.float32)
    for i in channels:
        mean_clue[:, i] = mean(weight * clues[..., i])
        covariance[:, i] = mean(error * clues[..., i]) - mean_error * mean_clue[:, i]
        for j in channels[: i + 1]:
            product = mean(weight * clues[..., i] * clues[..., j])
            variance[:, i, j] = variance[:, j, i] = product - mean_clue[:, i] * mean_clue[:, j]
        variance[:, i, i] += EPSILON
    slopes = np.linalg.solve(variance, covariance[..., None])[..., 0]
    offset = mean_error - (slopes * mean_clue).sum(axis=1)
    # The running sums behind a mean leave some 1e-7 where there is nothing.
    size = np.clip(mean(error**2) / np.maximum(mean(np.abs(error)), 1e-6), 0, 1)
    result = np.zeros((*error.shape, len(channels) + 2), np.float32)
    result[needed] = np.column_stack([slopes, offset, size])
    return result


def _gathered(values: Array, needed: Flags) -> Array:
    """Means of `values` [h,w] in the windows round the K needed pixels, summed: near ones count most. [K]."""
    total = np.zeros(np.count_nonzero(needed), np.float32)
    for radius_px in RADII_PX:
        side = 2 * radius_px + 1
        mean = cv2.blur(values, (side, side), borderType=cv2.BORDER_REPLICATE).reshape(values.shape)
        total += mean[needed]
    return total


def _with_neighbours(flags: Flags) -> Flags:
    around = np.ones((3, 3), np.uint8)
    return np.asarray(cv2.dilate(flags.view(np.uint8), around).reshape(flags.shape) > 0)


def _correction(fit: Array, clues: Sequence[Matte | Bytes]) -> Array:
    """The fit [h,w,C+2] enlarged and applied to the C clues, each [H,W], one after the other: [H,W]."""

    def enlarged(plane: Array) -> Array:
        return resize(np.ascontiguousarray(plane), *clues[0].shape)

    correction = enlarged(fit[..., -2])
    for number, clue in enumerate(clues):
        slope = enlarged(fit[..., number])
        scale = 1 / 255 if clue.dtype == np.uint8 else 1
        correction += cv2.multiply(slope, clue, dst=slope, scale=scale, dtype=cv2.CV_32F).reshape(clue.shape)
    size = enlarged(fit[..., -1])
    strength = np.abs(correction)
    cv2.scaleAdd(size, -CUT, strength, strength)
    strength /= 1 - 2 * CUT
    np.clip(strength, 0, size, out=strength)
    return np.asarray(np.copysign(strength, correction, out=strength), np.float32)
