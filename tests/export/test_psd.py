"""What is written comes back the same from psd-tools, ImageMagick and GIMP, and from Pillow where it can."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import tracemalloc
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from psd_tools import PSDImage
from psd_tools.constants import ChannelID, Resource

from tests.export.stacks import HEIGHT, IPTC, METADATA, WIDTH, XMP, make_full_stack, make_stack
from zippo_desktop.errors import ExportError
from zippo_desktop.export import packbits, psd_sections
from zippo_desktop.export.psd import write_psd
from zippo_desktop.imaging.compositing import flatten
from zippo_desktop.imaging.layers import Layer, LayerStack, Metadata
from zippo_desktop.imaging.matte import quantise

both_depths = pytest.mark.parametrize("bits", [8, 16])
both_sizes = pytest.mark.parametrize("is_large", [False, True])


def written(stack: LayerStack, is_large: bool = False) -> bytes:
    buffer = io.BytesIO()
    write_psd(stack, buffer, is_large)
    return buffer.getvalue()


def reopened(stack: LayerStack, is_large: bool = False) -> PSDImage:
    return PSDImage.open(io.BytesIO(written(stack, is_large)))


def samples(layer: object, channel: str, dtype: np.dtype) -> NDArray:
    return np.rint(layer.numpy(channel) * np.iinfo(dtype).max).astype(dtype)


def merged_channels(document: PSDImage, dtype: np.dtype) -> NDArray:
    """The channels of the merged picture as they are stored: [C,H,W]."""
    record = document._record
    content = b"".join(record.image_data.get_data(record.header))
    return np.frombuffer(content, dtype.newbyteorder(">")).reshape(-1, document.height, document.width)


@both_sizes
@both_depths
def test_psd_tools_reads_every_layer_exactly(bits: int, is_large: bool) -> None:
    stack = make_full_stack(bits)
    document = reopened(stack, is_large)
    dtype = stack.subject.dtype

    assert (document.size, document.depth, document.version) == (stack.size, bits, 2 if is_large else 1)
    original, background, shadow, subject = document
    np.testing.assert_array_equal(samples(original, "color", dtype), stack.original)
    np.testing.assert_array_equal(
        samples(original, "mask", dtype)[..., 0], quantise(stack.original_mask, dtype)
    )
    np.testing.assert_array_equal(samples(background, "color", dtype), stack.background)
    assert not samples(shadow, "color", dtype).any()
    np.testing.assert_array_equal(samples(shadow, "mask", dtype)[..., 0], quantise(stack.shadow, dtype))
    np.testing.assert_array_equal(samples(subject, "color", dtype), stack.subject)
    np.testing.assert_array_equal(samples(subject, "mask", dtype)[..., 0], quantise(stack.matte, dtype))


@both_sizes
@both_depths
def test_layers_are_stacked_named_hidden_and_locked_as_a_retoucher_expects(bits: int, is_large: bool) -> None:
    layers = list(reopened(make_full_stack(bits), is_large))
    original, background, shadow, subject = layers

    assert [layer.name for layer in layers] == ["Original", "Background", "Shadow", "Subject"]
    assert [layer.visible for layer in layers] == [False, True, True, True]
    assert [layer.locks.value for layer in layers] == [0x80000007, 0, 0, 0]
    assert background.mask is None
    for layer in (original, shadow, subject):
        assert not layer.mask.disabled
        assert layer.mask.background_color == 0
        assert layer.mask.bbox == (0, 0, WIDTH, HEIGHT)
    assert all(layer.blend_mode.name == "NORMAL" and layer.opacity == 255 for layer in layers)


def test_gimp_finds_the_layers_of_a_16_bit_file() -> None:
    content = written(make_stack(16))

    assert 0 < content.index(b"8BIMLr16") < content.index(b"8BIMMt16")  # it reads the first block only


def test_no_layer_is_a_background_which_could_not_be_hidden() -> None:
    for layer in reopened(make_full_stack()):
        assert ChannelID.TRANSPARENCY_MASK in [channel.id for channel in layer._record.channel_info]


@both_sizes
@both_depths
def test_over_a_background_the_merged_picture_is_opaque_and_the_matte_its_only_alpha_channel(
    bits: int, is_large: bool
) -> None:
    stack = make_full_stack(bits)
    document = reopened(stack, is_large)
    dtype = stack.subject.dtype

    merged = merged_channels(document, dtype)
    np.testing.assert_array_equal(np.moveaxis(merged[:3], 0, 2), flatten(stack))
    np.testing.assert_array_equal(merged[3:], quantise(stack.matte, dtype)[None])
    assert document.numpy().shape[2] == 4  # the matte is no transparency: nothing is taken out of the colour
    assert document._record.layer_and_mask_information.layer_info.layer_count >= 0
    for resource in (Resource.ALPHA_NAMES_PASCAL, Resource.ALPHA_NAMES_UNICODE):
        assert list(document.image_resources.get_data(resource)) == ["Matte"]
    assert list(document.image_resources.get_data(Resource.ALPHA_IDENTIFIERS)) == [1]


@both_sizes
@both_depths
@pytest.mark.parametrize("has_shadow", [True, False])
def test_without_background_transparency_comes_before_the_matte(
    bits: int, is_large: bool, has_shadow: bool
) -> None:
    stack = make_full_stack(bits, has_background=False) if has_shadow else make_stack(bits)
    document = reopened(stack, is_large)
    dtype = stack.subject.dtype
    full = 2**bits - 1
    seen = flatten(stack, "keep")

    merged = merged_channels(document, dtype)
    np.testing.assert_array_equal(merged[3], seen[..., 3])
    np.testing.assert_array_equal(merged[4:], quantise(stack.matte, dtype)[None])
    share = seen[..., 3:] / full
    over_white = full + share * (seen[..., :3].astype(float) - full)
    np.testing.assert_allclose(np.moveaxis(merged[:3], 0, 2), over_white, atol=1.6)
    assert list(document.image_resources.get_data(Resource.ALPHA_NAMES_UNICODE)) == ["Transparency", "Matte"]
    assert list(document.image_resources.get_data(Resource.ALPHA_IDENTIFIERS)) == [0, 1]


@both_depths
def test_psd_tools_takes_the_white_out_of_the_merged_picture_again(bits: int) -> None:
    stack = make_stack(bits)
    colour, alpha = (reopened(stack).numpy(part) for part in ("color", "shape"))

    full = 2**bits - 1
    np.testing.assert_allclose(alpha[..., 0], stack.matte, atol=0.51 / full)
    is_solid = stack.matte > 0.5
    np.testing.assert_allclose(colour[is_solid], stack.subject[is_solid] / full, atol=1.1 / full)


@pytest.mark.parametrize("has_background", [True, False])
def test_psd_tools_composites_the_layers_to_what_is_seen(has_background: bool) -> None:
    stack = make_full_stack(has_background=has_background)
    seen = flatten(stack).astype(int)
    composite = np.asarray(reopened(stack).composite(force=True).convert("RGBA")).astype(int)

    alpha = seen[..., 3] if not has_background else np.full(seen.shape[:2], 255)
    assert np.abs(composite[..., 3] - alpha).max() <= 1
    is_solid = alpha > 127
    assert np.abs(composite[is_solid][:, :3] - seen[is_solid][:, :3]).max() <= 2


def test_pillow_reads_the_merged_picture_and_takes_the_matte_for_its_alpha() -> None:
    stack = make_full_stack()
    image = Image.open(io.BytesIO(written(stack)))

    assert image.mode == "RGBA"
    assert image.info["icc_profile"] == METADATA.icc_profile
    np.testing.assert_array_equal(np.asarray(image)[..., :3], flatten(stack))
    np.testing.assert_array_equal(np.asarray(image)[..., 3], quantise(stack.matte, np.uint8))


@both_sizes
@both_depths
def test_the_metadata_and_a_preview_are_kept(bits: int, is_large: bool) -> None:
    resources = reopened(make_full_stack(bits), is_large).image_resources

    assert resources.get_data(Resource.ICC_PROFILE) == METADATA.icc_profile
    assert resources.get_data(Resource.EXIF_DATA_1) == METADATA.exif
    assert resources.get_data(Resource.XMP_METADATA) == XMP
    assert resources.get_data(Resource.IPTC_NAA) == IPTC
    resolution = resources.get_data(Resource.RESOLUTION_INFO)
    assert (resolution.horizontal / 65536, resolution.vertical / 65536) == (300, 150)
    assert (resolution.horizontal_unit, resolution.vertical_unit) == (1, 1)
    assert resources.get_data(Resource.VERSION_INFO).has_composite
    preview = resources.get_data(Resource.THUMBNAIL_RESOURCE)
    assert Image.open(io.BytesIO(preview.data)).size == (preview.width, preview.height) == (160, 20)


def test_the_preview_lies_over_white() -> None:
    stack = LayerStack(np.zeros((90, 90, 3), np.uint8), np.zeros((90, 90), np.float32))
    stack.matte[:, :45] = 1

    preview = reopened(stack).image_resources.get_data(Resource.THUMBNAIL_RESOURCE)

    colours = np.asarray(Image.open(io.BytesIO(preview.data)))
    assert colours.shape == (90, 90, 3)
    assert colours[:, :40].max() < 10
    assert colours[:, 50:].min() > 245


def test_a_generated_subject_has_no_original_and_may_have_no_metadata() -> None:
    document = reopened(make_stack(has_original=False, metadata=Metadata()))

    assert [layer.name for layer in document] == ["Subject"]
    for resource in (Resource.ICC_PROFILE, Resource.EXIF_DATA_1, Resource.XMP_METADATA, Resource.IPTC_NAA):
        assert resource not in document.image_resources


def test_layer_names_are_unicode(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ["Hintergründe", "被写体 🐈", "x" * 300]
    layers = tuple(Layer(name, make_stack().subject) for name in names)
    monkeypatch.setattr(LayerStack, "layers", property(lambda _: layers))

    assert [layer.name for layer in reopened(make_stack())] == names


def test_what_the_format_cannot_hold_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def of_width(width: int) -> LayerStack:
        return LayerStack(np.zeros((1, width, 3), np.uint8), np.zeros((1, width), np.float32))

    with pytest.raises(ExportError, match="PSD file: it is 30001 x 1 pixels") as refusal:
        written(of_width(30_001))
    assert "psb" in refusal.value.hint
    with pytest.raises(ExportError, match="PSB file: it is 300001 x 1 pixels"):
        written(of_width(300_001), is_large=True)
    monkeypatch.setattr(psd_sections, "MAX_BYTES", 1000)
    with pytest.raises(ExportError, match="2 GB"):
        written(make_stack())
    assert len(written(make_stack(), is_large=True)) > 1000


@both_depths
@pytest.mark.parametrize("shape", [(8, 30_001), (30_001, 8)])
def test_a_large_document_may_be_longer_than_a_psd(shape: tuple[int, int], bits: int) -> None:
    rng = np.random.default_rng(bits)
    colour = rng.integers(0, 2**bits, (*shape, 3), dtype=np.dtype(f"u{bits // 8}"))
    stack = LayerStack(colour, rng.random(shape, np.float32))
    dtype = colour.dtype.newbyteorder(">")

    document = reopened(stack, is_large=True)

    # Below the interface of psd-tools, which allows no layer of more than 30,000 pixels.
    channels = [
        np.frombuffer(channel.get_data(*document.size, bits, version=2), dtype).reshape(shape)
        for channel in document[0]._channels
    ]
    np.testing.assert_array_equal(np.dstack(channels[1:4]), colour)
    np.testing.assert_array_equal(channels[4], quantise(stack.matte, colour.dtype))
    np.testing.assert_array_equal(merged_channels(document, colour.dtype)[4], channels[4])


@both_depths
def test_strips_are_held_and_not_the_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bits: int
) -> None:
    monkeypatch.setattr(packbits, "_STRIP_PX", 2**15)
    dtype = np.dtype(f"u{bits // 8}")
    colour = np.random.default_rng(0).integers(0, 2**bits, (300, 4000, 3), dtype=dtype)
    stack = LayerStack(colour, np.full(colour.shape[:2], 0.5, np.float32), colour)
    written(make_stack())  # loads what is only loaded on the first use
    tracemalloc.start()
    try:
        with open(tmp_path / "a.psd", "wb") as file:
            write_psd(stack, file)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    plane_bytes = colour[..., 0].nbytes
    assert (tmp_path / "a.psd").stat().st_size > 9 * plane_bytes
    assert peak < 2e6


def imagemagick() -> str:
    """ImageMagick's converter, if that is what goes by its name."""
    for name in ("/usr/bin/magick", "/usr/bin/convert", "magick", "convert"):
        path = shutil.which(name)
        if path:
            answer = subprocess.run([path, "-version"], capture_output=True, text=True, check=False)
            if answer.returncode == 0 and "ImageMagick" in answer.stdout:
                return path
    pytest.skip("ImageMagick is not installed")


def imagemagick_pictures(path: Path, bits: int) -> list[NDArray]:
    """The merged picture and the layers from bottom to top as [H,W,4], masks applied."""
    sizes = subprocess.run(
        [imagemagick(), str(path), "-format", "%wx%h\n", "info:"], check=True, capture_output=True, text=True
    ).stdout.split()
    raw = path.with_suffix(".rgba")
    command = [imagemagick(), str(path), "-depth", str(bits), "-endian", "LSB", f"rgba:{raw}"]
    subprocess.run(command, check=True, capture_output=True)
    width, height = map(int, sizes[0].split("x"))
    return list(np.fromfile(raw, f"<u{bits // 8}").reshape(len(sizes), height, width, 4))


@both_sizes
@both_depths
def test_imagemagick_reads_every_layer_exactly(tmp_path: Path, bits: int, is_large: bool) -> None:
    stack = make_full_stack(bits)
    path = tmp_path / ("a.psb" if is_large else "a.psd")
    path.write_bytes(written(stack, is_large))

    merged, original, background, shadow, subject = imagemagick_pictures(path, bits)

    full, dtype = 2**bits - 1, stack.subject.dtype
    np.testing.assert_array_equal(merged[..., :3], flatten(stack))
    assert (merged[..., 3] == full).all()
    np.testing.assert_array_equal(original[..., :3], stack.original)
    np.testing.assert_array_equal(original[..., 3], quantise(stack.original_mask, dtype))
    np.testing.assert_array_equal(background[..., :3], stack.background)
    assert (background[..., 3] == full).all()
    np.testing.assert_array_equal(shadow[..., 3], quantise(stack.shadow, dtype))
    assert not shadow[..., :3].any()
    np.testing.assert_array_equal(subject[..., :3], stack.subject)
    np.testing.assert_array_equal(subject[..., 3], quantise(stack.matte, dtype))


@both_sizes
@both_depths
def test_imagemagick_reads_a_transparent_picture(tmp_path: Path, bits: int, is_large: bool) -> None:
    stack = make_stack(bits)
    path = tmp_path / ("a.psb" if is_large else "a.psd")
    path.write_bytes(written(stack, is_large))

    merged, original, subject = imagemagick_pictures(path, bits)

    matte = quantise(stack.matte, stack.subject.dtype)
    np.testing.assert_array_equal(merged[..., 3], matte)
    np.testing.assert_array_equal(original[..., :3], stack.original)
    np.testing.assert_array_equal(subject[..., :3], stack.subject)
    np.testing.assert_array_equal(subject[..., 3], matte)


_GIMP_SCRIPT = """
(define (show path)
  (let* ((image (car (gimp-file-load RUN-NONINTERACTIVE path path)))
         (layers (vector->list (cadr (gimp-image-get-layers image))))
         (channels (vector->list (cadr (gimp-image-get-channels image)))))
    (define (names items) (map (lambda (item) (car (gimp-item-get-name item))) items))
    (define (masked) (map (lambda (layer) (if (= -1 (car (gimp-layer-get-mask layer))) "-" "mask")) layers))
    (define (joined words) (apply string-append (map (lambda (word) (string-append word " ")) words)))
    (gimp-message (string-append "zippo: " (joined (append (names layers) (masked) (names channels)))))
    (let ((seen (car (gimp-image-merge-visible-layers image CLIP-TO-IMAGE))))
      (file-png-save RUN-NONINTERACTIVE image seen (string-append path ".png") "" 0 1 0 0 0 0 0))))
"""


def assert_seen(shown: NDArray, stack: LayerStack) -> None:
    """Assert that RGBA is what is seen of a stack, but for rounding; colour counts by its opacity."""
    seen = flatten(stack, "keep").astype(float)
    full = np.iinfo(stack.subject.dtype).max
    alpha = seen[..., 3] if seen.shape[2] == 4 else np.full(seen.shape[:2], full)
    assert shown.dtype == stack.subject.dtype
    np.testing.assert_allclose(shown[..., 3], alpha, atol=1)
    difference = np.abs(shown[..., :3] - seen[..., :3]) * (alpha / full)[..., None]
    assert difference.max() <= 2


@pytest.mark.slow
def test_gimp_shows_the_same_picture_layers_masks_and_channel(tmp_path: Path) -> None:
    if shutil.which("gimp") is None:
        pytest.skip("GIMP is not installed")
    stacks = {
        f"{'opaque' if has_background else 'transparent'}{bits}": make_full_stack(bits, has_background)
        for bits in (8, 16)
        for has_background in (True, False)
    }
    calls = []
    for name, stack in stacks.items():
        path = tmp_path / f"{name}.psd"
        path.write_bytes(written(stack))
        calls.append(f'(show "{path}")')
    script = f"(begin {_GIMP_SCRIPT} {' '.join(calls)})".replace("\n", " ")
    command = ["gimp", "--no-interface", "--no-data", "--no-fonts", "-b", script, "-b", "(gimp-quit 0)"]
    environment = os.environ | {"GIMP2_DIRECTORY": str(tmp_path / "gimp")}
    answer = subprocess.run(
        command, capture_output=True, text=True, check=False, env=environment, timeout=120
    )
    told = [line.split("zippo: ")[1] for line in answer.stderr.splitlines() if "zippo: " in line]

    opaque = "Subject Shadow Background Original mask mask - mask Matte "
    transparent = "Subject Shadow Original mask mask mask Matte "
    assert told == [opaque, transparent] * 2, answer.stderr
    for name, stack in stacks.items():
        shown = cv2.imread(str(tmp_path / f"{name}.psd.png"), cv2.IMREAD_UNCHANGED)[..., [2, 1, 0, 3]]
        assert_seen(shown, stack)
