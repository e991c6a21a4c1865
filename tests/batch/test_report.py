"""What a report counts, which exit code it means, and that any machine can read it."""

import json
import os
from dataclasses import replace

import pytest

from zippo_desktop.batch.report import ItemResult, Report, Status
from zippo_desktop.engine.fake_session import FakeSession

DONE = ItemResult("a", Status.DONE, seconds={"decode": 1.0, "infer": 2.0})
FAILED = ItemResult("b", Status.FAILED, "b is empty.")
SKIPPED = ItemResult("c", Status.SKIPPED)
DOUBTFUL = ItemResult(
    "d", Status.DONE, confidence=0.3, doubts=("Half of it is soft.",), batch=(2, 3), index=3
)


def report(*results, total=None, **facts):
    count = len(results) if total is None else total
    return Report("matting", count, results, "2026-01-02T03:04:05+00:00", 1.5, **facts)


@pytest.mark.parametrize(
    ("made", "code"),
    [
        (report(DONE, SKIPPED), 0),
        (report(), 0),
        (report(DONE, FAILED), 1),
        (report(DONE, FAILED, is_cancelled=True), 130),
        (report(DONE, FAILED, is_cancelled=True, stopped_by="The model is broken."), 3),
        (report(DOUBTFUL), 0),
        (report(DOUBTFUL, fails_if_uncertain=True), 1),
        (report(DOUBTFUL, fails_if_uncertain=True, uncertain_below=0.3), 0),
        (report(DONE, SKIPPED, fails_if_uncertain=True), 0),
    ],
)
def test_the_exit_code_is_the_gravest_reason(made, code):
    assert made.exit_code == code


def test_counts_name_what_a_stop_left():
    counts = report(DONE, FAILED, SKIPPED, total=10).counts
    assert counts == {"done": 1, "failed": 1, "skipped": 1, "not_started": 7}


def test_only_results_below_the_limit_are_uncertain():
    sure = replace(DOUBTFUL, confidence=0.5)
    failed = replace(DOUBTFUL, status=Status.FAILED)
    made = report(sure, DOUBTFUL, DONE, failed, uncertain_below=0.5)
    assert made.uncertain == (DOUBTFUL,)
    plain = json.loads(made.to_json())
    assert (plain["counts"]["uncertain"], plain["uncertain_below"]) == (1, 0.5)
    item = plain["items"][1]
    assert (item["confidence"], item["doubts"], item["batch"]) == (0.3, ["Half of it is soft."], [2, 3])
    assert [each["confidence"] for each in plain["items"]] == [0.5, 0.3, None, 0.3]


def test_stages_are_summed_over_the_items():
    made = report(DONE, DONE, FAILED, opening_s=0.5)
    assert made.seconds_by_stage == {"open": 0.5, "decode": 2.0, "infer": 4.0}


def test_json_says_what_happened():
    session = FakeSession(fallbacks=("CUDA is missing.",))
    made = report(
        DONE, FAILED, passed_over=3, spec=session.spec, info=session.info, notes=("CUDA is missing.",)
    )
    plain = json.loads(made.to_json())
    assert plain["counts"] == {
        "total": 2, "done": 1, "failed": 1, "skipped": 0, "not_started": 0, "uncertain": 0, "passed_over": 3,
    }  # fmt: skip
    assert plain["model"] == {"name": "fake", "version": "1", "digest": session.spec.digest}
    assert (plain["engine"], plain["provider"], plain["notes"]) == ("fake", "cpu", ["CUDA is missing."])
    assert plain["items"][1] == {
        "index": -1, "name": "b", "status": "failed", "message": "b is empty.", "source": None,
        "outputs": [], "seconds": {}, "parameters": {}, "confidence": None, "doubts": [], "batch": [],
    }  # fmt: skip


def test_without_a_model_there_is_still_a_report():
    plain = json.loads(report(SKIPPED).to_json())
    assert (plain["model"], plain["engine"], plain["provider"]) == (None, None, None)


def test_json_is_utf_8_whatever_the_names_are():
    name = os.fsdecode(b"caf\xe9\n\xf0\x9f\x8d\x8e.png") if os.name == "posix" else "café\n🍎.png"
    text = report(ItemResult(name, Status.FAILED, f"{name} is empty.")).to_json()
    assert "🍎" in json.loads(text.encode())["items"][0]["name"]
