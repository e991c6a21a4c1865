"""Unfinished pictures: made when they are wanted, a few a second, and never in the way of the job."""

import numpy as np
import pytest
from PIL import Image

from tests.photos import save_matte
from zippo_desktop.batch import inference
from zippo_desktop.batch.events import Preview
from zippo_desktop.batch.job import Options
from zippo_desktop.batch.plan import plan_generation, plan_painting
from zippo_desktop.batch.prompts import PromptRow
from zippo_desktop.batch.runner import run_job
from zippo_desktop.engine.fake_session import FakeSession
from zippo_desktop.errors import OutOfMemory
from zippo_desktop.pipelines.request import GenerationRequest, PaintingRequest

STEPS = 5


@pytest.fixture
def generation(tmp_path):
    request = GenerationRequest("", steps=STEPS, guidance=1)
    return plan_generation([PromptRow("a pear")], 1, request, Options(tmp_path / "out"))


@pytest.fixture
def each_step(monkeypatch):
    """As many previews as there are steps."""
    monkeypatch.setattr(inference, "PREVIEW_EVERY_S", 0)
    monkeypatch.setattr(inference, "PREVIEW_REST", 0)


def previews(job, session=None):
    told = []
    session = session or FakeSession()
    report = run_job(job, lambda: session, told.append, with_previews=True)
    assert report.counts["done"] == len(job.items)
    return [event for event in told if isinstance(event, Preview)]


def test_nothing_is_decoded_for_nobody(generation):
    session = FakeSession()
    run_job(generation, lambda: session)
    assert session.calls.count("decode_latents") == 2


@pytest.mark.usefixtures("each_step")
def test_a_generation_shows_its_picture_at_every_step_but_the_last(generation, tmp_path):
    shown = previews(generation)
    assert len(shown) == STEPS - 1
    assert (shown[0].index, shown[0].item) == (0, generation.items[0])
    assert (shown[0].picture.shape, shown[0].picture.dtype) == ((64, 64, 4), np.uint8)
    made = np.asarray(Image.open(next((tmp_path / "out").iterdir()))).astype(int)
    # The fake network knows the picture from the first step; a written one has no colour under alpha 0.
    seen = made[..., 3] > 0
    assert np.abs(shown[-1].picture[seen] - made[seen]).max() <= 2
    np.testing.assert_array_equal(shown[-1].picture[..., 3], made[..., 3])


@pytest.mark.usefixtures("each_step")
def test_a_painting_shows_its_colours_inside_its_matte(tmp_path):
    matte = save_matte(tmp_path / "m.png", 80, 40)
    request = PaintingRequest("", steps=STEPS, guidance=1)
    shown = previews(plan_painting([matte], [PromptRow("a pear")], 1, request, Options(tmp_path / "out")))
    assert len(shown) == STEPS - 1
    assert shown[0].picture.shape == (32, 64, 4)  # the network's size, without its padding
    alpha = shown[0].picture[..., 3]
    assert (alpha[:, :30] == 255).all()
    assert (alpha[:, 34:] == 0).all()


def test_they_are_few(generation, monkeypatch):
    monkeypatch.setattr(inference, "PREVIEW_EVERY_S", 60)
    assert len(previews(generation)) == 1


def test_costly_ones_are_fewer_still(generation, monkeypatch):
    monkeypatch.setattr(inference, "PREVIEW_EVERY_S", 0)
    monkeypatch.setattr(inference, "PREVIEW_REST", 1e9)
    assert len(previews(generation)) == 1


@pytest.mark.usefixtures("each_step")
def test_one_that_cannot_be_made_is_left_out(generation, monkeypatch):
    session = FakeSession()
    decode, failures = session.decode_latents, [OutOfMemory("Memory ran out.")] * 2

    def decode_later(latents):
        if failures:
            raise failures.pop()
        return decode(latents)

    monkeypatch.setattr(session, "decode_latents", decode_later)
    assert len(previews(generation, session)) == STEPS - 3
