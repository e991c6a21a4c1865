"""How far a matte is believed: each doubt by a matte that earns it, and none by one that does not."""

from dataclasses import replace

import numpy as np
import pytest

from tests.photos import half_white
from zippo_desktop.engine.fake_session import FakeSession
from zippo_desktop.pipelines import confidence, matting
from zippo_desktop.pipelines.confidence import UNCERTAIN_BELOW, Assessment, assess
from zippo_desktop.pipelines.matting import NetworkMatte
from zippo_desktop.pipelines.request import MattingRequest
from zippo_desktop.pipelines.second_pass import decidedness


def disc(size=(96, 128), centre=(0.5, 0.5), radius=0.25, edge=0.02):
    """A matte of one round subject; lengths in shares of the height."""
    rows, columns = np.mgrid[: size[0], : size[1]] / size[0]
    distance = np.hypot(rows - centre[0], columns - centre[1] * size[1] / size[0])
    return np.clip((radius - distance) / edge + 0.5, 0, 1).astype(np.float32)


def judged(matte, first=None, **known):
    agreed = {"mirror_agreement": 0.97, "scale_agreement": 0.95} | known
    return assess(NetworkMatte(matte if first is None else first, **agreed), matte)


def test_a_clear_subject_raises_no_doubt():
    assessment = judged(disc())
    assert assessment.confidence > 0.9
    assert assessment.doubts == ()


@pytest.mark.parametrize(
    ("matte", "known", "doubt"),
    [
        (disc(), {"mirror_agreement": 0.6}, confidence.MIRROR),
        (disc(), {"scale_agreement": 0.6}, confidence.SCALE),
        (0.7 * disc(), {}, confidence.SOFT),
        (disc(edge=0.6), {}, confidence.SOFT),
        (disc(centre=(0.9, 0.5)), {}, confidence.TOUCHING),
        (np.maximum(disc(centre=(0.5, 0.2), radius=0.1), disc(centre=(0.5, 0.8))), {}, confidence.PARTS),
    ],
)
def test_each_doubt_has_its_reason_alone(matte, known, doubt):
    assessment = judged(matte, **known)
    assert assessment.doubts == (doubt,)
    assert assessment.confidence < judged(disc()).confidence or doubt in (
        confidence.TOUCHING,
        confidence.PARTS,
    )


@pytest.mark.parametrize("level", [0.0, 0.04, 0.3])
def test_nothing_found_is_no_confidence(level):
    assert judged(np.full((60, 80), level, np.float32)) == Assessment(0.0, (confidence.NOTHING,))


@pytest.mark.parametrize("level", [0.6, 1.0])
def test_everything_found_is_none_either(level):
    assert judged(np.full((60, 80), level, np.float32)) == Assessment(0.0, (confidence.EVERYTHING,))


def test_a_small_subject_in_a_large_photo_is_something():
    matte = np.zeros((3000, 4000), np.float32)
    matte[1000:1060, 2000:2060] = 1
    assert judged(matte, first=disc()).doubts == ()


def test_specks_are_no_parts_and_a_touching_pixel_is_no_border():
    matte = disc()
    matte[5:8, 5:8] = 1
    matte[0, 64] = 1
    assert judged(matte).doubts == ()


@pytest.mark.parametrize("name", ["mirror_agreement", "scale_agreement"])
def test_more_agreement_is_more_confidence(name):
    values = [judged(disc(), **{name: level}).confidence for level in np.linspace(0, 1, 6)]
    assert values == sorted(set(values))


def test_a_softer_matte_is_less_confidence():
    values = [judged(disc(edge=edge)).confidence for edge in (0.02, 0.1, 0.3, 0.6)]
    assert values == sorted(set(values), reverse=True)


def test_the_closer_look_counts_where_there_is_one():
    found = NetworkMatte(disc(edge=0.6), mirror_agreement=0.97)
    closer = replace(found, closer=disc())
    assert assess(closer, disc()).confidence > assess(found, disc()).confidence


def test_what_is_not_known_does_not_count():
    soft = assess(NetworkMatte(0.6 * disc()), disc())
    assert soft.confidence == pytest.approx(decidedness(0.6 * disc()))
    assert soft.doubts == (confidence.SOFT,)


def test_what_is_uncertain_has_a_doubt():
    rng = np.random.default_rng(0)
    for _ in range(100):
        mirror, scale, alpha = rng.uniform(0, 1, 3)
        assessment = judged((0.5 + alpha / 2) * disc(), mirror_agreement=mirror, scale_agreement=scale)
        assert 0 <= assessment.confidence <= 1
        assert assessment.doubts or assessment.confidence >= UNCERTAIN_BELOW


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (300, 1), (2, 3), (17, 999)])
@pytest.mark.parametrize("pattern", [np.zeros, np.ones, "stripes", "noise"])
def test_odd_shapes_are_judged(shape, pattern):
    if pattern == "stripes":
        matte = np.indices(shape).sum(axis=0).astype(np.float32) % 2
    elif pattern == "noise":
        matte = np.random.default_rng(0).uniform(size=shape).astype(np.float32)
    else:
        matte = pattern(shape, np.float32)
    assessment = judged(matte)
    assert 0 <= assessment.confidence <= 1
    assert all(doubt.endswith(".") for doubt in assessment.doubts)


def test_decidedness_is_of_the_subject_alone():
    assert decidedness(np.zeros((3, 3), np.float32)) == 0
    assert decidedness(np.float32([[1, 0], [1, 0]])) == 1
    assert decidedness(np.float32([[0.5, 0], [0, 0]])) == 0.5


def test_from_photo_to_assessment():
    session = FakeSession()
    prepared = matting.Prepared(half_white(64, 64), matting.fit(half_white(64, 64), session.spec))
    found = matting.infer_photo(session, prepared, MattingRequest())
    assessment = assess(found, matting.native_matte(found, prepared))
    assert assessment.confidence > 0.95
    assert assessment.doubts == (confidence.TOUCHING,)
