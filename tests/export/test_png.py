"""What is written comes back the same from Pillow (8 bit, metadata) and OpenCV (16 bit)."""

from __future__ import annotations

import io

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import ExifTags, Image

from tests.export.stacks import METADATA, make_stack
from zippo_desktop.errors import ExportError
from zippo_desktop.export import png
from zippo_desktop.export.png import cutout, encode_png
from zippo_desktop.imaging.layers import Metadata

NOTHING = Metadata()


def opencv(content: bytes) -> NDArray:
    samples = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    return samples if samples.ndim == 2 else samples[..., [2, 1, 0, 3][: samples.shape[2]]]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("shape", [(9, 7), (9, 7, 3), (9, 7, 4)])
def test_samples_come_back_exactly(shape: tuple[int, ...], dtype: type) -> None:
    samples = np.random.default_rng(0).integers(0, np.iinfo(dtype).max, shape, dtype=dtype, endpoint=True)

    content = encode_png(samples, METADATA if len(shape) == 3 else NOTHING)

    assert opencv(content).dtype == dtype
    np.testing.assert_array_equal(opencv(content), samples)
    Image.open(io.BytesIO(content)).verify()  # the checksum of every chunk


def test_pillow_reads_the_same_8_bit_samples() -> None:
    stack = make_stack()
    samples = cutout(stack.subject, stack.matte)

    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(encode_png(samples, METADATA)))), samples)


@pytest.mark.parametrize("bits", [8, 16])
def test_a_cut_out_hides_nothing_under_its_transparent_parts(bits: int) -> None:
    stack = make_stack(bits)
    rgba = cutout(stack.subject, stack.matte)
    full = 2**bits - 1

    np.testing.assert_allclose(rgba[..., 3], stack.matte * full, atol=0.51)
    is_empty = rgba[..., 3] == 0
    assert 0 < is_empty.sum() < is_empty.size
    assert (rgba[is_empty] == 0).all()
    np.testing.assert_array_equal(rgba[~is_empty][:, :3], stack.subject[~is_empty])


@pytest.mark.parametrize("bits", [8, 16])
def test_profile_exif_resolution_and_parameters_are_kept(bits: int) -> None:
    stack = make_stack(bits)
    image = Image.open(io.BytesIO(encode_png(cutout(stack.subject, stack.matte), METADATA)))
    image.load()

    assert image.info["icc_profile"] == METADATA.icc_profile
    assert image.info["dpi"] == pytest.approx((300, 150), abs=0.02)
    assert image.getexif()[ExifTags.Base.Make] == "Maker"
    assert image.text == dict(METADATA.parameters)


def test_nothing_is_written_that_was_not_given() -> None:
    image = Image.open(io.BytesIO(encode_png(np.zeros((2, 3, 3), np.uint8), NOTHING)))
    image.load()

    assert not image.info
    assert not image.text


def test_odd_texts_do_not_break_the_file() -> None:
    parameters = {"k" * 200: "a\0b", "prompt": "caf\udce9"}

    image = Image.open(io.BytesIO(encode_png(np.zeros((2, 3), np.uint8), Metadata(parameters=parameters))))
    image.load()

    assert image.text == {"k" * 79: "a b", "prompt": "caf?"}


def test_a_refusal_of_the_encoder_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(png.cv2, "imencode", lambda *_: (False, None))

    with pytest.raises(ExportError, match="3 x 2 pixels cannot be written as PNG"):
        encode_png(np.zeros((2, 3), np.uint16), NOTHING)
