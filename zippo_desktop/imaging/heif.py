"""HEIC and HEIF: what phones store. libheif decodes, and applies the turns that the file asks for."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from zippo_desktop.imaging import metadata
from zippo_desktop.imaging.layers import Pixels
from zippo_desktop.imaging.raster import (
    Raster,
    check_size,
    damage_told,
    damaged,
    full_range_16_bit,
    unpremultiplied,
)

_BRANDS = frozenset((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"))
_AVIF_BRANDS = frozenset((b"avif", b"avis"))
_PADDING = (b"free", b"skip")
_MANY_ZEROS = bytes(1024)


def is_heif(content: bytes) -> bool:
    """Whether a file's content says that it is HEIF of another kind than AVIF."""
    brands = set(_brands(content))
    return bool(brands & _BRANDS) and not brands & _AVIF_BRANDS


def is_iso_media(content: bytes) -> bool:
    """Whether a file consists of boxes (ISO/IEC 14496-12), as HEIF, AVIF and Canon's CR3 do."""
    return content[4:8] == b"ftyp"


def check_boxes(path: Path, content: bytes) -> None:
    """Refuse a file of boxes that ends too early, or in zeros. Raises InputError.

    The decoders conceal both where they can, by repeating or greying what is missing.
    """
    for kind, start, size in _boxes(content):
        end = start + size
        if size < 8 or end > len(content):
            raise damaged(path, "its end is missing")
        if kind not in _PADDING and size > len(_MANY_ZEROS) and content.endswith(_MANY_ZEROS, 0, end):
            raise damaged(path, "its end was never written")


def read(path: Path, content: bytes, max_pixels: int) -> Raster:
    """Read a file's primary picture, of 8 bits or of 16 where it has 10 or 12. Raises InputError."""
    import pi_heif  # type: ignore[import-untyped]

    with damage_told(path):
        file = pi_heif.open_heif(io.BytesIO(content), convert_hdr_to_8bit=False, hdr_to_16bit=False)
        width, height = file.size
        check_size(path, width, height, max_pixels)
        samples = _samples(file)
        # libheif turned the picture by the file's boxes; the EXIF orientation beside them repeats it.
        kept = metadata.read(_as_pillow_says(file.info), is_turned=False)
    return Raster(samples, kept)


def _samples(file: Any) -> Pixels:
    """[H,W,C] of a decoded picture, a copy: what the library hands out lives only as long as `file`."""
    kind = file.mode.partition(";")[0]
    samples = np.array(file)
    samples = samples.reshape(*samples.shape[:2], len(kind))
    if samples.dtype == np.uint16:
        samples = full_range_16_bit(samples, file.info["bit_depth"])
    return unpremultiplied(samples) if kind.endswith("a") else samples


def _as_pillow_says(info: dict[str, object]) -> Image.Image:
    """A picture of one pixel that holds what Pillow would hold of the file beside its pixels."""
    image = Image.new("L", (1, 1))
    image.info = {key: info[key] for key in ("exif", "xmp", "icc_profile") if info.get(key)}
    return image


def _brands(content: bytes) -> Iterator[bytes]:
    """The major and the compatible brands of a file's first box."""
    if is_iso_media(content):
        end = min(struct.unpack(">I", content[:4])[0], len(content))
        yield content[8:12]
        yield from (content[start : start + 4] for start in range(16, end, 4))


def _boxes(content: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Kind, start and claimed size of the boxes of the first level, up to what is no box."""
    start = 0
    while start + 8 <= len(content):
        size, kind = struct.unpack(">I4s", content[start : start + 8])
        if not kind.isalnum():  # some cameras add data of their own
            return
        if size == 1 and start + 16 <= len(content):
            size = struct.unpack(">Q", content[start + 8 : start + 16])[0]
        elif size == 0:  # up to the end
            size = len(content) - start
        yield kind, start, size
        if size < 8:
            return
        start += size
