"""What is written comes back the same from Pillow (8 bit), OpenCV (16 bit), ImageMagick and ExifTool."""

from __future__ import annotations

import io
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image

from tests.export.readers import (
    CAMERA,
    EXIF_TAGS,
    IPTC_TAGS,
    XMP_TAGS,
    exiftool,
    imagemagick,
    opencv,
    png_chunks,
)
from tests.export.stacks import METADATA, make_stack
from zippo_desktop.export import png
from zippo_desktop.export.png import encode_png
from zippo_desktop.imaging.compositing import flatten
from zippo_desktop.imaging.layers import Metadata

NOTHING = Metadata()


def noise(shape: tuple[int, ...], dtype: type) -> np.ndarray:
    return np.random.default_rng(0).integers(0, np.iinfo(dtype).max, shape, dtype=dtype, endpoint=True)


@pytest.mark.parametrize("strip_bytes", [1, 50, 1 << 18])  # a row at a time, a few, and all at once
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("shape", [(9, 7), (9, 7, 3), (9, 7, 4), (1, 1, 4), (5, 1), (1, 6, 3)])
def test_samples_come_back_exactly(
    shape: tuple[int, ...], dtype: type, strip_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(png, "_STRIP_BYTES", strip_bytes)
    samples = noise(shape, dtype)

    content = encode_png(samples, METADATA if len(shape) == 3 else NOTHING)

    assert opencv(content).dtype == dtype
    np.testing.assert_array_equal(opencv(content), samples)
    Image.open(io.BytesIO(content)).verify()  # the checksum of every chunk


def test_pillow_reads_the_same_8_bit_samples() -> None:
    samples = flatten(make_stack())

    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(encode_png(samples, METADATA)))), samples)


@pytest.mark.parametrize(("bits", "channels"), [(8, "rgba"), (16, "rgba"), (8, "rgb"), (16, "rgb")])
def test_imagemagick_reads_the_same_samples(tmp_path: Path, bits: int, channels: str) -> None:
    samples = flatten(make_stack(bits), "keep")[..., : len(channels)]
    path = tmp_path / "a.png"
    path.write_bytes(encode_png(samples, NOTHING))

    np.testing.assert_array_equal(imagemagick(path, channels, bits), samples)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_views_of_larger_arrays_are_written_as_they_look(dtype: type) -> None:
    samples = noise((12, 14, 4), dtype)
    views = samples[::2, ::2, :3], np.broadcast_to(samples[0, 0, :3], (5, 4, 3)), samples[..., 3].T

    for view in views:
        np.testing.assert_array_equal(opencv(encode_png(view, NOTHING)), view)


def test_large_pictures_are_written_in_several_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(png, "_STRIP_BYTES", 1000)
    monkeypatch.setattr(png, "_CHUNK_BYTES", 5000)
    samples = noise((300, 400, 4), np.uint8)

    content = encode_png(samples, NOTHING)

    assert [kind for kind, _ in png_chunks(content)].count(b"IDAT") > 3
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(content))), samples)


def test_smooth_pictures_get_small() -> None:
    rows, columns = np.mgrid[:200, :250].astype(np.uint8)
    smooth = np.dstack([rows, columns, rows // 2 + columns // 2])

    assert len(encode_png(smooth, NOTHING)) < smooth.nbytes / 10


@pytest.mark.parametrize("bits", [8, 16])
def test_profile_exif_resolution_and_parameters_are_kept(bits: int) -> None:
    image = Image.open(io.BytesIO(encode_png(flatten(make_stack(bits)), METADATA)))
    image.load()

    assert image.info["icc_profile"] == METADATA.icc_profile
    assert image.info["dpi"] == pytest.approx((300, 150), abs=0.02)
    assert image.getexif()[ExifTags.Base.Make] == "Maker"
    assert image.text == dict(METADATA.parameters)


def test_xmp_and_iptc_stand_where_other_programs_look_for_them() -> None:
    image = Image.open(io.BytesIO(encode_png(noise((2, 3, 3), np.uint8), CAMERA)))
    image.load()

    assert image.text["XML:com.adobe.xmp"].encode() == CAMERA.xmp
    name, length, *lines = image.text["Raw profile type iptc"].split()
    resource = bytes.fromhex("".join(lines))
    assert (name, int(length)) == ("iptc", len(resource))
    assert re.fullmatch(rb"8BIM\x04\x04\0\0\0\0\0.(.*?)\0?", resource, re.DOTALL)[1] == CAMERA.iptc


def test_exiftool_finds_all_metadata_and_no_orientation(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(encode_png(noise((2, 3, 4), np.uint16), CAMERA))
    (found,) = exiftool(path)

    wanted = EXIF_TAGS | XMP_TAGS | IPTC_TAGS | {"ICC_Profile:ProfileDescription": "sRGB built-in"}
    assert {tag: found.get(tag) for tag in wanted} == wanted
    assert found["PNG:PixelsPerUnitX"] == round(300 / 0.0254)
    assert not [tag for tag in found if "Orientation" in tag or "Warning" in tag]


def test_nothing_is_written_that_was_not_given() -> None:
    content = encode_png(np.zeros((2, 3, 3), np.uint8), NOTHING)

    assert [kind for kind, _ in png_chunks(content)] == [b"IHDR", b"IDAT", b"IEND"]


def test_odd_texts_do_not_break_the_file() -> None:
    parameters = {"k" * 200: "a\0b", "prompt": "caf\udce9"}

    image = Image.open(io.BytesIO(encode_png(np.zeros((2, 3), np.uint8), Metadata(parameters=parameters))))
    image.load()

    assert image.text == {"k" * 79: "a b", "prompt": "caf?"}
