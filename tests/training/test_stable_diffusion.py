"""The whole way of a Stable Diffusion folder, of both kinds: init, train, export, and all three tasks."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch

from tests.tiny_models import build_tiny_sd, build_tiny_sd2
from tests.training.material import write_material
from zippo_desktop.engine.model_store import read_spec, verify_model
from zippo_desktop.engine.open_session import open_session
from zippo_desktop.engine.session import Session
from zippo_desktop.pipelines import generation, matting, painting
from zippo_desktop.pipelines.request import GenerationRequest, MattingRequest, PaintingRequest
from zippo_desktop.training.export_onnx import export_model
from zippo_desktop.training.initialise import initialise
from zippo_desktop.training.train import train

CONFIG = """
stage = "unet"
name = "ours"
model_dir = "model"
run_dir = "run"
[data]
cutouts = ["cutouts"]
backgrounds = ["backgrounds"]
size_px = 32
workers = 0
[loop]
steps = {steps}
batch = 4
learning_rate = 1e-3
warmup_steps = 2
log_every = 1
sheet_every = 1000
[unet]
scenes_per_batch = 0.5
"""
NAMES = tuple(f"red apple {index}" for index in range(24))  # some are of the test set
PHOTO = np.random.default_rng(0).random((40, 56, 3), np.float32)
MATTE = np.tile(np.linspace(0, 1, 32, dtype=np.float32), (32, 1))
TASKS: dict[ModuleType, Callable[[Session], np.ndarray]] = {
    matting: lambda session: matting.infer(session, PHOTO, MattingRequest(steps=2)),
    painting: lambda session: painting.infer(session, MATTE, PaintingRequest("a red ball", steps=2)),
    generation: lambda session: generation.infer(session, GenerationRequest("a red ball", steps=2)),
}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("build", "more", "prediction", "from_pure_noise"),
    [
        (build_tiny_sd, "", "epsilon", False),
        (build_tiny_sd, 'prediction = "v_prediction"\nconversion_steps = 2\n', "v_prediction", True),
        (build_tiny_sd2, "", "v_prediction", False),
        (build_tiny_sd2, 'prediction = "v_prediction"\nconversion_steps = 2\n', "v_prediction", True),
    ],
    ids=["SD1", "SD1 converted", "SD2", "SD2 to pure noise"],
)
def test_from_a_base_to_pictures_on_both_engines(
    tmp_path: Path, build: Callable[[Path], Path], more: str, prediction: str, from_pure_noise: bool
):
    write_material(tmp_path, names=NAMES)
    initialise(build(tmp_path / "base"), tmp_path / "model")
    config = tmp_path / "train.toml"
    config.write_text(CONFIG.format(steps=4) + more, encoding="utf-8")
    before = read_spec(tmp_path / "model").digest

    train(config)
    export_model(tmp_path / "model")

    spec = read_spec(tmp_path / "model")
    assert spec.digest != before
    assert (spec.schedule.prediction_type, spec.schedule.has_zero_terminal_snr) == (
        prediction,
        from_pure_noise,
    )
    assert (spec.text_tokens, spec.licence) == (77, "that of the base model")
    assert verify_model(tmp_path / "model") == []
    with (
        closing(open_session(tmp_path / "model", "onnx")) as ours,
        closing(open_session(tmp_path / "model", "torch")) as theirs,
        torch.random.fork_rng(),
    ):
        for task, answer in TASKS.items():
            picture, expected = answer(ours), answer(theirs)
            assert expected.std() > 0.01, task.__name__
            assert np.abs(picture - expected).max() < 0.5 / 255, task.__name__
