"""Matting on the fake session, whose subject is whatever is bright."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.photos import half_white
from zippo_desktop.diffusion.latents import draw_noise, split
from zippo_desktop.engine.fake_session import FakeSession
from zippo_desktop.engine.open_session import open_session
from zippo_desktop.errors import Cancelled, EngineError
from zippo_desktop.imaging.decode import Photo
from zippo_desktop.imaging.layers import Metadata
from zippo_desktop.imaging.resize import fit_to_network
from zippo_desktop.pipelines import matting, network_matte
from zippo_desktop.pipelines.confidence import SOFT, signals_of
from zippo_desktop.pipelines.request import MattingRequest
from zippo_desktop.pipelines.second_pass import LEAST_AGREEMENT


class Listening(FakeSession):
    """Keeps the matte half of each latent that it is asked to denoise, and the prompts."""

    def __init__(self):
        super().__init__()
        self.mattes, self.prompts = [], []

    def denoise(self, latents, timestep, branches, text, features=None):
        self.mattes.append(split(latents)[1])
        return super().denoise(latents, timestep, branches, text, features)

    def encode_prompts(self, prompts):
        self.prompts += prompts
        return super().encode_prompts(prompts)


def picture(width=80, height=60):
    return half_white(width, height).astype(np.float32) / 255


def photo(pixels, alpha=None, metadata=None):
    return Photo(Path("photo.png"), pixels, alpha, metadata or Metadata())


@pytest.mark.parametrize(("width", "height"), [(64, 64), (80, 60), (300, 40), (40, 300)])
def test_the_matte_is_the_bright_half_without_padding(width, height):
    matte = matting.infer(FakeSession(), picture(width, height), MattingRequest())
    factor = 64 / max(width, height)
    assert matte.shape == (round(height * factor), round(width * factor))
    assert matte.dtype == np.float32
    np.testing.assert_allclose(matte[:, 0], 1, atol=1e-4)
    np.testing.assert_allclose(matte[:, -1], 0, atol=1e-4)


def test_a_batch_gives_each_picture_what_it_gets_alone():
    session, request = FakeSession(), MattingRequest(steps=2, seed=5)
    pictures = [picture(), picture()[:, ::-1].copy()]
    fits = [fit_to_network(each, 64, 16) for each in pictures]
    together = matting.infer_fits(session, fits, request)
    for each, matte in zip(pictures, together, strict=True):
        np.testing.assert_allclose(matte, matting.infer(session, each, request), atol=1e-6)


def test_pictures_of_a_batch_share_their_noise_and_members_of_an_ensemble_do_not():
    session = Listening()
    fits = [fit_to_network(picture(), 64, 16)] * 2
    matting.infer_fits(session, fits, MattingRequest(seed=5, ensemble=2))
    first, second = session.mattes
    for member, latents in ((5, first), (6, second)):
        expected = draw_noise(member, (1, 4, 6, 8))
        np.testing.assert_array_equal(latents, np.repeat(expected, 2, axis=0))


def test_an_ensemble_is_the_mean_of_its_members(monkeypatch):
    session = FakeSession()
    levels = iter([-1.0, 0.0, 1.0])
    monkeypatch.setattr(
        session, "decode_latents", lambda _: np.full((1, 3, 48, 64), next(levels), np.float32)
    )
    matte = matting.infer(session, picture(), MattingRequest(ensemble=3))
    np.testing.assert_allclose(matte, 0.5)


def test_every_second_member_of_an_ensemble_sees_the_picture_in_a_mirror(monkeypatch):
    session, encoded, seen = FakeSession(), [], []
    encode, denoise = session.encode_images, session.denoise
    monkeypatch.setattr(session, "encode_images", lambda images: encoded.append(images) or encode(images))
    monkeypatch.setattr(session, "denoise", lambda z, *rest: seen.append(z[:, :4]) or denoise(z, *rest))
    matte = matting.infer(session, picture(), MattingRequest(ensemble=3))
    plain, mirrored = encoded  # each is encoded once
    np.testing.assert_array_equal(mirrored, plain[..., ::-1])
    for member, rgb in enumerate(seen):
        np.testing.assert_array_equal(rgb, encode((plain, mirrored)[member % 2]))
    np.testing.assert_allclose(matte, matting.infer(FakeSession(), picture(), MattingRequest()), atol=1e-5)


def test_steps_are_counted_over_the_whole_ensemble():
    told = []
    request = MattingRequest(steps=2, ensemble=3)
    matting.infer(FakeSession(), picture(), request, lambda *step: told.append(step))
    assert told == [(done, 6) for done in range(1, 7)]


def test_cancelling_ends_it_after_the_step():
    def cancel(done, total):
        raise Cancelled

    session = FakeSession()
    with pytest.raises(Cancelled):
        matting.infer(session, picture(), MattingRequest(steps=9), cancel)
    assert session.calls.count("denoise") == 1


def test_the_prompt_reaches_the_network():
    session = Listening()
    matting.infer(session, picture(), MattingRequest(prompt="a cat"))
    assert session.prompts == ["a cat"]


def test_a_mattes_values_stay_in_range(monkeypatch):
    session = FakeSession()
    monkeypatch.setattr(session, "decode_latents", lambda _: np.full((1, 3, 48, 64), 1.7, np.float32))
    assert matting.infer(session, picture(), MattingRequest()).max() == 1


def scene():
    """A black photo with one white box, which no block of the fake network fits."""
    pixels = np.zeros((600, 800, 3), np.uint8)
    pixels[220:380, 320:480] = 255
    return photo(pixels)


def found_in(taken, request, session=None, on_step=None):
    session = session or FakeSession()
    prepared = matting.prepare(taken, session.spec)
    return matting.infer_photo(session, prepared, request, on_step), prepared


def test_a_small_subject_is_seen_in_more_detail_by_the_second_pass():
    taken = scene()
    errors = []
    for second in (False, True):
        found, prepared = found_in(taken, MattingRequest(second_pass=second))
        matte = matting.native_matte(found, prepared)
        assert matte.shape == (600, 800)
        assert matte.dtype == np.float32
        errors.append(np.abs(matte - taken.pixels[..., 0] / 255).mean())
        assert (found.closer is not None) == second
    assert errors[1] < 0.5 * errors[0]


def test_a_subject_that_fills_the_frame_costs_no_second_pass():
    session = FakeSession()
    found, _ = found_in(photo(half_white(300, 300)), MattingRequest(check=False), session)
    assert found.closer is None
    assert session.calls.count("denoise") == 1


def test_a_second_pass_that_contradicts_the_first_is_dropped(monkeypatch):
    taken = scene()
    session = FakeSession()
    decode, calls = session.decode_latents, []
    monkeypatch.setattr(
        session,
        "decode_latents",
        lambda latents: (
            np.full_like(decode(latents), -1) if calls.append(1) or len(calls) == 2 else decode(latents)
        ),
    )
    found, prepared = found_in(taken, MattingRequest(check=False), session)
    assert len(calls) == 2
    assert found.closer is None
    assert found.scale_agreement is not None
    assert found.scale_agreement < LEAST_AGREEMENT
    first, _ = found_in(taken, MattingRequest(second_pass=False))
    np.testing.assert_array_equal(
        matting.native_matte(found, prepared), matting.native_matte(first, prepared)
    )


@pytest.mark.parametrize("is_small", [True, False])
def test_steps_are_counted_over_both_passes_whether_the_second_is_taken_or_not(is_small):
    taken = scene() if is_small else photo(half_white(300, 300))
    told = []
    found_in(taken, MattingRequest(steps=2, ensemble=2), on_step=lambda *step: told.append(step))
    taken_steps = range(1, 9) if is_small else [1, 2, 3, 4, 8]
    assert told == [(done, 8) for done in taken_steps]


def test_steps_of_one_pass_are_all_there_are():
    told = []
    request = MattingRequest(steps=3, second_pass=False, check=False)
    found_in(scene(), request, on_step=lambda *step: told.append(step))
    assert told == [(1, 3), (2, 3), (3, 3)]


def test_the_picture_for_crops_is_the_photos_own_at_8_bit():
    taken = scene()
    prepared = matting.prepare(taken, FakeSession().spec)
    assert prepared.image is taken.pixels
    deep = matting.prepare(photo(taken.pixels.astype(np.uint16) * 257), FakeSession().spec)
    np.testing.assert_array_equal(deep.image, taken.pixels)


class Lopsided(FakeSession):
    """Sees nothing in the left half of a picture, so that a mirror image is another picture to it."""

    def denoise(self, latents, timestep, branches, text, features=None):
        darkened = latents.copy()
        darkened[:, :4, :, : latents.shape[3] // 2] = -1
        return super().denoise(darkened, timestep, branches, text, features)


@pytest.mark.parametrize("size", [(64, 64), (80, 60), (300, 40), (40, 300), (50, 64)])
@pytest.mark.parametrize("ensemble", [1, 2, 3])
def test_a_session_that_sees_the_same_in_a_mirror_agrees_with_it(size, ensemble):
    found, _ = found_in(photo(half_white(*size)), MattingRequest(ensemble=ensemble))
    assert found.mirror_agreement == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("taken", [scene(), photo(half_white(64, 64))])
@pytest.mark.parametrize("ensemble", [1, 2, 3])
def test_a_session_that_sees_another_picture_in_a_mirror_does_not(taken, ensemble):
    found, _ = found_in(taken, MattingRequest(ensemble=ensemble), Lopsided())
    assert found.mirror_agreement < 0.8


def test_the_check_costs_one_look_and_leaves_the_matte_alone():
    for taken, looks in ((scene(), 2), (photo(half_white(300, 300)), 1)):
        mattes = []
        for check in (False, True):
            session = Lopsided()
            found, prepared = found_in(taken, MattingRequest(check=check), session)
            assert session.calls.count("denoise") == looks + check
            assert (found.mirror_agreement is not None) == check
            mattes.append(matting.native_matte(found, prepared))
        np.testing.assert_array_equal(*mattes)


def test_an_ensemble_needs_no_further_look_for_the_check():
    session = FakeSession()
    found, _ = found_in(scene(), MattingRequest(ensemble=2), session)
    assert session.calls.count("denoise") == 4
    assert found.mirror_agreement is not None


def test_the_closer_look_is_compared_with_the_first():
    found, _ = found_in(scene(), MattingRequest())
    assert 0.5 < found.scale_agreement < 1
    assert found_in(photo(half_white(300, 300)), MattingRequest())[0].scale_agreement is None


def photos_of_all_kinds():
    """Small and large subjects, wide and tall, so that the closer looks are of several shapes."""
    rng = np.random.default_rng(0)
    taken = [scene(), photo(half_white(320, 240)), photo(half_white(240, 320)), scene()]
    moved = np.roll(scene().pixels, (150, -200), axis=(0, 1))
    taken += [photo(moved[:, :300].copy()), photo(np.zeros((60, 80, 3), np.uint8))]
    return [*taken, photo(rng.integers(0, 255, (60, 80, 3), dtype=np.uint8))]


@pytest.mark.parametrize(("kind", "ensemble"), [("fake", 1), ("fake", 2), ("onnx", 1)])
def test_photos_of_a_batch_get_what_they_get_alone(kind, ensemble):
    session = FakeSession() if kind == "fake" else open_session("zippo-mini", "onnx", "cpu")
    request = MattingRequest(ensemble=ensemble)
    prepared = [matting.prepare(each, session.spec) for each in photos_of_all_kinds()]
    together = matting.infer_photos(session, prepared, request)
    for each, found in zip(prepared, together, strict=True):
        alone = matting.infer_photo(session, each, request)
        assert found.box == alone.box
        assert found.mirror_agreement == pytest.approx(alone.mirror_agreement, abs=1e-3)
        assert found.scale_agreement == pytest.approx(alone.scale_agreement, abs=1e-3)
        np.testing.assert_allclose(
            matting.native_matte(found, each), matting.native_matte(alone, each), atol=1 / 255
        )


def test_no_call_has_more_pictures_than_there_are_photos():
    session = Listening()
    prepared = [matting.prepare(scene(), session.spec) for _ in range(3)]
    found = matting.infer_photos(session, prepared, MattingRequest())
    assert all(each.closer is not None for each in found)
    assert [len(latents) for latents in session.mattes] == [3, 3, 3]


class Deciding(FakeSession):
    """Has a matte decoder, which says the same of every pixel of every photo."""

    def __init__(self, level):
        super().__init__()
        self._spec = replace(self._spec, has_matte_decoder=True)
        self.level = level

    def decode_mattes(self, latents, images, features):
        return np.full((len(latents), *images.shape[2:]), self.level, np.float32)


def test_a_matte_decoder_has_the_last_word_on_the_matte_but_not_on_where_to_look():
    taken, request = scene(), MattingRequest(check=False)
    plain, _ = found_in(taken, request)
    found, _ = found_in(taken, request, Deciding(0.25))
    assert found.box == plain.box
    assert found.scale_agreement == plain.scale_agreement
    np.testing.assert_array_equal(found.sketch, plain.counted)
    np.testing.assert_array_equal(found.first, 0.25)
    np.testing.assert_array_equal(found.closer, 0.25)


def test_how_decided_a_matte_is_is_said_of_the_sketch():
    found, _ = found_in(scene(), MattingRequest(), Deciding(0.25))
    assert signals_of(found)[SOFT] > 0.9


@pytest.mark.parametrize("level", [float("nan"), float("inf")])
def test_a_matte_decoder_that_answers_no_number_is_an_engine_error(level):
    with pytest.raises(EngineError, match="not finite"):
        found_in(scene(), MattingRequest(), Deciding(level))


def test_no_photos_need_no_network():
    session = FakeSession()
    assert matting.infer_photos(session, [], MattingRequest()) == []
    assert session.calls == []


def test_steps_of_a_batch_are_counted_for_each_picture():
    told, session = [], FakeSession()
    prepared = [matting.prepare(each, session.spec) for each in (scene(), photo(half_white(300, 400)))]
    matting.infer_photos(session, prepared, MattingRequest(steps=2), lambda *step: told.append(step))
    assert told[0] == (1, 12)  # two photos of another shape each: two calls of two steps
    assert told[-1] == (12, 12)
    assert [done for done, _ in told] == sorted({done for done, _ in told})
    assert len(told) == 4 + 2 + 4 + 1  # whole, closer, mirrored; one closer look was not taken


def test_a_closer_look_has_a_size_of_its_own():
    session = FakeSession(size_px=64, closer_px=96)
    found, prepared = found_in(scene(), MattingRequest(), session)
    assert found.first.shape == (48, 64)
    assert max(found.closer.shape) == 96
    assert max(network_matte.fit(prepared.image, session.spec, is_closer=True).image.shape) == 96
