"""The samplers against diffusers' schedulers, and against data whose denoiser is known in closed form."""

import math

import numpy as np
import pytest

from zippo_desktop.diffusion.sampler import Start, guide, sample_ddim, sample_dpmpp
from zippo_desktop.diffusion.schedule import NoiseSchedule
from zippo_desktop.errors import Cancelled

CONFIG = {
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "timestep_spacing": "trailing",
    "prediction_type": "v_prediction",
}
ZERO_SNR = NoiseSchedule.from_config({**CONFIG, "rescale_betas_zero_snr": True})
PLAIN = NoiseSchedule.from_config(CONFIG)
SAMPLERS = pytest.mark.parametrize("sampler", [sample_ddim, sample_dpmpp])


def noise_of(shape=(2, 4, 8, 8), seed=0, dtype=np.float32):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def nonlinear(sample, t):
    """A stand-in for a network: smooth, bounded, and different at each timestep."""
    return np.tanh(1.7 * sample - 0.3) * math.cos(t / 400) + 0.2 * sample


def run_reference(scheduler, noise, steps):
    import torch

    scheduler.set_timesteps(steps)
    sample = torch.from_numpy(noise)
    for t in scheduler.timesteps:
        prediction = torch.from_numpy(nonlinear(sample.numpy(), int(t)))
        sample = scheduler.step(prediction, t, sample).prev_sample
    return sample.numpy()


def gaussian(schedule, mean, deviation):
    """The exact v-prediction for data ~ N(mean, deviation^2), and the exact solution of its ODE.

    The posterior mean of the clean latent given x_t is linear in x_t; along the probability-flow
    ODE (x_t - signal * mean) / sqrt(signal^2 * deviation^2 + sigma^2) stays constant.
    """

    def spread(t):
        return schedule.signal(t) ** 2 * deviation**2 + schedule.sigma(t) ** 2

    def denoise(sample, t):
        signal, sigma = schedule.signal(t), schedule.sigma(t)
        clean = mean + signal * deviation**2 / spread(t) * (sample - signal * mean)
        return (signal * sample - clean) / sigma

    def solve(noise, start):
        return mean + deviation * (noise - schedule.signal(start) * mean) / np.sqrt(spread(start))

    return denoise, solve


@pytest.mark.parametrize("spacing", ["trailing", "leading"])
@pytest.mark.parametrize("steps", [1, 4, 8, 20, 50])
@pytest.mark.parametrize("kind", ["v_prediction", "epsilon", "sample"])
def test_ddim_agrees_with_diffusers(steps, spacing, kind):
    from diffusers import DDIMScheduler

    config = {**CONFIG, "timestep_spacing": spacing, "prediction_type": kind}
    ours = sample_ddim(nonlinear, noise_of(), NoiseSchedule.from_config(config), steps)
    theirs = run_reference(DDIMScheduler(**config, clip_sample=False), noise_of(), steps)
    np.testing.assert_allclose(ours, theirs, atol=2e-4 * np.abs(theirs).max())


@pytest.mark.parametrize("steps", [1, 8, 20])
def test_ddim_agrees_with_diffusers_at_zero_terminal_snr(steps):
    from diffusers import DDIMScheduler

    scheduler = DDIMScheduler(**CONFIG, rescale_betas_zero_snr=True, clip_sample=False)
    ours = sample_ddim(nonlinear, noise_of(), ZERO_SNR, steps)
    np.testing.assert_allclose(ours, run_reference(scheduler, noise_of(), steps), atol=1e-4)


@pytest.mark.parametrize("steps", [1, 2, 4, 8, 20, 50])
@pytest.mark.parametrize("kind", ["v_prediction", "epsilon", "sample"])
def test_dpmpp_agrees_with_diffusers(steps, kind):
    from diffusers import DPMSolverMultistepScheduler

    config = {**CONFIG, "prediction_type": kind}
    ours = sample_dpmpp(nonlinear, noise_of(), NoiseSchedule.from_config(config), steps)
    scheduler = DPMSolverMultistepScheduler(**config, algorithm_type="dpmsolver++", solver_order=2)
    theirs = run_reference(scheduler, noise_of(), steps)
    np.testing.assert_allclose(ours, theirs, atol=5e-4 * np.abs(theirs).max())


@SAMPLERS
def test_one_step_from_pure_noise_returns_the_predicted_clean_latent_exactly(sampler):
    clean = noise_of(seed=5)
    result = sampler(lambda sample, t: -clean, noise_of(), ZERO_SNR, 1)
    np.testing.assert_array_equal(result, clean)


@SAMPLERS
@pytest.mark.parametrize("steps", [1, 2, 3, 8, 30])
def test_data_that_is_a_single_point_is_found_at_any_number_of_steps(sampler, steps):
    denoise, _ = gaussian(ZERO_SNR, mean=0.7, deviation=0.0)
    result = sampler(denoise, noise_of(), ZERO_SNR, steps)
    np.testing.assert_allclose(result, 0.7, atol=1e-5)


@SAMPLERS
def test_gaussian_data_is_reached_along_the_exact_ode_solution(sampler):
    noise = noise_of((1, 4, 64, 64), dtype=np.float64)
    denoise, solve = gaussian(ZERO_SNR, mean=1.5, deviation=0.4)
    result = sampler(denoise, noise, ZERO_SNR, 500)
    np.testing.assert_allclose(result, solve(noise, start=999), atol=0.02)
    assert result.mean() == pytest.approx(1.5, abs=0.02)
    assert result.std() == pytest.approx(0.4, abs=0.02)


@pytest.mark.parametrize(("sampler", "least_gain"), [(sample_ddim, 1.7), (sample_dpmpp, 3.0)])
def test_doubling_the_steps_shrinks_the_error_as_the_order_says(sampler, least_gain):
    # "leading" ends on t = 0, so that the last jump, of first order in both, adds next to nothing.
    schedule = NoiseSchedule.from_config({**CONFIG, "timestep_spacing": "leading"})
    noise = noise_of(dtype=np.float64)
    denoise, solve = gaussian(schedule, mean=-0.5, deviation=0.6)

    def error(steps):
        exact = solve(noise, start=schedule.timesteps(steps)[0])
        return np.abs(sampler(denoise, noise, schedule, steps) - exact).max()

    assert error(100) / error(200) > least_gain


@SAMPLERS
def test_latents_stay_float32_and_finite(sampler):
    result = sampler(nonlinear, noise_of(), ZERO_SNR, 8)
    assert result.dtype == np.float32
    assert np.isfinite(result).all()


@SAMPLERS
def test_every_step_is_reported_and_a_cancel_stops_there(sampler):
    seen = []

    def on_step(done, total):
        seen.append((done, total))
        if done == 3:
            raise Cancelled

    with pytest.raises(Cancelled):
        sampler(nonlinear, noise_of(), ZERO_SNR, 5, on_step)
    assert seen == [(1, 5), (2, 5), (3, 5)]


@pytest.mark.parametrize(("strength", "taken"), [(0.0, 0), (0.04, 0), (0.5, 5), (0.96, 10), (1.0, 10)])
def test_strength_is_the_share_of_the_steps_that_are_taken(strength, taken):
    visited = []
    start = Start(noise_of(seed=3), strength)
    sample_ddim(lambda x, t: visited.append(t) or x, noise_of(), ZERO_SNR, 10, start=start)
    assert visited == ZERO_SNR.timesteps(10)[10 - taken :]


def test_a_start_is_kept_at_strength_nought_and_forgotten_at_one():
    start, noise = noise_of(seed=3), noise_of()
    np.testing.assert_array_equal(sample_ddim(nonlinear, noise, ZERO_SNR, 8, start=Start(start, 0.0)), start)
    for schedule in (ZERO_SNR, PLAIN):  # the plain one's last timestep still holds some of the picture
        np.testing.assert_array_equal(
            sample_ddim(nonlinear, noise, schedule, 8, start=Start(start, 1.0)),
            sample_ddim(nonlinear, noise, schedule, 8),
        )


def test_a_start_is_noised_to_the_timestep_of_its_first_step():
    seen = []
    clean, noise = noise_of(seed=3), noise_of()
    sample_ddim(lambda x, t: seen.append((x, t)) or x, noise, ZERO_SNR, 10, start=Start(clean, 0.3))
    first, t = seen[0]
    assert t == ZERO_SNR.timesteps(10)[7]
    np.testing.assert_array_equal(first, ZERO_SNR.add_noise(clean, noise, t))


def test_the_clean_estimate_is_told_at_every_step_but_the_last():
    told, reported = [], []
    noise = noise_of()
    clean = sample_ddim(
        nonlinear, noise, ZERO_SNR, 5, lambda done, _: reported.append(len(told)), on_clean=told.append
    )
    assert reported == [1, 2, 3, 4, 4]  # before the step is reported, for that may stop or pause
    expected, _ = ZERO_SNR.to_clean_and_noise(noise, nonlinear(noise, t := ZERO_SNR.timesteps(5)[0]), t)
    np.testing.assert_array_equal(told[0], expected)
    np.testing.assert_array_equal(clean, sample_ddim(nonlinear, noise, ZERO_SNR, 5))


def test_guidance_one_is_the_conditional_and_zero_the_unconditional():
    conditional, unconditional = noise_of(seed=1), noise_of(seed=2)
    np.testing.assert_allclose(guide(conditional, unconditional, 1.0), conditional, atol=1e-6)
    np.testing.assert_array_equal(guide(conditional, unconditional, 0.0), unconditional)


def test_guidance_extrapolates_linearly():
    assert guide(np.float32([[3.0]]), np.float32([[1.0]]), 4.0) == pytest.approx(9.0)


def test_guidance_rescale_is_that_of_diffusers():
    import torch
    from diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion import rescale_noise_cfg

    conditional, unconditional = noise_of(seed=1), noise_of(seed=2)
    ours = guide(conditional, unconditional, 7.5, rescale=0.7)
    guided = torch.from_numpy(guide(conditional, unconditional, 7.5))
    theirs = rescale_noise_cfg(guided, torch.from_numpy(conditional), guidance_rescale=0.7)
    np.testing.assert_allclose(ours, theirs.numpy(), rtol=1e-4, atol=1e-5)


def test_guidance_rescale_survives_a_constant_prediction():
    zeros = np.zeros((1, 4, 2, 2), np.float32)
    np.testing.assert_array_equal(guide(zeros, zeros, 7.5, rescale=0.7), zeros)
