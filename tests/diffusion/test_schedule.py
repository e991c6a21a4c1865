"""The noise schedule against diffusers' own, and its algebra against itself."""

from itertools import pairwise

import numpy as np
import pytest

from zippo_desktop.diffusion.schedule import NoiseSchedule, rescale_zero_terminal_snr
from zippo_desktop.errors import ModelError, UsageError

ZIPPO = {
    "num_train_timesteps": 1000,
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "prediction_type": "v_prediction",
    "rescale_betas_zero_snr": True,
    "timestep_spacing": "trailing",
}


def reference(**changes):
    from diffusers import DDIMScheduler

    return DDIMScheduler(**{**ZIPPO, "clip_sample": False, **changes})


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"rescale_betas_zero_snr": False},
        {"beta_schedule": "linear", "beta_start": 0.0001, "beta_end": 0.02},
        {"trained_betas": [0.01, 0.02, 0.1, 0.3], "num_train_timesteps": 4},
    ],
)
def test_coefficients_are_those_of_diffusers(changes):
    ours = NoiseSchedule.from_config({**ZIPPO, **changes}).alphas_cumprod
    np.testing.assert_allclose(ours, reference(**changes).alphas_cumprod.numpy(), atol=2e-6)


def test_an_empty_config_has_the_defaults_of_diffusers():
    from diffusers import DDIMScheduler

    ours, theirs = NoiseSchedule.from_config({}), DDIMScheduler()
    np.testing.assert_allclose(ours.alphas_cumprod, theirs.alphas_cumprod.numpy(), atol=2e-6)
    assert ours.prediction_type == theirs.config["prediction_type"]
    assert ours.timestep_spacing == theirs.config["timestep_spacing"]
    assert ours.steps_offset == theirs.config["steps_offset"]


@pytest.mark.parametrize("spacing", ["trailing", "leading", "linspace"])
@pytest.mark.parametrize("steps", [1, 2, 3, 4, 7, 8, 20, 30, 50, 999])
@pytest.mark.parametrize("offset", [0, 1])
def test_timesteps_are_those_of_diffusers(spacing, steps, offset):
    changes = {"timestep_spacing": spacing, "steps_offset": offset}
    theirs = reference(**changes)
    theirs.set_timesteps(steps)
    assert NoiseSchedule.from_config({**ZIPPO, **changes}).timesteps(steps) == theirs.timesteps.tolist()


@pytest.mark.parametrize("steps", range(1, 1001, 37))
def test_trailing_timesteps_start_at_pure_noise_and_fall(steps):
    timesteps = NoiseSchedule.from_config(ZIPPO).timesteps(steps)
    assert len(timesteps) == steps
    assert timesteps[0] == 999
    assert all(later < earlier for earlier, later in pairwise(timesteps))
    assert timesteps[-1] >= 0


@pytest.mark.parametrize("steps", [0, -1, 1001])
def test_impossible_steps_are_refused(steps):
    with pytest.raises(UsageError, match=f"{steps} steps"):
        NoiseSchedule.from_config(ZIPPO).timesteps(steps)


def test_an_offset_past_the_end_is_refused():
    schedule = NoiseSchedule.from_config({**ZIPPO, "timestep_spacing": "leading", "steps_offset": 1})
    with pytest.raises(UsageError, match="not possible"):
        schedule.timesteps(1000)


def test_rescaling_ends_on_zero_and_keeps_the_first_value():
    before = NoiseSchedule.from_config({**ZIPPO, "rescale_betas_zero_snr": False}).alphas_cumprod
    after = rescale_zero_terminal_snr(before)
    assert before[-1] > 0
    assert after[-1] == 0.0
    assert after[0] == pytest.approx(before[0], rel=1e-12)
    assert np.all(np.diff(after) < 0)


@pytest.mark.parametrize("t", [0, 500, 998])
@pytest.mark.parametrize("kind", ["v_prediction", "epsilon", "sample"])
def test_a_perfect_prediction_gives_back_the_clean_latent_and_the_noise(kind, t):
    schedule = NoiseSchedule.from_config({**ZIPPO, "rescale_betas_zero_snr": False, "prediction_type": kind})
    clean, noise = np.random.default_rng(0).standard_normal((2, 1, 4, 8, 8))
    prediction = {"v_prediction": schedule.velocity(clean, noise, t), "epsilon": noise, "sample": clean}[kind]
    recovered = schedule.to_clean_and_noise(schedule.add_noise(clean, noise, t), prediction, t)
    np.testing.assert_allclose(recovered, (clean, noise), atol=1e-9)


def test_v_prediction_is_finite_and_pure_at_zero_terminal_snr():
    schedule = NoiseSchedule.from_config(ZIPPO)
    clean, noise = np.random.default_rng(1).standard_normal((2, 1, 4, 8, 8), dtype=np.float32)
    np.testing.assert_array_equal(schedule.add_noise(clean, noise, 999), noise)
    np.testing.assert_array_equal(schedule.velocity(clean, noise, 999), -clean)
    recovered, _ = schedule.to_clean_and_noise(noise, -clean, 999)
    np.testing.assert_array_equal(recovered, clean)
    assert recovered.dtype == np.float32


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"prediction_type": "epsilon"}, "zero terminal SNR"),
        ({"prediction_type": "flow"}, "prediction type 'flow'"),
        ({"timestep_spacing": "karras"}, "timestep spacing 'karras'"),
        ({"beta_schedule": "sigmoid"}, "beta schedule 'sigmoid'"),
    ],
)
def test_a_configuration_that_cannot_be_served_is_a_model_error(changes, words):
    with pytest.raises(ModelError, match=words):
        NoiseSchedule.from_config({**ZIPPO, **changes})
