"""`init`, `train`, `evaluate`, `export` and `data` hand over to training, which has its own tests."""

import json

import numpy as np
import pytest
from PIL import Image

from tests.tiny_models import build_tiny_sd
from tests.training.material import write_background, write_material
from zippo_desktop.engine.fake_session import FakeSession
from zippo_desktop.errors import InputError
from zippo_desktop.paths import models_dir
from zippo_desktop.training import evaluate as evaluating
from zippo_desktop.training import train as training


def test_init_puts_the_new_model_among_the_users_own(zippo, tmp_path):
    source = build_tiny_sd(tmp_path / "sd")
    result = zippo("init", "--from", source)
    assert result.exit_code == 0
    assert (models_dir() / "zippo-sd" / "zippo.json").is_file()
    again = zippo("init", "--from", source)
    assert again.exit_code == 2
    assert "Error: " in again.stderr


def test_init_from_nothing_is_a_sentence(zippo, tmp_path):
    result = zippo("init", "--from", tmp_path / "none", "-o", tmp_path / "new")
    assert result.exit_code in (2, 3)
    assert "Traceback" not in result.stderr


def test_compose_writes_pairs_that_evaluate_reads(zippo, tmp_path, monkeypatch):
    material = write_material(tmp_path / "material")
    arguments = ["--cutouts", material.cutouts[0], "--backgrounds", material.backgrounds[0]]
    arguments += ["-o", tmp_path / "set", "--count", 3, "--size", 32, "--split", "train"]
    assert zippo("data", "compose", *arguments).exit_code == 0
    images, mattes = tmp_path / "set" / "image", tmp_path / "set" / "matte"
    assert len(list(images.iterdir())) == len(list(mattes.iterdir())) == 3

    opened = []
    monkeypatch.setattr(evaluating, "open_session", lambda *given: opened.append(given) or FakeSession())
    numbers = tmp_path / "numbers.json"
    result = zippo("evaluate", images, mattes, "--model", "mine", "--limit", 2, "--report", numbers)
    assert result.exit_code == 0
    assert opened == [("mine", "auto", "auto")]
    assert "ellipse" in result.stdout
    assert len(json.loads(numbers.read_text())["images"]) == 2


def test_emoji_become_cut_outs_and_their_makers_are_named(zippo, tmp_path):
    (tmp_path / "assets").mkdir()
    Image.new("RGBA", (16, 16), (200, 0, 0, 255)).save(tmp_path / "assets" / "1f34e.webp")
    names = tmp_path / "data.json"
    names.write_text('[{"hexcode": "1F34E", "label": "red apple", "group": 4}]', encoding="utf-8")
    result = zippo(
        "data", "emoji", "--pictures", tmp_path / "assets", "--names", names, "-o", tmp_path / "set"
    )
    assert result.exit_code == 0
    assert "Wrote 1 cut-outs" in result.stdout

    credits = zippo("data", "credits", tmp_path / "set" / "manifest.csv")
    assert credits.exit_code == 0
    assert credits.stdout.startswith("MIT, Microsoft")
    assert "red apple" in credits.stdout


def test_record_writes_the_summary_into_the_models_manifest(zippo, tmp_path, monkeypatch):
    for name in ("image", "matte"):
        write_background(tmp_path / name / "0.png", np.random.default_rng(0))
    Image.open(tmp_path / "matte" / "0.png").convert("L").save(tmp_path / "matte" / "0.png")
    model = tmp_path / "model"
    model.mkdir()
    (model / "zippo.json").write_text('{"name": "mine", "quality": {"training_mean_area": 0.3}}', "utf-8")
    monkeypatch.setattr(evaluating, "open_session", lambda *given: FakeSession())

    result = zippo("evaluate", tmp_path / "image", tmp_path / "matte", "--model", model, "--record")

    assert result.exit_code == 0
    written = json.loads((model / "zippo.json").read_text("utf-8"))
    assert written["name"] == "mine"
    assert written["quality"]["training_mean_area"] == 0.3
    assert written["quality"]["matting"]["images"] == 1


def test_train_hands_over_its_configuration(zippo, tmp_path, monkeypatch):
    given = []
    monkeypatch.setattr(training, "train", given.append)
    config = tmp_path / "config.toml"
    result = zippo("train", "--config", config)
    assert (result.exit_code, "does not exist" in result.stderr) == (2, True)
    config.touch()
    assert zippo("train", "--config", config).exit_code == 0
    assert given == [config]


@pytest.mark.parametrize("command", ["train", "evaluate", "export"])
def test_wrong_use_is_exit_code_2(zippo, command):
    assert zippo(command).exit_code == 2


def test_an_evaluation_set_with_a_missing_matte_is_a_sentence(zippo, tmp_path, monkeypatch):
    def fail(*arguments, **options):
        raise InputError("1 of 2 files have no true matte.")

    monkeypatch.setattr(evaluating, "evaluate", fail)
    result = zippo("evaluate", tmp_path, tmp_path)
    assert (result.exit_code, result.stderr) == (1, "Error: 1 of 2 files have no true matte.\n")
