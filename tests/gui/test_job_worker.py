"""The worker's thread on the fake session: jobs, their ends, one session for all, nothing left running."""

import json
import threading

import pytest
from PySide6.QtCore import QThread

from tests.photos import save_photo
from zippo_desktop.batch.events import ItemEnded, Notice, SessionOpened, StepDone
from zippo_desktop.batch.job import Options
from zippo_desktop.batch.journal import new_job_dir
from zippo_desktop.batch.plan import plan_generation, plan_matting
from zippo_desktop.batch.prompts import PromptRow
from zippo_desktop.batch.saved_job import job_lock, list_jobs, read_job
from zippo_desktop.engine.fake_session import FakeSession
from zippo_desktop.errors import EngineError, ModelError
from zippo_desktop.gui.job_queue import JobQueue
from zippo_desktop.gui.job_worker import JobWorker, PlannedJob
from zippo_desktop.gui.session_keeper import ModelChoice
from zippo_desktop.imaging.decode import decode
from zippo_desktop.paths import jobs_dir
from zippo_desktop.pipelines.request import GenerationRequest, MattingRequest


class Opener:
    """Opens fake sessions and remembers them, with the thread that did it."""

    def __init__(self, **options):
        self.options, self.sessions, self.threads, self.choices = options, [], [], []
        self.error = None

    def __call__(self, model, engine, provider, on_notice):
        self.choices.append(model)
        self.threads.append(QThread.currentThread())
        if self.error:
            raise self.error
        on_notice("This takes a while.")
        self.sessions.append(FakeSession(**self.options))
        return self.sessions[-1]


@pytest.fixture
def opener():
    return Opener()


@pytest.fixture
def worker(qapp, opener):
    worker = JobWorker(opener)
    worker.events, worker.states = [], []
    worker.event_received.connect(worker.events.append)
    worker.session_changed.connect(worker.states.append)
    worker.start()
    yield worker
    assert worker.close(10)


@pytest.fixture
def photos(tmp_path):
    return [save_photo(tmp_path / "in" / f"{name}.png") for name in "abc"]


def planned(job):
    return PlannedJob(job, new_job_dir(jobs_dir(), job))


def matting(photos, tmp_path, **options):
    return planned(plan_matting(photos, MattingRequest(), Options(tmp_path / "out", **options)))


def generation(tmp_path, steps=50):
    rows = [PromptRow("a pear")]
    job = plan_generation(rows, 2, GenerationRequest("", steps=steps), Options(tmp_path / "out"))
    return planned(job)


def of_kind(worker, kind):
    return [event for event in worker.events if isinstance(event, kind)]


def test_a_job_is_done_and_its_events_arrive_before_its_end(qtbot, worker, photos, tmp_path):
    ended_before = []
    worker.job_ended.connect(lambda report: ended_before.extend(of_kind(worker, ItemEnded)))
    with qtbot.waitSignal(worker.job_ended) as end:
        worker.start_job(matting(photos, tmp_path))
    report = end.args[0]
    assert report.exit_code == 0
    assert len(ended_before) == 3
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.png", "b.png", "c.png"]


def test_the_windows_jobs_are_jobs_like_any_other(qtbot, worker, photos, tmp_path):
    with qtbot.waitSignal(worker.job_ended):
        worker.start_job(matting(photos, tmp_path))
    saved = read_job(list_jobs(jobs_dir())[0])
    assert saved.counts == {"done": 3, "failed": 0, "skipped": 0, "left": 0}
    assert json.loads((saved.job_dir / "job.json").read_text())["task"] == "matting"


def test_one_session_serves_all_jobs_of_a_model_and_lives_in_the_workers_thread(
    qtbot, worker, opener, photos, tmp_path
):
    worker.warm_up(ModelChoice())
    for on_existing in ("overwrite", "overwrite"):
        with qtbot.waitSignal(worker.job_ended):
            worker.start_job(matting(photos, tmp_path, on_existing=on_existing))
    assert opener.threads == [worker]
    assert not opener.sessions[0].is_closed
    assert [state.info is not None for state in worker.states] == [False, True]
    assert len(of_kind(worker, SessionOpened)) == 2  # each job is told what it runs on
    assert of_kind(worker, Notice) == [Notice("This takes a while.")]
    with qtbot.waitSignal(worker.job_ended):
        worker.start_job(matting(photos, tmp_path, model="other", on_existing="overwrite"))
    assert opener.choices == ["zippo-mini", "other"]
    assert opener.sessions[0].is_closed


def test_cancel_ends_between_two_steps(qtbot, worker, opener, tmp_path):
    opener.options["delay_s"] = 0.02
    job = generation(tmp_path)
    with qtbot.waitSignal(worker.event_received, check_params_cb=lambda event: isinstance(event, StepDone)):
        worker.start_job(job)
    with qtbot.waitSignal(worker.job_ended) as end:
        worker.cancel()
    assert end.args[0].is_cancelled
    assert opener.sessions[0].calls.count("denoise") < 100


def test_a_paused_job_rests_and_goes_on(qtbot, worker, opener, tmp_path):
    opener.options["delay_s"] = 0.01
    with qtbot.waitSignal(worker.event_received, check_params_cb=lambda event: isinstance(event, StepDone)):
        worker.start_job(generation(tmp_path, steps=20))
    is_named = {"check_params_cb": lambda event: type(event).__name__ == "JobPaused"}
    with qtbot.waitSignal(worker.event_received, **is_named):
        worker.pause()
    calls = len(opener.sessions[0].calls)
    qtbot.wait(60)
    assert len(opener.sessions[0].calls) == calls
    with qtbot.waitSignal(worker.job_ended) as end:
        worker.go_on()
    assert end.args[0].counts["done"] == 2


def test_steps_are_told_ten_times_a_second_and_the_last_always(qtbot, worker, tmp_path):
    with qtbot.waitSignal(worker.job_ended):
        worker.start_job(generation(tmp_path, steps=200))
    steps = of_kind(worker, StepDone)
    assert len(steps) < 60
    assert {step.index for step in steps if step.done == step.total} == {0, 1}


def test_a_model_that_cannot_be_opened_is_told_and_tried_anew(qtbot, worker, opener, photos, tmp_path):
    opener.error = ModelError("There is no model.", "Put one there.")
    with qtbot.waitSignal(worker.session_changed, check_params_cb=lambda state: state.problem):
        worker.warm_up(ModelChoice())
    with qtbot.waitSignal(worker.job_ended) as end:
        worker.start_job(matting(photos, tmp_path))
    assert end.args[0].stopped_by == "There is no model. Put one there."
    opener.error = None
    with qtbot.waitSignal(worker.job_ended) as end:
        worker.start_job(matting(photos, tmp_path))
    assert end.args[0].exit_code == 0


def test_a_session_that_failed_is_not_lent_again(qtbot, worker, opener, photos, tmp_path):
    opener.options["failures"] = {1: EngineError("The GPU is gone.")}
    with qtbot.waitSignal(worker.job_ended) as end:
        worker.start_job(matting(photos, tmp_path))
    assert end.args[0].stopped_by
    opener.options.clear()
    with qtbot.waitSignal(worker.job_ended) as end:
        worker.start_job(matting(photos, tmp_path))
    assert end.args[0].counts["done"] == 3
    assert opener.sessions[0].is_closed


def test_a_crash_is_a_sentence_and_a_traceback_in_the_log(qtbot, worker, opener, photos, tmp_path, caplog):
    opener.error = ZeroDivisionError("division by zero")
    with qtbot.waitSignal(worker.job_failed) as failure:
        worker.start_job(matting(photos, tmp_path))
    assert isinstance(failure.args[0], ZeroDivisionError)
    assert "Traceback" in caplog.text
    caplog.clear()
    opener.error = None
    with qtbot.waitSignal(worker.job_ended):  # the thread is still there
        worker.start_job(matting(photos, tmp_path))


def test_a_job_that_another_program_does_is_refused(qtbot, worker, photos, tmp_path):
    job = matting(photos, tmp_path)
    with job_lock(job.job_dir), qtbot.waitSignal(worker.job_failed) as failure:
        worker.start_job(job)
    assert "Another program is doing the job" in str(failure.args[0])


def test_a_look_at_one_photo_waits_for_the_job(qtbot, worker, opener, photos, tmp_path):
    opener.options["delay_s"] = 0.01
    order = []
    worker.job_ended.connect(lambda report: order.append("job"))
    with qtbot.waitSignal(worker.job_ended):
        worker.start_job(matting(photos, tmp_path))
        looked = worker.look_at(ModelChoice(), decode(photos[0]), MattingRequest())
        ignored = worker.look_at(ModelChoice(), decode(photos[1]), MattingRequest())
        ignored.cancel()
    prepared, found = looked.result(5)
    assert prepared.image.shape == (60, 80, 3)
    assert found.first.max() == 1
    assert len(opener.sessions) == 1


def test_jobs_queue_up_and_stop_forgets_those_that_wait(qtbot, worker, opener, photos, tmp_path):
    queue, order = JobQueue(worker), []
    queue.job_begun.connect(lambda planned: order.append(("begun", planned.job)))
    queue.job_ended.connect(lambda planned, report: order.append(("ended", planned.job)))
    jobs = [matting(photos, tmp_path / str(number)).job for number in range(3)]
    for job in jobs[:2]:
        queue.add(job)
    assert queue.current.job is jobs[0]
    assert queue.waiting == (jobs[1],)
    qtbot.waitUntil(lambda: queue.current is None)
    assert order == [("begun", jobs[0]), ("ended", jobs[0]), ("begun", jobs[1]), ("ended", jobs[1])]
    opener.sessions[0]._delay_s = 0.05
    queue.add(jobs[2])
    queue.add(jobs[0])
    assert queue.stop() == 1
    qtbot.waitUntil(lambda: queue.current is None)
    assert order[-1] == ("ended", jobs[2])


def test_closing_in_the_middle_of_a_job_ends_the_thread_and_frees_the_model(qtbot, opener, tmp_path):
    opener.options["delay_s"] = 0.02
    worker = JobWorker(opener)
    worker.start()
    with qtbot.waitSignal(worker.event_received, check_params_cb=lambda event: isinstance(event, StepDone)):
        worker.start_job(generation(tmp_path))
    worker.warm_up(ModelChoice("other"))
    assert worker.close(10)
    assert not worker.isRunning()
    assert [session.is_closed for session in opener.sessions] == [True]


def test_the_signals_arrive_in_the_windows_thread(qtbot, worker, photos, tmp_path):
    threads = set()
    worker.event_received.connect(lambda event: threads.add(threading.get_ident()))
    with qtbot.waitSignal(worker.job_ended):
        worker.start_job(matting(photos, tmp_path))
    assert threads == {threading.get_ident()}
