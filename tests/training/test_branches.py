"""The training step's inputs: which half is noisy in which branch, and whose noise it is."""

import numpy as np
import torch

from zippo_desktop.diffusion.latents import Branch
from zippo_desktop.diffusion.schedule import NoiseSchedule
from zippo_desktop.training.branches import PairBatch, RowMaker, Rows
from zippo_desktop.training.config import UnetConfig

C, F = 3, 2
SCHEDULE = NoiseSchedule.from_config(
    {
        "beta_schedule": "scaled_linear",
        "beta_start": 0.00085,
        "beta_end": 0.012,
        "prediction_type": "v_prediction",
        "rescale_betas_zero_snr": True,
        "timestep_spacing": "trailing",
    }
)


def batch(studio: list[bool]) -> PairBatch:
    torch.manual_seed(0)
    count = len(studio)
    return PairBatch(
        torch.randn(count, C, 4, 4),
        torch.randn(count, C, 4, 4),
        torch.rand(count, 32, 32),
        torch.randn(count, 5, 7),
        torch.tensor(studio),
        torch.randn(count, F, 4, 4),
    )


def rows_of(pairs: PairBatch, **settings: object) -> Rows:
    torch.manual_seed(1)
    config = UnetConfig(**{"last_step_share": 0.0, **settings})  # type: ignore[arg-type]
    return RowMaker(SCHEDULE, config, torch.zeros(1, 5, 7)).rows(pairs)


def clean_and_noise(rows: Rows, branch: Branch) -> tuple[torch.Tensor, torch.Tensor]:
    """Undo the branch's noise with its own target: x0 = alpha x - sigma v, e = sigma x + alpha v."""
    chosen = rows.branches == branch
    half = 1 if branch.targets_matte else 0
    noisy = rows.latents[chosen][:, half * C : (half + 1) * C]
    alphas = torch.from_numpy(SCHEDULE.alphas_cumprod).float()[rows.timesteps[chosen]].view(-1, 1, 1, 1)
    alpha, sigma = alphas.sqrt(), (1 - alphas).sqrt()
    target = rows.targets[chosen]
    return alpha * noisy - sigma * target, sigma * noisy + alpha * target


def test_scenes_train_matting_alone_and_studio_shots_all_branches():
    rows = rows_of(batch([False, True, True]))

    counts = {branch: int((rows.branches == branch).sum()) for branch in Branch}

    assert counts == {
        Branch.RGB_TO_MATTE: 3,
        Branch.MATTE_TO_RGB: 2,
        Branch.JOINT_RGB: 2,
        Branch.JOINT_MATTE: 2,
    }


def test_the_condition_is_clean_and_sits_in_its_own_slot():
    pairs = batch([True, True])
    rows = rows_of(pairs)

    matting_rgb, _ = rows.latents[rows.branches == Branch.RGB_TO_MATTE][:, : 2 * C].chunk(2, dim=1)
    _, painting_matte = rows.latents[rows.branches == Branch.MATTE_TO_RGB][:, : 2 * C].chunk(2, dim=1)

    torch.testing.assert_close(matting_rgb, pairs.rgb)
    torch.testing.assert_close(painting_matte, pairs.matte)


def test_targets_take_the_noisy_half_apart_again():
    pairs = batch([True, True])
    rows = rows_of(pairs)

    for branch in Branch:
        clean, _ = clean_and_noise(rows, branch)
        torch.testing.assert_close(
            clean, pairs.matte if branch.targets_matte else pairs.rgb, atol=1e-4, rtol=1e-4
        )


def test_the_joint_branch_reuses_the_conditionals_noise_and_timestep():
    rows = rows_of(batch([True, True, True]))

    for joint, single in (
        (Branch.JOINT_MATTE, Branch.RGB_TO_MATTE),
        (Branch.JOINT_RGB, Branch.MATTE_TO_RGB),
    ):
        assert torch.equal(rows.timesteps[rows.branches == joint], rows.timesteps[rows.branches == single])
        torch.testing.assert_close(
            clean_and_noise(rows, joint)[1], clean_and_noise(rows, single)[1], atol=1e-4, rtol=1e-4
        )


def test_without_reassignment_the_joint_branch_has_noise_of_its_own():
    rows = rows_of(batch([True] * 4), reassign_noise=False)

    joint, single = (clean_and_noise(rows, branch)[1] for branch in (Branch.JOINT_MATTE, Branch.RGB_TO_MATTE))

    assert (joint - single).abs().mean() > 0.5


def test_both_joint_branches_see_the_same_joint_latent():
    rows = rows_of(batch([True, True]))

    first, second = (
        rows.latents[rows.branches == branch] for branch in (Branch.JOINT_RGB, Branch.JOINT_MATTE)
    )

    assert torch.equal(first, second)


def test_without_identifier_all_rows_carry_the_same_one():
    rows = rows_of(batch([True, False]), use_identifier=False)

    assert rows.identifiers.unique().tolist() == [0]
    assert len(rows.branches.unique()) == 4


def test_scenes_can_all_sit_at_pure_noise():
    rows = rows_of(batch([False] * 6 + [True] * 2), last_step_share=1.0)

    matting = rows.timesteps[rows.branches == Branch.RGB_TO_MATTE]
    assert matting[:6].tolist() == [999] * 6
    assert matting[6:].tolist() != [999] * 2


def test_captions_are_dropped_at_the_asked_rates():
    rows = rows_of(batch([True] * 400), caption_dropout=0.1, matting_caption_dropout=1.0)

    is_empty = (rows.text == 0).all(dim=2).all(dim=1)
    rates = {branch: float(is_empty[rows.branches == branch].float().mean()) for branch in Branch}

    assert rates[Branch.RGB_TO_MATTE] == 1.0
    assert np.isclose(rates[Branch.MATTE_TO_RGB], 0.1, atol=0.05)
    assert rates[Branch.JOINT_RGB] == rates[Branch.JOINT_MATTE]


def test_a_perfect_prediction_gives_the_clean_matte_latents_of_the_rows_at_pure_noise():
    pairs = batch([False, False, True])
    torch.manual_seed(1)
    maker = RowMaker(SCHEDULE, UnetConfig(last_step_share=1.0), torch.zeros(1, 5, 7))
    rows = maker.rows(pairs)

    at_last, clean = maker.one_step_mattes(rows, rows.targets, 3)

    assert at_last.tolist()[:2] == [True, True]
    torch.testing.assert_close(clean[:2], pairs.matte[:2], atol=1e-5, rtol=1e-5)


def test_only_a_picture_that_is_there_has_features():
    pairs = batch([False, True])
    rows = rows_of(pairs)
    features = rows.latents[:, 2 * C :]

    torch.testing.assert_close(features[rows.branches == Branch.RGB_TO_MATTE], pairs.features)
    assert not features[rows.branches != Branch.RGB_TO_MATTE].any()


def test_studio_shots_can_be_drawn_towards_the_noisy_end_and_scenes_stay_uniform():
    pairs = batch([False, True] * 400)
    t = rows_of(pairs, studio_t_power=0.5).timesteps[: len(pairs.rgb)].float()

    assert 440 < t[~pairs.is_studio].mean() < 560
    assert 620 < t[pairs.is_studio].mean() < 710
