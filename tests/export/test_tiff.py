"""What is written comes back the same from OpenCV, tifffile, Pillow, ImageMagick and ExifTool."""

from __future__ import annotations

import io
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import ExifTags, Image

from tests.export.readers import CAMERA, EXIF_TAGS, IPTC_TAGS, XMP_TAGS, exiftool, imagemagick, opencv
from tests.export.stacks import METADATA, make_stack
from zippo_desktop.errors import ExportError
from zippo_desktop.export import tiff
from zippo_desktop.export.tiff import write_tiff
from zippo_desktop.imaging.compositing import flatten
from zippo_desktop.imaging.layers import Metadata, Pixels

NOTHING = Metadata()
METADATA_KINDS = {"none": NOTHING, "Intel EXIF": METADATA, "Motorola EXIF": CAMERA}


def written(samples: Pixels, metadata: Metadata = NOTHING) -> bytes:
    file = io.BytesIO()
    write_tiff(samples, metadata, file)
    return file.getvalue()


@pytest.mark.parametrize("metadata", METADATA_KINDS.values(), ids=METADATA_KINDS)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("shape", [(9, 7), (9, 7, 3), (9, 7, 4), (1, 1, 4), (5, 1, 3)])
def test_samples_come_back_exactly(
    shape: tuple[int, ...], dtype: type, metadata: Metadata, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tiff, "_STRIP_BYTES", 100)  # several strips, the last of them shorter
    samples = np.random.default_rng(0).integers(0, np.iinfo(dtype).max, shape, dtype=dtype, endpoint=True)

    content = written(samples, metadata)

    np.testing.assert_array_equal(tifffile.imread(io.BytesIO(content)), samples, strict=True)
    if dtype == np.uint8:
        np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(content))), samples)
    if dtype == np.uint16 or samples.shape[2:] != (4,):  # OpenCV multiplies 8-bit colour by alpha
        np.testing.assert_array_equal(opencv(content), samples, strict=True)


def test_views_of_larger_arrays_are_written_as_they_look() -> None:
    samples = make_stack(16).subject
    view = samples[::2, ::-3, :2].repeat(2, axis=2)

    np.testing.assert_array_equal(opencv(written(view)), view)


@pytest.mark.parametrize("bits", [8, 16])
def test_alpha_is_not_associated_and_the_picture_upright(bits: int) -> None:
    page = tifffile.TiffFile(io.BytesIO(written(flatten(make_stack(bits)), CAMERA))).pages.first

    assert page.tags["ExtraSamples"].value == (2,)
    assert page.tags["Orientation"].value == 1
    assert page.bitspersample == bits
    assert (page.photometric.name, page.compression.name) == ("RGB", "ADOBE_DEFLATE")


@pytest.mark.parametrize("bits", [8, 16])
def test_imagemagick_reads_the_same_samples(tmp_path: Path, bits: int) -> None:
    samples = flatten(make_stack(bits), "keep")
    path = tmp_path / "a.tif"
    path.write_bytes(written(samples, CAMERA))

    np.testing.assert_array_equal(imagemagick(path, "rgba", bits), samples)


@pytest.mark.parametrize("bits", [8, 16])
def test_pillow_finds_all_metadata(bits: int) -> None:
    image = Image.open(io.BytesIO(written(flatten(make_stack(bits)), CAMERA)))
    exif = image.getexif()

    assert image.info["icc_profile"] == CAMERA.icc_profile
    assert image.info["dpi"] == (300, 150)
    assert image.info["xmp"] == CAMERA.xmp
    assert exif[ExifTags.Base.Make] == "Maker of Cameras"
    assert exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] == "2024:05:06 07:08:09"
    assert exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitudeRef] == "N"


def test_exiftool_finds_all_metadata(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    path.write_bytes(written(flatten(make_stack(16)), CAMERA))
    (found,) = exiftool(path)

    wanted = EXIF_TAGS | XMP_TAGS | IPTC_TAGS | {"ICC_Profile:ProfileDescription": "sRGB built-in"}
    assert {tag: found.get(tag) for tag in wanted} == wanted
    assert (found["EXIF:XResolution"], found["EXIF:YResolution"], found["EXIF:Orientation"]) == (300, 150, 1)
    assert "ExifTool:Warning" not in found


def test_the_exif_stands_in_the_file_byte_by_byte() -> None:
    """So that positions hold which nobody but the camera's maker knows of."""
    content = written(make_stack().subject, CAMERA)

    assert content[:4] + content[8 : len(CAMERA.exif)] == CAMERA.exif[:4] + CAMERA.exif[8:]


def test_of_the_exif_only_what_describes_the_picture_is_taken_over() -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "Maker"
    exif[ExifTags.Base.Orientation] = 6
    exif[ExifTags.Base.XResolution] = 72
    exif[ExifTags.Base.ImageWidth] = 4000
    metadata = Metadata(exif=exif.tobytes().removeprefix(b"Exif\0\0"), dpi=(300, 300))

    image = Image.open(io.BytesIO(written(make_stack().subject, metadata)))

    assert image.getexif()[ExifTags.Base.Make] == "Maker"
    assert image.getexif()[ExifTags.Base.Orientation] == 1
    assert image.size == make_stack().size
    assert image.info["dpi"] == (300, 300)


@pytest.mark.parametrize(
    "exif",
    [
        b"",
        b"II*\0",
        b"garbage",
        CAMERA.exif[:20],
        b"II*\0" + struct.pack("<I", 0),
        b"MM\0*" + struct.pack(">I", 2**31),
    ],
)
def test_broken_exif_is_left_out(exif: bytes) -> None:
    samples = make_stack().subject

    image = Image.open(io.BytesIO(written(samples, replace(CAMERA, exif=exif))))

    np.testing.assert_array_equal(np.asarray(image), samples)
    assert image.info["xmp"] == CAMERA.xmp
    assert ExifTags.Base.Make not in image.getexif()


def test_fractions_of_resolution_are_kept() -> None:
    image = Image.open(io.BytesIO(written(make_stack().subject, Metadata(dpi=(299.72, 72.5)))))

    assert image.info["dpi"] == pytest.approx((299.72, 72.5))


def test_nothing_is_written_that_was_not_given() -> None:
    page = tifffile.TiffFile(io.BytesIO(written(make_stack().subject))).pages.first

    assert not {"XResolution", "XMP", "InterColorProfile", "ExtraSamples"} & {tag.name for tag in page.tags}


def test_what_the_format_cannot_hold_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiff, "MAX_BYTES", 1000)

    with pytest.raises(ExportError, match="more than 4 GB"):
        written(make_stack().subject)
