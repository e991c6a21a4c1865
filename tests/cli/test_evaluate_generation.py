"""`evaluate-generation` hands over to training, shows the table, and records a summary."""

import functools
import json

import numpy as np
import pytest

from tests.training.material import write_background
from tests.training.named_material import write_named_views
from zippo_desktop.engine.fake_session import FakeSession
from zippo_desktop.training import evaluate_generation as evaluating
from zippo_desktop.training import judge_networks
from zippo_desktop.training.judge import open_judge
from zippo_desktop.training.judge_networks import JudgeConfig


@pytest.fixture
def arguments(tmp_path, monkeypatch):
    """Three names and an unseen background, a fake session, and a judge of a moment."""
    write_background(tmp_path / "backgrounds" / "room2.png", np.random.default_rng(0))
    cutouts = write_named_views(tmp_path / "cutouts")
    monkeypatch.setattr(judge_networks, "SMALL_CHANNELS", ((8, 2),))
    monkeypatch.setattr(evaluating, "open_session", lambda *_: FakeSession())
    quick = JudgeConfig(size_px=16, copies=1, epochs=1, batch=8)
    monkeypatch.setattr(evaluating, "open_judge", functools.partial(open_judge, config=quick))
    folders = ["--cutouts", cutouts, "--backgrounds", tmp_path / "backgrounds", "-o", tmp_path / "out"]
    return [*folders, "--names", 3, "--seeds", 1, "--steps", 1]


def test_table_report_and_record(zippo, tmp_path, arguments):
    model = tmp_path / "model"
    model.mkdir()
    (model / "zippo.json").write_text('{"name": "mine", "quality": {"training_mean_area": 0.3}}', "utf-8")
    options = ["--curve", "2", "--judge-dir", tmp_path / "judge", "--model", model, "--record"]
    result = zippo("evaluate-generation", *arguments, *options)
    assert result.exit_code == 0, result.stderr
    assert "real views" in result.stdout
    assert "15 of 15 pictures" in result.stderr
    assert len(list((tmp_path / "judge").glob("judge-*.safetensors"))) == 1
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert [row["method"] for row in report["painting"]] == ["model", "real colours", "one flat colour"]
    quality = json.loads((model / "zippo.json").read_text())["quality"]
    assert quality["training_mean_area"] == 0.3
    assert quality["generation"]["methods"][0]["pictures"] == 3
    assert quality["painting"]["methods"][0]["method"] == "model"


def test_a_curve_that_is_no_list_is_wrong_use(zippo, arguments):
    result = zippo("evaluate-generation", *arguments, "--curve", "many")
    assert result.exit_code == 2
    assert "no list of step counts" in result.stderr


def test_no_arguments_is_wrong_use(zippo):
    assert zippo("evaluate-generation").exit_code == 2
