"""Going on with jobs, listing and forgetting them, on the command line."""

from __future__ import annotations

import json
from contextlib import contextmanager

import pytest

from tests.photos import save_photo
from zippo_desktop.batch.saved_job import job_lock, list_jobs
from zippo_desktop.paths import jobs_dir


@pytest.fixture
def done(zippo, tmp_path):
    """The folder of a finished job of two photos, one of which is no picture."""
    save_photo(tmp_path / "in" / "a.png")
    (tmp_path / "in" / "b.png").write_bytes(b"no picture")
    assert zippo("matte", tmp_path / "in", "-o", tmp_path / "out").exit_code == 1
    return list_jobs(jobs_dir())[-1]


def test_resume_does_what_is_left_with_the_jobs_own_options(zippo, done, tmp_path):
    (tmp_path / "out" / "a.png").unlink()
    report = tmp_path / "report.json"
    assert zippo("resume", "--report", report).exit_code == 1
    statuses = {item["name"]: item["status"] for item in json.loads(report.read_text())["items"]}
    assert statuses == {"a.png": "done", "b.png": "failed"}
    assert (tmp_path / "out" / "a.png").exists()


def test_failures_are_tried_again_if_asked(zippo, done, tmp_path):
    save_photo(tmp_path / "in" / "b.png")
    assert zippo("resume", done.name, "--retry-failed").exit_code == 0
    assert (tmp_path / "out" / "b.png").exists()


def test_list_and_show_tell_what_became_of_it(zippo, done):
    assert f"{done.name}  1 done, 1 failed" in zippo("jobs", "list").stdout
    told = zippo("jobs", "show").stdout
    assert "task:     matting" in told
    assert "a.png  done" in told
    assert "b.png  failed" in told


def test_the_report_of_a_job_is_written_later(zippo, done, tmp_path):
    page, plain = tmp_path / "r.html", tmp_path / "r.json"
    result = zippo("jobs", "report", done.name, "-o", page, "-o", plain)
    assert (result.exit_code, str(page) in result.stdout) == (0, True)
    report = json.loads(plain.read_text("utf-8"))
    assert (report["counts"]["done"], report["counts"]["failed"], report["exit_code"]) == (1, 1, 1)
    assert (report["model"]["name"], report["provider"]) == ("fake", "cpu")
    assert report["items"][0]["seconds"].keys() >= {"decode", "infer", "finish", "export"}
    assert page.read_text("utf-8").count("data:image/webp;base64,") == 2
    assert zippo("jobs", "report", "-o", tmp_path / "r.txt").exit_code == 2
    assert zippo("jobs", "report", "none", "-o", page).exit_code == 2


def test_the_report_of_a_job_under_way_can_be_written(zippo, done, tmp_path):
    with job_lock(done):
        assert zippo("jobs", "report", "-o", tmp_path / "r.html").exit_code == 0


def test_resume_reads_the_journal_when_it_has_the_job_to_itself(zippo, done, tmp_path, monkeypatch):
    """Another program may end an item in the moment before the lock is taken."""
    (tmp_path / "out" / "a.png").unlink()
    whole = (done / "journal.jsonl").read_text()
    (done / "journal.jsonl").write_text("")

    @contextmanager
    def lock_at_last(job_dir):
        (done / "journal.jsonl").write_text(whole)
        with job_lock(job_dir):
            yield

    monkeypatch.setattr("zippo_desktop.cli.run.job_lock", lock_at_last)
    result = zippo("resume", "--report", tmp_path / "r.json")
    assert result.exit_code == 1
    statuses = {
        item["name"]: item["status"] for item in json.loads((tmp_path / "r.json").read_text())["items"]
    }
    assert statuses == {"a.png": "done", "b.png": "failed"}
    assert "Failed: " in result.stderr
    assert (done / "journal.jsonl").read_text().count('"b.png"') == whole.count('"b.png"')  # not done again


def test_remove_forgets_the_job_and_keeps_its_results(zippo, done, tmp_path):
    assert zippo("jobs", "remove", done.name).exit_code == 0
    assert not done.exists()
    assert (tmp_path / "out" / "a.png").exists()
    assert zippo("resume").exit_code == 2


def test_a_job_under_way_is_left_alone(zippo, done):
    with job_lock(done):
        for command in (("resume", done.name), ("jobs", "remove", done.name)):
            result = zippo(*command)
            assert (result.exit_code, "Another program" in result.stderr) == (2, True)
    assert done.exists()


def test_a_job_that_does_nothing_leaves_no_trace(zippo, tmp_path):
    save_photo(tmp_path / "in" / "a.png")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a.png").write_text("there already")
    assert zippo("matte", tmp_path / "in", "-o", tmp_path / "out").exit_code == 0
    assert not jobs_dir().exists() or not list(jobs_dir().iterdir())


def test_a_background_file_is_found_again_from_another_folder(zippo, tmp_path, monkeypatch):
    save_photo(tmp_path / "in" / "a.png")
    save_photo(tmp_path / "wall.png")
    monkeypatch.chdir(tmp_path)
    arguments = ("--background", "wall.png", "--format", "jpeg")
    assert zippo("matte", tmp_path / "in", "-o", tmp_path / "out", *arguments).exit_code == 0
    (tmp_path / "out" / "a.jpg").unlink()
    monkeypatch.chdir(tmp_path / "in")
    assert zippo("resume").exit_code == 0
    assert (tmp_path / "out" / "a.jpg").exists()
