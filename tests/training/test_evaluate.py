"""Evaluation of a folder: pairing, baselines, and the whole run on a fake session."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from zippo_desktop.engine.fake_session import FakeSession
from zippo_desktop.errors import EngineError, InputError, UsageError
from zippo_desktop.pipelines import matting
from zippo_desktop.training import evaluate as evaluation
from zippo_desktop.training.evaluate import centred_ellipse, evaluate, find_pairs, training_mean_area
from zippo_desktop.training.evaluation_report import EvaluationReport
from zippo_desktop.training.peers import open_peers

WIDTH, HEIGHT = 96, 64  # whole blocks of the fake network, also after a quarter of the width


def write_pair(folder: Path, name: str, matte: np.ndarray, suffix: str = ".png") -> None:
    """An image that is white where its matte is 1, and black elsewhere."""
    for kind in ("images", "mattes"):
        (folder / kind).mkdir(exist_ok=True)
    grey = Image.fromarray(np.rint(matte * 255).astype(np.uint8))
    grey.convert("RGB").save(folder / "images" / f"{name}{suffix}")
    grey.save(folder / "mattes" / f"{name}.png")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two pairs: a quarter on the left, and everything but a quarter on the right."""
    left = np.zeros((HEIGHT, WIDTH), np.float32)
    left[:, : WIDTH // 4] = 1.0
    write_pair(tmp_path, "left", left)
    write_pair(tmp_path, "most", 1.0 - left[:, ::-1], suffix=".webp")
    (tmp_path / "images" / "notes.txt").write_text("no image")
    return tmp_path


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[tuple]:
    """Open a fake session, which takes white for the subject; lists what was asked for."""
    calls: list[tuple] = []

    def open_fake(model, engine, provider):
        calls.append((model, engine, provider))
        return FakeSession(size_px=WIDTH)

    monkeypatch.setattr(evaluation, "open_session", open_fake)
    return calls


def run(folder: Path, **options) -> EvaluationReport:
    return evaluate("zippo-mini", folder / "images", folder / "mattes", **options)


def test_a_whole_run_on_the_fake_session(folder: Path, opened: list[tuple]) -> None:
    seen: list[tuple[int, int]] = []
    report = run(folder, engine="onnx", provider="cpu", seed=3, on_image=lambda *counts: seen.append(counts))
    assert opened == [("zippo-mini", "onnx", "cpu")]
    assert seen == [(1, 2), (2, 2)]
    assert (report.model, report.engine, report.provider) == ("fake", "fake", "cpu")
    assert (report.steps, report.ensemble, report.seed) == (1, 1, 3)
    assert [(image.name, image.width, image.height) for image in report.images] == [
        ("left.png", WIDTH, HEIGHT),
        ("most.webp", WIDTH, HEIGHT),
    ]
    assert [row["method"] for row in report.rows()] == ["model", "all 0", "all 1", "ellipse"]
    assert all(image.seconds > 0 for image in report.images)


@pytest.mark.usefixtures("opened")
def test_a_perfect_network_and_baselines_by_hand(folder: Path) -> None:
    report = run(folder, mean_area=0.5, second_pass=False)
    rows = {row["method"]: row for row in report.rows()}
    assert rows["model"]["iou_mean"] == pytest.approx(1.0)
    assert rows["model"]["mad_mean"] < 0.02
    assert rows["model"]["iou_below_half"] == 0
    # A quarter and three quarters of the picture are subject.
    assert rows["all 0"]["mad_mean"] == pytest.approx((0.25 + 0.75) / 2)
    assert rows["all 0"]["iou_below_half"] == 2
    assert rows["all 1"]["iou_mean"] == pytest.approx((0.25 + 0.75) / 2)
    assert rows["all 1"]["iou_below_half"] == 1
    assert rows["all 1"]["sad_median"] == pytest.approx(WIDTH * HEIGHT * (0.75 + 0.25) / 2 / 1000)
    assert rows["all 0"]["seconds_mean"] is None


def test_the_session_is_closed_even_after_an_error(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    closed = []

    class Closable(FakeSession):
        def close(self) -> None:
            closed.append(True)
            super().close()

    monkeypatch.setattr(evaluation, "open_session", lambda *_: Closable(size_px=WIDTH))
    run(folder)
    (folder / "images" / "left.png").write_bytes(b"no picture")
    with pytest.raises(InputError, match=r"left\.png"):
        run(folder)
    assert closed == [True, True]


@pytest.mark.usefixtures("opened")
def test_limit_takes_the_first_by_name_and_mean_area_its_ellipse(folder: Path) -> None:
    report = run(folder, limit=1, mean_area=0.3)
    assert [image.name for image in report.images] == ["left.png"]
    assert report.mean_area == 0.3
    ellipse = centred_ellipse(HEIGHT, WIDTH, 0.3)
    overlap = ellipse[:, : WIDTH // 4].sum()
    expected = overlap / (ellipse.sum() + 0.25 * ellipse.size - overlap)
    assert report.images[0].scores["ellipse"].iou == pytest.approx(expected)


@pytest.mark.usefixtures("opened")
def test_the_sheet_shows_the_images_that_were_evaluated(folder: Path) -> None:
    run(folder, sheet_path=folder / "sheet.png")
    with Image.open(folder / "sheet.png") as sheet:
        page = np.asarray(sheet.convert("L"))
    # The first row's picture is white in its left quarter only, the second's but in its right one.
    quarter = page[:, 6 : 6 + 192 : 191]
    assert (quarter[6 + 96] == (255, 0)).all()
    assert page.shape[0] > 2 * 192


@pytest.mark.usefixtures("opened")
def test_a_network_that_returns_nan_is_an_engine_error(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = matting.NetworkMatte(np.full((8, 12), np.nan, np.float32))
    monkeypatch.setattr(matting, "infer_photo", lambda *_: found)
    with pytest.raises(EngineError, match=r"left\.png is not finite"):
        run(folder)


@pytest.mark.usefixtures("opened")
@pytest.mark.parametrize(
    "options", [{"steps": 0}, {"ensemble": 0}, {"limit": 0}, {"mean_area": 0.0}, {"mean_area": 1.5}]
)
def test_senseless_options_are_refused_before_a_session_opens(
    folder: Path, opened: list[tuple], options: dict
) -> None:
    with pytest.raises(UsageError):
        run(folder, **options)
    assert opened == []


def test_pairs_go_by_stem_in_the_order_of_names(folder: Path) -> None:
    pairs = find_pairs(folder / "images", folder / "mattes")
    assert [(pair.image_path.name, pair.matte_path.name) for pair in pairs] == [
        ("left.png", "left.png"),
        ("most.webp", "most.png"),
    ]


def test_missing_partners_are_named(folder: Path) -> None:
    (folder / "mattes" / "left.png").rename(folder / "mattes" / "wrong.png")
    with pytest.raises(InputError, match=r"1 of 2 files have no true matte .*: left\.png\."):
        find_pairs(folder / "images", folder / "mattes")
    (folder / "images" / "left.png").unlink()
    with pytest.raises(InputError, match=r"1 of 2 files have no image .*: wrong\.png\."):
        find_pairs(folder / "images", folder / "mattes")


def test_many_missing_partners_are_cut_short(folder: Path) -> None:
    for index in range(8):
        (folder / "images" / f"{index}.png").touch()
    with pytest.raises(InputError, match=r"8 of 10 .*0\.png, 1\.png, 2\.png, 3\.png, 4\.png, \.\.\.\."):
        find_pairs(folder / "images", folder / "mattes")


def test_two_images_of_one_name_are_refused(folder: Path) -> None:
    (folder / "images" / "left.jpg").touch()
    with pytest.raises(InputError, match=r"left\.jpg and left\.png"):
        find_pairs(folder / "images", folder / "mattes")


def test_missing_and_empty_folders_are_told_apart(folder: Path) -> None:
    with pytest.raises(UsageError, match="does not exist"):
        find_pairs(folder / "nowhere", folder / "mattes")
    (folder / "empty").mkdir()
    with pytest.raises(InputError, match="holds no images"):
        find_pairs(folder / "images", folder / "empty")


@pytest.mark.usefixtures("opened")
def test_a_matte_of_another_size_is_refused(folder: Path) -> None:
    Image.new("L", (WIDTH + 1, HEIGHT)).save(folder / "mattes" / "left.png")
    with pytest.raises(InputError, match=r"left\.png is 97x64 pixels, its image 96x64"):
        run(folder)


@pytest.mark.parametrize(("height", "width", "area"), [(100, 100, 0.25), (60, 200, 0.1), (301, 77, 0.7)])
def test_ellipse_has_its_area_and_the_picture_s_aspect_ratio(height: int, width: int, area: float) -> None:
    ellipse = centred_ellipse(height, width, area)
    assert ellipse.shape == (height, width)
    assert ellipse.mean() == pytest.approx(area, abs=0.01)
    rows, columns = ellipse.any(axis=1).sum() / height, ellipse.any(axis=0).sum() / width
    assert rows == pytest.approx(columns, abs=0.05)
    np.testing.assert_array_equal(ellipse, ellipse[::-1, ::-1])


def test_mean_area_comes_from_the_model_or_is_a_quarter(tmp_path: Path) -> None:
    spec = replace(FakeSession().spec, model_dir=tmp_path)
    assert training_mean_area(spec) == 0.25
    (tmp_path / "zippo.json").write_text(json.dumps({"quality": {}}))
    assert training_mean_area(spec) == 0.25
    (tmp_path / "zippo.json").write_text(json.dumps({"quality": {"training_mean_area": 0.31}}))
    assert training_mean_area(spec) == 0.31


class Inverse:
    """A peer that takes black for the subject."""

    name, version = "inverse", "1"

    def matte(self, image):
        return 1.0 - image[..., 0]

    def cpu_s(self) -> float:
        return 0.0

    def close(self) -> None:
        pass


@pytest.mark.usefixtures("opened")
def test_peers_stand_between_the_model_and_the_baselines(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(open_peers.PEERS, "inverse", lambda _: Inverse())
    told: list[str] = []
    report = run(
        folder,
        peers=["inverse", "isnet"],
        peers_dir=folder / "peers",
        sheet_path=folder / "sheet.png",
        on_notice=told.append,
    )
    assert [row["method"] for row in report.rows()] == ["model", "inverse", "all 0", "all 1", "ellipse"]
    assert report.peers == {"inverse": "1"}
    assert ["isnet" in sentence for sentence in told] == [True]
    rows = {row["method"]: row for row in report.rows()}
    assert rows["inverse"]["iou_mean"] == 0.0
    assert rows["inverse"]["cpu_s_mean"] == 0.0
    assert rows["model"]["cpu_s_mean"] > 0
    assert len(list((folder / "peers" / "mattes").rglob("*.png"))) == 2
    with Image.open(folder / "sheet.png") as sheet:  # image, true matte, model, inverse
        page = np.asarray(sheet.convert("L"))
    middle, cell = 6 + 96, 192 + 6
    assert [int(page[middle, 6 + column * cell + 4]) for column in range(1, 4)] == pytest.approx(
        [255, 255, 0], abs=8
    )


@pytest.mark.usefixtures("opened")
def test_an_index_beside_the_images_sets_the_soft_ones_apart(folder: Path) -> None:
    assert run(folder).rows(soft_only=True) == []
    (folder / "index.csv").write_text("file,name,is_soft\nleft.png,a cat,1\nmost.webp,a cup,0\n")
    rows = run(folder, mean_area=0.5).rows(soft_only=True)
    assert {row["images"] for row in rows} == {1}
    assert {row["method"]: row for row in rows}["all 1"]["mad_mean"] == pytest.approx(0.75)
    (folder / "index.csv").write_text("picture\nleft.png\n")
    with pytest.raises(InputError, match="no columns 'file' and 'is_soft'"):
        run(folder)
