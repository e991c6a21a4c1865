"""Experts through the whole program: real ONNX networks of every shipped manifest's signature, and "auto"."""

import json
import threading
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from psd_tools import PSDImage

from tests.bright_experts import expert_manifest, write_expert
from tests.fake_experts import FakeExpert, fake_auto
from tests.photos import half_white, save_matte, save_photo
from zippo_desktop.batch.events import Notice, StepDone
from zippo_desktop.batch.job import Options
from zippo_desktop.batch.kept_session import SessionKeeper
from zippo_desktop.batch.plan import plan_generation, plan_matting, plan_painting
from zippo_desktop.batch.prompts import PromptRow
from zippo_desktop.batch.report import ExitCode, Status
from zippo_desktop.batch.runner import run_job
from zippo_desktop.batch.saved_job import read_job
from zippo_desktop.engine.expert_store import known_experts
from zippo_desktop.engine.fake_session import FakeSession
from zippo_desktop.engine.find_spec import find_spec
from zippo_desktop.engine.open_session import open_session
from zippo_desktop.errors import UsageError
from zippo_desktop.export.writing import Writing
from zippo_desktop.pipelines.request import GenerationRequest, MattingRequest, PaintingRequest

SMALLEST = 256  # of the shipped signatures' sides, a power of two, so that the tests are quick


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "in"


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"


def matting(folder, out, request=MattingRequest(), **options):  # noqa: B008  # frozen
    return plan_matting([folder], request, Options(out, **options))


def smaller(manifest):
    """The same signature for smaller pictures."""
    return replace(manifest, input=replace(manifest.input, size_px=SMALLEST))


@pytest.mark.parametrize("manifest", known_experts(), ids=lambda manifest: manifest.name)
def test_every_shipped_signature_makes_png_and_psd(manifest, folder, out, tmp_path):
    expert = write_expert(tmp_path, smaller(manifest), batch=1)
    save_photo(folder / "a.png", 90, 60)
    save_photo(folder / "sub" / "b.jpg", 60, 200)
    writing = Writing(formats=("png", "psd"), with_matte=True)
    report = run_job(matting(folder, out, writing=writing), lambda: open_session(expert))
    assert report.exit_code == ExitCode.DONE
    assert report.spec.name == manifest.name
    assert all(result.confidence > 0.7 for result in report.results)
    for stem, size in (("a", (90, 60)), ("sub/b", (60, 200))):
        picture = Image.open(out / f"{stem}.png")
        assert (picture.mode, picture.size) == ("RGBA", size)
        alpha = np.asarray(picture)[..., 3]
        middle = size[0] // 2
        assert alpha[:, : middle - 8].min() > 240
        assert alpha[:, middle + 8 :].max() < 15
        psd = PSDImage.open(out / f"{stem}.psd")
        assert psd.size == size
        mask = next(layer for layer in psd if layer.name == "Subject").mask.topil()
        np.testing.assert_array_equal(np.asarray(mask), np.asarray(Image.open(out / f"{stem}.matte.png")))


def test_an_expert_is_a_session_like_any_other(folder, out):
    for name in "abc":
        save_photo(folder / f"{name}.png")
    events, expert = [], FakeExpert()
    report = run_job(matting(folder, out, batch_size=2), lambda: expert, events.append)
    assert report.exit_code == ExitCode.DONE
    assert expert.is_closed
    assert {shape[0] for shape in expert.seen} == {2, 1}
    assert {(event.done, event.total) for event in events if isinstance(event, StepDone)} >= {(6, 6), (3, 3)}
    for result in report.results:
        assert result.parameters["model"] == "fake-expert 7"
        assert result.parameters["engine"] == "fake/cpu"


def test_memory_that_runs_out_makes_smaller_batches(folder, out):
    for name in "abcd":
        save_photo(folder / f"{name}.png")
    events = []
    report = run_job(matting(folder, out, batch_size=4), lambda: FakeExpert(most=1), events.append)
    assert report.exit_code == ExitCode.DONE
    assert [event.sentence.split(";")[0] for event in events if isinstance(event, Notice)] == [
        "Memory ran out with 4 pictures at a time in the network",
        "Memory ran out with 2 pictures at a time in the network",
    ]


@pytest.mark.parametrize(
    ("request_", "told"),
    [
        (MattingRequest(prompt="a cat"), "takes no prompt"),
        (MattingRequest(steps=4), "takes no steps"),
    ],
)
def test_what_an_expert_would_ignore_is_refused(folder, out, request_, told):
    save_photo(folder / "a.png")
    expert = FakeExpert()
    with pytest.raises(UsageError, match=told):
        run_job(matting(folder, out, request_), lambda: expert)
    assert expert.is_closed
    refined = replace(request_, refine="zippo")  # Zippo makes use of both
    assert run_job(matting(folder, out, refined), FakeExpert).exit_code == ExitCode.DONE


def test_a_zippo_model_does_not_refine_itself(folder, out):
    save_photo(folder / "a.png")
    with pytest.raises(UsageError, match="not its own"):
        run_job(matting(folder, out, MattingRequest(refine="zippo")), FakeSession)


def test_an_expert_neither_paints_nor_generates(folder, out):
    save_matte(folder / "a.png")
    painting = plan_painting([folder], [PromptRow("a cat")], 1, PaintingRequest(""), Options(out))
    generation = plan_generation([PromptRow("a cat")], 1, GenerationRequest(""), Options(out))
    for job, task in ((painting, "painting"), (generation, "generation")):
        report = run_job(job, FakeExpert)
        assert report.exit_code == ExitCode.UNUSABLE
        assert report.stopped_by == f"The model fake-expert cannot do {task}. It does matting."


def test_auto_paints_and_generates_with_its_zippo_model(folder, out):
    save_matte(folder / "a.png")
    options = Options(out)
    painting = plan_painting([folder], [PromptRow("a cat")], 1, PaintingRequest("", steps=2), options)
    generation = plan_generation([PromptRow("a dog")], 1, GenerationRequest("", steps=2), options)
    for job in (painting, generation):
        assert run_job(job, fake_auto).exit_code == ExitCode.DONE


class Unsure(FakeSession):
    """A Zippo model that is sure of bright photos alone."""

    def decode_latents(self, latents):
        decoded = super().decode_latents(latents)
        return np.where(decoded.mean() > -0.9, decoded, np.float32(-0.2))


def test_auto_says_whose_matte_each_photo_has_and_why(folder, out, tmp_path):
    save_photo(folder / "bright.png")
    dark = half_white() // 255 * 90  # what no Zippo block takes for a subject
    Image.fromarray(dark).save(folder / "dark.png")
    expert = FakeExpert(lambda pictures: pictures.mean(axis=3) > 0.2)
    report = run_job(matting(folder, out), lambda: fake_auto(Unsure(), expert), job_dir=tmp_path / "job")
    bright, dark = report.results
    assert (bright.parameters["model_used"], bright.doubts) == ("fake 1", ("The subject touches the frame.",))
    assert dark.parameters["model_used"] == "fake-expert 7"
    assert any("this is the matte of fake-expert" in doubt for doubt in dark.doubts)
    assert report.spec.name == "fake+fake-expert"
    plain = json.loads(report.to_json())
    assert [item["parameters"]["model_used"] for item in plain["items"]] == ["fake 1", "fake-expert 7"]
    lines = read_job(tmp_path / "job").lines
    assert lines[1]["parameters"]["model_used"] == "fake-expert 7"


def test_a_job_goes_on_with_the_same_expert_alone(folder, out, tmp_path):
    for name in "ab":
        save_photo(folder / f"{name}.png")
    expert, other = (
        write_expert(tmp_path, expert_manifest(name, size_px))
        for name, size_px in (("one", 64), ("other", 96))
    )
    cancel, job_dir = threading.Event(), tmp_path / "job"
    run_job(
        matting(folder, out, batch_size=1),
        lambda: open_session(expert),
        lambda event: cancel.set() if isinstance(event, StepDone) else None,
        cancel,
        job_dir,
    )
    saved = read_job(job_dir)
    assert saved.model.digest == find_spec(expert).digest
    refused = run_job(saved.job, lambda: open_session(other), resumption=saved.resumption(retry_failed=False))
    assert "is not the one that the job began with" in refused.stopped_by
    report = run_job(saved.job, lambda: open_session(expert), resumption=saved.resumption(retry_failed=False))
    assert [result.status for result in report.results] == [Status.DONE] * 2


@pytest.mark.parametrize("opened", [FakeExpert, fake_auto, FakeSession])
def test_a_kept_session_of_any_kind_serves_several_jobs(folder, out, opened):
    save_photo(folder / "a.png")
    keeper = SessionKeeper(opened)
    for number in range(2):
        report = run_job(matting(folder, out / str(number)), keeper.open)
        assert report.exit_code == ExitCode.DONE
    kept = keeper.open()
    keeper.close()
    assert getattr(kept, "zippo", kept).is_closed
