"""The merged picture of PSD, PSB and OpenRaster files: ours, and those that psd-tools makes."""

from __future__ import annotations

import io
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from psd_tools import PSDImage

from tests.export.stacks import make_full_stack, make_stack
from zippo_desktop.errors import InputError
from zippo_desktop.export.openraster import write_openraster
from zippo_desktop.export.psd import write_psd
from zippo_desktop.imaging.compositing import flatten
from zippo_desktop.imaging.decode import decode, decode_matte, is_image_name
from zippo_desktop.imaging.layers import LayerStack

both_depths = pytest.mark.parametrize("bits", [8, 16])


def write(path: Path, stack: LayerStack) -> Path:
    with path.open("w+b") as file:
        if path.suffix == ".ora":
            write_openraster(stack, file)
        else:
            write_psd(stack, file, is_large=path.suffix == ".psb")
    return path


@both_depths
@pytest.mark.parametrize("suffix", [".psd", ".psb", ".ora"])
def test_our_own_cut_outs_come_back(tmp_path: Path, suffix: str, bits: int) -> None:
    stack = make_stack(bits)
    photo = decode(write(tmp_path / f"a{suffix}", stack))
    assert photo.pixels.dtype == stack.subject.dtype
    assert photo.metadata.icc_profile == stack.metadata.icc_profile
    np.testing.assert_allclose(photo.alpha, stack.matte, atol=1 / 255)
    opaque = stack.matte > 0.999
    np.testing.assert_array_equal(photo.pixels[opaque], stack.subject[opaque])
    half = stack.matte > 0.5  # what is rounded over white is off by as much more as it is transparent
    difference = photo.pixels[half].astype(float) - stack.subject[half].astype(float)
    assert np.abs(difference).max() <= 2


@both_depths
@pytest.mark.parametrize("suffix", [".psd", ".psb", ".ora"])
def test_what_has_a_background_is_opaque(tmp_path: Path, suffix: str, bits: int) -> None:
    stack = make_full_stack(bits)
    photo = decode(write(tmp_path / f"a{suffix}", stack))
    assert photo.alpha is None
    np.testing.assert_array_equal(photo.pixels, flatten(stack))


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L"])
def test_files_of_others_are_read(tmp_path: Path, mode: str) -> None:
    channels = {"RGB": 3, "RGBA": 4, "L": 1}[mode]
    noise = np.random.default_rng(0).integers(0, 256, (20, 30, channels), np.uint8)
    picture = Image.fromarray(noise.squeeze(), mode)
    PSDImage.frompil(picture).save(tmp_path / "a.psd")
    photo = decode(tmp_path / "a.psd")
    assert photo.size == (30, 20)
    np.testing.assert_array_equal(photo.pixels, np.asarray(picture.convert("RGB")))


def test_the_matte_of_a_cut_out_can_be_taken_from_it(tmp_path: Path) -> None:
    stack = make_stack()
    np.testing.assert_allclose(decode_matte(write(tmp_path / "a.psd", stack)), stack.matte, atol=1 / 255)


def test_the_content_decides_and_folders_are_not_searched_for_them(tmp_path: Path) -> None:
    written = write(tmp_path / "a.psd", make_stack())
    assert decode(written.rename(tmp_path / "a.jpg")).alpha is not None
    assert not is_image_name(Path("a.psd"))
    assert not is_image_name(Path("a.ora"))


@pytest.mark.parametrize("suffix", [".psd", ".psb", ".ora"])
@pytest.mark.parametrize("share", [0.2, 0.6, 0.97])
def test_a_file_that_ends_early_is_told(tmp_path: Path, suffix: str, share: float) -> None:
    path = write(tmp_path / f"a{suffix}", make_stack())
    content = path.read_bytes()
    path.write_bytes(content[: round(share * len(content))])
    with pytest.raises(InputError, match="damaged or incomplete"):
        decode(path)


@pytest.mark.parametrize(("place", "value"), [(24, 4), (22, 32), (12, 2)])  # CMYK, 32 bits, two channels
def test_kinds_that_are_not_read_are_told(tmp_path: Path, place: int, value: int) -> None:
    path = write(tmp_path / "a.psd", make_stack())
    content = bytearray(path.read_bytes())
    content[place : place + 2] = value.to_bytes(2, "big")
    path.write_bytes(content)
    with pytest.raises(InputError, match="not supported") as caught:
        decode(path)
    assert "RGB" in caught.value.hint


def test_a_picture_over_the_limit_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="megapixels"):
        decode(write(tmp_path / "b.psd", make_stack()), max_pixels=100)


def test_a_picture_stored_as_it_is(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (3, 5, 7), np.uint8)
    header = struct.pack(">4sH6xHIIHH", b"8BPS", 1, 3, 5, 7, 8, 3) + bytes(12)
    (tmp_path / "a.psd").write_bytes(header + bytes(2) + noise.tobytes())
    np.testing.assert_array_equal(decode(tmp_path / "a.psd").pixels, noise.transpose(1, 2, 0))
    (tmp_path / "b.psd").write_bytes(header + bytes([0, 2]) + noise.tobytes())
    with pytest.raises(InputError, match="compressed"):
        decode(tmp_path / "b.psd")
    (tmp_path / "c.psd").write_bytes(header.replace(b"\0\3\0\0", b"\0\4\0\0", 1) + bytes(2) + noise.tobytes())
    with pytest.raises(InputError, match="incomplete"):  # the fourth channel is not there
        decode(tmp_path / "c.psd")


def test_an_archive_that_claims_too_much_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.ora"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", "image/openraster", zipfile.ZIP_STORED)
        archive.writestr("mergedimage.png", bytes(100_000))
    with pytest.raises(InputError, match="claims 100000 bytes"):
        decode(path, max_pixels=10_000)


def test_an_archive_without_a_merged_picture_is_told(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("mimetype", "image/openraster")
    (tmp_path / "a.ora").write_bytes(buffer.getvalue())
    with pytest.raises(InputError, match="mergedimage"):
        decode(tmp_path / "a.ora")
