"""What is packed comes back from psd-tools' decoder, whatever the rows are like."""

from __future__ import annotations

import io

import numpy as np
import pytest
from numpy.typing import NDArray
from psd_tools.compression import compress, decompress
from psd_tools.constants import Compression

from zippo_desktop.export import packbits
from zippo_desktop.export.packbits import pack_rows, write_packed

RNG = np.random.default_rng(4)
KINDS = {
    "random": lambda height, width: RNG.integers(0, 256, (height, width)),
    "constant": lambda height, width: np.full((height, width), 7),
    "alternating": lambda height, width: np.arange(height * width).reshape(height, width) % 2,
    "pairs": lambda height, width: np.arange(height * width).reshape(height, width) // 2 % 251,
    "runs": lambda height, width: np.cumsum(RNG.random((height, width)) < 0.02, axis=1),
}


def written(samples: NDArray, is_large: bool = False) -> bytes:
    file = io.BytesIO()
    height, width = samples.shape
    write_packed(file, [samples.__getitem__], width, height, is_large)
    return file.getvalue()


@pytest.mark.parametrize("is_large", [False, True])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("kind", KINDS)
def test_rows_of_every_length_come_back(kind: str, dtype: type, is_large: bool) -> None:
    for width in [*range(1, 301), 6001]:
        samples = (KINDS[kind](3, width) * (np.iinfo(dtype).max // 255)).astype(dtype)

        content = decompress(
            written(samples, is_large),
            Compression.RLE,
            width,
            3,
            8 * samples.itemsize,
            version=2 if is_large else 1,
        )

        decoded = np.frombuffer(content, samples.dtype.newbyteorder(">")).reshape(samples.shape)
        np.testing.assert_array_equal(decoded, samples)


@pytest.mark.parametrize("kind", KINDS)
def test_packing_is_about_as_tight_as_that_of_psd_tools(kind: str) -> None:
    samples = KINDS[kind](20, 3000).astype(np.uint8)

    theirs = compress(samples.tobytes(), Compression.RLE, 3000, 20, 8)

    assert len(written(samples)) <= 1.05 * len(theirs)


def test_noise_grows_by_no_more_than_the_format_says() -> None:
    samples = RNG.integers(0, 256, (5, 30_000), dtype=np.uint8)

    assert max(map(len, pack_rows(samples))) <= 30_000 + -(-30_000 // 127)


def test_channels_follow_one_another_in_strips(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packbits, "_STRIP_PX", 100)  # three rows at a time
    planes = RNG.integers(0, 9, (2, 10, 31), dtype=np.uint8)
    asked = []

    def rows_of(plane: NDArray, rows: slice) -> NDArray:
        asked.append(rows.stop - rows.start)
        return plane[rows]

    file = io.BytesIO(b"before")
    file.seek(0, 2)
    channels = [lambda rows, plane=plane: rows_of(plane, rows) for plane in planes]
    write_packed(file, channels, 31, 10)

    assert asked == [3, 3, 3, 1] * 2
    assert file.tell() == len(file.getvalue())
    content = decompress(file.getvalue().removeprefix(b"before"), Compression.RLE, 31, 20, 8)
    np.testing.assert_array_equal(np.frombuffer(content, np.uint8), planes.ravel())


def test_rows_that_share_their_memory_are_packed_once() -> None:
    row = np.arange(40, dtype=np.uint16)

    packed = pack_rows(np.broadcast_to(row, (50, 40)))

    assert packed == pack_rows(np.tile(row, (50, 1)))
    assert all(content is packed[0] for content in packed)
