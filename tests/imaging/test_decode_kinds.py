"""Every kind of file that is read, as independent programs wrote it (tests/references/input/make.sh)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from tests.imaging.icc_profiles import adobe_rgb_profile, display_p3_profile
from zippo_desktop.errors import InputError
from zippo_desktop.imaging.colour import srgb_8_bit
from zippo_desktop.imaging.decode import decode, decode_matte

# Pillow warns of what it then raises as an error.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL")

FOLDER = Path(__file__).parents[1] / "references" / "input"

# The picture's quarters, upright
COLOURS = (((200, 30, 30), (30, 180, 40)), ((30, 40, 200), (230, 220, 40)))
GREYS = ((66, 138), (49, 209))
BILEVEL = ((0, 255), (0, 255))


@dataclass(frozen=True)
class Kind:
    """What must come out of a file: its quarters of 8 bits with a tolerance, its depth, and its alpha."""

    name: str
    quarters: tuple = COLOURS
    tolerance: float = 0
    bits: int = 8
    deep_offset: int = 0  # what the upper 8 bits alone would not tell
    alpha: str = ""  # "ramp" from left to right, "hole" in the last quarter


KINDS = [
    Kind("baseline.jpg", tolerance=2),
    Kind("progressive.jpg", tolerance=1),
    Kind("grey.jpg", GREYS, tolerance=1),
    Kind("cmyk.jpg", tolerance=1),
    Kind("rgb.png"),
    Kind("interlaced.png"),
    Kind("palette.png"),
    Kind("palette-transparent.png", alpha="hole"),
    Kind("grey.png", GREYS, tolerance=1),
    Kind("bilevel.png", BILEVEL),
    Kind("rgba.png", alpha="ramp"),
    Kind("grey-alpha.png", GREYS, tolerance=1, alpha="ramp"),
    Kind("rgb16.png", bits=16, deep_offset=77),
    Kind("rgba16.png", bits=16, deep_offset=77, alpha="ramp"),
    Kind("grey16.png", GREYS, tolerance=1, bits=16),
    Kind("lossy.webp", tolerance=3),
    Kind("lossless.webp"),
    Kind("alpha.webp", alpha="ramp"),
    Kind("rgb.bmp"),
    Kind("rgba.bmp", alpha="ramp"),
    Kind("palette.bmp"),
    Kind("animated.gif"),
    Kind("transparent.gif", alpha="hole"),
    Kind("lzw.tif"),
    Kind("zip-big-endian.tif"),
    Kind("planes.tif"),
    Kind("jpeg.tif", tolerance=1),
    Kind("palette.tif"),
    Kind("grey.tif", GREYS, tolerance=1),
    Kind("fax.tif", BILEVEL),
    Kind("cmyk.tif"),
    Kind("rgba.tif", alpha="ramp"),
    Kind("rgb16.tif", bits=16, deep_offset=77),
    Kind("rgba16.tif", bits=16, deep_offset=77, alpha="ramp"),
    Kind("gimp-rgba16.tif", bits=16, deep_offset=77, alpha="ramp"),
    Kind("grey16.tif", GREYS, tolerance=1, bits=16),
    Kind("8-bit.avif", tolerance=1),
    Kind("12-bit.avif", tolerance=0.5, bits=16),
    Kind("alpha.avif", tolerance=1, alpha="ramp"),
    Kind("8-bit.heic", tolerance=1),
    Kind("10-bit.heic", tolerance=1, bits=16),
    Kind("12-bit.heic", tolerance=0.5, bits=16),
    Kind("alpha.heic", tolerance=1, alpha="ramp"),
    Kind(
        "premultiplied.heic", tolerance=10, alpha="ramp"
    ),  # little is left of colour that was multiplied away
    Kind("grey.heic", GREYS, tolerance=1),
    *(Kind(f"orientation-{number}.jpg", tolerance=1) for number in range(1, 9)),
    *(Kind(f"metadata.{suffix}", tolerance=1) for suffix in ("jpg", "png", "webp", "tif", "heic", "avif")),
]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_kind_comes_out_as_the_picture_it_is(kind: Kind) -> None:
    photo = decode(FOLDER / kind.name)

    assert photo.pixels.shape == (32, 48, 3)
    assert photo.pixels.dtype == (np.uint16 if kind.bits == 16 else np.uint8)
    assert photo.pixels.flags.c_contiguous
    scale = 257 if kind.bits == 16 else 1
    # The middles of the quarters, where no lossy format rings; the hole's colour is nobody's.
    for row, column in ((0, 0), (0, 1), (1, 0), (1, 1)):
        if (row, column) == (1, 1) and kind.alpha == "hole":
            continue
        middle = photo.pixels[16 * row + 5 : 16 * row + 11, 24 * column + 7 : 24 * column + 17]
        expected = np.broadcast_to(
            np.array(kind.quarters[row][column]) * scale + kind.deep_offset, middle.shape
        )
        np.testing.assert_allclose(middle, expected, atol=kind.tolerance * scale)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_alpha_is_there_where_the_file_has_some(kind: Kind) -> None:
    alpha = decode(FOLDER / kind.name).alpha

    if not kind.alpha:
        assert alpha is None
        return
    assert alpha is not None
    if kind.alpha == "hole":
        expected = np.ones((32, 48))
        expected[16:, 24:] = 0
    else:
        expected = np.broadcast_to(np.linspace(0, 1, 48), (32, 48))
    np.testing.assert_allclose(alpha, expected, atol=0.025)


def test_every_committed_file_is_in_the_table() -> None:
    names = {path.name for path in FOLDER.iterdir() if path.suffix != ".sh"}

    assert names == {kind.name for kind in KINDS}


RAMP = np.broadcast_to(np.linspace(0, 1, 48), (32, 48))
STEPS = np.repeat(np.repeat(np.array(GREYS) / 255, 16, axis=0), 24, axis=1)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        *((name, RAMP) for name in ("rgba.png", "rgba16.png", "alpha.webp", "alpha.avif", "alpha.heic")),
        *((name, STEPS) for name in ("grey.png", "grey16.tif", "grey.heic")),
    ],
)
def test_a_matte_may_be_of_any_kind(name: str, expected: np.ndarray) -> None:
    np.testing.assert_allclose(decode_matte(FOLDER / name), expected, atol=0.025)


FIRST_OF_EACH = [
    "baseline.jpg",
    "rgb.png",
    "lossy.webp",
    "lzw.tif",
    "rgb.bmp",
    "animated.gif",
    "8-bit.avif",
    "8-bit.heic",
]
DEEP = [
    "rgb16.png",
    "rgb16.tif",
    "12-bit.avif",
    "12-bit.heic",
    "grey16.tif",
    "metadata.heic",
    "metadata.avif",
]


@pytest.mark.parametrize("name", FIRST_OF_EACH + DEEP)
def test_a_truncated_file_is_refused_or_whole(tmp_path: Path, name: str) -> None:
    """Whole where only what follows the pixels is missing, such as an animation's second picture."""
    content, whole = (FOLDER / name).read_bytes(), decode(FOLDER / name).pixels
    path = tmp_path / name
    messages = []
    sizes = range(1, len(content), max(1, len(content) // 40))
    for size in sizes:
        path.write_bytes(content[:size])
        try:
            np.testing.assert_array_equal(decode(path).pixels, whole)
        except InputError as error:
            messages.append(error.message)

    assert all(name in message for message in messages)
    assert len(messages) >= len(sizes) * (0.2 if name == "animated.gif" else 0.8)


@pytest.mark.parametrize("name", FIRST_OF_EACH)
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif", ".heic", ".avif", ".nef"])
def test_a_lying_suffix_does_not_matter(tmp_path: Path, name: str, suffix: str) -> None:
    content = (FOLDER / name).read_bytes()
    if suffix == ".nef" and name == "lzw.tif":
        pytest.skip("a TIFF under a camera's suffix counts as camera RAW: see test_decode_raw.py")
    path = tmp_path / f"photo{suffix}"
    path.write_bytes(content)

    np.testing.assert_array_equal(decode(path).pixels, decode(FOLDER / name).pixels)


@pytest.mark.parametrize("name", FIRST_OF_EACH + DEEP)
def test_the_limit_of_size_holds_for_every_kind(tmp_path: Path, name: str) -> None:
    """It is told before damage of the pixels, wherever the format allows to see its header then."""
    content = (FOLDER / name).read_bytes()
    path = tmp_path / name
    is_cut = path.suffix in (".jpg", ".png", ".bmp", ".gif")
    path.write_bytes(content[: -len(content) // 8] if is_cut else content)

    assert decode(FOLDER / name, max_pixels=48 * 32).pixels.size
    with pytest.raises(InputError, match=r"48 x 32.*more than 0\.0015 megapixels, the limit") as caught:
        decode(path, max_pixels=1500)
    assert "--max-megapixels" in caught.value.hint


@pytest.mark.parametrize(
    "profile", [adobe_rgb_profile(), display_p3_profile()], ids=["Adobe RGB", "Display P3"]
)
def test_a_wide_profile_is_kept_and_only_the_network_sees_srgb(tmp_path: Path, profile: bytes) -> None:
    content = (FOLDER / "baseline.jpg").read_bytes()
    segment = b"ICC_PROFILE\0\x01\x01" + profile
    marker = b"\xff\xe2" + (len(segment) + 2).to_bytes(2, "big")
    path = tmp_path / "camera.jpg"
    path.write_bytes(content[:2] + marker + segment + content[2:])

    photo, plain = decode(path), decode(FOLDER / "baseline.jpg")

    assert photo.metadata.icc_profile == profile
    np.testing.assert_array_equal(photo.pixels, plain.pixels)
    assert np.abs(srgb_8_bit(photo).astype(int) - plain.pixels).max() > 10


def test_opening_a_deep_file_tells_nothing_on_the_terminal(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "cut.tif"
    path.write_bytes((FOLDER / "rgb16.tif").read_bytes()[:300])

    with pytest.raises(InputError):
        decode(path)

    assert capfd.readouterr() == ("", "")
