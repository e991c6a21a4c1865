"""The fake session is what it says: known answers through the real samplers, and failures on demand."""

import numpy as np
import pytest

from zippo_desktop.diffusion.latents import Branch, draw_noise, join
from zippo_desktop.diffusion.sampler import sample_ddim, sample_dpmpp
from zippo_desktop.engine.fake_session import FakeSession, colour_of
from zippo_desktop.errors import EngineError, OutOfMemory


def half_white(side=64):
    picture = -np.ones((1, 3, side, side), np.float32)
    picture[..., : side // 2] = 1
    return picture


@pytest.mark.parametrize("sampler", [sample_ddim, sample_dpmpp])
@pytest.mark.parametrize("steps", [1, 4])
def test_matting_finds_the_bright_half(sampler, steps):
    session = FakeSession()
    rgb, text = session.encode_images(half_white()), session.encode_prompts([""])

    def denoise(matte, t):
        return session.denoise(join(rgb, matte), t, [Branch.RGB_TO_MATTE], text)

    latent = sampler(denoise, draw_noise(3, rgb.shape), session.spec.schedule, steps)
    np.testing.assert_allclose(session.decode_latents(latent), half_white(), atol=1e-5)


def test_painting_fills_the_matte_with_the_colour_of_the_prompt():
    session = FakeSession()
    matte, text = session.encode_images(half_white()), session.encode_prompts(["a red apple"])

    def denoise(rgb, t):
        return session.denoise(join(rgb, matte), t, [Branch.MATTE_TO_RGB], text)

    latent = sample_ddim(denoise, draw_noise(0, matte.shape), session.spec.schedule, 8)
    picture = session.decode_latents(latent)[0]
    np.testing.assert_allclose(picture[:, 5, 5], colour_of("a red apple"), atol=1e-5)
    np.testing.assert_allclose(picture[:, 5, 60], -1, atol=1e-5)


def test_generation_puts_the_colour_in_a_disc_that_covers_a_quarter():
    session = FakeSession(size_px=256)
    text = session.encode_prompts(["a pear"] * 2)

    def denoise(joint, t):
        both = session.denoise(np.repeat(joint, 2, 0), t, [Branch.JOINT_RGB, Branch.JOINT_MATTE], text)
        return join(both[:1], both[1:])

    joint = sample_ddim(denoise, draw_noise(1, (1, 8, 32, 32)), session.spec.schedule, 4)
    rgb, matte = session.decode_latents(joint[:, :4])[0], session.decode_latents(joint[:, 4:])[0, 0]
    assert (matte > 0).mean() == pytest.approx(0.25, abs=0.02)
    np.testing.assert_allclose(rgb[:, matte > 0].mean(axis=1), colour_of("a pear"), atol=1e-4)


def test_prompts_have_their_own_colours():
    assert len({tuple(colour_of(word)) for word in ("", "apple", "chair", "plant")}) == 4


def denoise_once(session, side=8):
    text = session.encode_prompts([""])
    return session.denoise(draw_noise(0, (1, 8, side, side)), 999, [Branch.RGB_TO_MATTE], text)


def test_a_failure_happens_at_its_call_and_only_there():
    session = FakeSession(failures={2: OutOfMemory("no memory left")})
    denoise_once(session)
    with pytest.raises(OutOfMemory, match="no memory"):
        denoise_once(session)
    denoise_once(session)
    assert session.calls.count("denoise") == 3


def test_memory_runs_out_over_its_size():
    session = FakeSession(memory_px=64 * 64)
    denoise_once(session, side=8)
    with pytest.raises(OutOfMemory):
        denoise_once(session, side=16)
    with pytest.raises(OutOfMemory):
        session.encode_images(np.zeros((2, 3, 64, 64), np.float32))


def test_a_closed_session_refuses():
    session = FakeSession()
    session.close()
    assert session.is_closed
    with pytest.raises(EngineError, match="closed"):
        session.encode_prompts([""])
