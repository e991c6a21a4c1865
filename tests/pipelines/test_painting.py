"""Painting on the fake session, which fills the matte with the prompt's own colour."""

import numpy as np
import pytest

from tests.photos import save_photo
from zippo_desktop.engine.fake_session import FakeSession, colour_of, encode
from zippo_desktop.imaging.backdrop import STUDIO_GREY
from zippo_desktop.imaging.decode import decode
from zippo_desktop.imaging.resize import fit_to_network
from zippo_desktop.pipelines import painting
from zippo_desktop.pipelines.request import PaintingRequest


def half_matte(width=80, height=60):
    matte = np.zeros((height, width), np.float32)
    matte[:, : width // 2] = 1
    return matte


@pytest.mark.parametrize(("width", "height"), [(64, 64), (80, 60), (40, 300)])
def test_the_matte_is_filled_with_what_the_prompt_says(width, height):
    request = PaintingRequest("a pear", steps=4, guidance=1)
    colours = painting.infer(FakeSession(), half_matte(width, height), request)
    factor = 64 / max(width, height)
    assert colours.shape == (round(height * factor), round(width * factor), 3)
    np.testing.assert_allclose(colours[10, 1], colour_of("a pear") / 2 + 0.5, atol=1e-4)


def test_a_seed_is_the_picture_and_another_seed_is_another(monkeypatch):
    def colours(seed):
        session = FakeSession()
        zeros = lambda latents, *_: np.zeros_like(latents[:, :4])  # noqa: E731  # leaves the noise in
        monkeypatch.setattr(session, "denoise", zeros)
        return painting.infer(
            session, half_matte(), PaintingRequest("a pear", steps=2, guidance=1, seed=seed)
        )

    np.testing.assert_array_equal(colours(1), colours(1))
    assert np.abs(colours(1) - colours(2)).max() > 0.01


@pytest.mark.parametrize(("guidance", "batch"), [(1.0, 1), (3.0, 2)])
def test_guidance_costs_one_batch_of_two_a_step(monkeypatch, guidance, batch):
    session, sizes = FakeSession(), []
    denoise = session.denoise
    monkeypatch.setattr(session, "denoise", lambda z, *rest: sizes.append(len(z)) or denoise(z, *rest))
    painting.infer(session, half_matte(), PaintingRequest("a pear", steps=3, guidance=guidance))
    assert sizes == [batch] * 3


def test_finish_keeps_the_given_matte_and_the_parameters():
    matte = half_matte(400, 300)
    stack = painting.finish(np.full((48, 64, 3), 0.8, np.float32), matte, {"prompt": "a pear"})
    assert stack.matte is matte
    assert stack.subject.shape == (300, 400, 3)
    assert stack.subject.dtype == np.uint8
    assert stack.original is None
    assert stack.metadata.parameters == {"prompt": "a pear"}


def test_no_backdrop_is_left_in_the_edge_of_the_subject():
    matte = np.zeros((320, 320), np.float32)
    matte[60:250, 45:200] = 1
    small = matte.reshape(40, 8, 40, 8).mean(axis=(1, 3))[..., None]  # what the network saw
    red = np.array([0.9, 0.1, 0.2], np.float32)
    painted = red * small + STUDIO_GREY * (1 - small)
    stack = painting.finish(painted, matte, {})
    np.testing.assert_allclose(
        stack.subject[matte > 0] / 255, np.broadcast_to(red, (190 * 155, 3)), atol=0.01
    )


def test_a_photo_is_noised_and_painted_over(monkeypatch, tmp_path):
    session, seen = FakeSession(), []
    monkeypatch.setattr(
        session, "denoise", lambda latents, t, *_: seen.append((latents, t)) or latents[:, 4:]
    )
    photo, matte = decode(save_photo(tmp_path / "a.png", 64, 64)), half_matte(64, 64)
    request = PaintingRequest("a pear", steps=10, guidance=1, strength=0.1)
    start = painting.prepare_start(photo, matte, session.spec)

    painting.infer_fit(session, painting.prepare(matte, session.spec), request, start=start)

    ((joint, t),) = seen
    over_grey = np.where(matte[..., None] == 1, photo.pixels / 255, STUDIO_GREY).astype(np.float32)
    latent = encode(fit_to_network(over_grey, 64, 16).image.transpose(2, 0, 1)[None] * 2 - 1)
    schedule = session.spec.schedule
    noise = (joint[:, :4] - schedule.signal(t) * latent) / schedule.sigma(t)
    assert t == schedule.timesteps(10)[-1]
    assert noise.std() == pytest.approx(1, abs=0.15)
