"""From noise prediction to v-prediction: the same knowledge in other terms, begun once, ended at the end."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tests.tiny_models import TEXT_WIDTH, build_tiny_sd, build_tiny_sd2
from tests.training.material import write_material
from tests.training.test_stable_diffusion import CONFIG, NAMES
from zippo_desktop.diffusion.latents import Branch
from zippo_desktop.diffusion.schedule import NoiseSchedule
from zippo_desktop.engine.model_store import read_json, read_spec
from zippo_desktop.engine.zippo_unet import load_unet
from zippo_desktop.errors import UsageError
from zippo_desktop.training.branches import PairBatch, RowMaker
from zippo_desktop.training.config import TrainConfig, UnetConfig, read_config
from zippo_desktop.training.conversion import (
    BASE,
    LEAST_SIGNAL,
    ROWS_A_PAIR,
    SCHEDULER,
    FrozenBase,
    begin_conversion,
    converted_scheduler,
    time_of,
)
from zippo_desktop.training.initialise import initialise
from zippo_desktop.training.train import train
from zippo_desktop.training.unet_losses import step_losses

WHITE = torch.linspace(-1, 1, 4).view(1, 4, 1, 1).expand(1, 4, 4, 4)
EMPTY = torch.zeros(1, 5, TEXT_WIDTH)


@pytest.fixture
def config(tmp_path: Path) -> TrainConfig:
    initialise(build_tiny_sd(tmp_path / "sd"), tmp_path / "model")
    path = tmp_path / "train.toml"
    path.write_text(CONFIG.format(steps=2) + 'prediction = "v_prediction"\n', encoding="utf-8")
    return read_config(path)


@pytest.fixture
def base(config: TrainConfig) -> FrozenBase:
    begin_conversion(config)
    return FrozenBase(config.run_dir, WHITE, EMPTY, UnetConfig())


def test_a_time_has_the_asked_noise_and_stays_within_the_schedule(config: TrainConfig):
    schedule = read_spec(config.model_dir).schedule
    power = float(schedule.alphas_cumprod[400])

    assert time_of(schedule, power / (1 - power)) == pytest.approx(400, abs=1e-6)
    assert 400 < time_of(schedule, 0.999 * power / (1 - power)) < 401
    assert (time_of(schedule, 1e9), time_of(schedule, 1e-9)) == (0, 999)


def test_the_bases_velocity_is_its_noise_at_the_same_noise(base: FrozenBase, config: TrainConfig):
    torch.manual_seed(0)
    noisy, text, t = torch.randn(2, 4, 4, 4), torch.randn(2, 5, TEXT_WIDTH), torch.tensor([100, 700])
    network = load_unet(config.model_dir / "unet")
    old, new = base.base_schedule, base.schedule

    velocity = base.velocity(noisy, t, text)

    for index, step in enumerate(t.tolist()):
        power = float(new.alphas_cumprod[step])
        time = time_of(old, power / (1 - power))
        one = noisy[index : index + 1]
        with torch.no_grad():
            labels = torch.tensor([3])
            noise = network(
                torch.cat([one, one], 1), time, text[index : index + 1], class_labels=labels
            ).sample
        clean = (one - new.sigma(step) * noise) / new.signal(step)
        expected = new.signal(step) * noise - new.sigma(step) * clean
        torch.testing.assert_close(velocity[index : index + 1], expected, atol=1e-4, rtol=1e-3)


def test_a_base_that_predicts_velocities_is_taken_at_its_word(tmp_path: Path, config: TrainConfig):
    initialise(build_tiny_sd2(tmp_path / "sd2"), tmp_path / "model2")
    config = replace(config, model_dir=tmp_path / "model2")
    begin_conversion(config)
    base = FrozenBase(config.run_dir, WHITE, EMPTY, UnetConfig())
    noisy, text, t = torch.randn(1, 4, 4, 4), torch.randn(1, 5, TEXT_WIDTH), torch.tensor([500])

    with torch.no_grad():
        time = time_of(base.base_schedule, _ratio(base.schedule, 500))
        expected = base.unet(torch.cat([noisy, noisy], 1), time, text, class_labels=torch.tensor([0])).sample

    assert abs(time - 500) > 1  # the two schedules do differ
    torch.testing.assert_close(base.velocity(noisy, t, text), expected, atol=1e-4, rtol=1e-3)


def _ratio(schedule: NoiseSchedule, step: int) -> float:
    power = float(schedule.alphas_cumprod[step])
    return power / (1 - power)


def test_the_rows_are_pictures_in_a_white_matte_and_the_base_says_what_they_are(base: FrozenBase):
    torch.manual_seed(0)
    batch = _pairs(64)

    rows = base.rows(batch)

    noisy, matte = rows.latents.chunk(2, dim=1)
    signal = base._signal[rows.timesteps]
    is_known = signal >= LEAST_SIGNAL
    said = base.velocity(noisy, rows.timesteps, rows.text)
    assert len(rows.timesteps) == ROWS_A_PAIR * 64
    assert torch.equal(matte, WHITE.expand_as(matte))
    assert set(rows.identifiers.tolist()) == {int(Branch.MATTE_TO_RGB)}
    assert 0 < (~is_known).sum() < is_known.sum()
    assert torch.isfinite(rows.targets).all()
    torch.testing.assert_close(rows.targets[is_known], said[is_known])
    clean = batch.rgb.repeat(ROWS_A_PAIR, 1, 1, 1)
    true = (signal.view(-1, 1, 1, 1) * noisy - clean) / base._sigma[rows.timesteps].view(-1, 1, 1, 1)
    torch.testing.assert_close(rows.targets[~is_known], true[~is_known], atol=1e-4, rtol=1e-4)


def test_captioned_pictures_take_the_place_of_as_many_pairs(config: TrainConfig):
    begin_conversion(config)
    torch.manual_seed(0)
    captioned, batch = _pairs(2), _pairs(4)
    unet = UnetConfig(caption_dropout=0.0)
    base = FrozenBase(config.run_dir, WHITE, EMPTY, unet, captioned=iter([captioned]))

    rows = base.rows(batch)

    mixed = torch.cat([captioned.text, batch.text[:2]])
    assert torch.equal(rows.text, mixed.repeat(ROWS_A_PAIR, 1, 1))
    signal, sigma = (
        values.view(-1, 1, 1, 1) for values in (base._signal[rows.timesteps], base._sigma[rows.timesteps])
    )
    is_true = signal.flatten() < LEAST_SIGNAL
    clean = signal * rows.latents[:, :4] - sigma * rows.targets
    pictures = torch.cat([captioned.rgb, batch.rgb[:2]]).repeat(ROWS_A_PAIR, 1, 1, 1)
    assert is_true.any()
    torch.testing.assert_close(clean[is_true], pictures[is_true], atol=1e-4, rtol=1e-4)


def test_captions_are_dropped_as_in_the_other_branches(base: FrozenBase):
    torch.manual_seed(0)
    rows = base.rows(_pairs(300))
    is_empty = (rows.text == 0).all(dim=2).all(dim=1)
    assert 0.05 < float(is_empty.float().mean()) < 0.15


def test_pairs_are_trained_beside_the_base_at_its_weight(base: FrozenBase):
    batch, network = _pairs(2), base.unet
    maker = RowMaker(base.schedule, UnetConfig(base_weight=3.0), EMPTY)

    losses = step_losses(network, None, maker, batch, base)

    torch.manual_seed(0)
    alone = step_losses(network, None, maker, batch)
    torch.manual_seed(0)
    again = step_losses(network, None, maker, batch, base)
    torch.testing.assert_close(again["matte_to_rgb"], alone["matte_to_rgb"])
    torch.testing.assert_close(again["total"], alone["total"] + 3 * again["base"])
    assert float(losses["base"]) > 0


def _pairs(count: int) -> PairBatch:
    return PairBatch(
        torch.randn(count, 4, 4, 4),
        torch.randn(count, 4, 4, 4),
        torch.rand(count, 32, 32),
        torch.randn(count, 5, TEXT_WIDTH),
        torch.ones(count, dtype=torch.bool),
        torch.zeros(count, 0, 4, 4),
    )


def test_nothing_is_begun_unasked_and_what_was_begun_is_not_begun_again(config: TrainConfig):
    begin_conversion(replace(config, unet=UnetConfig()))
    assert converted_scheduler(config.run_dir) is None

    begin_conversion(config)
    scheduler = converted_scheduler(config.run_dir)
    assert NoiseSchedule.from_config(scheduler).has_zero_terminal_snr
    assert read_spec(config.model_dir).schedule.prediction_type == "epsilon"

    kept = config.run_dir / BASE / SCHEDULER
    kept.write_text(json.dumps(read_json(kept) | {"note": "kept"}), encoding="utf-8")
    begin_conversion(config)
    assert read_json(kept)["note"] == "kept"


def test_a_network_that_knows_pairs_is_refused(config: TrainConfig):
    config.run_dir.mkdir(parents=True)
    (config.run_dir / "checkpoint.safetensors").touch()
    with pytest.raises(UsageError, match="trained on pairs already"):
        begin_conversion(config)


@pytest.mark.slow
@pytest.mark.usefixtures("quick_ends")
def test_a_stopped_conversion_goes_on_and_the_folder_changes_at_the_end(tmp_path: Path, config: TrainConfig):
    write_material(tmp_path, names=NAMES)
    path = tmp_path / "train.toml"
    text = path.read_text("utf-8") + "conversion_steps = 3\n"
    path.write_text(text, encoding="utf-8")
    begun = path.read_text("utf-8").replace("steps = 2", "steps = 5", 1)
    train(path)  # two of three steps of the conversion
    path.write_text(begun, encoding="utf-8")
    train(path)

    log = [json.loads(line) for line in (config.run_dir / "log.jsonl").open(encoding="utf-8")]

    assert ["rgb_to_matte" in row for row in log] == [False, False, False, True, True]
    assert all("base" in row for row in log)
    assert read_spec(config.model_dir).schedule.has_zero_terminal_snr
