"""The whole way of a Stable Diffusion folder, of both kinds: init, train, export, and all three tasks."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from contextlib import closing, nullcontext
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from PIL import Image

from tests.tiny_models import TEXT_WIDTH, build_tiny_sd, build_tiny_sd2, tiny_unet
from tests.training.material import write_captioned, write_material, write_photos
from zippo_desktop.engine.model_store import read_spec, verify_model
from zippo_desktop.engine.open_session import open_session
from zippo_desktop.engine.session import ZippoSession
from zippo_desktop.engine.torch_session import TorchSession
from zippo_desktop.engine.weights import read_weights
from zippo_desktop.errors import InputError, UsageError
from zippo_desktop.pipelines import generation, matting, painting
from zippo_desktop.pipelines.request import GenerationRequest, MattingRequest, PaintingRequest
from zippo_desktop.training import train_unet
from zippo_desktop.training.export_onnx import export_model
from zippo_desktop.training.initialise import initialise
from zippo_desktop.training.sheet import CELL_PX
from zippo_desktop.training.train import train
from zippo_desktop.training.train_unet import encode_pairs, pictures_coded_at_once

pytestmark = pytest.mark.usefixtures("quick_ends")

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
TASKS: dict[ModuleType, Callable[[ZippoSession], np.ndarray]] = {
    matting: lambda session: matting.infer(session, PHOTO, MattingRequest(steps=2)),
    painting: lambda session: painting.infer(session, MATTE, PaintingRequest("a red ball", steps=2)),
    generation: lambda session: generation.infer(session, GenerationRequest("a red ball", steps=2, tries=1)),
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
    ):
        for task, answer in TASKS.items():
            picture, expected = answer(ours), answer(theirs)
            assert expected.std() > 0.01, task.__name__
            assert np.abs(picture - expected).max() < 0.5 / 255, task.__name__


@pytest.mark.slow
def test_with_checkpointing_the_same_is_learned(tmp_path: Path, monkeypatch):
    write_material(tmp_path, names=NAMES)
    initialise(build_tiny_sd(tmp_path / "base"), tmp_path / "fresh")
    again: list[torch.nn.Module] = []
    compute = torch.utils.checkpoint.checkpoint

    def counted(module, *arguments, **options):
        again.append(module)
        return compute(module, *arguments, **options)

    monkeypatch.setattr(torch.utils.checkpoint, "checkpoint", counted)
    learned = {}
    for setting in ("false", "true"):
        shutil.rmtree(tmp_path / "model", ignore_errors=True)
        shutil.copytree(tmp_path / "fresh", tmp_path / "model")
        config = tmp_path / f"{setting}.toml"
        text = CONFIG.format(steps=2).replace('"run"', f'"run-{setting}"')
        config.write_text(f"{text}checkpointing = {setting}\n", encoding="utf-8")
        assert not again
        train(config)
        learned[setting] = read_weights(tmp_path / f"run-{setting}" / "checkpoint.safetensors")

    assert again
    assert learned["true"].keys() == learned["false"].keys()
    for name, tensor in learned["true"].items():
        np.testing.assert_allclose(tensor, learned["false"][name], rtol=1e-4, atol=1e-6, err_msg=name)


def test_with_checkpointing_gradients_are_the_same():
    gradients = []
    for is_sparing in (False, True):
        torch.manual_seed(0)
        unet = tiny_unet(in_channels=8, num_class_embeds=4).train()
        if is_sparing:
            unet.enable_gradient_checkpointing()
        inputs = torch.randn(2, 8, 4, 4), torch.tensor([3, 700]), torch.randn(2, 5, TEXT_WIDTH)
        unet(*inputs, class_labels=torch.tensor([0, 3])).sample.square().mean().backward()
        gradients.append({name: weight.grad for name, weight in unet.named_parameters()})

    for name, gradient in gradients[0].items():
        torch.testing.assert_close(gradients[1][name], gradient, msg=name)


def test_material_without_an_unseen_cut_out_is_told_before_anything_is_trained(tmp_path: Path):
    write_material(tmp_path)  # none of its eight names falls into the test set
    initialise(build_tiny_sd(tmp_path / "base"), tmp_path / "model")
    config = tmp_path / "train.toml"
    config.write_text(CONFIG.format(steps=1), encoding="utf-8")

    with pytest.raises(InputError, match="test set"):
        train(config)

    assert not (tmp_path / "run" / "checkpoint.safetensors").exists()


def write_studio_config(folder: Path, data: str = "", loop: str = "", unet: str = "") -> Path:
    text = CONFIG.format(steps=2).replace("workers = 0", f"workers = 0\n{data}")
    path = folder / "train.toml"
    path.write_text(text.replace("batch = 4", f"batch = 4\n{loop}") + unet, encoding="utf-8")
    return path


def test_a_studios_photos_and_captioned_pictures_are_trained_on_and_shown(tmp_path: Path):
    write_material(tmp_path, names=NAMES)
    write_photos(tmp_path / "photos", NAMES)
    write_captioned(tmp_path / "captioned", ["a hill", "a lake"])
    initialise(build_tiny_sd(tmp_path / "base"), tmp_path / "model")
    config = write_studio_config(
        tmp_path,
        'photos = ["photos"]\ncaptioned = ["captioned"]',
        "accumulate = 2",
        'prediction = "v_prediction"\nconversion_steps = 1\nphotos_per_batch = 1.0\n',
    )

    train(config)

    log = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").open(encoding="utf-8")]
    assert [row["step"] for row in log] == [1, 2]
    assert ["rgb_to_matte" in row for row in log] == [False, True]
    assert all(np.isfinite(row["base"]) for row in log)
    with Image.open(tmp_path / "run" / "matting-000002.png") as sheet:
        assert sheet.height > 2 * CELL_PX  # a scene and a photo


def test_captioned_pictures_without_a_base_to_ask_are_refused(tmp_path: Path):
    write_material(tmp_path, names=NAMES)
    write_captioned(tmp_path / "captioned", ["a hill"])
    initialise(build_tiny_sd(tmp_path / "base"), tmp_path / "model")

    with pytest.raises(UsageError, match="no base to keep"):
        train(write_studio_config(tmp_path, 'captioned = ["captioned"]'))


def test_a_broken_photo_is_told_before_anything_is_trained(tmp_path: Path):
    write_material(tmp_path, names=NAMES)
    write_photos(tmp_path / "photos", NAMES)
    (tmp_path / "photos" / "matte" / f"{NAMES[-1]}.png").write_bytes(b"no picture")
    initialise(build_tiny_sd(tmp_path / "base"), tmp_path / "model")

    with pytest.raises(InputError, match=NAMES[-1]):
        train(write_studio_config(tmp_path, 'photos = ["photos"]'))

    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(("side", "count"), [(128, 64), (512, 4), (768, 1), (4096, 1)])
def test_large_pictures_are_coded_few_at_a_time(side: int, count: int):
    assert pictures_coded_at_once(side) == count


def test_pictures_coded_in_parts_have_the_same_latents(tiny_model: Path, monkeypatch):
    session = TorchSession.open(tiny_model)
    pictures = torch.from_numpy(np.random.default_rng(0).uniform(-1, 1, (6, 3, 64, 64)).astype(np.float32))
    whole = encode_pairs(session, pictures, nullcontext).latents
    monkeypatch.setattr(train_unet, "CODED_AT_ONCE_PX", 4 * 32**2)
    torch.testing.assert_close(encode_pairs(session, pictures, nullcontext).latents, whole)
