"""PNG: cut-outs, mattes and pictures of 8 and 16 bit, with profile, EXIF, resolution and text.

Pillow or OpenCV compress the pixels, whichever can; the metadata chunks are the same for both.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator

import cv2
import numpy as np
from PIL import Image

from zippo_desktop.errors import ExportError
from zippo_desktop.imaging.layers import Matte, Metadata, Pixels
from zippo_desktop.imaging.matte import quantise

_HEADER_BYTES = 33  # the signature and IHDR
_METRES_PER_INCH = 0.0254
_MAX_KEYWORD = 79


def cutout(colour: Pixels, matte: Matte) -> Pixels:
    """Colour [H,W,3] and matte [H,W] as straight RGBA [H,W,4]; black where the matte rounds to nothing.

    So the background cannot be made to show again, and the file gets smaller.
    """
    alpha = quantise(matte, colour.dtype)
    rgba = np.zeros((*alpha.shape, 4), colour.dtype)
    np.copyto(rgba[..., :3], colour, where=alpha[..., None] > 0)
    rgba[..., 3] = alpha
    return rgba


def encode_png(samples: Pixels, metadata: Metadata) -> bytes:
    """A PNG file of grey [H,W], RGB [H,W,3] or straight RGBA [H,W,4], uint8 or uint16.

    A profile in `metadata` must be for the samples' colour space. Raises ExportError where a side
    is too long for the encoder.
    """
    try:
        encoded = _encode_8_bit(samples) if samples.dtype == np.uint8 else _encode_16_bit(samples)
    except (cv2.error, OSError, ValueError) as error:
        height, width = samples.shape[:2]
        message = f"A picture of {width} x {height} pixels cannot be written as PNG ({error})."
        raise ExportError(message, "Scale the photo down.") from error
    return b"".join([encoded[:_HEADER_BYTES], *_metadata_chunks(metadata), encoded[_HEADER_BYTES:]])


def _encode_8_bit(samples: Pixels) -> bytes:
    """Run-length matching only (compress_type 3): six times as fast on photos, and smaller."""
    buffer = io.BytesIO()
    Image.fromarray(samples).save(buffer, "PNG", compress_level=6, compress_type=3)
    return buffer.getvalue()


def _encode_16_bit(samples: Pixels) -> bytes:
    """OpenCV's own defaults, which are faster and smaller than any explicit level."""
    if samples.ndim == 3:
        code = cv2.COLOR_RGBA2BGRA if samples.shape[2] == 4 else cv2.COLOR_RGB2BGR
        done, encoded = cv2.imencode(".png", cv2.cvtColor(samples, code))
    else:
        done, encoded = cv2.imencode(".png", samples)
    if not done:
        raise ValueError("OpenCV gives no reason")
    return encoded.tobytes()


def _metadata_chunks(metadata: Metadata) -> Iterator[bytes]:
    """iCCP, pHYs, eXIf and iTXt, as the PNG specification (third edition, 11.3) has them."""
    if metadata.icc_profile:
        yield _chunk(b"iCCP", b"ICC profile\0\0" + zlib.compress(metadata.icc_profile))
    if metadata.dpi:
        across, down = (round(value / _METRES_PER_INCH) for value in metadata.dpi)
        yield _chunk(b"pHYs", struct.pack(">IIB", across, down, 1))
    if metadata.exif:
        yield _chunk(b"eXIf", metadata.exif)
    for key, value in metadata.parameters.items():
        keyword = key.encode("latin-1", "replace")[:_MAX_KEYWORD]
        text = value.replace("\0", " ").encode("utf-8", "replace")
        yield _chunk(b"iTXt", keyword + b"\0\0\0\0\0" + text)  # not compressed, no language given


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
