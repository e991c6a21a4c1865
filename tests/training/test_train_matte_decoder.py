"""The third training stage for real, on a toy set: it learns, resumes, and leaves a folder that opens."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.tiny_models import build_tiny_zippo
from tests.training.material import write_material
from tests.training.runs import run
from zippo_desktop.engine.model_store import read_json, verify_model
from zippo_desktop.engine.torch_session import TorchSession
from zippo_desktop.pipelines import matting
from zippo_desktop.pipelines.network_matte import fit
from zippo_desktop.pipelines.passes import ask
from zippo_desktop.pipelines.request import MattingRequest

STAGE = "matte_decoder"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Material, and a model with no matte decoder yet."""
    write_material(tmp_path, names=tuple(f"red apple {index}" for index in range(24)))
    build_tiny_zippo(tmp_path / "model", has_matte_decoder=False)
    return tmp_path


def test_it_learns_what_the_vae_s_decoder_does_not_know(folder: Path):
    log = run(folder, STAGE, replay=2, steps=40)

    assert log[-2]["mad"] < 0.8 * log[0]["mad"]
    assert log[-1]["mad_unseen"] < log[-1]["mad_plain"]  # its latents are noise, its photo is not
    assert (folder / "matte_decoder-run" / "sheet-000040.png").is_file()
    assert verify_model(folder / "model") == []
    index = read_json(folder / "model" / "model_index.json")
    assert index["matte_decoder"] == ["zippo_desktop", "MatteDecoder"]


def test_the_matte_of_a_photo_is_then_as_fine_as_what_the_image_encoder_sees(folder: Path):
    run(folder, STAGE, replay=2, steps=1)
    session = TorchSession.open(folder / "model")
    picture = np.random.default_rng(0).random((40, 60, 3), np.float32)

    one = matting.infer(session, picture, MattingRequest())
    assert one.shape == (42, 64)  # 32 px at twice the detail, without padding
    both = ask(session, [fit(picture, session.spec)], MattingRequest(ensemble=2), None)[0]
    assert both.matte.shape == one.shape
    assert both.agreement is not None
    mirrored = matting.infer(session, picture[:, ::-1], MattingRequest())
    assert not np.allclose(mirrored[:, ::-1], one)


def test_a_stopped_run_goes_on_where_it_was(folder: Path):
    run(folder, STAGE, replay=2, steps=5)
    before = (folder / "model" / "matte_decoder" / "diffusion_pytorch_model.safetensors").read_bytes()

    log = run(folder, STAGE, replay=2, steps=10)

    assert [row["step"] for row in log if "total" in row] == [5, 10]
    after = (folder / "model" / "matte_decoder" / "diffusion_pytorch_model.safetensors").read_bytes()
    assert after != before
