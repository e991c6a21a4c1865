"""Small pictures of files, kept on the disk so that they are made once. Any thread; no widget."""

from __future__ import annotations

import hashlib
import importlib.util
import io
import logging
import os
from contextlib import suppress
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps
from PySide6.QtGui import QImage

from zippo_desktop.errors import ZippoError

logger = logging.getLogger(__name__)

SIDE_PX = 384  # of what is kept; larger ones are shown enlarged
MOST_BYTES = 500_000_000  # of all that is kept: some 25,000 pictures
_JPEG_START = b"\xff\xd8"
_DAMAGE = (ArithmeticError, LookupError, MemoryError, OSError, SyntaxError, ValueError)  # as Pillow raises


def read_thumbnail(path: Path, side_px: int, folder: Path) -> QImage | None:
    """A file's picture, at most `side_px` on its longer side, sRGB; None where there is none to see.

    What is kept in `folder` is named by the file's path, size and time of change, so that a file that
    changes is read again.
    """
    kept = _kept_path(path, folder)
    if kept is None:
        return None
    small = _read_kept(kept)
    if small is None:
        small = _make(path)
        if small is None:
            return None
        _keep(small, kept)
    if max(small.size) > side_px:
        small.thumbnail((side_px, side_px), Image.Resampling.BICUBIC)
    return _as_qimage(small)


def prune(folder: Path, most_bytes: int = MOST_BYTES) -> None:
    """Delete the pictures that were made longest ago, until the rest takes no more than `most_bytes`."""
    with suppress(OSError):
        kept = [(file.stat().st_mtime, file.stat().st_size, file) for file in folder.glob("*/*.webp")]
        left = sum(size for _, size, _ in kept)
        for _, size, file in sorted(kept):
            if left <= most_bytes:
                return
            file.unlink(missing_ok=True)
            left -= size


def _kept_path(path: Path, folder: Path) -> Path | None:
    try:
        status = path.stat()
    except (OSError, ValueError):
        return None
    name = os.fsencode(path) + f"\0{status.st_size}\0{status.st_mtime_ns}".encode()
    digest = hashlib.sha1(name, usedforsecurity=False).hexdigest()
    return folder / digest[:2] / f"{digest}.webp"


def _read_kept(kept: Path) -> Image.Image | None:
    try:
        with Image.open(io.BytesIO(kept.read_bytes())) as image:
            image.load()
            return image
    except _DAMAGE:
        return None


def _keep(small: Image.Image, kept: Path) -> None:
    """Write the picture under its name at once, for two threads may make the same one."""
    unfinished = kept.with_name(f"{kept.stem}-{os.urandom(4).hex()}.part")
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        small.save(unfinished, "WEBP", quality=85, method=1)
        os.replace(unfinished, kept)
    except OSError as error:  # a full disk costs time, and nothing else
        logger.info("A thumbnail cannot be kept: %s", error)


def _make(path: Path) -> Image.Image | None:
    """The small picture of a file, RGB or RGBA; None for what is damaged or no picture."""
    try:
        return _from_jpeg(_embedded_jpeg(path)) or _decoded(path)
    except (ZippoError, *_DAMAGE) as error:
        logger.info("No thumbnail of %s: %s", path, error)
        return None


def _embedded_jpeg(path: Path) -> bytes:
    """A JPEG's own bytes, or those of a RAW's preview: developing it takes seconds. b"" for all else."""
    from zippo_desktop.imaging.raw import RAW_SUFFIXES

    if path.suffix.lower() in RAW_SUFFIXES and importlib.util.find_spec("rawpy"):
        import rawpy

        with suppress(rawpy.LibRawError), rawpy.imread(io.BytesIO(path.read_bytes())) as file:
            preview = file.extract_thumb().data
            return preview if isinstance(preview, bytes) else b""
    with path.open("rb") as stream:
        return _JPEG_START + stream.read() if stream.read(2) == _JPEG_START else b""


def _from_jpeg(content: bytes) -> Image.Image | None:
    """A JPEG decoded at an eighth to a half of its size; None where it is none that is RGB or grey."""
    if not content.startswith(_JPEG_START):
        return None
    with Image.open(io.BytesIO(content), formats=("JPEG", "MPO")) as image:
        if image.mode not in ("RGB", "L"):
            return None
        image.draft("RGB", (2 * SIDE_PX, 2 * SIDE_PX))
        profile = image.info.get("icc_profile")
        upright = ImageOps.exif_transpose(image)
    upright.thumbnail((SIDE_PX, SIDE_PX), Image.Resampling.BICUBIC)
    return _in_srgb(upright.convert("RGB"), profile)


def _in_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    from zippo_desktop.imaging.colour import colour_space, srgb_8_bit
    from zippo_desktop.imaging.decode import Photo
    from zippo_desktop.imaging.layers import Metadata

    if colour_space(profile) != "RGB":
        return image
    photo = Photo(Path(), np.asarray(image), None, Metadata(icc_profile=profile))
    return Image.fromarray(srgb_8_bit(photo))


def _decoded(path: Path) -> Image.Image:
    """Any other picture, decoded as a job would. Raises InputError."""
    from zippo_desktop.imaging.colour import srgb_8_bit
    from zippo_desktop.imaging.decode import decode
    from zippo_desktop.imaging.matte import quantise

    photo = decode(path)
    image = Image.fromarray(srgb_8_bit(photo))
    if photo.alpha is not None:
        image.putalpha(Image.fromarray(quantise(photo.alpha, np.uint8)))
    image.thumbnail((SIDE_PX, SIDE_PX), Image.Resampling.BICUBIC, reducing_gap=3.0)
    return image


def _as_qimage(image: Image.Image) -> QImage:
    """A copy that Qt draws without converting; only one with transparency has an alpha channel."""
    has_alpha = image.mode == "RGBA"
    source = QImage.Format.Format_RGBA8888 if has_alpha else QImage.Format.Format_RGBX8888
    target = QImage.Format.Format_ARGB32_Premultiplied if has_alpha else QImage.Format.Format_RGB32
    content = image.convert("RGBA").tobytes()
    return QImage(content, *image.size, image.width * 4, source).convertToFormat(target)
