"""`run_job` on the fake session and real files: good ones are done, whatever else there is."""

import json
import threading
import time
import weakref
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.photos import half_white, save_matte, save_photo, save_truncated
from zippo_desktop.batch import flow
from zippo_desktop.batch.events import ItemEnded, ItemStarted, JobStarted, SessionOpened, StepDone
from zippo_desktop.batch.job import Options
from zippo_desktop.batch.plan import plan_generation, plan_matting, plan_painting
from zippo_desktop.batch.prompts import PromptRow
from zippo_desktop.batch.report import Status
from zippo_desktop.batch.runner import run_job
from zippo_desktop.batch.stages import STAGES
from zippo_desktop.engine.fake_session import FakeSession
from zippo_desktop.errors import EngineError, ModelError, OutOfMemory, UsageError
from zippo_desktop.export.writing import Writing
from zippo_desktop.imaging.decode import Photo
from zippo_desktop.pipelines.request import GenerationRequest, MattingRequest, PaintingRequest

CORES = 2
DECODED, IN_NETWORK, WRITTEN = flow.decoder_count(CORES) + 1, 1, flow.exporter_count(CORES) + 1
IN_FLIGHT = DECODED + IN_NETWORK + WRITTEN


@pytest.fixture(autouse=True)
def _cores(monkeypatch):
    """The same number of threads on every machine."""
    monkeypatch.setattr(flow, "core_count", lambda: CORES)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "in"


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"


def matting(folder, out, request=MattingRequest(), **options):  # noqa: B008  # frozen
    return plan_matting([folder], request, Options(out, **options))


def generation(out, prompts, count=1, steps=2, **options):
    rows = [PromptRow(prompt) for prompt in prompts]
    return plan_generation(rows, count, GenerationRequest("", steps=steps), Options(out, **options))


def names(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def wait_until(is_true, limit_s=10.0):
    ends = time.monotonic() + limit_s
    while not is_true() and time.monotonic() < ends:
        time.sleep(0.005)
    assert is_true()


def statuses(report):
    return {result.label: result.status for result in report.results}


def test_photos_become_cut_outs_of_their_own_size(folder, out):
    save_photo(folder / "a.png", 300, 200)
    save_photo(folder / "sub" / "b.jpg")
    report = run_job(matting(folder, out, writing=Writing(with_matte=True)), FakeSession)
    assert names(out) == ["a.matte.png", "a.png", "sub/b.matte.png", "sub/b.png"]
    cutout = np.asarray(Image.open(out / "a.png"))
    assert cutout.shape == (200, 300, 4)
    np.testing.assert_array_equal(cutout[100, 20], [255] * 4)
    np.testing.assert_array_equal(cutout[100, 280], [0] * 4)
    assert report.exit_code == 0
    assert report.counts["done"] == 2
    assert report.results[0].outputs == (out / "a.png", out / "a.matte.png")
    assert set(report.results[0].seconds) == {"decode", "infer", "finish", "export"}


def test_mattes_are_painted_into(folder, out):
    save_matte(folder / "m.png", 200, 100)
    rows = [PromptRow("a pear"), PromptRow("a plum")]
    job = plan_painting([folder], rows, 2, PaintingRequest("", steps=2, guidance=1), Options(out))
    assert run_job(job, FakeSession).exit_code == 0
    assert names(out) == ["001-a-pear.png", "002-a-pear.png", "003-a-plum.png", "004-a-plum.png"]
    picture = Image.open(out / "001-a-pear.png")
    assert picture.size == (200, 100)
    np.testing.assert_array_equal(np.asarray(picture)[..., 3], half_white(200, 100)[..., 0])


def test_generated_pictures_carry_their_parameters_and_so_does_the_report(out):
    report = run_job(generation(out, ["a pear"], count=2), FakeSession)
    text = Image.open(out / "002-a-pear.png").text
    spec = FakeSession().spec
    assert (text["prompt"], text["seed"], text["steps"]) == ("a pear", "1", "2")
    assert text["model_digest"] == spec.digest
    assert report.results[1].parameters.items() <= text.items()


def test_bad_files_are_one_sentence_each_and_the_others_are_done(folder, out):
    save_photo(folder / "a.png")
    save_truncated(folder / "b.jpg")
    (folder / "c.jpg").write_text("not a picture")
    (folder / "d.jpg").touch()
    save_photo(folder / "e.png")
    report = run_job(matting(folder, out), FakeSession)
    assert names(out) == ["a.png", "e.png"]
    assert report.exit_code == 1
    assert [result.label for result in report.failures] == ["b.jpg", "c.jpg", "d.jpg"]
    for result in report.failures:
        assert str(folder / result.label) in result.message
        assert "\n" not in result.message


def test_inputs_that_are_no_items_are_failures_too(folder, out):
    save_photo(folder / "a.png")
    job = plan_matting([folder, folder / "none.jpg"], MattingRequest(), Options(out))
    report = run_job(job, FakeSession)
    assert statuses(report) == {str(folder / "none.jpg"): Status.FAILED, "a.png": Status.DONE}
    assert report.exit_code == 1


def test_results_come_in_the_jobs_order(folder, out, monkeypatch):
    for name in "abcdef":
        save_photo(folder / f"{name}.png")
    (folder / "b.png").write_bytes(b"")
    export = flow.export

    def slow_first(layers, target, *more):
        time.sleep(0.2 if target.stem == "a" else 0)
        return export(layers, target, *more)

    monkeypatch.setattr(flow, "export", slow_first)
    report = run_job(matting(folder, out), FakeSession)
    assert [result.label for result in report.results] == [f"{name}.png" for name in "abcdef"]


def test_events_tell_the_story_in_the_callers_thread(folder, out):
    for name in ("a.png", "b.png"):
        save_photo(folder / name)
    events, threads = [], set()

    def listen(event):
        events.append(event)
        threads.add(threading.get_ident())

    run_job(
        matting(folder, out, MattingRequest(steps=2, second_pass=False, check=False)), FakeSession, listen
    )
    assert threads == {threading.get_ident()}
    assert events[0] == JobStarted(2)
    assert isinstance(events[1], SessionOpened)
    for label in ("a.png", "b.png"):
        own = [event for event in events[2:] if _label(event) == label]
        assert [type(event) for event in own] == [ItemStarted, StepDone, StepDone, ItemEnded]


def _label(event):
    return event.result.label if isinstance(event, ItemEnded) else event.item.label


class TestExistingResults:
    @pytest.fixture(autouse=True)
    def _photo(self, folder, out):
        save_photo(folder / "a.png")
        save_photo(folder / "b.png")
        out.mkdir()
        (out / "a.png").write_text("precious")

    def test_are_skipped(self, folder, out):
        report = run_job(matting(folder, out), FakeSession)
        assert (out / "a.png").read_text() == "precious"
        assert statuses(report) == {"a.png": Status.SKIPPED, "b.png": Status.DONE}
        assert report.exit_code == 0

    def test_are_overwritten_if_asked(self, folder, out):
        report = run_job(matting(folder, out, on_existing="overwrite"), FakeSession)
        assert Image.open(out / "a.png").mode == "RGBA"
        assert report.counts["done"] == 2

    def test_are_left_beside_if_asked(self, folder, out):
        run_job(matting(folder, out, on_existing="rename"), FakeSession)
        assert (out / "a.png").read_text() == "precious"
        assert names(out) == ["a-2.png", "a.png", "b.png"]

    def test_of_no_bytes_are_none(self, folder, out):
        (out / "a.png").write_bytes(b"")
        assert run_job(matting(folder, out), FakeSession).counts["done"] == 2

    def test_only_missing_formats_are_added(self, folder, out):
        run_job(matting(folder, out, writing=Writing(("png", "layers"), with_matte=True)), FakeSession)
        assert (out / "a.png").read_text() == "precious"
        assert (out / "a.layers").is_dir()
        assert (out / "a.matte.png").exists()

    def test_of_all_items_need_no_model(self, folder, out):
        (out / "b.png").write_text("precious, too")

        def never():
            raise AssertionError("the model was opened")

        report = run_job(matting(folder, out), never)
        assert report.counts["skipped"] == 2
        assert report.spec is None


class TestCancel:
    def test_between_steps_leaves_whole_files_only(self, out):
        cancel = threading.Event()

        def listen(event):
            if isinstance(event, StepDone) and event.item.label == "c" and event.done == 3:
                wait_until((out / "002-b.png").exists)  # a stop drops what is not being written yet
                cancel.set()

        session = FakeSession()
        report = run_job(generation(out, "abcd", steps=9), lambda: session, listen, cancel)
        assert report.exit_code == 130
        assert report.is_cancelled
        assert report.counts == {"done": 2, "failed": 0, "skipped": 0, "not_started": 2}
        assert names(out) == ["001-a.png", "002-b.png"]
        assert session.calls.count("denoise") == 2 * 9 + 3
        assert session.is_closed
        for name in names(out):
            Image.open(out / name).load()

    def test_completes_what_is_being_written(self, folder, out, monkeypatch):
        for name in "abcdef":
            save_photo(folder / f"{name}.png")
        cancel, export = threading.Event(), flow.export

        def slow(layers, target, *more):
            cancel.set()
            time.sleep(0.2)
            return export(layers, target, *more)

        monkeypatch.setattr(flow, "export", slow)
        report = run_job(matting(folder, out), FakeSession, cancel=cancel)
        assert report.exit_code == 130
        done = [result.label for result in report.results if result.status is Status.DONE]
        assert names(out) == done
        assert 1 <= len(done) <= flow.exporter_count(CORES)

    def test_before_the_start_opens_no_model(self, out):
        cancel = threading.Event()
        cancel.set()
        opened = []
        report = run_job(generation(out, "a"), lambda: opened.append(1), cancel=cancel)
        assert (report.exit_code, opened) == (130, [])


class TestEngineTrouble:
    @pytest.mark.parametrize("error", [ModelError("It is broken."), EngineError("It died.", "Mend it.")])
    def test_while_opening_stops_the_job(self, out, error):
        def fail():
            raise error

        report = run_job(generation(out, "ab"), fail)
        assert report.exit_code == 3
        assert report.stopped_by == str(error)
        assert report.counts["not_started"] == 2

    def test_later_stops_it_with_what_is_done(self, out):
        session = FakeSession(failures={5: EngineError("The device is gone.")})
        report = run_job(generation(out, "abcd"), lambda: session)
        assert report.exit_code == 3
        assert report.counts == {"done": 2, "failed": 0, "skipped": 0, "not_started": 2}
        assert names(out) == ["001-a.png", "002-b.png"]
        assert session.is_closed

    def test_out_of_memory_fails_the_item_alone(self, out):
        session = FakeSession(failures={3: OutOfMemory("Memory ran out.", "Try a smaller size.")})
        report = run_job(generation(out, "abc"), lambda: session)
        assert [result.message for result in report.failures] == ["Memory ran out. Try a smaller size."]
        assert report.counts["done"] == 2

    def test_a_task_that_the_model_cannot_do_stops_the_job(self, out, monkeypatch):
        session = FakeSession()
        monkeypatch.setattr(session, "_spec", replace(session.spec, tasks=("matting",)))
        report = run_job(generation(out, "a"), lambda: session)
        assert report.exit_code == 3
        assert "cannot do generation" in report.stopped_by

    def test_a_size_that_the_model_cannot_make_is_refused_before_the_first_item(self, out):
        rows = [PromptRow("a"), PromptRow("b", size=100)]
        session = FakeSession()
        job = plan_generation(rows, 1, GenerationRequest(""), Options(out))
        with pytest.raises(UsageError, match="100 px"):
            run_job(job, lambda: session)
        assert "denoise" not in session.calls
        assert session.is_closed

    def test_more_steps_than_the_schedule_has_are_refused(self, out):
        with pytest.raises(UsageError):
            run_job(generation(out, "a", steps=1001), FakeSession)

    def test_fallbacks_are_in_the_report(self, out):
        session = FakeSession(fallbacks=("CUDA is missing.",))
        assert run_job(generation(out, "a"), lambda: session).notes == ("CUDA is missing.",)


class TestBugs:
    def test_are_logged_and_fail_the_item_alone(self, out, caplog):
        session = FakeSession(failures={3: ZeroDivisionError("oh")})
        report = run_job(generation(out, "abc"), lambda: session)
        assert statuses(report) == {"a": Status.DONE, "b": Status.FAILED, "c": Status.DONE}
        (failure,) = report.failures
        assert "ZeroDivisionError" in failure.message
        assert "zippo-desktop.log" in failure.message
        assert "Traceback" in caplog.text
        caplog.clear()

    def test_in_other_threads_too(self, folder, out, caplog, monkeypatch):
        for name in "abc":
            save_photo(folder / f"{name}.png")
        finish = STAGES["matting"].finish

        def fail_once(decoded, matte, item, parameters):
            if decoded[0].path.name == "b.png":
                raise KeyError("b")
            return finish(decoded, matte, item, parameters)

        monkeypatch.setitem(STAGES, "matting", replace(STAGES["matting"], finish=fail_once))
        report = run_job(matting(folder, out), FakeSession)
        assert statuses(report) == {"a.png": Status.DONE, "b.png": Status.FAILED, "c.png": Status.DONE}
        caplog.clear()

    def test_no_memory_for_one_item_is_a_sentence(self, out):
        session = FakeSession(failures={1: MemoryError()})
        (failure,) = run_job(generation(out, "a"), lambda: session).failures
        assert failure.message == "a does not fit into memory."


def test_an_output_that_cannot_be_written_fails_its_item(folder, out):
    for name in ("a.png", "sub/b.png"):
        save_photo(folder / name)
    out.mkdir()
    (out / "sub").write_text("a file where the folder should be")
    report = run_job(matting(folder, out), FakeSession)
    assert statuses(report) == {"a.png": Status.DONE, str(Path("sub/b.png")): Status.FAILED}


def test_an_input_that_is_deleted_meanwhile_fails_alone(folder, out):
    for name in ("a.png", "b.png"):
        save_photo(folder / name)
    job = matting(folder, out)
    (folder / "a.png").unlink()
    report = run_job(job, FakeSession)
    assert statuses(report) == {"a.png": Status.FAILED, "b.png": Status.DONE}


def test_the_journal_has_a_line_for_each_item(folder, out, tmp_path):
    for name in ("a.png", "b.png", "c.png"):
        save_photo(folder / name)
    (folder / "b.png").write_bytes(b"")
    out.mkdir()
    (out / "c.png").write_text("there")
    run_job(matting(folder, out), FakeSession, job_dir=tmp_path / "job")
    lines = [json.loads(line) for line in (tmp_path / "job" / "journal.jsonl").read_text().splitlines()]
    by_index = {line["index"]: (line["label"], line["status"]) for line in lines if "status" in line}
    assert by_index == {0: ("a.png", "done"), 1: ("b.png", "failed"), 2: ("c.png", "skipped")}
    assert len(json.loads((tmp_path / "job" / "job.json").read_text())["items"]) == 3


def test_a_journal_that_cannot_be_written_does_not_stop_the_job(out, tmp_path, caplog):
    (tmp_path / "file").touch()
    report = run_job(generation(out, "a"), FakeSession, job_dir=tmp_path / "file" / "job")
    assert report.counts["done"] == 1
    assert "goes on without it" in report.notes[-1]
    caplog.clear()  # neither can its thumbnails


def test_few_items_are_in_memory_at_once(folder, out, monkeypatch):
    for number in range(12):
        save_photo(folder / f"{number:02}.png")
    lock, alive, most = threading.Lock(), 0, 0
    stages = STAGES["matting"]

    def decode(item, spec, max_pixels):
        nonlocal alive, most
        with lock:
            alive += 1
            most = max(most, alive)
        return stages.decode(item, spec, max_pixels)

    export = flow.export

    def slow_export(layers, target, *more):
        nonlocal alive
        time.sleep(0.02)
        with lock:
            alive -= 1
        return export(layers, target, *more)

    monkeypatch.setitem(STAGES, "matting", replace(stages, decode=decode))
    monkeypatch.setattr(flow, "export", slow_export)
    run_job(matting(folder, out), FakeSession)
    assert most <= IN_FLIGHT


def test_an_overlapped_job_gives_the_same_files_as_items_alone(folder, out, tmp_path):
    for number in range(5):
        save_photo(folder / f"{number}.png", 100 + 20 * number, 90)
    run_job(matting(folder, out), FakeSession)
    for number in range(5):
        alone = tmp_path / "alone" / str(number)
        run_job(plan_matting([folder / f"{number}.png"], MattingRequest(), Options(alone)), FakeSession)
        assert (alone / f"{number}.png").read_bytes() == (out / f"{number}.png").read_bytes()


def test_failed_items_let_go_of_their_pictures(folder, out, monkeypatch):
    for number in range(10):
        save_photo(folder / f"{number}.png")
    stages, decoded, alive = STAGES["matting"], weakref.WeakSet(), []

    def decode(item, spec, max_pixels):
        photo, *others = stages.decode(item, spec, max_pixels)
        decoded.add(photo)
        return photo, *others

    def fail(*arguments):
        raise OutOfMemory("Memory ran out.")

    monkeypatch.setitem(STAGES, "matting", replace(stages, decode=decode, infer=fail))
    monkeypatch.setattr(Photo, "__hash__", object.__hash__)  # arrays have none
    report = run_job(matting(folder, out), FakeSession, lambda event: alive.append(len(decoded)))
    assert report.counts["failed"] == 10
    assert max(alive) <= IN_FLIGHT
