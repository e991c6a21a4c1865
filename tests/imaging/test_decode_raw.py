"""Camera RAW: a sensor's data developed as it stands, and never the preview in its place."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.imaging.files import dng_bytes, tiff_bytes
from tests.imaging.test_decode import turned
from zippo_desktop.errors import InputError
from zippo_desktop.imaging import raw
from zippo_desktop.imaging.colour import srgb_profile
from zippo_desktop.imaging.decode import decode

PREVIEW = np.full((12, 16, 3), 90, np.uint8)


def quarters() -> np.ndarray:
    """[48,64,3] linear light; one quarter of each colour, and a bright pixel for the scale's end."""
    linear = np.empty((48, 64, 3))
    linear[:24, :32], linear[:24, 32:] = (0.5, 0.02, 0.02), (0.02, 0.4, 0.05)
    linear[24:, :32], linear[24:, 32:] = (0.02, 0.05, 0.6), (0.7, 0.6, 0.05)
    return linear


def srgb(linear: np.ndarray) -> np.ndarray:
    return np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


@pytest.fixture
def _rawpy() -> None:
    pytest.importorskip("rawpy", reason="rawpy, an optional dependency, is not installed")


@pytest.mark.usefixtures("_rawpy")
class TestDeveloping:
    def test_light_comes_out_as_srgb_of_16_bits(self, tmp_path: Path) -> None:
        photo = decode(write(tmp_path / "a.dng", dng_bytes(quarters(), preview=PREVIEW)))

        assert photo.pixels.dtype == np.uint16
        assert photo.alpha is None
        assert photo.metadata.icc_profile == srgb_profile()
        for y, x in ((12, 16), (12, 48), (36, 16), (36, 48)):
            np.testing.assert_allclose(photo.pixels[y, x] / 65535, srgb(quarters()[y, x]), atol=0.004)

    def test_white_is_white_by_the_cameras_balance(self, tmp_path: Path) -> None:
        grey = np.full((32, 32, 3), 0.25)
        photo = decode(write(tmp_path / "a.dng", dng_bytes(grey, neutral=(0.5, 1, 0.8))))

        np.testing.assert_allclose(photo.pixels[16, 16] / 65535, srgb(grey[0, 0]), atol=0.004)

    def test_a_dark_photo_of_a_series_stays_darker(self, tmp_path: Path) -> None:
        levels = [
            decode(write(tmp_path / f"{light}.dng", dng_bytes(quarters() * light))).pixels[36, 48, 0]
            for light in (1.0, 0.25)
        ]

        np.testing.assert_allclose(np.array(levels) / 65535, srgb(0.7 * np.array([1.0, 0.25])), atol=0.004)

    @pytest.mark.parametrize("orientation", range(1, 9))
    def test_the_picture_is_turned_once(self, tmp_path: Path, orientation: int) -> None:
        upright = decode(write(tmp_path / "1.dng", dng_bytes(quarters())))
        content = dng_bytes(quarters(), orientation=orientation, preview=PREVIEW)
        photo = decode(write(tmp_path / "a.dng", content))

        expected = turned(upright.pixels, orientation)
        assert photo.pixels.shape == expected.shape
        middles = np.ix_((8, expected.shape[0] - 8), (8, expected.shape[1] - 8))
        np.testing.assert_allclose(photo.pixels[middles].astype(int), expected[middles], atol=300)

    def test_exif_and_xmp_are_kept(self, tmp_path: Path) -> None:
        packet = (
            b'<x:xmpmeta xmlns:x="adobe:ns:meta/">'
            b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
            b'<rdf:Description xmlns:tiff="http://ns.adobe.com/tiff/1.0/"'
            b' tiff:Orientation="6" tiff:Make="M"/>'
            b"</rdf:RDF></x:xmpmeta>"
        )
        kept = decode(write(tmp_path / "a.dng", dng_bytes(quarters(), orientation=6, xmp=packet))).metadata

        exif = Image.Exif()
        exif.load(kept.exif or b"")
        assert dict(exif) == {271: "Maker", 272: "Camera"}
        assert kept.xmp == packet.replace(b' tiff:Orientation="6"', b"")

    @pytest.mark.parametrize("name", ["a.tif", "a.jpg", "a"])
    def test_a_renamed_raw_is_no_tiff(self, tmp_path: Path, name: str) -> None:
        photo = decode(write(tmp_path / name, dng_bytes(quarters(), preview=PREVIEW)))

        assert photo.pixels.shape == (48, 64, 3)
        assert photo.pixels.dtype == np.uint16

    @pytest.mark.parametrize("compression", [None, 7], ids=["plain", "lossless JPEG"])
    @pytest.mark.parametrize("share", [0.02, 0.1, 0.3, 0.5, 0.9, 0.999])
    def test_a_truncated_file_is_refused(self, tmp_path: Path, share: float, compression: int | None) -> None:
        noisy = np.clip(np.random.default_rng(0).normal(0.4, 0.1, (100, 150, 3)), 0, 1)
        content = dng_bytes(noisy, preview=PREVIEW, compression=compression)
        assert decode(write(tmp_path / "whole.dng", content)).pixels.shape == noisy.shape

        with pytest.raises(InputError, match=r"a\.dng is damaged or incomplete"):
            decode(write(tmp_path / "a.dng", content[: int(len(content) * share)]))

    @pytest.mark.parametrize("content", [b"no sensor's data" * 99, tiff_bytes(np.ones((4, 4, 3), np.uint8))])
    def test_a_lying_suffix_is_told(self, tmp_path: Path, content: bytes) -> None:
        with pytest.raises(InputError, match=r"a\.nef is no camera RAW that LibRaw knows"):
            decode(write(tmp_path / "a.nef", content))

    def test_the_limit_of_size_holds(self, tmp_path: Path) -> None:
        path = write(tmp_path / "a.dng", dng_bytes(quarters(), preview=PREVIEW))

        assert decode(path, max_pixels=64 * 48).pixels.size
        with pytest.raises(InputError, match=r"64 x 48.*more than 0\.003 megapixels, the limit"):
            decode(path, max_pixels=3000)


def test_without_rawpy_the_way_to_it_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "a.dng", dng_bytes(quarters()))
    monkeypatch.setitem(sys.modules, "rawpy", None)

    with pytest.raises(InputError, match=r"a\.dng is a camera RAW") as caught:
        decode(path)

    assert 'pip install "zippo-desktop[raw]"' in caught.value.hint


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
@pytest.mark.parametrize(
    ("name", "content", "is_raw"),
    [
        ("a.dng", tiff_bytes(np.ones((4, 4, 3), np.uint8)), True),
        ("a.tif", tiff_bytes(np.ones((4, 4, 3), np.uint8)), False),
        ("a.tif", dng_bytes(quarters(), preview=PREVIEW), True),
        ("a.tif", b"II*\0\x10\0\0\0CR\x02\0", True),
        ("a.bin", b"FUJIFILMCCD-RAW 0201", True),
        ("a.bin", b"\0\0\0\x18ftypcrx \0\0\0\1", True),
        ("a.heic", b"\0\0\0\x18ftypheic\0\0\0\0", False),
        ("a.nef", b"\xff\xd8\xff\xe0", False),
        ("a.tif", b"II*\0\xff\xff\xff\xff", False),
    ],
)
def test_raw_is_known_by_its_content(name: str, content: bytes, is_raw: bool) -> None:
    assert raw.is_raw(Path(name), content) is is_raw
