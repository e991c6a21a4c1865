"""Measures of cut-outs by hand, and whole evaluations of generation and painting on a fake session."""

from __future__ import annotations

import functools
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.training.material import write_background
from tests.training.named_material import write_named_views
from zippo_desktop.engine.fake_session import FakeSession
from zippo_desktop.errors import InputError, UsageError
from zippo_desktop.pipelines import generation, painting
from zippo_desktop.training import evaluate_generation as evaluation
from zippo_desktop.training import judge_networks
from zippo_desktop.training.cutout_measures import (
    feature_diversity,
    outside_difference,
    pixel_diversity,
)
from zippo_desktop.training.evaluate_generation import GenerationPlan, evaluate_generation
from zippo_desktop.training.generation_report import GenerationReport
from zippo_desktop.training.judge import open_judge
from zippo_desktop.training.judge_networks import JudgeConfig

TINY = JudgeConfig(size_px=16, copies=1, epochs=1, batch=8)
PLAN = GenerationPlan(names=3, seeds=2, steps=2, curve=(1, 2))


def square(top: int, left: int, side: int, frame: int = 40) -> np.ndarray:
    matte = np.zeros((frame, frame), np.float32)
    matte[top : top + side, left : left + side] = 1.0
    return matte


def test_diversity_counts_what_is_seen() -> None:
    black, white = (np.dstack([np.full((40, 40, 3), value), square(10, 10, 20)]) for value in (0.0, 1.0))
    hidden = black.copy()
    hidden[:5, :5, :3] = 0.9  # under an empty matte
    assert pixel_diversity([black, hidden]) == pytest.approx(0.0, abs=1e-6)
    # Three of four channels differ by 1 over a quarter of the picture.
    assert pixel_diversity([black, white]) == pytest.approx(0.25 * 3 / 4)
    features = np.array([[1, 0], [2, 0], [0, 3]], np.float32)
    assert feature_diversity(features) == pytest.approx((0 + 1 + 1) / 3)


def test_outside_is_measured_off_the_mattes_edge() -> None:
    cutout = np.dstack([np.full((40, 40, 3), 0.5, np.float32), square(10, 10, 20)])
    cutout[9, 9:31, :3] = 1.0  # the first row above the object: a decoder's blur
    assert outside_difference(cutout) == 0.0
    cutout[:4, :, :3] = 0.7
    is_outside = 40 * 40 - 22 * 22  # one pixel of margin at this size
    assert outside_difference(cutout) == pytest.approx(0.2 * 160 / is_outside, rel=1e-4)
    assert outside_difference(np.ones((8, 8, 4), np.float32)) is None


@pytest.fixture
def material(tmp_path: Path) -> tuple[Path, Path]:
    """Three names, and backgrounds of which `room2` belongs to the test split."""
    for index in (0, 2):
        write_background(tmp_path / "backgrounds" / f"room{index}.png", np.random.default_rng(index))
    return write_named_views(tmp_path / "cutouts"), tmp_path / "backgrounds"


@pytest.fixture
def _fakes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judge_networks, "SMALL_CHANNELS", ((8, 2),))
    monkeypatch.setattr(evaluation, "open_session", lambda *_: FakeSession(size_px=64, matting_px=96))
    monkeypatch.setattr(evaluation, "open_judge", functools.partial(open_judge, config=TINY))


def run(
    material: tuple[Path, Path], output: Path, plan: GenerationPlan = PLAN, **options
) -> GenerationReport:
    return evaluate_generation("fake", [material[0]], [material[1]], output, plan, **options)


@pytest.mark.usefixtures("_fakes")
def test_a_whole_run_on_the_fake_session(material: tuple[Path, Path], tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    report = run(material, tmp_path / "out", on_picture=lambda *counts: seen.append(counts))
    # 6 generated, 3 paraphrases, 3 of several tries, 3 with one step, 6 painted
    assert seen == [(done, 21) for done in range(1, 22)]
    generated = {row.method: row.summary() for row in report.generation}
    assert list(generated) == ["model", "real views", "paraphrases", "up to 4 tries", "1 steps", "2 steps"]
    assert [row["pictures"] for row in generated.values()] == [6, 6, 3, 3, 3, 3]
    # The fake network draws a centred disc over a quarter of the picture, whatever the seed.
    model, real = generated["model"], generated["real views"]
    assert model["clean"] == real["clean"] == 1.0
    assert model["diversity_pixels"] < 0.005
    assert real["diversity_pixels"] > 0.01
    assert model["seconds"] > 0
    assert real["seconds"] is None
    assert all(0 <= row["unseen_scene_iou"] <= 1 for row in generated.values())
    painted = {row.method: row.summary() for row in report.painting}
    assert list(painted) == ["model", "real colours", "one flat colour"]
    # It paints black around the blocks of the object, half a unit from the backdrop.
    assert 0.3 < painted["model"]["outside"] <= 0.5
    assert painted["real colours"]["outside"] < 1e-4


@pytest.mark.usefixtures("_fakes")
def test_the_curve_shows_the_first_seed_of_each_name(material: tuple[Path, Path], tmp_path: Path) -> None:
    rows = {row.method: row for row in run(material, tmp_path).generation}
    seeds = [picture.seed for picture in rows["2 steps"].pictures]
    assert seeds == [picture.seed for picture in rows["1 steps"].pictures] == [0, 1, 2]
    assert [picture.seed for picture in rows["model"].pictures] == [0, 1000, 1, 1001, 2, 1002]


@pytest.mark.usefixtures("_fakes")
def test_step_counts_are_compared_over_the_same_backgrounds(
    material: tuple[Path, Path], tmp_path: Path
) -> None:
    for index in (9, 19, 20):
        write_background(material[1] / f"room{index}.png", np.random.default_rng(index))
    rows = {row.method: row.pictures for row in run(material, tmp_path).generation}
    # The fake network draws the same at every step count, so that nothing but backgrounds could differ.
    for one, two in zip(rows["1 steps"], rows["2 steps"], strict=True):
        assert one.unseen_scene.mad == pytest.approx(two.unseen_scene.mad, abs=0.02)
    assert len({round(picture.unseen_scene.mad, 3) for picture in rows["real views"]}) > 3


@pytest.mark.usefixtures("_fakes")
def test_a_second_run_makes_nothing_again(
    material: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = run(material, tmp_path).as_dict()

    def fail(*_: object) -> None:
        raise AssertionError("made again")

    monkeypatch.setattr(generation, "infer", fail)
    monkeypatch.setattr(painting, "infer", fail)
    assert run(material, tmp_path).as_dict() == first
    with pytest.raises(AssertionError, match="made again"):
        run(material, tmp_path, GenerationPlan(names=3, seeds=1, steps=3, curve=()))


@pytest.mark.usefixtures("_fakes")
def test_sheets_table_and_json_tell_the_same(material: tuple[Path, Path], tmp_path: Path) -> None:
    report = run(material, tmp_path)
    for name in ("generated.png", "painted.png"):
        with Image.open(tmp_path / name) as sheet:
            assert sheet.width > 6 * 144
    report.to_json(tmp_path / "report.json")
    read = json.loads((tmp_path / "report.json").read_text())
    assert read["judge"] == "small network"
    assert len(read["generation"][0]["each"]) == 6
    quality = report.quality()
    assert quality["generation"]["methods"][0]["clean"] == 1.0
    assert "outside" not in quality["generation"]["methods"][0]
    table = report.table()
    assert "real views" in table
    assert f"is {read['generation'][1]['judge_top1']:.1%}" in table


@pytest.mark.usefixtures("_fakes")
def test_one_seed_has_no_diversity(material: tuple[Path, Path], tmp_path: Path) -> None:
    report = run(material, tmp_path, GenerationPlan(names=3, seeds=1, steps=1, curve=()))
    assert report.generation[0].diversity is None
    assert "Over seeds" not in report.table()


@pytest.mark.parametrize(
    "plan", [GenerationPlan(seeds=0), GenerationPlan(names=1), GenerationPlan(curve=(4, 0))]
)
def test_senseless_plans_are_refused(
    material: tuple[Path, Path], tmp_path: Path, plan: GenerationPlan
) -> None:
    with pytest.raises(UsageError):
        run(material, tmp_path, plan)


def test_backgrounds_that_training_knows_do_not_do(material: tuple[Path, Path], tmp_path: Path) -> None:
    (material[1] / "room2.png").unlink()
    with pytest.raises(InputError, match="none of the test split"):
        run(material, tmp_path)
