"""Samplers: the loops that turn noise into a clean latent, as pure functions of a denoiser."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zippo_desktop.diffusion.latents import Array
from zippo_desktop.diffusion.schedule import NoiseSchedule

Denoise = Callable[[Array, int], Array]  # (x_t, t) -> the network's prediction, all of x_t's shape
OnStep = Callable[[int, int], None]  # (steps done, steps in all); raise `Cancelled` in it to stop
OnClean = Callable[[Array], None]  # the clean latent as a step that is not the last believes it to be


@dataclass(frozen=True)
class Start:
    """A clean latent to begin from, partly noised (SDEdit, Meng et al. 2022, algorithm 1).

    `strength` in 0..1 is the share of the steps that are taken: 0 leaves the latent as it is, 1 forgets it.
    """

    clean: Array
    strength: float


@dataclass(frozen=True)
class Known:
    """What is known of the clean latent beforehand: the values of `clean` `where` that is true.

    Each step's clean latent is brought to it, so that the rest takes shape beside it (imputation, Song et al.
    2021, "Score-Based Generative Modeling through Stochastic Differential Equations", section 5). Both arrays
    go with the sample's shape [N,C,h,w].
    """

    clean: Array
    where: NDArray[np.bool_]

    def fill_in(self, clean: Array) -> Array:
        """A step's clean latent, with what is known."""
        return np.where(self.where, self.clean, clean)


def steps_taken(steps: int, strength: float) -> int:
    """How many of `steps` are taken from a `Start` of this strength."""
    return round(steps * strength)


def within(on_step: OnStep | None, before: int, total: int) -> OnStep | None:
    """Report the steps of a part as steps of the whole, of which `before` are done already."""
    if on_step is None:
        return None
    return lambda done, _: on_step(before + done, total)


def sample_ddim(
    denoise: Denoise,
    noise: Array,
    schedule: NoiseSchedule,
    steps: int,
    on_step: OnStep | None = None,
    start: Start | None = None,
    on_clean: OnClean | None = None,
    known: Known | None = None,
) -> Array:
    """DDIM with eta 0 (Song et al. 2021, equation 12): standard normal `noise` to a clean latent.

    Each step lands on the next timestep of the list, the last one on the clean latent itself.
    (diffusers lands on t - T // steps: the same wherever `steps` divides T.) One step from pure
    noise is the network's clean answer, unchanged. With a `start` the noisiest steps are left out; what
    is `known` of the clean latent is kept to.
    """
    timesteps = schedule.timesteps(steps)
    sample = noise
    if start is not None and start.strength < 1:
        timesteps = timesteps[steps - steps_taken(steps, start.strength) :]
        if not timesteps:
            return start.clean
        sample = schedule.add_noise(start.clean, noise, timesteps[0])
    for done, t in enumerate(timesteps, start=1):
        clean, predicted_noise = schedule.to_clean_and_noise(sample, denoise(sample, t), t)
        if known is not None:
            clean = known.fill_in(clean)
            predicted_noise = schedule.noise_beside(clean, sample, t)
        is_last = done == len(timesteps)
        sample = clean if is_last else schedule.add_noise(clean, predicted_noise, timesteps[done])
        if on_clean and not is_last:
            on_clean(clean)
        if on_step:
            on_step(done, len(timesteps))
    return sample


def sample_dpmpp(
    denoise: Denoise, noise: Array, schedule: NoiseSchedule, steps: int, on_step: OnStep | None = None
) -> Array:
    """DPM-Solver++ 2M (Lu et al. 2022, algorithm 2): as `sample_ddim`, of second order.

    The step's two ends differ in half log-SNR by h. From zero terminal SNR h is infinite: the
    step out of it, and the one after, are then of first order, which is the limit of the formula.
    """
    timesteps = schedule.timesteps(steps)
    sample = noise
    earlier: tuple[Array, int] | None = None  # the previous clean prediction, and its timestep
    for done, t in enumerate(timesteps, start=1):
        clean, _ = schedule.to_clean_and_noise(sample, denoise(sample, t), t)
        if done == steps:
            sample = clean
        else:
            following = timesteps[done]
            target = clean
            if earlier is not None:
                target = clean + _extrapolation(schedule, earlier[1], t, following) * (clean - earlier[0])
            sample = _move(schedule, sample, target, t, following)
        earlier = clean, t
        if on_step:
            on_step(done, steps)
    return sample


def _move(schedule: NoiseSchedule, sample: Array, clean: Array, t: int, following: int) -> Array:
    """The exact solution from x_t to x_following if the clean prediction stayed at `clean`.

    Lu et al. write alpha * (1 - exp(-h)) for the second weight; this form has no infinite h.
    """
    ratio = schedule.sigma(following) / schedule.sigma(t)
    return ratio * sample + (schedule.signal(following) - ratio * schedule.signal(t)) * clean


def _extrapolation(schedule: NoiseSchedule, previous: int, t: int, following: int) -> float:
    """1/(2r) of DPM-Solver++ 2M, r = (step before) / (this step) in half log-SNR."""
    before = _half_log_snr(schedule, t) - _half_log_snr(schedule, previous)
    this = _half_log_snr(schedule, following) - _half_log_snr(schedule, t)
    return this / (2 * before)


def _half_log_snr(schedule: NoiseSchedule, t: int) -> float:
    signal = schedule.signal(t)
    return float(np.log(signal / schedule.sigma(t))) if signal > 0 else -np.inf


def guide(conditional: Array, unconditional: Array, guidance: float, rescale: float = 0.0) -> Array:
    """Classifier-free guidance (Ho & Salimans 2022) of two predictions, each [N,...].

    `guidance` 1 is the conditional prediction itself. `rescale` in 0..1 mixes in the result with
    its standard deviation, for each of N, brought back to the conditional's, against
    over-exposure at high guidance (Lin et al. 2024, section 3.4).
    """
    guided: Array = unconditional + guidance * (conditional - unconditional)
    if rescale == 0.0:
        return guided
    axes = tuple(range(1, guided.ndim))
    deviation = conditional.std(axis=axes, keepdims=True)
    spread = guided.std(axis=axes, keepdims=True)
    factor = np.divide(deviation, spread, out=np.ones_like(spread), where=spread > 0)
    rescaled: Array = guided * (rescale * factor + (1.0 - rescale))
    return rescaled
