"""Joint generation on the fake session: the prompt's colour in a disc over a quarter of the picture."""

from pathlib import Path

import numpy as np
import pytest

from zippo_desktop.diffusion.latents import Branch, split
from zippo_desktop.engine.fake_session import FakeSession, colour_of, encode
from zippo_desktop.errors import UsageError
from zippo_desktop.imaging.decode import Photo
from zippo_desktop.imaging.layers import Metadata
from zippo_desktop.pipelines import generation
from zippo_desktop.pipelines.request import GenerationRequest


def test_colours_and_matte_come_together():
    picture = generation.infer(FakeSession(), GenerationRequest("a pear", size=128, steps=4, guidance=1))
    assert picture.shape == (128, 128, 4)
    assert picture[..., 3].mean() == pytest.approx(0.25, abs=0.03)
    np.testing.assert_allclose(picture[64, 64], [*(colour_of("a pear") / 2 + 0.5), 1], atol=1e-4)
    np.testing.assert_allclose(picture[16, 16], 0, atol=1e-4)


def test_the_object_is_kept_free_of_the_frame(monkeypatch):
    """A network that fills the whole frame is held to the backdrop along its border, at every step."""
    session, seen = FakeSession(), []

    def fill(joint, t, branches, _text):
        schedule = session.spec.schedule
        seen.append((joint[:1], t))
        halves = split(joint[:1])
        return np.concatenate(
            [(schedule.signal(t) * half - 1) / np.float32(schedule.sigma(t)) for half in halves]
        )

    monkeypatch.setattr(session, "denoise", fill)
    picture = generation.infer(session, GenerationRequest("a pear", steps=3, guidance=1, tries=1))
    np.testing.assert_allclose(picture[8:-8, 8:-8], 1, atol=1e-3)
    for border in (picture[:8], picture[-8:], picture[:, :8], picture[:, -8:]):
        np.testing.assert_allclose(border[..., :3], 0.5, atol=1e-3)
        np.testing.assert_allclose(border[..., 3], 0, atol=1e-3)
    noises = [
        (joint - session.spec.schedule.signal(t) * encoded_backdrop(session)) / session.spec.schedule.sigma(t)
        for joint, t in seen
    ]
    for noise in noises[1:]:  # the border is noised by its own noise all the way
        np.testing.assert_allclose(noise[..., 0, :], noises[0][..., 0, :], atol=1e-4)


def test_a_picture_too_small_for_a_margin_has_none(monkeypatch):
    given = []
    monkeypatch.setattr(
        generation,
        "sample_ddim",
        lambda _denoise, noise, *rest: given.append(rest[-1]) or np.zeros_like(noise),
    )
    for size in (48, 64):
        generation.infer(FakeSession(), GenerationRequest("a pear", size=size, tries=1))
    assert given[0] is None
    assert given[1].where[0, 0].sum() == 28


def encoded_backdrop(session):
    """The latents [1,2C,8,8] of an empty studio."""
    grey, empty = np.zeros((1, 3, 64, 64), np.float32), np.full((1, 3, 64, 64), -1, np.float32)
    return np.concatenate([session.encode_images(grey), session.encode_images(empty)], axis=1)


def test_without_a_size_the_models_own_is_taken():
    assert generation.infer(FakeSession(size_px=96), GenerationRequest("a pear", steps=1)).shape == (
        96,
        96,
        4,
    )


@pytest.mark.parametrize("size", [100, 8, 0, -16])
def test_a_size_that_the_network_cannot_make_is_refused(size):
    with pytest.raises(UsageError, match=f"{size} px") as caught:
        generation.infer(FakeSession(), GenerationRequest("a pear", size=size))
    assert "multiple of 16" in caught.value.hint


def test_both_branches_see_one_joint_latent_in_one_batch(monkeypatch):
    session, calls = FakeSession(), []
    denoise = session.denoise

    def listen(latents, timestep, branches, text):
        calls.append((latents, branches, text))
        return denoise(latents, timestep, branches, text)

    monkeypatch.setattr(session, "denoise", listen)
    generation.infer(session, GenerationRequest("a pear", negative="a plum", steps=2, guidance=3))
    assert len(calls) == 2
    for latents, branches, text in calls:
        assert branches == [Branch.JOINT_RGB, Branch.JOINT_MATTE] * 2
        np.testing.assert_array_equal(latents, np.repeat(latents[:1], 4, axis=0))
        np.testing.assert_array_equal(text[:2, 0, :3], [colour_of("a pear")] * 2)
        np.testing.assert_array_equal(text[2:, 0, :3], [colour_of("a plum")] * 2)


def test_finish_takes_the_backdrop_off_and_keeps_the_parameters():
    red = np.array([0.8, 0.2, 0.4], np.float32)
    picture = np.empty((8, 8, 4), np.float32)
    picture[..., :3] = red * 0.5 + 0.5 * 0.5  # half transparent over the grey
    picture[..., 3] = 0.5
    stack = generation.finish(picture, {"seed": "7"})
    np.testing.assert_allclose(stack.subject, np.broadcast_to(np.rint(red * 255), (8, 8, 3)), atol=1)
    np.testing.assert_array_equal(stack.matte, 0.5)
    assert stack.original is None
    assert stack.metadata.parameters == {"seed": "7"}


def red_left_half(width, height):
    """A cut-out: red, and transparent on the right."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[..., 0] = 255
    alpha = np.zeros((height, width), np.float32)
    alpha[:, : width // 2] = 1
    return Photo(Path("asset.png"), pixels, alpha, Metadata())


def test_a_cut_out_is_varied_at_its_own_shape(monkeypatch):
    session, asset = FakeSession(), red_left_half(128, 96)
    start = generation.prepare_start(asset, asset.alpha, session.spec)
    colours, matte = start.image[..., :3], np.repeat(start.image[..., 3:], 3, axis=2)
    clean = encode(np.stack([colours, matte]).transpose(0, 3, 1, 2) * 2 - 1)  # [2,C,h,w]

    def believe_in_the_start(joint, t, *_):
        schedule = session.spec.schedule
        samples = np.concatenate(split(joint[:1]))
        return (schedule.signal(t) * samples - clean) / np.float32(schedule.sigma(t))

    monkeypatch.setattr(session, "denoise", believe_in_the_start)
    request = GenerationRequest("a pear", steps=4, guidance=1, strength=0.5)
    picture = generation.infer(session, request, start=start)

    assert picture.shape == (48, 64, 4)
    np.testing.assert_allclose(picture[24, 8], [1, 0, 0, 1], atol=1e-3)
    np.testing.assert_allclose(picture[24, 56], [0.5, 0.5, 0.5, 0], atol=1e-3)
    stack = generation.finish(picture, {}, (96, 128))
    assert (stack.subject.shape, stack.matte.shape) == ((96, 128, 3), (96, 128))
    np.testing.assert_allclose(stack.subject[48, 16], [255, 0, 0], atol=1)


def test_what_noise_leaves_around_an_object_is_taken_away_but_not_around_a_start(monkeypatch):
    matte = rectangle(8, 8, 16, 16)
    matte[matte == 0] = 0.04
    monkeypatch.setattr(generation, "decode_mattes", lambda *_: matte[None])
    monkeypatch.setattr(generation, "decode_colours", lambda *_: np.zeros((1, 32, 32, 3), np.float32))
    made = generation.infer(FakeSession(), GenerationRequest("a pear", size=32, steps=1))
    np.testing.assert_array_equal(made[..., 3], np.where(rectangle(7, 7, 18, 18) > 0, matte, 0))
    asset = red_left_half(32, 32)
    start = generation.prepare_start(asset, asset.alpha, FakeSession(size_px=32).spec)
    request = GenerationRequest("a pear", steps=2, strength=0.5)
    varied = generation.infer(FakeSession(size_px=32), request, start=start)
    np.testing.assert_array_equal(varied[..., 3], matte)


@pytest.fixture
def tries(monkeypatch):
    """Which mattes come out of the tries, one after the other, and how many were asked for."""
    asked = []

    def set_mattes(*mattes):
        def decode(_session, joint, _start):
            asked.append(joint)
            return np.dstack([np.zeros((32, 32, 3), np.float32), mattes[len(asked) - 1]])

        monkeypatch.setattr(generation, "_decode", decode)
        return asked

    return set_mattes


def rectangle(top, left, height, width):
    matte = np.zeros((32, 32), np.float32)
    matte[top : top + height, left : left + width] = 1
    return matte


CLEAN, CLIPPED = rectangle(8, 8, 16, 16), rectangle(0, 8, 16, 16)
TORN = np.maximum(rectangle(4, 4, 10, 10), rectangle(20, 20, 6, 6))
TORN_AND_CLIPPED = np.maximum(rectangle(0, 4, 10, 10), rectangle(20, 20, 6, 6))


def test_a_clean_first_try_is_the_last(tries):
    asked = tries(CLEAN)
    picture = generation.infer(FakeSession(), GenerationRequest("a pear", steps=2, tries=3))
    np.testing.assert_array_equal(picture[..., 3], CLEAN)
    assert len(asked) == 1


def test_what_is_not_clean_is_made_anew_from_other_noise(tries):
    asked = tries(CLIPPED, CLEAN)
    picture = generation.infer(FakeSession(), GenerationRequest("a pear", steps=2, tries=3))
    np.testing.assert_array_equal(picture[..., 3], CLEAN)
    assert len(asked) == 2


def test_without_a_clean_one_the_closest_is_taken(tries):
    asked = tries(TORN_AND_CLIPPED, TORN, TORN_AND_CLIPPED)
    picture = generation.infer(FakeSession(), GenerationRequest("a pear", steps=2, tries=3))
    np.testing.assert_array_equal(picture[..., 3], TORN)
    assert len(asked) == 3


def test_the_first_try_does_not_depend_on_how_many_there_may_be(monkeypatch):
    begun = []
    monkeypatch.setattr(
        generation, "sample_ddim", lambda _denoise, noise, *_: begun.append(noise) or np.zeros_like(noise)
    )
    for count in (1, 3):
        generation.infer(FakeSession(), GenerationRequest("a pear", seed=7, tries=count))
    np.testing.assert_array_equal(begun[0], begun[1])
    assert not np.allclose(begun[1], begun[2])
    assert len(begun) == 4


def test_the_tries_that_are_not_needed_count_as_done(tries):
    tries(CLIPPED, CLEAN)
    steps = []
    request = GenerationRequest("a pear", steps=2, tries=3)
    generation.infer(FakeSession(), request, lambda *step: steps.append(step))
    assert steps == [(1, 6), (2, 6), (3, 6), (4, 6), (6, 6)]


def test_a_cut_out_to_start_from_is_varied_once(tries):
    asked, asset = tries(CLIPPED), red_left_half(32, 32)
    start = generation.prepare_start(asset, asset.alpha, FakeSession().spec)
    generation.infer(FakeSession(), GenerationRequest("a pear", steps=2, strength=0.5, tries=3), start=start)
    assert len(asked) == 1


def test_no_tries_are_refused():
    with pytest.raises(UsageError, match="0 tries"):
        GenerationRequest("a pear", tries=0)
