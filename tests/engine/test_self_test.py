"""The self-test passes good sessions and fails those that answer nonsense, or else than the CPU."""

import numpy as np
import pytest

from tests.fake_experts import FakeExpert, fake_auto
from zippo_desktop.engine import self_test
from zippo_desktop.engine.fake_session import FakeSession
from zippo_desktop.engine.self_test import judge, matte_of_disc, run_self_test
from zippo_desktop.engine.session import SessionInfo
from zippo_desktop.errors import OutOfMemory


def test_a_session_on_the_cpu_is_its_own_measure():
    result = run_self_test(FakeSession())
    assert result.has_passed
    assert result.relative_error is None
    assert "finite" in result.sentence


def test_the_picture_has_a_subject_for_the_fake_network():
    matte = matte_of_disc(FakeSession())[0, 0]
    assert matte[32, 32] > 0.99
    assert matte[0, 0] < -0.99


@pytest.fixture
def cpu(monkeypatch):
    """Every other session is compared with this one; lists what was asked for."""
    asked = []
    reference = FakeSession()
    monkeypatch.setattr(self_test, "open_session", lambda *names: asked.append(names) or reference)
    yield asked
    assert reference.is_closed


def test_another_provider_is_compared_with_the_cpu(cpu):
    session = FakeSession(provider="cuda")
    result = run_self_test(session)
    assert result.has_passed
    assert result.relative_error == 0
    assert "close to" in result.sentence
    assert cpu == [(session.spec.model_dir, "fake", "cpu")]


class Skewed(FakeSession):
    def __init__(self, factor, **options):
        super().__init__(**options)
        self.factor = np.float32(factor)

    def decode_latents(self, latents):
        return super().decode_latents(latents) * self.factor


@pytest.mark.usefixtures("cpu")
def test_a_provider_that_answers_otherwise_fails():
    result = run_self_test(Skewed(1.03, provider="cuda"))
    assert not result.has_passed
    assert result.relative_error == pytest.approx(0.03, abs=1e-3)
    assert "differs too much" in result.sentence


@pytest.mark.usefixtures("cpu")
def test_half_precision_may_be_a_little_further_off():
    assert run_self_test(Skewed(1.03, provider="tensorrt")).has_passed


def test_numbers_that_are_not_finite_fail():
    result = run_self_test(Skewed(np.nan))
    assert not result.has_passed
    assert "not finite" in result.sentence


def test_an_engine_that_breaks_fails_with_its_own_words():
    result = run_self_test(FakeSession(failures={1: OutOfMemory("Memory ran out.")}))
    assert not result.has_passed
    assert "Memory ran out." in result.sentence


def test_the_error_is_relative_to_the_largest_value():
    result = judge(np.float32([10.1, 0.0]), np.float32([10.0, 0.0]), duration_s=1.0)
    assert result.relative_error == pytest.approx(0.01, rel=1e-3)


def test_an_expert_finds_the_disc():
    expert = FakeExpert()
    assert run_self_test(expert).has_passed
    matte = matte_of_disc(expert)[0]
    assert matte[48, 48] == 1
    assert matte[0, 0] == 0


def test_auto_has_passed_when_both_have(monkeypatch):
    assert run_self_test(fake_auto()).has_passed
    for broken in (
        fake_auto(zippo=Skewed(np.nan)),
        fake_auto(expert=FakeExpert(lambda pictures: np.full(pictures.shape[:3], np.nan))),
    ):
        result = run_self_test(broken)
        assert not result.has_passed
        assert "not finite" in result.sentence


def test_an_expert_elsewhere_is_compared_with_itself_on_the_cpu(monkeypatch):
    asked, expert, reference = [], FakeExpert(), FakeExpert()
    expert.info = SessionInfo("onnx", "cuda")
    monkeypatch.setattr(self_test, "open_expert", lambda *given: asked.append(given) or reference)
    assert run_self_test(expert).relative_error == 0
    assert asked == [(expert.spec, "onnx", "cpu")]
    assert reference.is_closed
