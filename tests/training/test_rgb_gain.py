"""A trained UNet is given another gain for pictures: mattes stay, and the folder says so."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np

from zippo_desktop.engine.model_store import read_spec, verify_model
from zippo_desktop.engine.torch_session import TorchSession
from zippo_desktop.pipelines import matting
from zippo_desktop.pipelines.request import MattingRequest
from zippo_desktop.training.rgb_gain import set_rgb_gain

PHOTO = np.random.default_rng(0).integers(0, 255, (40, 48, 3), np.uint8)


def test_a_matte_does_not_depend_on_the_gain(tiny_model: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny_model, tmp_path / "model")
    shutil.rmtree(folder / "onnx")
    before = matting.infer(TorchSession.open(folder), PHOTO, MattingRequest())

    set_rgb_gain(folder, 2.0)

    assert read_spec(folder).rgb_gain == 2
    assert verify_model(folder) == []
    after = matting.infer(TorchSession.open(folder), PHOTO, MattingRequest())
    np.testing.assert_allclose(after, before, atol=1e-4)
    assert before.std() > 1e-3


def test_the_same_gain_changes_no_file(tiny_model: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny_model, tmp_path / "model")
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    set_rgb_gain(folder, 1.0)
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
