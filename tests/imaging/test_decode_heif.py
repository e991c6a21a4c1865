"""HEIC and HEIF: turns by the file's own boxes, and files that end too early or in zeros."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.imaging.files import heif_with_turns
from tests.imaging.test_decode import turned
from zippo_desktop.errors import InputError
from zippo_desktop.imaging.decode import decode
from zippo_desktop.imaging.raster import full_range_16_bit

FOLDER = Path(__file__).parents[1] / "references" / "input"
# EXIF's orientations as boxes: quarters anti-clockwise, and then a mirror's axis.
TURNS = {1: (0, None), 2: (0, 1), 3: (2, None), 4: (0, 0), 5: (1, 0), 6: (3, None), 7: (3, 0), 8: (1, None)}


@pytest.mark.parametrize("orientation", TURNS)
@pytest.mark.parametrize("name", ["8-bit.heic", "10-bit.heic"])
def test_the_boxes_turn_the_picture_once(tmp_path: Path, name: str, orientation: int) -> None:
    path = tmp_path / name
    path.write_bytes(heif_with_turns((FOLDER / name).read_bytes(), *TURNS[orientation]))

    np.testing.assert_array_equal(decode(path).pixels, turned(decode(FOLDER / name).pixels, orientation))


@pytest.mark.parametrize("orientation", TURNS)
def test_the_boxes_of_an_avif_turn_the_picture_once(tmp_path: Path, orientation: int) -> None:
    for name in ("8-bit.avif", "12-bit.avif"):
        path = tmp_path / name
        path.write_bytes(heif_with_turns((FOLDER / name).read_bytes(), *TURNS[orientation]))

        np.testing.assert_array_equal(decode(path).pixels, turned(decode(FOLDER / name).pixels, orientation))


def test_exif_beside_the_boxes_does_not_turn_it_again(tmp_path: Path) -> None:
    """As a phone writes it: EXIF repeats what the box says."""
    path = tmp_path / "phone.heic"
    path.write_bytes(heif_with_turns((FOLDER / "metadata.heic").read_bytes(), *TURNS[6]))

    photo = decode(path)

    np.testing.assert_array_equal(photo.pixels, turned(decode(FOLDER / "8-bit.heic").pixels, 6))
    assert photo.metadata.exif is not None
    assert b"Maker" in photo.metadata.exif


@pytest.mark.parametrize("name", ["metadata.heic", "metadata.avif"])
def test_a_file_whose_end_was_never_written_is_refused(tmp_path: Path, name: str) -> None:
    content = (FOLDER / name).read_bytes()
    path = tmp_path / name
    path.write_bytes(content[:-1500].ljust(len(content), b"\0"))

    with pytest.raises(InputError, match="its end was never written"):
        decode(path)


@pytest.mark.parametrize(
    "behind", [bytes(4000), b"\0\0\x08\0free" + bytes(2040), b"trailing words", b"\xff" * 99]
)
def test_what_stands_behind_a_whole_file_does_no_harm(tmp_path: Path, behind: bytes) -> None:
    content = (FOLDER / "8-bit.heic").read_bytes()
    path = tmp_path / "a.heic"
    path.write_bytes(content + behind)

    if behind.startswith(b"trail"):  # a box by its looks, of a size that the file has not
        with pytest.raises(InputError, match="its end is missing"):
            decode(path)
        return
    np.testing.assert_array_equal(decode(path).pixels, decode(FOLDER / "8-bit.heic").pixels)


def test_damage_never_surfaces_as_another_error(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    path = tmp_path / "damaged.heic"
    outcomes = set()
    for name in ("8-bit.heic", "alpha.heic", "10-bit.heic"):
        sound = (FOLDER / name).read_bytes()
        for _ in range(40):
            content = bytearray(sound)
            for place in rng.integers(0, len(content), 4):
                content[place] = rng.integers(0, 256)
            path.write_bytes(content)
            try:
                outcomes.add(decode(path, max_pixels=10**6).pixels.ndim)
            except InputError:
                outcomes.add(None)

    assert None in outcomes
    assert outcomes <= {3, None}


@pytest.mark.parametrize("bits", [9, 10, 12, 14, 16])
def test_white_stays_white_and_black_black_when_bits_are_spread(bits: int) -> None:
    samples = np.array([0, 1, 2 ** (bits - 1), 2**bits - 1], np.uint16)

    spread = full_range_16_bit(samples.copy(), bits)

    np.testing.assert_allclose(spread, samples * (65535 / (2**bits - 1)), atol=1.01)
    assert (spread[0], spread[-1]) == (0, 65535)
