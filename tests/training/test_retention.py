"""What is left of the base network: all of it before training, and what was forgotten shows."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from tests.tiny_models import build_tiny_sd, build_tiny_sd2
from tests.training.material import write_background
from zippo_desktop.cli.commands.evaluate_retention import evaluate_retention
from zippo_desktop.diffusion.schedule import NoiseSchedule
from zippo_desktop.engine.weights import find_weights, read_weights, write_weights
from zippo_desktop.errors import ModelError
from zippo_desktop.training.initialise import initialise
from zippo_desktop.training.retention import (
    BASE,
    EQUAL_HALVES,
    RATIOS,
    WHITE_MATTE,
    Retention,
    _error,
    measure_retention,
)

V_SCHEDULE = NoiseSchedule(np.linspace(0.999, 0.0, 1000))
CLEAN = np.random.default_rng(0).standard_normal((2, 4, 4, 4), dtype=np.float32)
NOISE = np.random.default_rng(1).standard_normal((2, 4, 4, 4), dtype=np.float32)


@pytest.fixture(scope="module")
def folders(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("retention")
    for name, build in (("sd1", build_tiny_sd), ("sd2", build_tiny_sd2)):
        initialise(build(folder / name), folder / f"zippo-{name}")
    for index in range(5):
        write_background(folder / "pictures" / f"{index}.png", np.random.default_rng(index))
        (folder / "pictures" / f"{index}.txt").write_text("a red apple", encoding="utf-8")
    return folder


def measure(folders: Path, name: str) -> Retention:
    base, model = folders / name, folders / f"zippo-{name}"
    return measure_retention(base, model, folders / "pictures", provider="cpu")


@pytest.mark.parametrize("name", ["sd1", "sd2"])
def test_an_untrained_model_with_equal_halves_is_the_base(folders: Path, name: str):
    found = measure(folders, name)

    assert (found.pictures, found.ratios) == (5, RATIOS)
    assert min(found.errors[BASE]) > 0
    np.testing.assert_allclose(found.errors[EQUAL_HALVES], found.errors[BASE], rtol=5e-3)  # fp16 weights
    assert not np.allclose(found.errors[WHITE_MATTE], found.errors[BASE], rtol=5e-3)


def test_what_was_forgotten_shows(folders: Path, tmp_path: Path):
    model = shutil.copytree(folders / "zippo-sd1", tmp_path / "forgetful")
    path = find_weights(model / "unet")
    weights = read_weights(path)
    weights["conv_out.bias"] = weights["conv_out.bias"] + 1
    write_weights(path, weights, "float16")

    arguments = (folders / "sd1", model, folders / "pictures")
    found = measure_retention(*arguments, limit=3, provider="cpu")

    assert found.pictures == 3
    differences = np.subtract(found.errors[EQUAL_HALVES], found.errors[BASE])
    assert np.abs(differences / found.errors[BASE]).min() > 0.02


@pytest.mark.parametrize("gain", [1.0, 2.0])
def test_a_network_that_knows_the_noise_makes_no_error_whatever_its_gain(gain: float):
    seen = {}

    def all_knowing(noisy, time, text):
        own = 1.0 / gain**2
        signal, sigma = np.sqrt(own / (1 + own)), np.sqrt(1 / (1 + own))
        seen["left"] = signal**2 * gain**2 / sigma**2
        return signal * NOISE - sigma * gain * CLEAN

    assert _error(all_knowing, V_SCHEDULE, CLEAN, None, NOISE, 1.0, gain) < 1e-9
    assert seen["left"] == pytest.approx(1)


def test_a_network_that_sees_nothing_is_off_by_the_picture_itself():
    def blind(noisy, time, text):
        signal = sigma = np.sqrt(0.5)
        return (signal * noisy - 0) / sigma  # v of the clean answer 0

    error = _error(blind, V_SCHEDULE, CLEAN, None, NOISE, 1.0, 1.0)
    assert error == pytest.approx(float(np.square(CLEAN).mean(axis=(1, 2, 3)).sum()), rel=1e-5)


def test_another_models_base_is_refused(folders: Path, tmp_path: Path):
    base = shutil.copytree(folders / "sd1", tmp_path / "other")
    path = base / "unet" / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"cross_attention_dim": 48}), encoding="utf-8")
    with pytest.raises(ModelError, match="channels differ"):
        measure_retention(base, folders / "zippo-sd1", folders / "pictures")


def test_the_command_prints_the_table_and_writes_the_numbers(folders: Path, tmp_path: Path):
    app = typer.Typer()
    app.command()(evaluate_retention)
    arguments = [folders / "pictures", "--base", folders / "sd1", "--model", folders / "zippo-sd1"]
    arguments += ["--provider", "cpu", "--limit", 2, "--report", tmp_path / "numbers.json"]

    result = CliRunner(env={"COLUMNS": "200"}).invoke(app, [str(each) for each in arguments])

    assert result.exit_code == 0, result.output
    assert "(1.00)" in result.output
    assert json.loads((tmp_path / "numbers.json").read_text())["pictures"] == 2
