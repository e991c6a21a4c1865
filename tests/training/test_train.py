"""Both training stages for real, on a toy set: they learn, resume, and leave a folder that opens."""

import os
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.training.runs import prepare, read_log, run, write_config
from zippo_desktop.engine.model_store import read_json, read_spec, verify_model
from zippo_desktop.engine.torch_session import TorchSession
from zippo_desktop.errors import UsageError
from zippo_desktop.pipelines import generation, matting
from zippo_desktop.pipelines.request import GenerationRequest, MattingRequest
from zippo_desktop.training.pairs import PairSource
from zippo_desktop.training.train import train
from zippo_desktop.training.train_unet import encode_pairs


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return prepare(tmp_path)


@pytest.mark.slow
def test_from_nothing_to_a_model_that_mattes_and_generates(folder: Path):
    vae_log = run(folder, "vae", steps=5)
    assert vae_log[-1]["psnr_rgb"] > 10

    log = [row for row in run(folder, "unet", steps=60, replay=2) if "rgb_to_matte" in row]

    assert log[-1]["total"] < 0.9 * log[0]["total"]
    assert {"rgb_to_matte", "matte_to_rgb", "joint_rgb", "joint_matte", "decoded"} <= log[-1].keys()
    assert verify_model(folder / "model") == []
    assert 0 < read_json(folder / "model" / "zippo.json")["quality"]["training_mean_area"] < 1
    session = TorchSession.open(folder / "model")
    pair = PairSource(read_data(folder), "train").scene(0).pair
    matte = matting.infer(session, pair.image, MattingRequest())
    assert matte.shape == (32, 32)
    assert np.isfinite(matte).all()
    assert matte.std() > 0.01
    picture = generation.infer(session, GenerationRequest("a red apple", steps=2))
    assert picture.shape == (32, 32, 4)
    assert (folder / "unet-run" / "matting-000060.png").is_file()
    assert (folder / "unet-run" / "objects-000060.png").is_file()


@pytest.mark.slow
@pytest.mark.usefixtures("quick_ends")
def test_a_stopped_run_goes_on_where_it_was(folder_with_vae: Path):
    run(folder_with_vae, "unet", steps=10)

    log = run(folder_with_vae, "unet", steps=15)

    assert [row["step"] for row in log if "total" in row] == [5, 10, 15]


@pytest.mark.slow
@pytest.mark.usefixtures("quick_ends")
def test_what_a_killed_run_logged_after_its_checkpoint_is_not_told_twice(folder_with_vae: Path):
    run(folder_with_vae, "unet", steps=10)
    with (folder_with_vae / "unet-run" / "log.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"step": 15, "total": 1.0}\n{"step": 20, "to')

    log = run(folder_with_vae, "unet", steps=15)

    assert [row["step"] for row in log if "total" in row] == [5, 10, 15]


@pytest.mark.slow
def test_two_processes_on_cpus_train_one_model_together(folder_with_vae: Path):
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    config = write_config(folder_with_vae, "unet", steps=10)

    subprocess.run(
        [*torchrun, "-m", "zippo_desktop", "train", "--config", str(config)],
        env=os.environ | {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""},
        cwd=Path(__file__).parents[2],
        check=True,
    )

    # Processes that know nothing of each other would each write every line.
    assert [row["step"] for row in read_log(folder_with_vae, "unet") if "total" in row] == [5, 10]


def test_a_unet_without_a_vae_is_refused(folder: Path):
    with pytest.raises(UsageError, match="no Zippo folder"):
        run(folder, "unet", steps=1)


@pytest.mark.usefixtures("quick_ends")
def test_a_folder_that_is_trained_keeps_what_it_says_of_itself(folder_with_vae: Path):
    run(folder_with_vae, "unet", steps=0)

    spec = read_spec(folder_with_vae / "model")

    assert (spec.name, spec.size_px, spec.multiple_px, spec.downsampling) == ("toy", 32, 16, 8)
    assert spec.schedule.has_zero_terminal_snr


@pytest.mark.slow
@pytest.mark.usefixtures("quick_ends")
def test_pictures_alone_are_trained_at_their_gain(folder_with_vae: Path):
    path = write_config(folder_with_vae, "unet", 0)
    path.write_text(path.read_text("utf-8") + "rgb_gain = 2.0\n", "utf-8")
    train(path)
    session = TorchSession.open(folder_with_vae / "model")
    assert session.spec.rgb_gain == 2
    pictures = np.random.default_rng(0).uniform(-1, 1, (2, 3, 32, 32)).astype(np.float32)
    trained_on = encode_pairs(session, torch.from_numpy(pictures), nullcontext).latents.numpy()
    np.testing.assert_allclose(trained_on[:1], 2 * session.encode_images(pictures[:1]), atol=1e-5)
    np.testing.assert_allclose(trained_on[1:], session.encode_images(pictures[1:]), atol=1e-5)


def read_data(folder: Path):
    from zippo_desktop.training.config import read_config

    return read_config(folder / "unet.toml").data
