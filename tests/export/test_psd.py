"""What is written comes back the same from psd-tools and ImageMagick, and from Pillow where it can."""

from __future__ import annotations

import io
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from psd_tools import PSDImage
from psd_tools.constants import ChannelID, Resource

from tests.export.stacks import HEIGHT, METADATA, WIDTH, make_stack
from zippo_desktop.errors import ExportError
from zippo_desktop.export import psd
from zippo_desktop.export.psd import write_psd
from zippo_desktop.imaging.layers import Layer, LayerStack, Metadata
from zippo_desktop.imaging.matte import quantise


def written(stack: LayerStack) -> bytes:
    buffer = io.BytesIO()
    write_psd(stack, buffer)
    return buffer.getvalue()


def reopened(stack: LayerStack) -> PSDImage:
    return PSDImage.open(io.BytesIO(written(stack)))


def samples(layer: object, channel: str, dtype: np.dtype) -> NDArray:
    return np.rint(layer.numpy(channel) * np.iinfo(dtype).max).astype(dtype)


@pytest.mark.parametrize("bits", [8, 16])
def test_psd_tools_reads_every_layer_exactly(bits: int) -> None:
    stack = make_stack(bits)
    document = reopened(stack)
    dtype = stack.subject.dtype
    matte = quantise(stack.matte, dtype)

    assert (document.size, document.depth) == (stack.size, bits)
    original, subject, grey = document
    np.testing.assert_array_equal(samples(original, "color", dtype), stack.original)
    np.testing.assert_array_equal(samples(subject, "color", dtype), stack.subject)
    np.testing.assert_array_equal(samples(subject, "mask", dtype)[..., 0], matte)
    np.testing.assert_array_equal(samples(grey, "color", dtype), matte[..., None].repeat(3, axis=2))


@pytest.mark.parametrize("bits", [8, 16])
def test_layers_are_stacked_named_hidden_and_locked_as_a_retoucher_expects(bits: int) -> None:
    original, subject, matte = reopened(make_stack(bits))

    assert [layer.name for layer in (original, subject, matte)] == ["Original", "Subject", "Matte"]
    assert [layer.visible for layer in (original, subject, matte)] == [False, True, False]
    assert original.locks.value == 0x80000007
    assert not subject.locks.value
    assert subject.mask is not None
    assert not subject.mask.disabled
    assert subject.mask.bbox == (0, 0, WIDTH, HEIGHT)
    assert original.mask is None
    assert all(
        layer.blend_mode.name == "NORMAL" and layer.opacity == 255 for layer in (original, subject, matte)
    )


def test_gimp_finds_the_layers_of_a_16_bit_file() -> None:
    content = written(make_stack(16))

    assert 0 < content.index(b"8BIMLr16") < content.index(b"8BIMMt16")  # it reads the first block only


def test_no_layer_is_a_background_which_could_not_be_hidden() -> None:
    for layer in reopened(make_stack()):
        assert ChannelID.TRANSPARENCY_MASK in [channel.id for channel in layer._record.channel_info]


@pytest.mark.parametrize("bits", [8, 16])
def test_the_merged_picture_is_the_cut_out(bits: int) -> None:
    stack = make_stack(bits)
    merged = reopened(stack).numpy()  # psd-tools takes out the white that PSD stores it over

    full = 2**bits - 1
    np.testing.assert_allclose(merged[..., 3], stack.matte, atol=0.51 / full)
    is_solid = stack.matte > 0.5
    np.testing.assert_allclose(merged[is_solid][:, :3], stack.subject[is_solid] / full, atol=1.1 / full)


def test_psd_tools_composites_the_layers_to_the_same_cut_out() -> None:
    stack = make_stack()
    composite = np.asarray(reopened(stack).composite(force=True)).astype(int)

    matte = quantise(stack.matte, np.uint8)
    assert np.abs(composite[..., 3] - matte).max() <= 1
    is_solid = matte > 127
    assert np.abs(composite[is_solid][:, :3] - stack.subject[is_solid]).max() <= 1


def test_pillow_reads_the_merged_picture_over_white_as_photoshop_stores_it() -> None:
    stack = make_stack()
    image = Image.open(io.BytesIO(written(stack)))
    stored = np.asarray(image)

    assert image.mode == "RGBA"
    assert image.info["icc_profile"] == METADATA.icc_profile
    matte = quantise(stack.matte, np.uint8)
    np.testing.assert_array_equal(stored[..., 3], matte)
    share = matte[..., None] / 255
    np.testing.assert_allclose(stored[..., :3], 255 + share * (stack.subject - 255.0), atol=0.51)


@pytest.mark.parametrize("bits", [8, 16])
def test_profile_exif_resolution_and_preview_are_kept(bits: int) -> None:
    resources = reopened(make_stack(bits)).image_resources

    assert resources.get_data(Resource.ICC_PROFILE) == METADATA.icc_profile
    assert resources.get_data(Resource.EXIF_DATA_1) == METADATA.exif
    resolution = resources.get_data(Resource.RESOLUTION_INFO)
    assert (resolution.horizontal / 65536, resolution.vertical / 65536) == (300, 150)
    assert (resolution.horizontal_unit, resolution.vertical_unit) == (1, 1)
    assert resources.get_data(Resource.VERSION_INFO).has_composite
    preview = resources.get_data(Resource.THUMBNAIL_RESOURCE)
    assert Image.open(io.BytesIO(preview.data)).size == (preview.width, preview.height) == (160, 20)


def test_a_generated_subject_has_no_original_and_may_have_no_metadata() -> None:
    document = reopened(make_stack(has_original=False, metadata=Metadata()))

    assert [layer.name for layer in document] == ["Subject", "Matte"]
    assert Resource.ICC_PROFILE not in document.image_resources


def test_layer_names_are_unicode(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ["Hintergründe", "被写体 🐈", "x" * 300]
    layers = tuple(Layer(name, make_stack().subject) for name in names)
    monkeypatch.setattr(LayerStack, "layers", property(lambda _: layers))

    assert [layer.name for layer in reopened(make_stack())] == names


def test_what_the_format_cannot_hold_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    long = LayerStack(np.zeros((1, 30_001, 3), np.uint8), np.zeros((1, 30_001), np.float32))
    with pytest.raises(ExportError, match="30001 x 1 pixels"):
        written(long)
    monkeypatch.setattr(psd, "MAX_BYTES", 1000)
    with pytest.raises(ExportError, match="2 GB"):
        written(make_stack())


def imagemagick() -> str | None:
    """ImageMagick's converter, if that is what goes by its name."""
    for name in ("/usr/bin/magick", "/usr/bin/convert", "magick", "convert"):
        path = shutil.which(name)
        if path:
            answer = subprocess.run([path, "-version"], capture_output=True, text=True, check=False)
            if answer.returncode == 0 and "ImageMagick" in answer.stdout:
                return path
    return None


@pytest.mark.parametrize("bits", [8, 16])
def test_imagemagick_reads_every_layer_exactly(tmp_path: Path, bits: int) -> None:
    converter = imagemagick()
    if converter is None:
        pytest.skip("ImageMagick is not installed")
    stack = make_stack(bits)
    path = tmp_path / "a.psd"
    path.write_bytes(written(stack))

    def layer(index: int) -> NDArray:
        raw = tmp_path / f"{index}.rgba"
        command = [converter, f"{path}[{index}]", "-depth", str(bits), "-endian", "LSB", f"rgba:{raw}"]
        subprocess.run(command, check=True, capture_output=True)
        return np.fromfile(raw, f"<u{bits // 8}").reshape(HEIGHT, WIDTH, 4)

    matte = quantise(stack.matte, stack.subject.dtype)
    merged, original, subject, grey = map(layer, range(4))
    np.testing.assert_array_equal(merged[..., 3], matte)
    np.testing.assert_array_equal(original[..., :3], stack.original)
    np.testing.assert_array_equal(subject[..., :3], stack.subject)
    np.testing.assert_array_equal(subject[..., 3], matte)  # the mask, applied
    np.testing.assert_array_equal(grey[..., 0], matte)
