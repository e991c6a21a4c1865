"""Where an evaluation is kept: in a Zippo folder's zippo.json, or as a row of an expert's model.toml."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from tests.engine.expert_files import write_expert
from tests.engine.test_expert_manifest import WHOLE
from tests.training.test_evaluation_report import made_up_report
from zippo_desktop.engine import expert_store
from zippo_desktop.engine.expert_manifest import Quality, read_manifest
from zippo_desktop.engine.expert_store import InstalledExpert, find_expert, install_file, verify_expert
from zippo_desktop.engine.model_store import find_model
from zippo_desktop.errors import ModelError, UsageError
from zippo_desktop.paths import models_dir
from zippo_desktop.training.quality_record import open_record

STAMPS = Path("data/stamps/image")


@pytest.fixture(autouse=True)
def nothing_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No other program's experts but those of the test."""
    for name in ("U2NET_HOME", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path / "person"))


@pytest.fixture
def expert(tmp_path: Path) -> InstalledExpert:
    """An installed expert that nobody has measured."""
    free = replace(WHOLE, is_non_commercial=False, extra_inputs=(), quality=(), digest="", size_bytes=0)
    return install_file(write_expert(tmp_path / "net.onnx"), free, models_dir())


def test_an_expert_keeps_one_row_for_each_set(expert: InstalledExpert) -> None:
    report = made_up_report()
    open_record("net", STAMPS, "first")(report)
    open_record("net", Path("photos"), "second")(report)
    open_record("net", STAMPS, "third")(replace(report, images=report.images[:2]))
    open_record("net", STAMPS, "fourth")(report)
    now = read_manifest(expert.folder / "model.toml")
    assert now.quality == (
        Quality("photos, 3", 0.3, 0.6333, "second"),
        Quality("stamps, 2", 0.15, 0.8, "third"),
        Quality("stamps, 3", 0.3, 0.6333, "fourth"),
    )
    assert replace(now, quality=()) == expert.manifest
    assert verify_expert(find_expert("net")) == []
    assert sorted(path.name for path in expert.folder.iterdir()) == ["model.toml", "net.onnx"]


def test_a_zippo_folder_keeps_it_in_zippo_json(tmp_path: Path) -> None:
    shutil.copyfile(find_model("zippo-mini") / "zippo.json", tmp_path / "zippo.json")
    open_record(str(tmp_path), STAMPS, "command")(made_up_report())
    quality = json.loads((tmp_path / "zippo.json").read_text())["quality"]
    assert quality["matting"]["images"] == 3
    assert "generation" in quality


@pytest.mark.parametrize(
    ("model", "error", "sentence"),
    [("auto", UsageError, "'auto' is two"), ("no-such-model", ModelError, "There is no model")],
)
def test_a_model_without_a_place_is_told_before_the_measuring(model: str, error: type, sentence: str) -> None:
    with pytest.raises(error, match=sentence):
        open_record(model, STAMPS, "command")


def test_nothing_is_written_beside_another_programs_file(
    expert: InstalledExpert, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "person" / ".u2net" / expert.path.name
    elsewhere.parent.mkdir(parents=True)
    shutil.move(expert.path, elsewhere)
    shutil.rmtree(expert.folder)
    monkeypatch.setattr(expert_store, "known_experts", lambda: [expert.manifest])
    with pytest.raises(UsageError, match="another program's file"):
        open_record("net", STAMPS, "command")
