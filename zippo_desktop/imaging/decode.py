"""Image files to arrays: upright, complete or not at all, with profile, EXIF and resolution.

Bytes are read here and never by a library's own file access, for OpenCV crashes on some file names.
Pillow decodes; OpenCV adds the lower half of 16-bit colour, which Pillow cannot hold.
"""

from __future__ import annotations

import io
import logging
import stat
import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from zippo_desktop.errors import InputError
from zippo_desktop.imaging import metadata
from zippo_desktop.imaging.colour import cmyk_to_srgb, colour_space, grey_to_srgb, srgb_profile
from zippo_desktop.imaging.layers import Matte, Metadata, Pixels

logger = logging.getLogger(__name__)

IMAGE_SUFFIXES = frozenset(
    (".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".tif", ".tiff", ".bmp", ".gif", ".avif")
)
MAX_PIXELS = 200_000_000

_FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF", "AVIF")
_MODES = {
    "1": "L",
    "L": "L",
    "La": "LA",
    "LA": "LA",
    "P": "RGB",
    "PA": "RGBA",
    "RGB": "RGB",
    "RGBX": "RGB",
    "RGBa": "RGBA",
    "RGBA": "RGBA",
    "YCbCr": "RGB",
    "CMYK": "CMYK",
}
# What Pillow's decoders raise on damaged files, found by feeding them some.
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

Image.MAX_IMAGE_PIXELS = MAX_PIXELS // 2  # Pillow warns above this many, and refuses twice as many
# Pillow's warnings, on size and on damaged metadata, would only spoil a progress bar.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)  # it would tell the terminal of damage


@dataclass(frozen=True)
class Photo:
    """A decoded picture in its own colour profile.

    `pixels` is [H,W,3] uint8 or uint16, upright; `alpha` [H,W] float32 in 0..1, straight, None where the
    picture is opaque. A profile in `metadata` is always one for RGB.
    """

    path: Path
    pixels: Pixels
    alpha: Matte | None
    metadata: Metadata


@dataclass(frozen=True)
class _Raster:
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
        if self.samples.shape[2] % 2:
            return None
        alpha = _scaled(self.samples[..., -1])
        return None if alpha.min() == 1 else alpha


def is_image_name(path: Path) -> bool:
    """Whether a file's name says that it is an image that can be decoded here."""
    is_apple_double = path.name.startswith("._")  # a Mac's notes on a file, under the file's name
    return path.suffix.lower() in IMAGE_SUFFIXES and not is_apple_double


def decode(path: Path) -> Photo:
    """Decode a photo: RGB of 8 or 16 bit, upright. Animations and albums give their first picture.

    CMYK and grey pictures with a profile of their own are converted to sRGB. Raises InputError for
    whatever is missing, damaged, incomplete, too large (`MAX_PIXELS`) or no image.
    """
    raster = _read_raster(path)
    colour, profile = raster.colour, raster.metadata.icc_profile
    if profile and colour.shape[2] == 1 and colour_space(profile) == "GRAY":
        colour, profile = grey_to_srgb(colour, profile), srgb_profile()
    kept = Metadata(
        icc_profile=profile if colour_space(profile) == "RGB" else None,
        exif=raster.metadata.exif,
        dpi=raster.metadata.dpi,
    )
    return Photo(path, _rgb(colour), raster.alpha, kept)


def decode_matte(path: Path) -> Matte:
    """Decode a matte, [H,W] float32 in 0..1: the alpha where there is one, else the grey values.

    A colour picture whose channels are equal is grey. Profiles do not matter. Raises InputError as
    `decode` does, and for a colour picture.
    """
    raster = _read_raster(path)
    alpha, colour = raster.alpha, raster.colour
    if alpha is not None:
        return alpha
    grey = colour[..., 0]
    if not all(np.array_equal(grey, colour[..., i]) for i in range(1, colour.shape[2])):
        hint = "Give a grey image, or one with transparency."
        raise InputError(f"{path} is a colour picture, not a matte.", hint)
    return _scaled(grey)


def _rgb(colour: Pixels) -> Pixels:
    """[H,W,1] or [H,W,3] to [H,W,3], contiguous."""
    return np.ascontiguousarray(np.broadcast_to(colour, (*colour.shape[:2], 3)))


def _scaled(samples: Pixels) -> NDArray[np.float32]:
    scaled = samples.astype(np.float32)
    scaled /= np.iinfo(samples.dtype).max
    return scaled


def _read_raster(path: Path) -> _Raster:
    content = _read(path)
    with _damage_told(path):
        image = Image.open(io.BytesIO(content), formats=_FORMATS)
        # Both must be asked before load(), which turns TIFFs itself and forgets what it has done.
        orientation = metadata.orientation(image)
        is_16_bit = metadata.has_16_bit_channels(image, content)
        _check_supported(image, is_16_bit, path)
        image.load()
    dpi = metadata.dpi(image, is_turned=orientation >= 5)
    kept = Metadata(icc_profile=metadata.icc_profile(image), exif=metadata.kept_exif(image), dpi=dpi)
    if image.mode == "CMYK":
        samples, kept = _cmyk(image, kept)
    elif is_16_bit:
        samples = _samples_16_bit(image, content, path)
    else:
        samples = _samples(image)
    return _Raster(metadata.upright(samples, 1 if image.format == "TIFF" else orientation), kept)


def _check_supported(image: Image.Image, is_16_bit: bool, path: Path) -> None:
    if image.mode not in _MODES and not image.mode.startswith("I;16"):
        hint = "Save it as RGB or greyscale with 8 or 16 bits."
        raise InputError(f"{path} has a colour mode that is not supported ({image.mode}).", hint)
    if is_16_bit and metadata.has_separate_planes(image):  # Pillow and OpenCV both misread it
        hint = "Save it with interleaved channels, or as PNG."
        raise InputError(f"{path} is a 16-bit TIFF with separate colour planes.", hint)


def _read(path: Path) -> bytes:
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise InputError(f"{path} is a folder, not an image.", "Give the images in it.")
        if not stat.S_ISREG(mode):  # reading a pipe or a device might never end
            raise InputError(f"{path} is not a regular file.", "Give an image file.")
        content = path.read_bytes()
    except FileNotFoundError:
        raise InputError(f"{path} does not exist.", "Check its name and folder.") from None
    except PermissionError:
        raise InputError(f"{path} may not be read.", "Check the file's permissions.") from None
    except (OSError, ValueError) as error:  # ValueError: a name that cannot be a file's
        reason = getattr(error, "strerror", None) or error
        raise InputError(
            f"{path} cannot be read: {reason}.", "Check its name and the disk it is on."
        ) from error
    if not content:
        raise InputError(f"{path} is empty (0 bytes).", "Copy it again from where it came from.")
    return content


@contextmanager
def _damage_told(path: Path) -> Iterator[None]:
    """Turn what the decoders raise into InputErrors that name the file."""
    try:
        yield
    except UnidentifiedImageError:
        hint = "Open it in an image viewer, and save it as JPEG or PNG if it shows."
        raise InputError(f"{path} is not an image, or its beginning is damaged.", hint) from None
    except Image.DecompressionBombError:
        limit = f"more than {MAX_PIXELS // 10**6} megapixels"
        raise InputError(f"{path} has {limit}, or claims so.", "Scale it down first.") from None
    except MemoryError:
        raise InputError(f"{path} does not fit into memory.", "Scale it down first.") from None
    except _DAMAGE as error:
        hint = "Copy it again from where it came from."
        raise InputError(f"{path} is damaged or incomplete ({error}).", hint) from error


def _cmyk(image: Image.Image, kept: Metadata) -> tuple[Pixels, Metadata]:
    samples = np.asarray(cmyk_to_srgb(image, kept.icc_profile))
    return samples, Metadata(icc_profile=srgb_profile(), exif=kept.exif, dpi=kept.dpi)


def _samples(image: Image.Image) -> Pixels:
    """What Pillow holds, [H,W,C]; 8 bit, or 16 for grey."""
    if image.mode.startswith("I;16"):
        return np.asarray(image).astype(np.uint16)[..., None]
    mode = _MODES[image.mode]
    if image.has_transparency_data:
        mode = "LA" if mode in ("L", "LA") else "RGBA"
    samples = np.asarray(image if image.mode == mode else image.convert(mode))
    return samples[..., None] if samples.ndim == 2 else samples


def _samples_16_bit(image: Image.Image, content: bytes, path: Path) -> Pixels:
    """All 16 bits [H,W,C] from OpenCV, if it agrees with Pillow on the upper 8, else only those.

    OpenCV takes premultiplied alpha for straight, and knows fewer kinds of compression.
    """
    shallow = _samples(image)
    channels = [2, 3] if shallow.shape[2] == 2 else [2, 1, 0, 3][: shallow.shape[2]]  # from BGR(A)
    try:
        deep = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:
        deep = None
    if deep is not None and deep.ndim == 3 and deep.dtype == np.uint16 and deep.shape[2] > max(channels):
        picked = np.asarray(deep[..., channels], np.uint16)
        if picked.shape == shallow.shape and cv2.absdiff((picked >> 8).astype(np.uint8), shallow).max() <= 1:
            return picked
    logger.warning("%s: this kind of 16-bit file is read with 8 bits for each channel.", path)
    return shallow
