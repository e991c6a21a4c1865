"""Experts in the matting pipeline, alone, refined by a Zippo model, and as its second opinion."""

from pathlib import Path

import numpy as np
import pytest

from tests.fake_experts import FakeExpert, fake_auto
from tests.photos import half_white
from zippo_desktop.engine.fake_session import FakeSession
from zippo_desktop.imaging.boxes import Box
from zippo_desktop.imaging.decode import Photo
from zippo_desktop.imaging.layers import Metadata
from zippo_desktop.pipelines import experts, matting
from zippo_desktop.pipelines.confidence import UNCERTAIN_BELOW, assess
from zippo_desktop.pipelines.request import MattingRequest

BLOCK = Box(110, 160, 190, 240)  # no block of the fake Zippo network fits it


def photo(pixels):
    return Photo(Path("photo.png"), pixels, None, Metadata())


def scene(block=BLOCK):
    """A black photo with one white block."""
    pixels = np.zeros((300, 400, 3), np.uint8)
    pixels[block.slices] = 255
    return photo(pixels)


def infer(session, taken, request=MattingRequest(), on_step=None):  # noqa: B008  # frozen
    prepared = matting.prepare(taken, session.spec)
    found = matting.infer_photo(session, prepared, request, on_step)
    return found, matting.native_matte(found, prepared)


def error_of(matte, taken):
    return float(np.abs(matte - taken.pixels[..., 0] / 255).mean())


@pytest.mark.parametrize(("width", "height"), [(64, 64), (80, 60), (300, 40), (40, 300)])
def test_a_stretched_picture_s_matte_has_its_proportions(width, height):
    found, matte = infer(FakeExpert(), photo(half_white(width, height)), MattingRequest(check=False))
    factor = 96 / max(width, height)
    assert found.first.shape == (round(height * factor), round(width * factor))
    assert matte.shape == (height, width)
    np.testing.assert_allclose(matte[:, 0], 1, atol=1e-3)
    np.testing.assert_allclose(matte[:, -1], 0, atol=1e-3)


def test_a_small_subject_is_seen_in_more_detail_by_the_second_pass():
    taken = scene(Box(143, 203, 162, 216))
    found, closer = infer(FakeExpert(), taken)
    _, first = infer(FakeExpert(), taken, MattingRequest(second_pass=False))
    assert found.closer is not None
    assert error_of(closer, taken) < error_of(first, taken)


@pytest.mark.parametrize("size", [(64, 64), (80, 60), (300, 40), (40, 300)])
@pytest.mark.parametrize("ensemble", [1, 2, 5])
def test_an_expert_agrees_with_its_mirror_image(size, ensemble):
    expert = FakeExpert()
    found, _ = infer(expert, photo(half_white(*size)), MattingRequest(ensemble=ensemble, second_pass=False))
    assert found.mirror_agreement == pytest.approx(1, abs=1e-4)
    assert len(expert.seen) == 2  # an expert has two views, however large the ensemble


def test_an_expert_that_sees_something_else_in_a_mirror_does_not():
    def lopsided(pictures):
        mattes = (pictures.mean(axis=3) > 0.5).astype(np.float32)
        mattes[:, :, : mattes.shape[2] // 2] = 0
        return mattes

    for ensemble in (1, 2):
        found, _ = infer(FakeExpert(lopsided), scene(), MattingRequest(ensemble=ensemble))
        assert found.mirror_agreement < 0.8


def test_an_ensemble_is_the_mean_of_both_views():
    levels = iter([0.2, 0.6])
    expert = FakeExpert(lambda pictures: np.full(pictures.shape[:3], next(levels)))
    matte = matting.infer(expert, half_white(64, 64), MattingRequest(ensemble=4))
    np.testing.assert_allclose(matte, 0.4, atol=1e-6)


def test_photos_of_a_batch_get_what_they_get_alone():
    expert, pictures = FakeExpert(), [half_white(80, 60), np.zeros((60, 80, 3), np.uint8), scene().pixels]
    prepared = [matting.prepare(photo(each), expert.spec) for each in pictures]
    together = matting.infer_photos(expert, prepared, MattingRequest())
    assert max(shape[0] for shape in expert.seen) == 3
    for each, found in zip(prepared, together, strict=True):
        alone = matting.infer_photo(expert, each, MattingRequest())
        np.testing.assert_array_equal(matting.native_matte(found, each), matting.native_matte(alone, each))


@pytest.mark.parametrize("request_", [MattingRequest(edges="fine"), MattingRequest(ensemble=2)])
def test_fine_edges_and_ensembles_work_with_experts(request_):
    taken = scene()
    assert error_of(infer(FakeExpert(), taken, request_)[1], taken) < 0.005


@pytest.mark.parametrize("refine", ["none", "zippo"])
@pytest.mark.parametrize("session", [FakeExpert, fake_auto, lambda: fake_auto(expert=FakeExpert())])
@pytest.mark.parametrize("taken", [scene(), photo(half_white()), photo(np.zeros((50, 60, 3), np.uint8))])
@pytest.mark.parametrize("ensemble", [1, 3])
def test_steps_rise_to_the_total(refine, session, taken, ensemble):
    told = []
    request = MattingRequest(refine=refine, ensemble=ensemble)
    infer(session(), taken, request, lambda *step: told.append(step))
    (total,) = {total for _, total in told}
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert told[-1] == (total, total)


def grey(level):
    """A Zippo model to which everything is alike."""

    class Grey(FakeSession):
        def decode_latents(self, latents):
            return np.full_like(super().decode_latents(latents), 2 * level - 1)

    return Grey()


def test_refining_begins_from_the_experts_matte_in_the_subjects_crop(monkeypatch):
    begun = []
    ask = experts.ask_zippo

    def listen(session, fits, request, on_step, starts, strength):
        begun.extend([fits[0], starts[0], strength, request.steps])
        return ask(session, fits, request, on_step, starts, strength)

    monkeypatch.setattr(experts, "ask_zippo", listen)
    found, _ = infer(FakeExpert(), scene(), MattingRequest(refine="zippo"))
    fit, start, strength, steps = begun
    assert start.shape == fit.image.shape[:2] == (64, 64)
    assert np.abs(start - fit.image[..., 0]).mean() < 0.02  # the block, as the expert sees it
    assert (strength, steps) == (experts.STRENGTH, experts.FEWEST_STEPS)
    assert found.box is not None
    assert found.box.top < BLOCK.top < BLOCK.bottom < found.box.bottom
    assert found.model_used == "fake-expert 7, refined by fake 1"


def test_zippo_really_starts_from_the_matte(monkeypatch):
    session = FakeSession()
    seen = []
    denoise = session.denoise
    monkeypatch.setattr(
        session, "denoise", lambda z, t, *rest: seen.append((z[:, 4:], t)) or denoise(z, t, *rest)
    )
    infer(FakeExpert(refiner=session), scene(), MattingRequest(refine="zippo"))
    ((latents, t),) = seen  # the last step alone
    schedule = session.spec.schedule
    assert t == schedule.timesteps(experts.FEWEST_STEPS)[-1]
    middle, corner = latents[0, :, 4, 4].mean(), latents[0, :, 0, 0].mean()
    assert middle - corner > schedule.signal(t)  # clean they are 2 apart, times the signal's share


def test_what_zippo_contradicts_is_not_refined():
    taken, expert = scene(), FakeExpert(refiner=grey(0))
    refined, matte = infer(expert, taken, MattingRequest(refine="zippo"))
    _, plain = infer(FakeExpert(), taken)
    np.testing.assert_array_equal(matte, plain)
    assert refined.remark == "fake saw something else (0.00) and refined nothing."
    assert refined.model_used == "fake-expert 7"


def test_what_zippo_changes_over_wide_areas_is_not_taken(monkeypatch):
    monkeypatch.setattr(experts, "LEAST_AGREEMENT", 0)
    taken, expert = photo(half_white(320, 240)), FakeExpert(refiner=grey(0.75))
    refined, matte = infer(expert, taken, MattingRequest(refine="zippo"))
    assert "refined by fake" in refined.model_used
    assert matte[120, 20] > 0.95


def test_where_the_expert_is_sure_nothing_is_taken():
    def soft(pictures):
        mattes = np.full(pictures.shape[:3], 0.5)
        mattes[:, :, :40], mattes[:, :, 56:] = 1, 0
        return mattes

    taken = photo(half_white(96, 96))
    found, matte = infer(FakeExpert(soft), taken, MattingRequest(refine="zippo", second_pass=False))
    _, plain = infer(FakeExpert(soft), taken, MattingRequest(second_pass=False))
    assert "refined by fake" in found.model_used
    np.testing.assert_array_equal(matte[:, :38], plain[:, :38])
    np.testing.assert_array_equal(matte[:, 58:], plain[:, 58:])
    assert np.abs(matte - plain)[:, 40:56].max() > 0.1


def test_nothing_found_is_nothing_to_refine():
    taken = photo(np.zeros((60, 80, 3), np.uint8))
    found, matte = infer(FakeExpert(), taken, MattingRequest(refine="zippo"))
    assert found.remark == "fake had nothing to refine."
    assert not matte.any()


def test_a_zippo_model_that_is_sure_is_not_doubted():
    auto = fake_auto()
    found, matte = infer(auto, scene())
    assert auto.expert.seen == []
    assert (found.model_used, found.remark) == ("fake 1", "")
    np.testing.assert_array_equal(matte, infer(FakeSession(), scene())[1])


def test_where_zippo_is_unsure_the_surer_expert_is_taken():
    found, matte = infer(fake_auto(grey(0.4)), scene())
    assert found.model_used == "fake-expert 7"
    assert found.remark.startswith("fake was unsure (")
    assert "this is the matte of fake-expert (" in found.remark
    np.testing.assert_array_equal(matte, infer(FakeExpert(), scene())[1])
    assert assess(found, matte).confidence >= UNCERTAIN_BELOW


def test_an_expert_that_is_no_surer_is_not_taken():
    unsure = FakeExpert(lambda pictures: np.full(pictures.shape[:3], 0.3))
    found, _ = infer(fake_auto(grey(0.4), unsure), scene())
    assert found.model_used == "fake 1"
    assert "and fake-expert no surer (" in found.remark


def test_each_photo_of_a_batch_has_its_own_model():
    zippo = FakeSession()
    auto = fake_auto(zippo)
    flat = np.full((300, 400, 3), 60, np.uint8)  # nothing in it is bright
    prepared = [matting.prepare(each, auto.spec) for each in (scene(), photo(flat), scene())]
    found = matting.infer_photos(auto, prepared, MattingRequest(check=False))
    assert [each.model_used for each in found] == ["fake 1"] * 3
    assert [bool(each.remark) for each in found] == [False, True, False]
    assert {shape[0] for shape in auto.expert.seen} == {1}


def test_the_chosen_expert_can_be_refined_by_the_same_zippo_model():
    zippo = grey(0.75)
    found, _ = infer(fake_auto(zippo), scene(), MattingRequest(refine="zippo"))
    assert found.model_used.startswith("fake-expert 7")
    assert "this is the matte of fake-expert" in found.remark
