"""The journal holds what a later run needs, and its own trouble never stops a job."""

import errno
import json

import pytest

from zippo_desktop import __version__
from zippo_desktop.batch.job import Item, Job, Options
from zippo_desktop.batch.journal import Journal, new_job_dir
from zippo_desktop.batch.report import ItemResult, Status
from zippo_desktop.engine.fake_session import FakeSession
from zippo_desktop.export.write import Target
from zippo_desktop.pipelines.request import GenerationRequest


@pytest.fixture
def job(tmp_path):
    items = tuple(
        Item(prompt, GenerationRequest(prompt, seed=7), Target(tmp_path, prompt, ("png",), False))
        for prompt in ("pear", "caf\udce9")
    )
    return Job("generation", Options(tmp_path), items)


def begin(journal, job):
    session = FakeSession()
    journal.begin(job, session.spec, session.info)
    return session


def lines(folder):
    return [json.loads(line) for line in (folder / "journal.jsonl").read_text("ascii").splitlines()]


def test_the_snapshot_says_how_to_do_the_job_again(tmp_path, job):
    journal = Journal(tmp_path / "job")
    session = begin(journal, job)
    journal.close()
    snapshot = json.loads((tmp_path / "job" / "job.json").read_text())
    assert snapshot["program_version"] == __version__
    assert snapshot["model"]["digest"] == session.spec.digest
    assert (snapshot["task"], snapshot["provider"]) == ("generation", "cpu")
    assert snapshot["options"]["output_dir"] == str(tmp_path)
    second = snapshot["items"][1]
    assert second["label"] == "caf\udce9"
    assert second["request"]["seed"] == 7
    assert Target(**second["target"] | {"formats": tuple(second["target"]["formats"])}).stem == "caf\udce9"


def test_each_line_is_on_the_disk_before_the_next(tmp_path, job):
    output = tmp_path / "pear.png"
    output.write_bytes(b"12345")
    journal = Journal(tmp_path / "job")
    begin(journal, job)
    journal.record(
        0, ItemResult("pear", Status.DONE, outputs=(output,), seconds={"infer": 1.0, "export": 0.5})
    )
    (first,) = lines(tmp_path / "job")
    assert (first["index"], first["status"], first["seconds"]) == (0, "done", 1.5)
    assert first["stages"] == {"infer": 1.0, "export": 0.5}
    state = output.stat()
    assert first["outputs"] == [{"path": str(output), "bytes": 5, "mtime_ns": state.st_mtime_ns}]
    journal.record(1, ItemResult("caf\udce9", Status.FAILED, "It is empty.", source=tmp_path / "gone.png"))
    second = lines(tmp_path / "job")[1]
    assert (second["label"], second["status"], second["message"]) == ("caf\udce9", "failed", "It is empty.")
    assert second["source"]["bytes"] is None
    journal.close()


def test_an_earlier_journal_is_added_to(tmp_path, job):
    for index in range(2):
        journal = Journal(tmp_path / "job")
        begin(journal, job)
        journal.record(index, ItemResult("pear", Status.DONE))
        journal.close()
    assert [line["index"] for line in lines(tmp_path / "job")] == [0, 1]


def test_what_ended_before_the_job_began_is_written_when_it_does(tmp_path, job):
    journal = Journal(tmp_path / "job")
    journal.record(0, ItemResult("pear", Status.SKIPPED, "its files exist already"))
    journal.record(-1, ItemResult("gone.jpg", Status.FAILED, "gone.jpg does not exist."))
    begin(journal, job)
    journal.record(1, ItemResult("plum", Status.DONE))
    journal.close()
    assert [(line["index"], line["status"]) for line in lines(tmp_path / "job")] == [
        (0, "skipped"),
        (1, "done"),
    ]


def test_before_it_began_there_is_nothing_to_record(tmp_path):
    journal = Journal(tmp_path / "job")
    journal.record(0, ItemResult("pear", Status.SKIPPED))
    journal.close()
    assert not (tmp_path / "job").exists()
    assert journal.problem == ""


def test_a_folder_that_cannot_be_made_is_told_once(tmp_path, job):
    (tmp_path / "file").touch()
    journal = Journal(tmp_path / "file" / "job")
    begin(journal, job)
    journal.record(0, ItemResult("pear", Status.DONE))
    journal.close()
    assert "goes on without it" in journal.problem


def test_a_disk_that_gets_full_is_told(tmp_path, job, monkeypatch):
    journal = Journal(tmp_path / "job")
    begin(journal, job)

    def no_space(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", no_space)
    journal.record(0, ItemResult("pear", Status.DONE))
    assert "No space left" in journal.problem


def test_two_jobs_of_one_second_have_two_folders(tmp_path, job):
    first = new_job_dir(tmp_path, job)
    first.mkdir()
    second = new_job_dir(tmp_path, job)
    assert first != second
    assert not second.exists()
