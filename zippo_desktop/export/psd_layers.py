"""The layers of a PSD: their records, their channels, and where the two depths keep them."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from functools import partial
from typing import BinaryIO

import numpy as np

from zippo_desktop.export.packbits import Rows, overwrite, write_packed
from zippo_desktop.export.psd_sections import block, check_length, pascal, section, unicode_text
from zippo_desktop.imaging.layers import Layer, Matte, Pixels
from zippo_desktop.imaging.matte import quantise

RLE = struct.pack(">H", 1)

_TRANSPARENCY, _MASK = -1, -2  # channel ids beside 0, 1, 2 for red, green, blue
_EVERY_LOCK = 0x8000_0007  # transparency, pixels, position, and the flag for all of them together


def write_layers(file: BinaryIO, layers: Sequence[Layer], is_transparent: bool, is_large: bool) -> None:
    """Write the layer and mask information, from the bottom layer to the top.

    `is_transparent` says that the merged picture's fourth channel is its transparency. At 16 bit the
    layers stand in a block of their own behind the empty place for those of 8 bit.
    """
    length_bytes = 8 if is_large else 4
    with section(file, is_large):
        if layers[0].pixels.dtype == np.uint8:
            _write_layer_info(file, layers, is_transparent, is_large)
            file.write(block(b""))  # no mask for all layers
        else:
            # Lr16 stands first, for GIMP 2.10 looks no further than the first block. A large document
            # may sign its blocks 8B64, but then ImageMagick finds no layers.
            file.write(bytes(length_bytes) + block(b"") + b"8BIMLr16")
            _write_layer_info(file, layers, is_transparent, is_large)
            if is_transparent:
                file.write(b"8BIMMt16" + bytes(length_bytes))


def _write_layer_info(file: BinaryIO, layers: Sequence[Layer], is_transparent: bool, is_large: bool) -> None:
    with section(file, is_large):
        start = file.tell()
        file.write(struct.pack(">h", -len(layers) if is_transparent else len(layers)))
        records_start = file.tell()
        file.write(_records(layers, [[0] * len(_channels(layer)) for layer in layers], is_large))
        lengths = [_write_channels(file, layer, is_large) for layer in layers]
        overwrite(file, records_start, _records(layers, lengths, is_large))
        file.write(bytes(-(file.tell() - start) % 4))


def _write_channels(file: BinaryIO, layer: Layer, is_large: bool) -> list[int]:
    """Write the layer's channels and return their lengths in bytes."""
    height, width = layer.pixels.shape[:2]
    lengths = []
    for rows_of in _channels(layer).values():
        start = file.tell()
        file.write(RLE)
        write_packed(file, [rows_of], width, height, is_large)
        check_length(file, is_large)
        lengths.append(file.tell() - start)
    return lengths


def _channels(layer: Layer) -> dict[int, Rows]:
    """The layer's channels by id; always with transparency, or it would be a Photoshop Background."""
    pixels = layer.pixels
    opaque = np.broadcast_to(np.array(np.iinfo(pixels.dtype).max, pixels.dtype), pixels.shape[:2])
    channels: dict[int, Rows] = {_TRANSPARENCY: opaque.__getitem__}
    channels |= {i: pixels[..., i].__getitem__ for i in range(3)}
    if layer.mask is not None:
        channels[_MASK] = partial(matte_rows, layer.mask, pixels.dtype)
    return channels


def matte_rows(matte: Matte, dtype: np.dtype[np.uint8] | np.dtype[np.uint16], rows: slice) -> Pixels:
    """Rows of a matte as samples."""
    return quantise(matte[rows], dtype)


def _records(layers: Sequence[Layer], lengths: Sequence[Sequence[int]], is_large: bool) -> bytes:
    return b"".join(_record(*item, is_large) for item in zip(layers, lengths, strict=True))


def _record(layer: Layer, lengths: Sequence[int], is_large: bool) -> bytes:
    """One layer's record; its length does not depend on the `lengths` of the channels."""
    height, width = layer.pixels.shape[:2]
    bounds = struct.pack(">4i", 0, 0, height, width)
    code = ">hQ" if is_large else ">hI"
    channels = b"".join(struct.pack(code, *item) for item in zip(_channels(layer), lengths, strict=True))
    flags = 1 * layer.is_locked | 2 * (not layer.is_visible) | 8
    blending = b"8BIMnorm" + struct.pack(">BBBx", 255, 0, flags)  # opaque, not clipped
    mask = b"" if layer.mask is None else bounds + bytes(4)  # black outside, enabled
    extra = [
        block(mask),
        block(b""),  # blending ranges: all
        pascal(layer.name, alignment=4),
        b"8BIMluni" + block(unicode_text(layer.name)),
        b"8BIMlspf" + block(struct.pack(">I", _EVERY_LOCK if layer.is_locked else 0)),
    ]
    return bounds + struct.pack(">H", len(lengths)) + channels + blending + block(b"".join(extra))
