"""WebP, AVIF and JPEG: exact where they can be, close where they cannot, and with all their metadata."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import ExifTags, Image

from tests.export.readers import CAMERA, EXIF_TAGS, IPTC_TAGS, XMP_TAGS, exiftool, imagemagick
from zippo_desktop.errors import ExportError
from zippo_desktop.export.pictures import write_avif, write_jpeg, write_webp
from zippo_desktop.imaging.iptc import PHOTOSHOP_RESOURCE
from zippo_desktop.imaging.layers import Metadata

HEIGHT, WIDTH = 90, 130
NOTHING = Metadata()
WRITERS: dict[str, Callable[..., None]] = {
    "webp": partial(write_webp, quality=90, is_exact=False),
    "avif": partial(write_avif, quality=90),
    "jpeg": partial(write_jpeg, quality=90),
}


def smooth(channels: int = 4) -> NDArray[np.uint8]:
    """A saturated picture without fine detail; its alpha has all values, and its edge is soft."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH].astype(np.float32)
    rgba = np.dstack([rows * 2, 255 - columns, columns + rows, (columns - 30) * 4])
    return np.clip(rgba, 0, 255).astype(np.uint8)[..., :channels]


def written(name: str, samples: NDArray[np.uint8], metadata: Metadata = NOTHING, **options: object) -> bytes:
    file = io.BytesIO()
    WRITERS[name](samples, metadata, file, **options)
    return file.getvalue()


def decoded(content: bytes) -> NDArray[np.int16]:
    return np.asarray(Image.open(io.BytesIO(content))).astype(np.int16)


@pytest.mark.parametrize("name", ["webp", "avif"])
def test_alpha_is_exact_and_what_is_seen_is_close(name: str) -> None:
    samples = smooth()
    samples[samples[..., 3] == 0] = 0

    found = decoded(written(name, samples))

    np.testing.assert_array_equal(found[..., 3], samples[..., 3])
    share = samples[..., 3:] / 255
    assert np.abs((found - samples)[..., :3] * share).mean() < 2


@pytest.mark.parametrize("name", WRITERS)
def test_opaque_pictures_have_no_alpha(name: str) -> None:
    samples = smooth(3)

    found = decoded(written(name, samples))

    assert found.shape == samples.shape
    assert np.abs(found - samples).mean() < 2


def test_a_lower_quality_makes_a_smaller_file() -> None:
    noisy = np.random.default_rng(0).integers(0, 255, (60, 60, 3), np.uint8)
    for name in WRITERS:
        assert len(written(name, noisy, quality=40)) < len(written(name, noisy, quality=95)), name


def test_webp_of_full_quality_is_lossless() -> None:
    noisy = np.random.default_rng(0).integers(0, 255, (60, 60, 4), np.uint8)

    found = decoded(written("webp", noisy, quality=100, is_exact=True))

    np.testing.assert_array_equal(found, noisy)


def test_webp_keeps_hidden_colour_only_where_that_is_wanted() -> None:
    samples = smooth()
    is_hidden = samples[..., 3] == 0

    kept, dropped = (
        np.abs(decoded(written("webp", samples, is_exact=is_exact)) - samples)[is_hidden][:, :3].mean()
        for is_exact in (True, False)
    )

    assert kept < 3 < dropped


@pytest.mark.parametrize("name", ["avif", "jpeg"])
def test_colour_has_its_full_resolution(name: str) -> None:
    """Red and cyan columns of one brightness, which at half the colour resolution would turn grey."""
    samples = np.zeros((32, 32, 3), np.uint8)
    samples[:, ::2], samples[:, 1::2] = (200, 0, 0), (0, 84, 84)

    found = decoded(written(name, samples))

    assert (found[:, ::2, 0] - found[:, 1::2, 0]).mean() > 180


def test_opencv_reads_the_jpeg_and_the_webp() -> None:
    samples = smooth(3)
    for name in ("jpeg", "webp"):
        found = cv2.imdecode(np.frombuffer(written(name, samples), np.uint8), cv2.IMREAD_COLOR_RGB)
        assert np.abs(found.astype(np.int16) - samples).mean() < 2, name


@pytest.mark.parametrize(("name", "channels"), [("webp", "rgba"), ("jpeg", "rgb")])
def test_imagemagick_reads_the_same_picture(tmp_path: Path, name: str, channels: str) -> None:
    content = written(name, smooth(len(channels)))
    path = tmp_path / f"a.{name}"
    path.write_bytes(content)

    assert np.abs(imagemagick(path, channels, 8).astype(np.int16) - decoded(content)).max() <= 1


@pytest.mark.parametrize("name", WRITERS)
def test_pillow_finds_all_metadata(name: str) -> None:
    image = Image.open(io.BytesIO(written(name, smooth(3), CAMERA)))
    exif = image.getexif()

    assert image.info["icc_profile"] == CAMERA.icc_profile
    assert image.info["xmp"] == CAMERA.xmp
    assert image.info["exif"].removeprefix(b"Exif\0\0") == CAMERA.exif
    assert exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] == "2024:05:06 07:08:09"
    assert ExifTags.Base.Orientation not in exif
    if name == "jpeg":
        assert image.info["dpi"] == (300, 150)
        assert image.info["photoshop"][PHOTOSHOP_RESOURCE] == CAMERA.iptc


def test_exiftool_finds_all_metadata(tmp_path: Path) -> None:
    paths = [tmp_path / f"a.{name}" for name in WRITERS]
    for name, path in zip(WRITERS, paths, strict=True):
        path.write_bytes(written(name, smooth(3), CAMERA))

    for path, found in zip(paths, exiftool(*paths), strict=True):
        wanted = EXIF_TAGS | XMP_TAGS | {"ICC_Profile:ProfileDescription": "sRGB built-in"}
        wanted |= IPTC_TAGS if path.suffix == ".jpeg" else {}
        assert {tag: found.get(tag) for tag in wanted} == wanted, path.name
        assert not [tag for tag in found if "Orientation" in tag or "Warning" in tag], path.name


@pytest.mark.parametrize("name", WRITERS)
def test_nothing_is_written_that_was_not_given(name: str) -> None:
    image = Image.open(io.BytesIO(written(name, smooth(3))))

    assert not {"icc_profile", "exif", "xmp", "photoshop", "dpi"} & {
        key for key, value in image.info.items() if value
    }


def test_metadata_too_long_for_a_jpeg_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    metadata = replace(CAMERA, xmp=CAMERA.xmp + b" " * 65_536)

    image = Image.open(io.BytesIO(written("jpeg", smooth(3), metadata)))

    assert "xmp" not in image.info
    assert image.info["photoshop"][PHOTOSHOP_RESOURCE] == CAMERA.iptc
    assert "XMP of 68653 bytes" in caplog.text
    caplog.clear()


@pytest.mark.parametrize(("name", "side"), [("webp", 16_384), ("avif", 65_537), ("jpeg", 65_501)])
def test_sides_too_long_for_the_format_are_refused(name: str, side: int) -> None:
    with pytest.raises(
        ExportError, match=f"{side} x 1 pixels cannot be written as {name.upper()}: {side - 1}"
    ):
        written(name, np.zeros((1, side, 3), np.uint8))


def test_a_refusal_of_the_encoder_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError("no reason")

    monkeypatch.setattr(Image.Image, "save", refuse)
    with pytest.raises(ExportError, match="130 x 90 pixels cannot be written as WEBP: no reason"):
        written("webp", smooth())
