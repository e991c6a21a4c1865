"""The evaluation's summary, table and JSON, from scores that are made up."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from zippo_desktop.errors import ExportError
from zippo_desktop.training.evaluation_report import EvaluationReport, ImageEvaluation
from zippo_desktop.training.metrics import MatteScores


def made_up_scores(mad: float, iou: float) -> MatteScores:
    return MatteScores(sad=mad * 10, mse=mad / 2, mad=mad, grad=1.0, conn=2.0, iou=iou, band_mad=mad)


def made_up_image(name: str, seconds: float, mad: float, iou: float) -> ImageEvaluation:
    scores = {"model": made_up_scores(mad, iou), "ellipse": made_up_scores(0.5, 0.4)}
    return ImageEvaluation(name, 64, 48, seconds, scores)


def made_up_report() -> EvaluationReport:
    """Three images; the model's MADs are 0.1, 0.2 and 0.6, the ellipse's 0.5."""
    return EvaluationReport(
        model="zippo-mini",
        version="1.0",
        digest="ab12",
        engine="onnx",
        provider="cpu",
        fallbacks=("CUDA is not there.",),
        steps=1,
        ensemble=1,
        seed=0,
        mean_area=0.25,
        peak_memory_mb=512.0,
        images=(
            made_up_image("0.png", 4.0, 0.1, 0.9),
            made_up_image("1.png", 1.0, 0.2, 0.7),
            made_up_image("2.png", 1.0, 0.6, 0.3),
        ),
    )


def test_rows_hold_means_medians_and_counts() -> None:
    model, ellipse = made_up_report().rows()
    assert (model["method"], model["images"], model["iou_below_half"]) == ("model", 3, 1)
    assert (model["mad_mean"], model["mad_median"]) == (pytest.approx(0.3), 0.2)
    assert (model["seconds_mean"], model["seconds_median"]) == (2.0, 1.0)
    assert (ellipse["iou_below_half"], ellipse["mad_mean"], ellipse["seconds_mean"]) == (3, 0.5, None)
    assert made_up_report().mad_to_ellipse == pytest.approx(0.6)


def test_the_quality_for_a_models_manifest_is_the_run_and_each_methods_means() -> None:
    quality = made_up_report().quality()
    assert (quality["images"], quality["steps"], quality["mad_to_ellipse"]) == (3, 1, 0.6)
    model = quality["methods"]["model"]
    assert (model["mad"], model["seconds"], model["iou_below_half"]) == (0.3, 2.0, 1)
    assert quality["methods"]["ellipse"]["mad"] == 0.5


def test_json_holds_the_run_the_summary_and_each_image(tmp_path: Path) -> None:
    report = made_up_report()
    path = tmp_path / "deep" / "evaluation.json"
    report.to_json(path)
    written = json.loads(path.read_text(encoding="utf-8"))
    assert written["format_version"] == 1
    assert (written["engine"], written["provider"], written["digest"]) == ("onnx", "cpu", "ab12")
    assert written["summary"] == report.rows()
    assert written["images"][2]["scores"]["model"]["mad"] == 0.6
    assert [entry.name for entry in path.parent.iterdir()] == ["evaluation.json"]


def test_json_that_cannot_be_written_is_an_export_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ExportError, match="cannot be written"):
        made_up_report().to_json(tmp_path / "file" / "evaluation.json")


def test_table_lines_up_and_tells_how_it_was_run() -> None:
    lines = made_up_report().table().splitlines()
    assert lines[:3] == [
        "zippo-mini 1.0 on onnx/cpu, steps 1, ensemble 1, one pass, edges fast, seed 0",
        "3 images at native size, 2.000 s each (median 1.000), 512 MB of memory at most",
        "CUDA is not there.",
    ]
    headings, *cells = lines[4:9]
    assert {len(line) for line in cells} == {len(headings)}
    assert len(headings) <= 80
    column = slice(headings.index("MAD") - 4, headings.index("MAD") + 3)
    assert [line[column].strip() for line in cells] == ["0.3000", "0.2000", "0.5000", "0.5000"]
    assert [line.split()[-1] for line in cells[::2]] == ["1", "3"]
    assert "0.60 times that of a centred ellipse" in lines[-2]


def test_ratio_to_a_perfect_ellipse_is_infinite() -> None:
    image = made_up_image("0.png", 1.0, 0.1, 0.9)
    perfect = replace(image, scores={**image.scores, "ellipse": made_up_scores(0.0, 1.0)})
    assert replace(made_up_report(), images=(perfect,)).mad_to_ellipse == float("inf")


def made_up_comparison() -> EvaluationReport:
    """The report next to a peer that takes ten CPU seconds a photo; the last image alone is soft."""
    report = made_up_report()
    images = [
        replace(
            image,
            scores={**image.scores, "isnet": made_up_scores(0.4, 0.6)},
            cpu_s={"model": float(number), "isnet": 10.0},
            is_soft=number == 3,
        )
        for number, image in enumerate(report.images, start=1)
    ]
    return replace(report, images=tuple(images), peers={"isnet": "1"}, threads=1)


def test_cpu_time_and_its_share_of_each_peer_s() -> None:
    rows = {row["method"]: row for row in made_up_comparison().rows()}
    assert (rows["model"]["cpu_s_mean"], rows["model"]["cpu_s_median"]) == (2.0, 2.0)
    assert (rows["isnet"]["cpu_s_mean"], rows["ellipse"]["cpu_s_mean"]) == (10.0, None)
    assert made_up_comparison().cpu_to_peers == {"isnet": pytest.approx(0.2)}
    assert made_up_report().cpu_to_peers == {}


def test_the_soft_subset_is_summed_up_apart() -> None:
    report = made_up_comparison()
    soft = {row["method"]: row for row in report.rows(soft_only=True)}
    assert (soft["model"]["images"], soft["model"]["band_mad_mean"]) == (1, 0.6)
    assert report.as_dict()["soft_summary"] == report.rows(soft_only=True)
    assert report.quality()["soft"]["isnet"]["band_mad"] == 0.4
    assert report.quality()["soft_images"] == 1
    assert "soft" not in made_up_report().quality()


def test_the_table_shows_cpu_time_and_the_soft_subset() -> None:
    lines = made_up_comparison().table().splitlines()
    assert lines[4].split()[-2:] == ["CPU", "s"]
    assert lines[5].split()[-1] == "2.000"
    assert "The 1 images of fur, hair, foliage and glass alone:" in lines
    assert lines[-1] == "Its CPU time a photo is 0.20 of isnet's."
    assert "CPU" not in made_up_report().table()
