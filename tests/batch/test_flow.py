"""The stages beside one another: their overlap, and files and folders that change under a running job."""

import os
import shutil
import time
from dataclasses import replace

import pytest

from tests.photos import save_photo
from zippo_desktop.batch import flow, stages
from zippo_desktop.batch.events import ItemEnded, StepDone
from zippo_desktop.batch.job import Options
from zippo_desktop.batch.plan import plan_generation, plan_matting
from zippo_desktop.batch.prompts import PromptRow
from zippo_desktop.batch.report import Status
from zippo_desktop.batch.runner import run_job
from zippo_desktop.batch.stages import STAGES
from zippo_desktop.engine.fake_session import FakeSession
from zippo_desktop.errors import ExportError
from zippo_desktop.pipelines.request import GenerationRequest, MattingRequest

COUNT = 16


@pytest.fixture
def folder(tmp_path):
    for number in range(COUNT):
        save_photo(tmp_path / "in" / f"{number:02}.png")
    return tmp_path / "in"


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"


def matting(folder, out):
    return plan_matting([folder], MattingRequest(second_pass=False, check=False), Options(out))


def test_the_stages_overlap(folder, out, monkeypatch):
    monkeypatch.setattr(flow, "core_count", lambda: 2)
    decode, export = STAGES["matting"].decode, flow.export

    def slow(call):
        def slowed(*arguments):
            time.sleep(0.04)
            return call(*arguments)

        return slowed

    monkeypatch.setitem(STAGES, "matting", replace(STAGES["matting"], decode=slow(decode)))
    monkeypatch.setattr(flow, "export", slow(export))
    report = run_job(matting(folder, out), lambda: FakeSession(delay_s=0.04))
    one_after_the_other = sum(sum(result.seconds.values()) for result in report.results)
    assert one_after_the_other > COUNT * 3 * 0.04
    assert report.seconds < 0.6 * one_after_the_other


@pytest.mark.parametrize(("cores", "decoders", "exporters"), [(1, 2, 2), (8, 4, 8), (64, 8, 16)])
def test_there_are_more_threads_where_there_are_cores(cores, decoders, exporters):
    assert (flow.decoder_count(cores), flow.exporter_count(cores)) == (decoders, exporters)


def test_an_input_that_is_deleted_in_mid_job_fails_alone(folder, out):
    def delete(event):
        if isinstance(event, ItemEnded):
            (folder / f"{COUNT - 1:02}.png").unlink(missing_ok=True)

    report = run_job(matting(folder, out), FakeSession, delete)
    assert report.counts == {"done": COUNT - 1, "failed": 1, "skipped": 0, "not_started": 0}
    assert report.failures[0].message.endswith("15.png does not exist. Check its name and folder.")


def test_an_input_that_is_deleted_after_it_was_read_is_done(folder, out):
    def delete(event):
        if isinstance(event, StepDone):
            event.item.source.unlink(missing_ok=True)

    assert run_job(matting(folder, out), FakeSession, delete).counts["done"] == COUNT


def test_an_output_folder_that_is_removed_in_mid_job_costs_what_was_in_it(folder, out):
    def remove(event):
        if isinstance(event, ItemEnded) and event.index == 5:
            shutil.rmtree(out, ignore_errors=True)

    report = run_job(matting(folder, out), FakeSession, remove)
    assert report.counts["not_started"] == 0
    assert not report.stopped_by
    assert all(str(out) in failure.message for failure in report.failures)
    assert (out / f"{COUNT - 1:02}.png").stat().st_size > 0  # it was made again


def test_an_output_folder_that_becomes_a_file_fails_the_rest(folder, out):
    def replace_folder(event):
        if isinstance(event, ItemEnded) and event.index == 5:
            out.rename(out.with_name("moved"))
            out.write_text("in the way")

    report = run_job(matting(folder, out), FakeSession, replace_folder)
    assert report.counts["not_started"] == 0
    assert not report.stopped_by
    assert report.results[-1].status is Status.FAILED
    assert all(str(out) in failure.message for failure in report.failures)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_an_output_folder_that_becomes_read_only_fails_the_rest(folder, out):
    def lock(event):
        if isinstance(event, ItemEnded) and event.index == 5:
            out.chmod(0o555)

    report = run_job(matting(folder, out), FakeSession, lock)
    out.chmod(0o755)
    assert report.counts["not_started"] == 0
    assert report.results[-1].status is Status.FAILED
    assert "may not be written" in report.failures[-1].message


class TestAssessment:
    def test_is_in_the_result(self, folder, out, monkeypatch):
        seen = []

        def assess(found, matte):
            seen.append(matte.shape)
            return stages.Assessment(0.25, ("It touches the border.",))

        monkeypatch.setattr(stages, "assess", assess)
        report = run_job(matting(folder, out), FakeSession)
        assert set(seen) == {(60, 80)}
        assert {(each.confidence, each.doubts) for each in report.results} == {
            (0.25, ("It touches the border.",))
        }

    def test_that_is_not_possible_is_left_out(self, folder, out, monkeypatch):
        def assess(found, matte):
            raise MemoryError

        monkeypatch.setattr(stages, "assess", assess)
        report = run_job(matting(folder, out), FakeSession)
        assert report.counts["done"] == COUNT
        assert {each.confidence for each in report.results} == {None}

    def test_is_not_made_of_what_no_network_saw(self, out):
        job = plan_generation([PromptRow("a")], 1, GenerationRequest("", steps=1), Options(out))
        assert run_job(job, FakeSession).results[0].confidence is None

    def test_of_what_could_not_be_written_is_kept(self, folder, out, monkeypatch):
        def fail(*arguments):
            raise ExportError("The disk is full.")

        monkeypatch.setattr(flow, "export", fail)
        monkeypatch.setattr(stages, "assess", lambda found, matte: stages.Assessment(0.5, ()))
        assert run_job(matting(folder, out), FakeSession).failures[0].confidence == 0.5


def test_thumbnails_are_in_the_jobs_folder(folder, out, tmp_path):
    run_job(matting(folder, out), FakeSession, job_dir=tmp_path / "job")
    made = {path.name for path in (tmp_path / "job" / "thumbnails").iterdir()}
    assert {f"{number:06}.{kind}.webp" for number in range(COUNT) for kind in ("photo", "cutout")} == made


def test_there_are_none_without_one(folder, out, monkeypatch):
    monkeypatch.setattr(flow, "write_thumbnails", lambda *arguments: pytest.fail("a thumbnail was written"))
    assert run_job(matting(folder, out), FakeSession).exit_code == 0
