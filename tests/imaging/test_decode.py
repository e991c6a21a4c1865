"""Decoding: what must come out exactly, and one sentence for everything that cannot be read."""

from __future__ import annotations

import io
import os
import sys
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageOps, features

from tests.imaging.files import png_bytes, tiff_bytes
from tests.imaging.icc_profiles import cyan_is_red_profile, grey_profile, rotated_rgb_profile
from zippo_desktop.errors import InputError
from zippo_desktop.imaging.colour import srgb_profile
from zippo_desktop.imaging.decode import decode, decode_matte, is_image_name

RNG = np.random.default_rng(0)
RGB = RNG.integers(0, 256, (5, 7, 3), dtype=np.uint8)
RGBA = RNG.integers(0, 256, (5, 7, 4), dtype=np.uint8)
DEEP = RNG.integers(0, 65536, (5, 7, 4), dtype=np.uint16)


def save(path: Path, image: Image.Image, **options: object) -> Path:
    image.save(path, **options)
    return path


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def exif_with(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    exif[ExifTags.Base.Make] = "Maker"
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = "2024:05:06 07:08:09"
    exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitudeRef] = "N"
    return exif


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.png", {}),
        ("a.bmp", {}),
        ("a.tif", {}),
        ("b.tiff", {"compression": "tiff_lzw"}),
        ("a.webp", {"lossless": True}),
    ],
)
def test_lossless_files_come_out_exactly(tmp_path: Path, name: str, options: dict) -> None:
    photo = decode(save(tmp_path / name, Image.fromarray(RGB), **options))

    assert photo.pixels.dtype == np.uint8
    np.testing.assert_array_equal(photo.pixels, RGB)
    assert photo.alpha is None


@pytest.mark.parametrize("name", ["a.jpg", "a.avif"])
def test_lossy_files_come_out_nearly(tmp_path: Path, name: str) -> None:
    if name.endswith("avif") and not features.check("avif"):
        pytest.skip("this Pillow has no AVIF")
    smooth = cv2.resize(RGB, (64, 48), interpolation=cv2.INTER_CUBIC)
    photo = decode(save(tmp_path / name, Image.fromarray(smooth), quality=95))

    assert photo.pixels.shape == smooth.shape
    assert np.abs(photo.pixels.astype(int) - smooth).mean() < 4


def test_a_file_is_what_it_holds_and_not_what_it_is_called(tmp_path: Path) -> None:
    path = write(tmp_path / "really_a_png.jpg", png_bytes(RGB))

    np.testing.assert_array_equal(decode(path).pixels, RGB)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "PA"])
def test_alpha_is_kept_beside_the_colour(tmp_path: Path, mode: str) -> None:
    if mode == "PA":
        image = Image.fromarray(RGB).quantize(8)
        image.info["transparency"] = bytes([0, 128] + [255] * 6)
    else:
        image = Image.fromarray(RGBA).convert(mode)
    expected = np.asarray(image.convert("RGBA"))
    photo = decode(save(tmp_path / "a.png", image))

    np.testing.assert_array_equal(photo.pixels, expected[..., :3])
    np.testing.assert_array_equal(photo.alpha, expected[..., 3].astype(np.float32) / 255)


def test_a_transparent_colour_becomes_alpha(tmp_path: Path) -> None:
    path = save(tmp_path / "a.png", Image.fromarray(RGB), transparency=tuple(int(v) for v in RGB[2, 3]))
    alpha = decode(path).alpha

    assert alpha is not None
    assert alpha[2, 3] == 0
    assert alpha.sum() == alpha.size - 1


def test_an_opaque_alpha_is_no_alpha(tmp_path: Path) -> None:
    assert decode(save(tmp_path / "a.png", Image.fromarray(RGB).convert("RGBA"))).alpha is None


@pytest.mark.parametrize("mode", ["L", "1", "P"])
def test_grey_and_palette_become_rgb(tmp_path: Path, mode: str) -> None:
    image = Image.fromarray(RGB).convert(mode)

    photo = decode(save(tmp_path / "a.png", image))

    np.testing.assert_array_equal(photo.pixels, np.asarray(image.convert("RGB")))
    assert photo.pixels.flags.c_contiguous


def test_the_first_picture_of_an_animation_is_taken(tmp_path: Path) -> None:
    first, second = (Image.new("RGB", (7, 5), colour) for colour in ("red", "blue"))
    path = save(tmp_path / "a.gif", first, save_all=True, append_images=[second])

    assert (decode(path).pixels == (255, 0, 0)).all()


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_16_bit_png_keeps_all_its_bits(tmp_path: Path, channels: int) -> None:
    samples = DEEP[..., :channels]
    photo = decode(write(tmp_path / "a.png", png_bytes(samples)))

    colour = samples[..., : 1 if channels < 3 else 3]
    assert photo.pixels.dtype == np.uint16
    np.testing.assert_array_equal(photo.pixels, np.broadcast_to(colour, (5, 7, 3)))
    if channels in (2, 4):
        np.testing.assert_array_equal(photo.alpha, samples[..., -1].astype(np.float32) / 65535)


@pytest.mark.parametrize("channels", [3, 4])
def test_16_bit_tiff_keeps_all_its_bits(tmp_path: Path, channels: int) -> None:
    photo = decode(write(tmp_path / "a.tif", tiff_bytes(DEEP[..., :channels])))

    np.testing.assert_array_equal(photo.pixels, DEEP[..., :3])
    assert (photo.alpha is None) == (channels == 3)


def test_16_bit_tiff_with_premultiplied_alpha_becomes_straight(tmp_path: Path) -> None:
    samples = DEEP // 2  # premultiplied by one half
    samples[..., 3] = 65535 // 2

    photo = decode(write(tmp_path / "a.tif", tiff_bytes(samples, extra_sample=1)))

    assert photo.pixels.dtype == np.uint16
    np.testing.assert_allclose(photo.pixels, DEEP[..., :3].astype(np.float64), atol=3)


def test_16_bit_tiff_with_separate_planes_keeps_all_its_bits(tmp_path: Path) -> None:
    photo = decode(write(tmp_path / "a.tif", tiff_bytes(DEEP[..., :3], is_planar=True)))

    np.testing.assert_array_equal(photo.pixels, DEEP[..., :3])


def test_16_bit_png_with_a_transparent_colour_keeps_its_bits_or_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    content = png_bytes(DEEP[..., :3])
    end = content.index(b"IDAT") - 4
    key = b"".join(int(value).to_bytes(2, "big") for value in DEEP[2, 3, :3])
    chunk = len(key).to_bytes(4, "big") + b"tRNS" + key + zlib.crc32(b"tRNS" + key).to_bytes(4, "big")

    photo = decode(write(tmp_path / "a.png", content[:end] + chunk + content[end:]))

    assert photo.alpha is not None
    assert photo.alpha[2, 3] == 0
    assert photo.alpha.sum() == photo.alpha.size - 1
    assert photo.pixels.dtype == np.uint16 or "read with 8 bits" in caplog.text
    caplog.clear()


def test_8_bit_tiff_with_separate_planes_comes_out_exactly(tmp_path: Path) -> None:
    photo = decode(write(tmp_path / "a.tif", tiff_bytes(RGB, is_planar=True)))

    np.testing.assert_array_equal(photo.pixels, RGB)


def turned(samples: NDArray, orientation: int) -> NDArray:
    """What Pillow, an independent reader of the tag, makes of it; each channel by itself."""
    planes = []
    for channel in range(samples.shape[2]):
        image = Image.fromarray(samples[..., channel].astype(np.int32))
        image.getexif()[ExifTags.Base.Orientation] = orientation
        planes.append(np.asarray(ImageOps.exif_transpose(image)))
    return np.dstack(planes).astype(samples.dtype)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["png", "tif", "png16", "tif16"])
def test_orientation_is_applied_once(tmp_path: Path, kind: str, orientation: int) -> None:
    samples = RGB if "16" not in kind else DEEP[..., :3]
    if kind.startswith("png"):
        content = png_bytes(samples, exif=exif_with(orientation).tobytes()[6:])
    else:
        content = tiff_bytes(samples, orientation=orientation)
    photo = decode(write(tmp_path / "a.img", content))

    np.testing.assert_array_equal(photo.pixels, turned(samples, orientation))
    kept = Image.Exif()
    kept.load(photo.metadata.exif or b"")
    assert ExifTags.Base.Orientation not in kept


def test_a_turned_jpeg_stands_upright_with_its_exif_but_without_the_tag(tmp_path: Path) -> None:
    wide = Image.new("RGB", (32, 16))
    wide.paste((255, 255, 255), (0, 0, 8, 16))  # its left, which orientation 6 turns to the top
    path = save(tmp_path / "a.jpg", wide, exif=exif_with(6), dpi=(300, 150))

    photo = decode(path)

    assert photo.pixels.shape == (32, 16, 3)
    assert photo.pixels[2].mean() > 200 > 50 > photo.pixels[-2].mean()
    assert photo.metadata.dpi == (150, 300)
    assert photo.metadata.exif is not None
    assert photo.metadata.exif[:2] in (b"II", b"MM")
    kept = Image.Exif()
    kept.load(photo.metadata.exif)
    assert ExifTags.Base.Orientation not in kept
    assert kept[ExifTags.Base.Make] == "Maker"
    assert kept.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] == "2024:05:06 07:08:09"
    assert kept.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitudeRef] == "N"


def test_a_tiff_gives_its_description_but_not_its_layout(tmp_path: Path) -> None:
    path = save(tmp_path / "a.tif", Image.fromarray(RGB), exif=exif_with(1).tobytes(), dpi=(240, 240))

    photo = decode(path)

    kept = Image.Exif()
    kept.load(photo.metadata.exif or b"")
    assert kept[ExifTags.Base.Make] == "Maker"
    assert kept.get_ifd(ExifTags.IFD.Exif)
    assert not {ExifTags.Base.ImageWidth, ExifTags.Base.StripOffsets} & set(kept)
    assert photo.metadata.dpi == (240, 240)


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
def test_broken_exif_and_profile_do_not_cost_the_photo(tmp_path: Path) -> None:
    exif = exif_with(6).tobytes()
    broken = exif[:20] + bytes([255] * 12) + exif[32:40]
    path = save(tmp_path / "a.jpg", Image.fromarray(RGB), exif=broken, icc_profile=b"not a profile")

    photo = decode(path)

    assert sorted(photo.pixels.shape) == [3, 5, 7]
    assert photo.metadata.icc_profile is None


def test_an_rgb_profile_is_kept_and_the_pixels_left_alone(tmp_path: Path) -> None:
    profile = rotated_rgb_profile()
    photo = decode(save(tmp_path / "a.png", Image.fromarray(RGB), icc_profile=profile))

    assert photo.metadata.icc_profile == profile
    np.testing.assert_array_equal(photo.pixels, RGB)


@pytest.mark.parametrize("depth", [8, 16])
def test_a_grey_profile_is_applied(tmp_path: Path, depth: int) -> None:
    full = 2**depth - 1
    linear = np.array([[0.0, 0.1, 0.5, 1.0]])  # light itself: the profile has gamma 1
    grey = np.rint(linear * full).astype(np.uint8 if depth == 8 else np.uint16)
    path = save(tmp_path / "a.png", Image.fromarray(grey), icc_profile=grey_profile(1.0))

    photo = decode(path)

    srgb = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    np.testing.assert_allclose(photo.pixels[..., 0] / full, srgb, atol=1.5 / 255)
    assert photo.metadata.icc_profile == srgb_profile()


def test_cmyk_goes_through_its_profile_to_srgb(tmp_path: Path) -> None:
    cmyk = np.zeros((8, 8, 4), np.uint8)
    cmyk[:, 4:, 0] = 255  # cyan ink, which the profile calls a mid red: Lab 50, 80, 60
    image = Image.fromarray(cmyk, "CMYK")
    path = save(tmp_path / "a.tif", image, icc_profile=cyan_is_red_profile())

    photo = decode(path)

    assert photo.metadata.icc_profile == srgb_profile()
    np.testing.assert_allclose(photo.pixels[0, 0], (255, 255, 255), atol=2)
    red, green, blue = photo.pixels[0, 7]
    assert red > 200
    assert green < 30
    assert blue < 60


def test_cmyk_without_a_profile_goes_the_plain_way(tmp_path: Path) -> None:
    image = Image.fromarray(RGB).convert("CMYK")
    photo = decode(save(tmp_path / "a.tif", image))

    np.testing.assert_array_equal(photo.pixels, np.asarray(image.convert("RGB")))
    assert photo.metadata.icc_profile == srgb_profile()


# Mattes


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_grey_matte_keeps_its_values_whatever_its_profile(tmp_path: Path, dtype: type) -> None:
    grey = (RGB if dtype is np.uint8 else DEEP)[..., 0]
    path = save(tmp_path / "a.png", Image.fromarray(grey), icc_profile=grey_profile(1.0))

    matte = decode_matte(path)

    assert matte.dtype == np.float32
    np.testing.assert_array_equal(matte, grey.astype(np.float32) / np.iinfo(dtype).max)


def test_the_alpha_of_a_cut_out_is_its_matte(tmp_path: Path) -> None:
    path = save(tmp_path / "a.png", Image.fromarray(RGBA))

    np.testing.assert_array_equal(decode_matte(path), RGBA[..., 3].astype(np.float32) / 255)


def test_equal_colour_channels_are_grey(tmp_path: Path) -> None:
    grey = np.repeat(RGB[..., :1], 3, axis=2)

    matte = decode_matte(save(tmp_path / "a.png", Image.fromarray(grey)))

    np.testing.assert_array_equal(matte, RGB[..., 0].astype(np.float32) / 255)


def test_a_colour_picture_is_no_matte(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"a\.png is a colour picture, not a matte\."):
        decode_matte(save(tmp_path / "a.png", Image.fromarray(RGB)))


# What cannot be read


def jpeg() -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(cv2.resize(RGB, (200, 160))).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "is empty"),
        (b"no picture at all, just words" * 20, "is not an image"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'></svg>", "is not an image"),
        (jpeg()[:100], "is "),
        (jpeg()[: len(jpeg()) // 2], "is damaged or incomplete"),
        (jpeg()[: len(jpeg()) // 2].ljust(len(jpeg()), b"\0"), "is damaged or incomplete"),
        (png_bytes(RGB)[:-40], "is damaged or incomplete"),
        (png_bytes(DEEP)[: len(png_bytes(DEEP)) // 2], "is damaged or incomplete"),
        (png_bytes(RGB, size=(20_000, 20_000)), "more than 200 megapixels"),
        (png_bytes(RGB, size=(14_200, 14_200)), "more than 200 megapixels"),
    ],
)
def test_a_bad_file_is_one_sentence_with_its_name(tmp_path: Path, content: bytes, sentence: str) -> None:
    path = write(tmp_path / "holiday.jpg", content)

    with pytest.raises(InputError) as caught:
        decode(path)

    assert sentence in caught.value.message
    assert "holiday.jpg" in caught.value.message
    assert caught.value.message.endswith(".")
    assert "\n" not in str(caught.value)
    assert caught.value.hint


def test_the_limit_can_be_raised_and_lowered(tmp_path: Path) -> None:
    path = write(tmp_path / "a.png", png_bytes(RGB))

    assert decode(path, max_pixels=RGB.shape[0] * RGB.shape[1]).pixels.shape == RGB.shape
    for read in (decode, decode_matte):
        with pytest.raises(InputError, match="more than 3e-05 megapixels, the limit") as caught:
            read(path, max_pixels=30)
        assert "--max-megapixels" in caught.value.hint


def test_a_raised_limit_is_not_pillows(tmp_path: Path) -> None:
    """Pillow alone refuses more than 179 megapixels; here the header is believed, and pixels are missed."""
    path = write(tmp_path / "a.png", png_bytes(RGB, size=(13_400, 13_400)))

    with pytest.raises(InputError, match="damaged or incomplete"):
        decode(path, max_pixels=180_000_000)


def test_missing_files_folders_and_impossible_names_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        decode(tmp_path / "missing.png")
    with pytest.raises(InputError, match="is a folder"):
        decode(tmp_path)
    with pytest.raises(InputError, match="cannot be read"):
        decode(tmp_path / ("long" * 100 + ".png"))
    with pytest.raises(InputError, match="cannot be read"):
        decode(tmp_path / "nul\0.png")


def test_a_file_that_may_not_be_read_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "a.png", png_bytes(RGB))

    def refuse(_: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(InputError, match=r"a\.png may not be read"):
        decode(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names here")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.png")

    with pytest.raises(InputError, match="not a regular file"):
        decode(tmp_path / "a.png")


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="file names are Unicode here")
def test_a_name_that_is_not_utf8_works_and_can_be_printed(tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.png"))
    write(path, png_bytes(RGB))
    np.testing.assert_array_equal(decode(path).pixels, RGB)

    write(path, b"")
    with pytest.raises(InputError) as caught:
        decode(path)
    assert r"caf\udce9.png" in str(caught.value).encode("utf-8").decode()


def test_an_unsupported_colour_mode_is_named(tmp_path: Path) -> None:
    path = save(tmp_path / "a.tif", Image.fromarray(np.zeros((4, 4), np.float32)))

    with pytest.raises(InputError, match=r"colour mode that is not supported \(F\)"):
        decode(path)


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
@pytest.mark.parametrize("kind", ["png", "jpg", "tif", "webp", "gif", "png16", "tif16"])
def test_damage_never_surfaces_as_another_error(tmp_path: Path, kind: str) -> None:
    rng = np.random.default_rng(1)
    if kind.endswith("16"):
        sound = png_bytes(DEEP) if kind == "png16" else tiff_bytes(DEEP)
    else:
        options = {} if kind == "gif" else {"exif": exif_with(6), "icc_profile": srgb_profile()}
        sound = save(tmp_path / f"a.{kind}", Image.fromarray(RGB), **options).read_bytes()
    path = tmp_path / "damaged"
    outcomes = set()
    for _ in range(60):
        content = bytearray(sound)
        for place in rng.integers(0, len(content), 4):
            content[place] = rng.integers(0, 256)
        path.write_bytes(content[: rng.integers(len(content) // 2, len(content) + 1)])
        try:
            outcomes.add(decode(path).pixels.ndim)
        except InputError:
            outcomes.add(None)

    assert None in outcomes
    assert outcomes <= {3, None}


def test_images_are_known_by_their_suffix() -> None:
    assert is_image_name(Path("a/b.JPEG"))
    assert is_image_name(Path("x.avif"))
    assert is_image_name(Path("x.HEIC"))
    assert is_image_name(Path("x.nef"))
    assert not is_image_name(Path("notes.txt"))
    assert not is_image_name(Path("jpg"))
    assert not is_image_name(Path("._photo.jpg"))
