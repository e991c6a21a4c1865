"""Layered Photoshop files of 8 and 16 bit, whose subject keeps its matte as a live layer mask.

Follows Adobe's Photoshop File Formats Specification (2019). Channels are packed a strip at a time
into the file, where psd-tools would hold the whole document several times.
"""

from __future__ import annotations

import struct
from functools import partial
from typing import BinaryIO

import cv2
import numpy as np
from numpy.typing import NDArray

from zippo_desktop.export.layer_pictures import preview
from zippo_desktop.export.packbits import Rows, write_packed
from zippo_desktop.export.psd_layers import RLE, matte_rows, write_layers
from zippo_desktop.export.psd_resources import image_resources
from zippo_desktop.export.psd_sections import block, check_length, check_sides
from zippo_desktop.imaging.compositing import flatten, over
from zippo_desktop.imaging.layers import LayerStack, Pixels

_RGB_MODE = 3
_THUMBNAIL_PX = 160
_TRANSPARENCY, _MATTE = (0, "Transparency"), (1, "Matte")  # ids and names of the merged picture's channels


def write_psd(stack: LayerStack, file: BinaryIO, is_large: bool = False) -> None:
    """Write the layers of `stack`, their merged picture with the matte as a channel, and the metadata.

    `file` can be sought in. A large document (PSB) has sides of up to 300,000 pixels. Raises
    ExportError for pictures beyond the format: a side over 30,000 pixels, or 2 GB in all.
    """
    width, height = stack.size
    check_sides(width, height, is_large)
    depth = stack.subject.dtype.itemsize * 8
    version = 2 if is_large else 1
    is_transparent = stack.background is None
    extra_channels = [_TRANSPARENCY, _MATTE] if is_transparent else [_MATTE]
    channels = 3 + len(extra_channels)
    file.write(struct.pack(">4sH6xHIIHH", b"8BPS", version, channels, height, width, depth, _RGB_MODE))
    file.write(block(b""))  # no palette
    file.write(block(image_resources(stack.metadata, _thumbnail(stack), extra_channels)))
    write_layers(file, stack.layers, is_transparent, is_large)
    file.write(RLE)
    write_packed(file, _merged_channels(stack), width, height, is_large)
    check_length(file, is_large)


def _thumbnail(stack: LayerStack) -> NDArray[np.uint8]:
    """[h,w,3], over white like the merged picture."""
    seen = preview(stack, _THUMBNAIL_PX)
    if stack.background is not None:
        return seen
    alpha = seen[..., 3].astype(np.float32) / np.float32(255)
    return over(seen[..., :3], alpha, np.full(3, 255, np.uint8))


def _merged_channels(stack: LayerStack) -> list[Rows]:
    """Red, green, blue of what is seen, its opacity unless a background makes it opaque, and the matte."""
    matte: Rows = partial(matte_rows, stack.matte, stack.subject.dtype)
    channels: list[Rows] = [partial(_seen_colour, stack, channel) for channel in range(3)]
    if stack.background is None:
        channels.append(matte if stack.shadow is None else partial(_opacity, stack))
    return [*channels, matte]


def _seen_colour(stack: LayerStack, channel: int, rows: slice) -> Pixels:
    """One colour [h,W]; over white where there is no background, as PSD wants it."""
    if stack.background is None and stack.shadow is None:  # the usual case, twice as fast
        colour = stack.subject[rows, :, channel]
        return _over_white(colour, matte_rows(stack.matte, colour.dtype, rows))
    seen = _seen(stack, channel, rows)
    return seen[..., 0] if seen.shape[2] == 3 else _over_white(seen[..., 0], seen[..., 3])


def _over_white(colour: Pixels, alpha: Pixels) -> Pixels:
    """Colour and alpha [h,W] as they are stored, so that a reader can take the white out again."""
    full = np.iinfo(alpha.dtype).max
    darker_by = cv2.multiply(full - colour, alpha, scale=1 / full)
    return np.subtract(full, darker_by, out=np.empty_like(alpha))


def _opacity(stack: LayerStack, rows: slice) -> Pixels:
    return _seen(stack, 0, rows)[..., 3]


def _seen(stack: LayerStack, channel: int, rows: slice) -> Pixels:
    """Some rows of what is seen, [h,W,3] or [h,W,4], with one channel of the stack for all three colours."""
    one = np.s_[rows, :, channel : channel + 1]
    part = LayerStack(
        stack.subject[one],
        stack.matte[rows],
        background=None if stack.background is None else stack.background[one],
        shadow=None if stack.shadow is None else stack.shadow[rows],
    )
    return flatten(part, under_alpha="keep")
