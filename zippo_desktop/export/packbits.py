"""PackBits, the run-length coding of PSD channels, a strip of rows at a time straight into the file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import BinaryIO

import numpy as np

from zippo_desktop.imaging.layers import Pixels

Rows = Callable[[slice], Pixels]  # some rows [h,W] of one channel of a picture, made when asked for

_STRIP_PX = 2**20  # what is held of a channel at a time


def write_packed(
    file: BinaryIO, channels: Sequence[Rows], width: int, height: int, is_large: bool = False
) -> None:
    """Write the byte counts of all rows of all channels, then the rows themselves, big-endian.

    A count takes two bytes, and four in a large document.
    """
    table_start = file.tell()
    counts = np.zeros(len(channels) * height, ">u4" if is_large else ">u2")
    file.write(counts.tobytes())
    row = 0
    for rows_of in channels:
        for strip in _strips(width, height):
            packed = pack_rows(rows_of(strip))
            file.writelines(packed)
            counts[row : row + len(packed)] = [len(content) for content in packed]
            row += len(packed)
    overwrite(file, table_start, counts.tobytes())


def pack_rows(samples: Pixels) -> list[bytes]:
    """The rows of [h,W], each packed by itself. Rows that share their memory are packed once."""
    from imagecodecs import packbits_encode  # takes its time to load, and only a PSD has to wait for it

    is_constant = samples.strides[0] == 0  # as np.broadcast_to leaves it
    distinct = samples[:1] if is_constant else samples
    big_endian = np.ascontiguousarray(distinct, distinct.dtype.newbyteorder(">"))
    packed = [bytes(packbits_encode(row)) for row in big_endian.view(np.uint8)]
    return packed * len(samples) if is_constant else packed


def overwrite(file: BinaryIO, start: int, content: bytes) -> None:
    """Replace what stands at `start`, and go on at the end."""
    file.seek(start)
    file.write(content)
    file.seek(0, 2)


def _strips(width: int, height: int) -> Iterator[slice]:
    rows = max(1, _STRIP_PX // width)
    for start in range(0, height, rows):
        yield slice(start, min(start + rows, height))
