"""Every kind of output, opened again by programs that did not write it."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import ExifTags, Image
from psd_tools import PSDImage

from tests.export.readers import CAMERA, exiftool, opencv
from tests.export.stacks import make_full_stack, make_stack
from zippo_desktop.errors import ExportError, UsageError
from zippo_desktop.export import write as write_module
from zippo_desktop.export.write import SUFFIXES, Target, export, planned_paths
from zippo_desktop.export.writing import Writing
from zippo_desktop.imaging.compositing import flatten, over
from zippo_desktop.imaging.decode import decode, decode_matte
from zippo_desktop.imaging.layers import LayerStack


def target(directory: Path, *formats: str, with_matte: bool = False, with_foreground: bool = False) -> Target:
    return Target(directory, "a", formats, with_matte, with_foreground)


def by_pillow(path: Path) -> NDArray:
    return np.asarray(Image.open(path))


def by_pillow_or_opencv(path: Path) -> NDArray:
    """Pillow reads 8 bits of a 16-bit file, OpenCV 8-bit TIFFs with their colour multiplied by alpha."""
    deep = opencv(path.read_bytes())
    return deep if deep.dtype == np.uint16 else by_pillow(path)


def by_psd_tools(path: Path) -> NDArray:
    """The subject with its mask."""
    document = PSDImage.open(path)
    subject = next(layer for layer in document if layer.name == "Subject")
    samples = np.dstack([subject.numpy("color"), subject.numpy("mask")])
    dtype = np.dtype(f"u{document.depth // 8}")
    return np.rint(samples * np.iinfo(dtype).max).astype(dtype)


def by_unzipping(path: Path) -> NDArray:
    with zipfile.ZipFile(path) as archive:
        return opencv(archive.read("mergedimage.png"))


def by_index(path: Path) -> NDArray:
    """The subject of a folder of layers."""
    layers = json.loads((path / "layers.json").read_text("utf-8"))["layers"]
    (file,) = (layer["file"] for layer in layers if layer["name"] == "Subject")
    return opencv((path / file).read_bytes())


@dataclass(frozen=True)
class Kind:
    """What is to be expected of a format: `tolerance` is the mean error, in 8-bit levels, of what is seen."""

    read: Callable[[Path], NDArray]
    is_deep: bool = True
    has_alpha: bool = True
    tolerance: float = 0
    hides_nothing: bool = True  # colour under alpha 0 is black; after lossy compression nearly so
    in_exiftool: bool = True


KINDS = {
    "png": Kind(by_pillow_or_opencv),
    "webp": Kind(by_pillow, is_deep=False, tolerance=3, hides_nothing=False),
    "avif": Kind(by_pillow, is_deep=False, tolerance=3, hides_nothing=False),
    "tiff": Kind(by_pillow_or_opencv),
    "jpeg": Kind(by_pillow, is_deep=False, has_alpha=False, tolerance=3),
    "psd": Kind(by_psd_tools, hides_nothing=False),
    "psb": Kind(by_psd_tools, hides_nothing=False),
    "ora": Kind(by_unzipping, in_exiftool=False),
    "layers": Kind(by_index, in_exiftool=False),
}


def soft_stack(bits: int) -> LayerStack:
    """Smooth colours, which lossy formats keep, under a matte with empty, soft and full parts."""
    rows, columns = np.mgrid[:64, :96].astype(np.float32)
    colours = np.dstack([rows / 64, columns / 96, (rows + columns) / 160]) * (2**bits - 1)
    subject = colours.astype(f"u{bits // 8}")
    matte = np.clip((columns - 24) / 48, 0, 1)
    return LayerStack(subject, matte, subject, CAMERA)


def test_the_table_is_complete() -> None:
    assert KINDS.keys() == SUFFIXES.keys()


@pytest.mark.parametrize("depth", ["photo", "8", "16"])
@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("name", KINDS)
def test_every_kind_holds_the_cut_out(tmp_path: Path, name: str, bits: int, depth: str) -> None:
    kind, stack = KINDS[name], soft_stack(bits)

    (path,) = export(stack, target(tmp_path, name), Writing(depth=depth))

    samples = kind.read(path)
    wanted_bits = (bits if depth == "photo" else int(depth)) if kind.is_deep else 8
    assert samples.dtype == f"u{wanted_bits // 8}"
    full, share = 2**wanted_bits - 1, stack.matte[..., None]
    if kind.has_alpha:
        np.testing.assert_allclose(samples[..., 3], stack.matte * full, atol=0.51)
        seen = samples[..., :3] * share
    else:
        assert samples.shape[2] == 3
        seen = samples - (1 - share) * full  # over white
    wanted = stack.subject * (full / (2**bits - 1)) * share
    step = 2 * 255 / full  # of rounding, in 8-bit levels
    assert np.abs(seen - wanted).mean() / full * 255 <= max(kind.tolerance, step)
    if not kind.tolerance:
        assert np.abs(seen - wanted).max() / full * 255 <= step
    if kind.hides_nothing and kind.has_alpha:
        assert not samples[samples[..., 3] == 0].any()


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("name", ["png", "webp", "avif", "tiff", "jpeg", "ora"])
def test_over_a_background_the_result_is_opaque(tmp_path: Path, name: str, bits: int) -> None:
    stack = replace(soft_stack(bits), background=np.full_like(soft_stack(bits).subject, 2**bits // 2))

    (path,) = export(stack, target(tmp_path, name))

    samples = KINDS[name].read(path)
    assert samples.shape[2] == 3
    expected = flatten(stack) / (2**bits - 1) * np.iinfo(samples.dtype).max
    error = np.abs(samples - expected).mean() / np.iinfo(samples.dtype).max
    assert error <= KINDS[name].tolerance / 255 + 0.002


def test_a_jpeg_without_a_background_shows_the_shadow_on_white(tmp_path: Path) -> None:
    stack = make_full_stack(has_background=False)

    (path,) = export(stack, target(tmp_path, "jpeg"), Writing(quality=100))

    white = np.full_like(stack.subject, 255)
    shaded = over(np.zeros_like(white), stack.shadow, white)
    expected = over(stack.subject, stack.matte, shaded)
    assert np.abs(by_pillow(path) - expected.astype(np.int16)).mean() < 2


@pytest.mark.parametrize("kept", ["all", "no-location", "none"])
def test_exiftool_finds_what_is_to_be_kept(tmp_path: Path, kept: str) -> None:
    names = [name for name, kind in KINDS.items() if kind.in_exiftool]
    paths = export(soft_stack(8), target(tmp_path, *names), Writing(metadata=kept))

    for name, found in zip(names, exiftool(*paths), strict=True):
        assert found["ICC_Profile:ProfileDescription"] == "sRGB built-in", name
        assert ("EXIF:Make" in found) == (kept != "none"), name
        assert ("EXIF:DateTimeOriginal" in found) == (kept != "none"), name
        assert ("XMP:Title" in found) == (kept != "none"), name
        assert ("IPTC:Keywords" in found) == (kept != "none" and name not in ("webp", "avif")), name
        assert any("GPS" in tag for tag in found) == (kept == "all"), name
        orientations = [value for tag, value in found.items() if "Orientation" in tag]
        assert orientations == ([1] if name == "tiff" else []), name


@pytest.mark.parametrize("name", ["png", "webp", "avif", "tiff", "jpeg"])
def test_pillow_finds_what_is_to_be_kept(tmp_path: Path, name: str) -> None:
    for kept in ("all", "no-location", "none"):
        (path,) = export(soft_stack(8), target(tmp_path, name), Writing(metadata=kept))
        image = Image.open(path)
        image.load()
        exif = image.getexif()
        assert image.info["icc_profile"] == CAMERA.icc_profile
        assert exif.get(ExifTags.Base.Make) == ("Maker of Cameras" if kept != "none" else None)
        assert (ExifTags.IFD.GPSInfo in exif) == (kept == "all")
        assert exif.get(ExifTags.Base.Orientation, 1) == 1


def test_all_results_are_written_as_planned(tmp_path: Path) -> None:
    wanted = target(tmp_path / "new" / "folder", "png", "psd", "layers", with_matte=True)

    paths = export(make_stack(), wanted)

    assert paths == planned_paths(wanted)
    assert [path.name for path in paths] == ["a.png", "a.psd", "a.layers", "a.matte.png"]
    assert sorted(os.listdir(wanted.directory)) == sorted(path.name for path in paths)


def test_suffixes_are_those_that_other_programs_know(tmp_path: Path) -> None:
    everything = target(tmp_path, *SUFFIXES, with_matte=True, with_foreground=True)

    files = ".png .webp .avif .tif .jpg .psd .psb .ora .layers"
    assert " ".join(everything.suffixes) == f"{files} .matte.png .foreground.png"


@pytest.mark.parametrize("bits", [8, 16])
def test_a_cut_out_can_be_read_again(tmp_path: Path, bits: int) -> None:
    stack = make_stack(bits)
    png, matte = export(stack, target(tmp_path, "png", with_matte=True))

    photo = decode(png)
    np.testing.assert_array_equal(photo.pixels, flatten(stack)[..., :3])
    np.testing.assert_array_equal(photo.alpha, decode_matte(png))
    np.testing.assert_array_equal(decode_matte(matte), decode_matte(png))
    assert photo.metadata.icc_profile == stack.metadata.icc_profile
    assert photo.metadata.dpi == pytest.approx((300, 150), abs=0.02)


@pytest.mark.parametrize(("depth", "mode"), [("8", "L"), ("16", "I;16")])
@pytest.mark.parametrize("bits", [8, 16])
def test_a_matte_is_grey_of_the_results_depth_without_the_photos_profile(
    tmp_path: Path, bits: int, depth: str, mode: str
) -> None:
    stack = make_stack(bits)
    (path,) = export(stack, target(tmp_path, with_matte=True), Writing(depth=depth))
    image = Image.open(path)
    image.load()

    assert image.mode == mode
    assert set(image.info) == {"dpi"}
    full = 2 ** int(depth) - 1
    np.testing.assert_allclose(np.asarray(image), stack.matte * full, atol=0.51)


def spotted_stack(bits: int) -> LayerStack:
    """Green with a soft edge, over a background of pure blue that must not be seen again."""
    stack = soft_stack(bits)
    subject = np.zeros_like(stack.subject)
    subject[..., 2][stack.matte == 0] = 2**bits - 1
    subject[..., 1][stack.matte > 0] = 2**bits // 2
    return replace(stack, subject=subject)


@pytest.mark.parametrize("bits", [8, 16])
def test_the_foreground_is_opaque_colour_run_on_outward(tmp_path: Path, bits: int) -> None:
    (path,) = export(spotted_stack(bits), target(tmp_path, with_foreground=True))

    samples = opencv(path.read_bytes())
    assert (samples.shape, samples.dtype) == ((64, 96, 3), f"u{bits // 8}")
    np.testing.assert_allclose(samples / 2.0**bits, np.broadcast_to([0, 0.5, 0], samples.shape), atol=0.01)
    assert Image.open(path).info["icc_profile"] == CAMERA.icc_profile


@pytest.mark.parametrize("name", ["png", "tiff", "webp", "avif"])
@pytest.mark.parametrize(
    ("under_alpha", "hidden"), [("scrub", (0, 0, 0)), ("bleed", (0, 128, 0)), ("keep", (0, 0, 255))]
)
def test_hidden_colour_is_what_was_asked_for(
    tmp_path: Path, name: str, under_alpha: str, hidden: tuple[int, int, int]
) -> None:
    stack = spotted_stack(8)

    (path,) = export(stack, target(tmp_path, name), Writing(under_alpha=under_alpha))

    error = np.abs(by_pillow(path)[stack.matte == 0][:, :3] - np.asarray(hidden, np.int16))
    assert error.mean() <= 3 * KINDS[name].tolerance


@pytest.mark.parametrize("name", ["psd", "ora", "layers", "jpeg"])
def test_what_has_no_hidden_colour_is_written_whatever_was_asked_for_it(tmp_path: Path, name: str) -> None:
    (path,) = export(soft_stack(8), target(tmp_path, name), Writing(under_alpha="bleed"))

    assert KINDS[name].read(path).shape[:2] == (64, 96)


@pytest.mark.parametrize("name", ["png", "layers"])
def test_results_can_get_the_photos_times(tmp_path: Path, name: str) -> None:
    source = tmp_path / "photo.jpg"
    source.write_bytes(b"")
    os.utime(source, ns=(10**18 + 1, 10**18 + 2))

    (path,) = export(soft_stack(8), target(tmp_path, name), Writing(keep_times=True), source)
    (other,) = export(soft_stack(8), target(tmp_path / "other", name), Writing(), source)

    for written in [path, *path.glob("*")]:
        assert written.stat().st_mtime_ns == 10**18 + 2
    if path.is_file():  # looking into a folder counts as an access
        assert path.stat().st_atime_ns == 10**18 + 1
    assert other.stat().st_mtime_ns > 10**18 + 2


def test_a_photo_that_is_gone_has_no_times_to_give(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    source = tmp_path / "gone.jpg"

    (path,) = export(soft_stack(8), target(tmp_path, "png"), Writing(keep_times=True), source)

    assert path.stat().st_size
    assert "does not get the times" in caplog.text
    caplog.clear()


def test_results_are_written_over_old_ones(tmp_path: Path) -> None:
    export(make_stack(8), target(tmp_path, "png", "layers"))
    paths = export(make_stack(16), target(tmp_path, "png", "layers"))

    assert decode(paths[0]).pixels.dtype == np.uint16
    assert sorted(os.listdir(tmp_path)) == ["a.layers", "a.png"]


def test_a_format_asked_for_twice_is_written_once(tmp_path: Path) -> None:
    assert len(planned_paths(target(tmp_path, "png", "png"))) == 1


def test_an_unknown_format_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no format bmp"):
        planned_paths(target(tmp_path, "png", "bmp"))


def test_a_failure_leaves_nothing_half_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail_midway(_: object, file: object) -> None:
        file.write(b"8BPS")
        raise ExportError("too large")

    monkeypatch.setattr(write_module, "write_psd", fail_midway)
    with pytest.raises(ExportError, match="too large"):
        export(make_stack(), target(tmp_path, "png", "psd"))

    assert os.listdir(tmp_path) == ["a.png"]
