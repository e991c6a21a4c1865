"""Scenes of another size than studio shots: one network mattes at the one and makes pictures at the other."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.training.runs import run, write_config
from zippo_desktop.engine.model_store import read_spec
from zippo_desktop.engine.torch_session import TorchSession
from zippo_desktop.pipelines import generation, network_matte
from zippo_desktop.pipelines.request import GenerationRequest
from zippo_desktop.training.train import train
from zippo_desktop.training.unet_losses import mean_losses


@pytest.mark.slow
@pytest.mark.usefixtures("quick_ends")
def test_a_run_learns_from_scenes_and_studio_shots_of_two_sizes(folder_with_vae: Path) -> None:
    folder = folder_with_vae
    config = write_config(folder, "unet", steps=5, replay=2)
    text = config.read_text("utf-8").replace("size_px = 32", "size_px = 32\nscene_px = 64")
    run(folder, "unet", steps=0)
    note_closer_look(folder / "model" / "zippo.json", 48)
    run(folder, "unet", steps=0)
    assert read_spec(folder / "model").closer_px == 48
    text = text.replace("[loop]", "sharp_backgrounds = true\nvaried_sharpness = true\n[loop]")
    config.write_text(text.replace("[unet]", "[unet]\nscenes_per_batch = 0.5\nfinest_channels = 64"), "utf-8")

    train(config)

    spec = read_spec(folder / "model")
    assert (spec.size_px, spec.matting_px) == (32, 64)
    assert spec.closer_px == 64  # 48 was good beside photos of 32
    log = [json.loads(line) for line in (folder / "unet-run" / "log.jsonl").open(encoding="utf-8")]
    assert {"rgb_to_matte", "matte_to_rgb", "joint_rgb", "joint_matte", "decoded"} <= log[-1].keys()
    session = TorchSession.open(folder / "model")
    assert tuple(session.unet.config["block_out_channels"]) == (64, 64)  # it began with 32
    photo = np.zeros((90, 120, 3), np.uint8)
    assert network_matte.fit(photo, session.spec).image.shape == (48, 64, 3)
    assert generation.infer(session, GenerationRequest("a red apple", steps=1)).shape == (32, 32, 4)


def note_closer_look(manifest: Path, side: int) -> None:
    manifest.write_text(json.dumps(json.loads(manifest.read_text("utf-8")) | {"closer_px": side}), "utf-8")


def test_a_loss_is_the_mean_over_the_batches_that_have_it() -> None:
    scenes = {"total": torch.tensor(3.0), "decoded": torch.tensor(0.5)}
    studio = {"total": torch.tensor(1.0), "joint_rgb": torch.tensor(0.25)}
    assert mean_losses([scenes, studio]) == {"total": 2.0, "decoded": 0.5, "joint_rgb": 0.25}
    assert mean_losses([scenes]) == scenes
