"""What the readers of all formats share: the picture they return, its turns, its limit, and damage told."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import UnidentifiedImageError

from zippo_desktop.errors import InputError
from zippo_desktop.imaging.layers import Matte, Metadata, Pixels

MAX_PIXELS = 200_000_000
STRIP_ROWS = 256

# What the decoders raise on damaged files, found by feeding them some.
_DAMAGE = (
    EOFError,
    LookupError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)


@dataclass(frozen=True)
class Raster:
    """A file's own samples [H,W,C], upright: C = 1 grey, 2 grey and alpha, 3 RGB, 4 RGBA."""

    samples: Pixels
    metadata: Metadata

    @property
    def colour(self) -> Pixels:
        """[H,W,1] or [H,W,3]."""
        channels = self.samples.shape[2]
        return self.samples[..., : channels - (channels % 2 == 0)]

    @property
    def alpha(self) -> Matte | None:
        """[H,W] in 0..1, None where the picture is opaque everywhere."""
        alpha = self.samples[..., -1]
        if self.samples.shape[2] % 2 or alpha.min() == np.iinfo(alpha.dtype).max:
            return None
        return unit_scaled(alpha)


def unit_scaled(samples: Pixels) -> NDArray[np.float32]:
    """Integers to 0..1."""
    scaled = samples.astype(np.float32, order="C")
    scaled /= np.iinfo(samples.dtype).max
    return scaled


def turned(samples: Pixels, orientation: int) -> Pixels:
    """A view of stored samples [H,W,...] as they stand upright by their EXIF orientation, 1..8."""
    if orientation >= 5:
        samples = samples.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        samples = samples[:, ::-1]
    if orientation in (3, 4, 7, 8):
        samples = samples[::-1]
    return samples


def as_stored(upright: Pixels, orientation: int) -> Pixels:
    """The opposite of `turned`: a view through which an upright picture is filled as a file stores it."""
    return turned(upright, {6: 8, 8: 6}.get(orientation, orientation))


def upright_shape(width: int, height: int, orientation: int) -> tuple[int, int]:
    """Rows and columns of a stored picture once it is upright."""
    return (width, height) if orientation >= 5 else (height, width)


def strips(height: int) -> Iterator[slice]:
    """The rows of a picture in portions: whole copies of a photo cost more memory than the photo."""
    for top in range(0, height, STRIP_ROWS):
        yield slice(top, min(top + STRIP_ROWS, height))


def full_range_16_bit(samples: NDArray[np.uint16], bits: int) -> NDArray[np.uint16]:
    """Samples of 9 to 16 bits spread over 16, in place: the bits are repeated, so that white stays white."""
    for rows in strips(len(samples)):
        strip = samples[rows]
        strip[:] = (strip << (16 - bits)) | (strip >> (2 * bits - 16))
    return samples


def unpremultiplied(samples: Pixels) -> Pixels:
    """Straight colour from samples [H,W,2 or 4] whose colour is multiplied by the last channel, the alpha."""
    straight = samples.copy()
    full = np.iinfo(samples.dtype).max
    for rows in strips(len(samples)):
        alpha = samples[rows, :, -1:].astype(np.float32)
        colour = samples[rows, :, :-1] * (full / np.maximum(alpha, 1))
        straight[rows, :, :-1] = np.rint(np.minimum(colour, full))
    return straight


def check_size(path: Path, width: int, height: int, max_pixels: int) -> None:
    """Refuse, by what the header says, a picture of more pixels than wanted. Raises InputError."""
    if width * height > max_pixels:
        size = f"{width * height / 1e6:.4g} megapixels ({width} x {height}), or claims so"
        limit = f"That is more than {max_pixels / 1e6:.4g} megapixels, the limit"
        hint = "Scale it down, or raise the limit with --max-megapixels."
        raise InputError(f"{path} has {size}. {limit}.", hint)


@contextmanager
def damage_told(path: Path) -> Iterator[None]:
    """Turn what the decoders raise into InputErrors that name the file."""
    try:
        yield
    except UnidentifiedImageError:
        hint = "Open it in an image viewer, and save it as JPEG or PNG if it shows."
        raise InputError(f"{path} is not an image, or its beginning is damaged.", hint) from None
    except MemoryError:
        raise InputError(f"{path} does not fit into memory.", "Scale it down first.") from None
    except _DAMAGE as error:
        raise damaged(path, str(error)) from error


def damaged(path: Path, reason: str) -> InputError:
    """The error of a file that is not whole."""
    return InputError(
        f"{path} is damaged or incomplete ({reason}).", "Copy it again from where it came from."
    )
