"""What is written comes back the same from OpenCV and Pillow."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace
from xml.etree import ElementTree

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import ExifTags, Image

from tests.export.stacks import HEIGHT, METADATA, WIDTH, make_full_stack, make_stack
from zippo_desktop.export.openraster import write_openraster
from zippo_desktop.imaging.compositing import flatten
from zippo_desktop.imaging.layers import LayerStack, Metadata
from zippo_desktop.imaging.matte import quantise


def written(stack: LayerStack) -> zipfile.ZipFile:
    buffer = io.BytesIO()
    write_openraster(stack, buffer)
    return zipfile.ZipFile(buffer)


def samples(archive: zipfile.ZipFile, name: str) -> NDArray:
    """A picture as [H,W,3] or [H,W,4]."""
    decoded = cv2.imdecode(np.frombuffer(archive.read(name), np.uint8), cv2.IMREAD_UNCHANGED)
    return decoded[..., [2, 1, 0, 3][: decoded.shape[2]]]


def layers(archive: zipfile.ZipFile) -> dict[str, ElementTree.Element]:
    """The entries of stack.xml by name, from top to bottom."""
    entries = ElementTree.fromstring(archive.read("stack.xml")).findall("./stack/layer")
    return {entry.attrib["name"]: entry for entry in entries}


def test_the_archive_says_what_it_is_in_its_first_bytes() -> None:
    archive = written(make_stack())

    first = archive.infolist()[0]
    assert (first.filename, first.compress_type, first.extra) == ("mimetype", zipfile.ZIP_STORED, b"")
    assert archive.read("mimetype") == b"image/openraster"
    assert archive.testzip() is None
    assert {"stack.xml", "mergedimage.png", "Thumbnails/thumbnail.png"} < set(archive.namelist())


def test_layers_stand_from_top_to_bottom_hidden_and_locked_as_in_the_stack() -> None:
    archive = written(make_full_stack())

    image = ElementTree.fromstring(archive.read("stack.xml"))
    size_and_resolution = {"w": str(WIDTH), "h": str(HEIGHT), "xres": "300", "yres": "150"}
    assert image.attrib == {"version": "0.0.6", **size_and_resolution}
    entries = layers(archive)
    assert list(entries) == ["Matte", "Subject", "Shadow", "Background", "Original"]
    assert [entry.attrib["visibility"] == "visible" for entry in entries.values()] == [
        False,
        True,
        True,
        True,
        False,
    ]
    assert [entry.get("edit-locked") for entry in entries.values()] == [None, None, None, None, "true"]
    assert {entry.attrib["src"] for entry in entries.values()} < set(archive.namelist())


@pytest.mark.parametrize("bits", [8, 16])
def test_every_layer_comes_back(bits: int) -> None:
    stack = make_full_stack(bits)
    archive = written(stack)
    pictures = {name: samples(archive, entry.attrib["src"]) for name, entry in layers(archive).items()}

    dtype = stack.subject.dtype
    assert {picture.dtype for picture in pictures.values()} == {dtype}
    np.testing.assert_array_equal(pictures["Background"], stack.background)
    for name, colour, mask in (
        ("Original", stack.original, stack.original_mask),
        ("Shadow", np.zeros_like(stack.subject), stack.shadow),
        ("Subject", stack.subject, stack.matte),
    ):
        alpha = quantise(mask, dtype)
        np.testing.assert_array_equal(pictures[name][..., 3], alpha)
        np.testing.assert_array_equal(pictures[name][..., :3], colour * (alpha > 0)[..., None])  # scrubbed
    grey = quantise(stack.matte, dtype)[..., None].repeat(3, axis=2)
    np.testing.assert_array_equal(pictures["Matte"], grey)


@pytest.mark.parametrize("has_background", [True, False])
@pytest.mark.parametrize("bits", [8, 16])
def test_the_merged_picture_is_what_is_seen(bits: int, has_background: bool) -> None:
    stack = make_full_stack(bits, has_background)
    archive = written(stack)

    np.testing.assert_array_equal(samples(archive, "mergedimage.png"), flatten(stack))
    assert samples(archive, "Thumbnails/thumbnail.png").shape == (31, 256, 3 if has_background else 4)


def test_every_picture_has_the_profile_and_only_the_merged_one_the_exif() -> None:
    archive = written(make_full_stack())

    for name in archive.namelist():
        if name.endswith(".png"):
            image = Image.open(io.BytesIO(archive.read(name)))
            assert image.info["icc_profile"] == METADATA.icc_profile
            assert (ExifTags.Base.Make in image.getexif()) == (name == "mergedimage.png")


def test_a_generated_subject_has_no_original_and_may_have_no_metadata() -> None:
    archive = written(make_stack(has_original=False, metadata=Metadata()))

    assert list(layers(archive)) == ["Matte", "Subject"]
    assert "xres" not in ElementTree.fromstring(archive.read("stack.xml")).attrib


def test_the_same_picture_gives_the_same_file() -> None:
    first, second = io.BytesIO(), io.BytesIO()
    write_openraster(make_stack(), first)
    write_openraster(replace(make_stack()), second)

    assert first.getvalue() == second.getvalue()


def test_unpacked_files_may_be_read() -> None:
    assert {entry.external_attr >> 16 for entry in written(make_stack()).infolist()} == {0o644}
