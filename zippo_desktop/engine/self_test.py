"""A one-image test of an opened session: are its answers finite, and close to the CPU's?"""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import dataclass

import numpy as np

from zippo_desktop.diffusion.latents import Array, Branch, draw_noise, join
from zippo_desktop.diffusion.sampler import sample_ddim
from zippo_desktop.engine.open_session import open_expert, open_session
from zippo_desktop.engine.session import ModelSpec, Session, ZippoSession, is_auto, is_expert, zippo_of
from zippo_desktop.errors import EngineError

TOLERANCE = 0.02  # of the largest answer
HALF_PRECISION_TOLERANCE = 0.05  # TensorRT computes in fp16


@dataclass(frozen=True)
class SelfTest:
    """The outcome, and one sentence for a person."""

    has_passed: bool
    duration_s: float
    relative_error: float | None  # None where there is nothing to compare with
    sentence: str


def run_self_test(session: Session) -> SelfTest:
    """Matte one drawn picture with `session`, and with the same engine on the CPU if it is elsewhere."""
    if is_auto(session):
        return _both(run_self_test(session.zippo), run_self_test(session.expert))
    try:
        started = time.perf_counter()
        matte = matte_of_disc(session)
        duration_s = time.perf_counter() - started
        if session.info.provider == "cpu":
            return judge(matte, None, duration_s)
        with closing(_on_cpu(session)) as reference:
            return judge(matte, matte_of_disc(reference), duration_s, _tolerance(session))
    except EngineError as error:
        return SelfTest(False, 0.0, None, str(error))


def _on_cpu(session: Session) -> Session:
    """The same model on the same engine's CPU provider."""
    if is_expert(session):
        return open_expert(session.spec, session.info.engine, "cpu")
    return open_session(session.spec.model_dir, session.info.engine, "cpu")


def _both(one: SelfTest, other: SelfTest) -> SelfTest:
    errors = [test.relative_error for test in (one, other) if test.relative_error is not None]
    return SelfTest(
        one.has_passed and other.has_passed,
        one.duration_s + other.duration_s,
        max(errors, default=None),
        f"{one.sentence} {other.sentence}",
    )


def judge(
    answer: Array, reference: Array | None, duration_s: float, tolerance: float = TOLERANCE
) -> SelfTest:
    """Weigh an answer against the CPU's, or alone if the CPU gave it."""
    if not np.isfinite(answer).all():
        return SelfTest(False, duration_s, None, "The answer holds numbers that are not finite.")
    if reference is None:
        return SelfTest(True, duration_s, None, f"The answer is finite ({duration_s:.2f} s).")
    error = float(np.abs(answer - reference).max() / np.abs(reference).max())
    has_passed = error <= tolerance
    verdict = "is close to" if has_passed else "differs too much from"
    sentence = f"The answer {verdict} the CPU's: {error:.1e} of its largest value ({duration_s:.2f} s)."
    return SelfTest(has_passed, duration_s, error, sentence)


def matte_of_disc(session: Session) -> Array:
    """The matte of a bright disc: an expert's [1,S,S] in 0..1, Zippo's of one step [1,3,S,S] about -1..1."""
    if is_expert(session):
        picture = disc_picture(session.spec) * np.float32(0.5) + np.float32(0.5)
        return session.mattes(picture.transpose(0, 2, 3, 1))
    return _matte_in_one_step(zippo_of(session))


def _matte_in_one_step(session: ZippoSession) -> Array:
    spec = session.spec
    rgb, text = session.encode_images(disc_picture(spec)) * spec.rgb_gain, session.encode_prompts([""])

    def denoise(matte: Array, t: int) -> Array:
        return session.denoise(join(rgb, matte), t, [Branch.RGB_TO_MATTE], text)

    return session.decode_latents(sample_ddim(denoise, draw_noise(0, rgb.shape), spec.schedule, steps=1))


def disc_picture(spec: ModelSpec) -> Array:
    """A bright disc on a dark ground, [1,3,S,S] in -1..1, at the size the model was trained on."""
    y, x = np.mgrid[-1 : 1 : spec.size_px * 1j, -1 : 1 : spec.size_px * 1j]
    disc = np.where(y**2 + x**2 < 0.25, 0.8, -0.6).astype(np.float32)
    return np.repeat(disc[None, None], 3, axis=1)


def _tolerance(session: Session) -> float:
    return HALF_PRECISION_TOLERANCE if session.info.provider == "tensorrt" else TOLERANCE
