from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.export.stacks import HEIGHT, WIDTH, make_full_stack, make_stack
from zippo_desktop.errors import ExportError
from zippo_desktop.export import layer_folder
from zippo_desktop.export.layer_folder import write_layer_folder
from zippo_desktop.imaging.compositing import flatten
from zippo_desktop.imaging.decode import decode, decode_matte
from zippo_desktop.imaging.matte import quantise


@pytest.mark.parametrize("bits", [8, 16])
def test_every_layer_is_a_numbered_png(tmp_path: Path, bits: int) -> None:
    stack = make_stack(bits)
    folder = tmp_path / "a.layers"
    write_layer_folder(stack, folder)

    names = ["01-original.png", "02-subject.png", "03-matte.png", "layers.json"]
    assert sorted(path.name for path in folder.iterdir()) == names
    np.testing.assert_array_equal(decode(folder / names[0]).pixels, stack.original)
    subject = cv2.imread(str(folder / names[1]), cv2.IMREAD_UNCHANGED)[..., [2, 1, 0, 3]]
    np.testing.assert_array_equal(subject, flatten(stack))
    full = 2**bits - 1
    expected = quantise(stack.matte, stack.subject.dtype).astype(np.float32) / full
    np.testing.assert_array_equal(decode_matte(folder / names[2]), expected)


def test_the_index_says_how_to_stack_them(tmp_path: Path) -> None:
    write_layer_folder(make_stack(16), tmp_path / "a.layers")

    index = json.loads((tmp_path / "a.layers/layers.json").read_text("utf-8"))

    assert (index["width"], index["height"], index["bits_per_channel"]) == (WIDTH, HEIGHT, 16)
    assert index["order"] == "bottom to top"
    summary = [(layer["file"], layer["name"], layer["visible"], layer["locked"]) for layer in index["layers"]]
    assert summary == [
        ("01-original.png", "Original", False, True),
        ("02-subject.png", "Subject", True, False),
        ("03-matte.png", "Matte", False, False),
    ]
    assert {layer["blend"] for layer in index["layers"]} == {"normal"}


@pytest.mark.parametrize("bits", [8, 16])
def test_background_and_shadow_are_layers_of_their_own(tmp_path: Path, bits: int) -> None:
    stack = make_full_stack(bits)
    folder = tmp_path / "a.layers"
    write_layer_folder(stack, folder)

    index = json.loads((folder / "layers.json").read_text("utf-8"))
    assert [layer["file"] for layer in index["layers"]] == [
        "01-original.png",
        "02-background.png",
        "03-shadow.png",
        "04-subject.png",
        "05-matte.png",
    ]
    assert [layer["visible"] for layer in index["layers"]] == [False, True, True, True, False]
    original, background, shadow = (
        cv2.imread(str(folder / layer["file"]), cv2.IMREAD_UNCHANGED) for layer in index["layers"][:3]
    )
    np.testing.assert_array_equal(original[..., 3], quantise(stack.original_mask, stack.subject.dtype))
    np.testing.assert_array_equal(background[..., ::-1], stack.background)
    np.testing.assert_array_equal(shadow[..., 3], quantise(stack.shadow, stack.subject.dtype))
    assert not shadow[..., :3].any()


def test_a_failure_leaves_the_folder_that_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "a.layers"
    write_layer_folder(make_stack(has_original=False), folder)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}

    def full_disk(path: Path, content: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(layer_folder, "write_through", full_disk)
    with pytest.raises(ExportError, match="no room on the disk"):
        write_layer_folder(make_stack(), folder)

    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert [path.name for path in tmp_path.iterdir()] == ["a.layers"]


def test_an_old_folder_is_replaced_as_a_whole(tmp_path: Path) -> None:
    folder = tmp_path / "a.layers"
    write_layer_folder(make_stack(), folder)
    write_layer_folder(make_stack(has_original=False), folder)

    assert sorted(path.name for path in folder.iterdir()) == ["01-subject.png", "02-matte.png", "layers.json"]
    assert [path.name for path in tmp_path.iterdir()] == ["a.layers"]
