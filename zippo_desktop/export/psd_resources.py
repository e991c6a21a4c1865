"""The image resources of a PSD: metadata of the photo, names of the extra channels, and the preview."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from zippo_desktop import __version__
from zippo_desktop.export.psd_sections import block, pascal, unicode_text
from zippo_desktop.imaging.layers import Metadata

# Resource ids of Adobe's specification.
_RESOLUTION, _CHANNEL_NAMES, _IPTC, _THUMBNAIL, _ICC_PROFILE = 1005, 1006, 1028, 1036, 1039
_UNICODE_CHANNEL_NAMES, _CHANNEL_IDS, _VERSION, _EXIF, _XMP = 1045, 1053, 1057, 1058, 1060


def image_resources(
    metadata: Metadata, thumbnail: NDArray[np.uint8], channels: Sequence[tuple[int, str]]
) -> bytes:
    """The resources in the order of their numbers.

    `thumbnail` is [h,w,3]. `channels` are ids and names of what follows blue in the merged picture;
    id 0 is that of its transparency.
    """
    return b"".join(_resource(*item) for item in _contents(metadata, thumbnail, channels))


def _contents(
    metadata: Metadata, thumbnail: NDArray[np.uint8], channels: Sequence[tuple[int, str]]
) -> Iterator[tuple[int, bytes]]:
    if metadata.dpi:
        across, down = (round(value * 65536) for value in metadata.dpi)
        yield _RESOLUTION, struct.pack(">IHHIHH", across, 1, 1, down, 1, 1)  # per inch
    yield _CHANNEL_NAMES, b"".join(pascal(name) for _, name in channels)
    if metadata.iptc:
        yield _IPTC, metadata.iptc
    yield _THUMBNAIL, _jpeg_thumbnail(Image.fromarray(thumbnail))
    if metadata.icc_profile:
        yield _ICC_PROFILE, metadata.icc_profile
    yield _UNICODE_CHANNEL_NAMES, b"".join(unicode_text(name) for _, name in channels)
    yield _CHANNEL_IDS, b"".join(struct.pack(">I", number) for number, _ in channels)
    program = unicode_text(f"Zippo Desktop {__version__}")
    yield _VERSION, struct.pack(">I?", 1, True) + program * 2 + struct.pack(">I", 1)
    if metadata.exif:
        yield _EXIF, metadata.exif
    if metadata.xmp:
        yield _XMP, metadata.xmp


def _jpeg_thumbnail(thumbnail: Image.Image) -> bytes:
    buffer = io.BytesIO()
    thumbnail.save(buffer, "JPEG", quality=85)
    row_bytes = (thumbnail.width * 24 + 31) // 32 * 4
    sizes = row_bytes, row_bytes * thumbnail.height, buffer.tell()
    return struct.pack(">6I2H", 1, *thumbnail.size, *sizes, 24, 1) + buffer.getvalue()


def _resource(number: int, content: bytes) -> bytes:
    return b"8BIM" + struct.pack(">Hxx", number) + block(content) + bytes(len(content) % 2)
