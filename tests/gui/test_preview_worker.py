"""The live preview: what a job would make, the newest wish, one owner of the session."""

import threading
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from tests.photos import half_white, save_photo
from zippo_desktop.batch.job import Options
from zippo_desktop.batch.plan import plan_matting
from zippo_desktop.batch.runner import run_job
from zippo_desktop.engine.fake_session import FakeSession
from zippo_desktop.gui import preview_picture
from zippo_desktop.gui.job_worker import JobWorker
from zippo_desktop.gui.preview_picture import scaled_arrangement, scaled_controls, shrink
from zippo_desktop.gui.preview_worker import PreviewWorker, Wish
from zippo_desktop.gui.session_keeper import ModelChoice
from zippo_desktop.imaging.arrangement import Arrangement
from zippo_desktop.imaging.decode import decode
from zippo_desktop.imaging.matte_controls import MatteControls
from zippo_desktop.pipelines.request import MattingRequest


@pytest.fixture
def gate():
    gate = threading.Event()
    gate.set()
    return gate


@pytest.fixture
def session(gate):
    session = FakeSession()
    denoise = session.denoise
    session.denoise = lambda *given: gate.wait(10) and denoise(*given)
    return session


@pytest.fixture
def previews(qapp, session, gate):
    worker = JobWorker(lambda *choice: session)
    previews = PreviewWorker(worker)
    worker.start()
    previews.start()
    yield previews
    gate.set()
    assert worker.close(10)
    assert previews.close(10)


@pytest.fixture
def wish(tmp_path):
    return Wish(save_photo(tmp_path / "a.png"), ModelChoice(), MattingRequest(), Arrangement())


def made(qtbot, previews, wish):
    with qtbot.waitSignal(previews.preview_made) as signal:
        previews.ask(wish)
    assert signal.args[0] == wish
    return signal.args[1]


def pixels(image):
    image = image.convertToFormat(image.Format.Format_RGBA8888)
    return np.asarray(image.constBits()).reshape(image.height(), image.width(), 4).copy()


def test_it_is_what_the_job_writes(qtbot, previews, wish, tmp_path):
    request = MattingRequest(controls=MatteControls(expand_px=3, feather_px=2))
    arrangement = Arrangement(crop="10px", background="red", shadow="drop")
    options = Options(tmp_path / "out", arrangement=arrangement)
    run_job(plan_matting([wish.path], request, options), FakeSession)
    written = np.asarray(Image.open(tmp_path / "out" / "a.png").convert("RGBA"))
    image = made(qtbot, previews, replace(wish, request=request, arrangement=arrangement))
    np.testing.assert_array_equal(pixels(image), written)


def test_the_newest_wish_wins_and_the_others_are_not_made(qtbot, previews, wish):
    seen = []
    previews.preview_made.connect(lambda wish, image: seen.append(wish.arrangement.background))
    for background in ("red", "green", "blue"):
        previews.ask(replace(wish, arrangement=Arrangement(background=background)))
    qtbot.waitUntil(lambda: bool(seen))
    qtbot.wait(200)
    assert seen == ["blue"]


def test_one_that_waits_for_the_network_gives_way(qtbot, previews, wish, gate, tmp_path):
    gate.clear()
    with qtbot.waitSignal(previews.waiting_changed):
        previews.ask(wish)
    other = replace(wish, path=save_photo(tmp_path / "b.png"))
    with qtbot.waitSignal(previews.preview_made) as signal:
        previews.ask(other)
        qtbot.wait(250)
        gate.set()
    assert signal.args[0] == other


def test_edges_and_surroundings_need_no_network_again(qtbot, previews, wish, session):
    made(qtbot, previews, wish)
    calls = session.calls.count("denoise")
    softer = MattingRequest(controls=MatteControls(feather_px=3), foreground=False)
    made(qtbot, previews, replace(wish, request=softer, arrangement=Arrangement(background="red")))
    assert session.calls.count("denoise") == calls
    made(qtbot, previews, replace(wish, request=MattingRequest(seed=5)))
    assert session.calls.count("denoise") > calls


def test_a_photo_that_was_changed_is_read_anew(qtbot, previews, wish):
    made(qtbot, previews, wish)
    Image.fromarray(half_white(20, 10)).save(wish.path)
    assert made(qtbot, previews, wish).width() == 20


def test_what_cannot_be_read_is_a_sentence(qtbot, previews, wish):
    wish.path.write_bytes(b"")
    with qtbot.waitSignal(previews.preview_failed) as signal:
        previews.ask(wish)
    assert "is empty (0 bytes)" in signal.args[1]


def test_large_photos_are_shown_small_and_their_sliders_with_them(tmp_path, monkeypatch):
    monkeypatch.setattr(preview_picture, "PREVIEW_PX", 100)
    photo = decode(save_photo(tmp_path / "a.png", 400, 200))
    small = shrink(photo)
    assert small.photo.size == (100, 50)
    assert small.scale == 0.25
    controls = scaled_controls(MatteControls(fill_holes_px=160, expand_px=-8, feather_px=4), small.scale)
    assert controls == MatteControls(fill_holes_px=10, expand_px=-2, feather_px=1)
    arrangement = scaled_arrangement(Arrangement(crop="40px", canvas="2000x1000"), small.scale)
    assert (arrangement.crop, arrangement.canvas) == ("10.00px", "100x50")
    assert scaled_arrangement(Arrangement(crop="5%"), small.scale) == Arrangement(crop="5%")
