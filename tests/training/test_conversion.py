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
from zippo_desktop.diffusion.schedule import NoiseSchedule
from zippo_desktop.engine.model_store import read_json, read_spec
from zippo_desktop.engine.zippo_unet import load_unet
from zippo_desktop.errors import UsageError
from zippo_desktop.training.branches import PairBatch
from zippo_desktop.training.config import TrainConfig, UnetConfig, read_config
from zippo_desktop.training.conversion import (
    BASE,
    LEAST_SIGNAL,
    SCHEDULER,
    Conversion,
    begin_conversion,
    converted_scheduler,
    time_of,
)
from zippo_desktop.training.initialise import initialise
from zippo_desktop.training.train import train

EMPTY = torch.zeros(1, 5, TEXT_WIDTH)


@pytest.fixture
def config(tmp_path: Path) -> TrainConfig:
    initialise(build_tiny_sd(tmp_path / "sd"), tmp_path / "model")
    path = tmp_path / "train.toml"
    path.write_text(CONFIG.format(steps=2) + 'prediction = "v_prediction"\n', encoding="utf-8")
    return read_config(path)


@pytest.fixture
def conversion(config: TrainConfig) -> Conversion:
    begin_conversion(config)
    return Conversion(config.run_dir, EMPTY, UnetConfig(), torch.device("cpu"))


def test_a_time_has_the_asked_noise_and_stays_within_the_schedule(config: TrainConfig):
    schedule = read_spec(config.model_dir).schedule
    power = float(schedule.alphas_cumprod[400])

    assert time_of(schedule, power / (1 - power)) == pytest.approx(400, abs=1e-6)
    assert 400 < time_of(schedule, 0.999 * power / (1 - power)) < 401
    assert (time_of(schedule, 1e9), time_of(schedule, 1e-9)) == (0, 999)


def test_the_bases_velocity_is_its_noise_at_the_same_noise(conversion: Conversion, config: TrainConfig):
    torch.manual_seed(0)
    noisy, text, t = torch.randn(2, 4, 4, 4), torch.randn(2, 5, TEXT_WIDTH), torch.tensor([100, 700])
    base = load_unet(config.model_dir / "unet")
    old, new = conversion.base_schedule, conversion.schedule

    velocity = conversion.velocity(noisy, t, text)

    for index, step in enumerate(t.tolist()):
        power = float(new.alphas_cumprod[step])
        time = time_of(old, power / (1 - power))
        one = noisy[index : index + 1]
        with torch.no_grad():
            labels = torch.tensor([3])
            noise = base(torch.cat([one, one], 1), time, text[index : index + 1], class_labels=labels).sample
        clean = (one - new.sigma(step) * noise) / new.signal(step)
        expected = new.signal(step) * noise - new.sigma(step) * clean
        torch.testing.assert_close(velocity[index : index + 1], expected, atol=1e-4, rtol=1e-3)


def test_a_base_that_predicts_velocities_is_taken_at_its_word(tmp_path: Path, config: TrainConfig):
    initialise(build_tiny_sd2(tmp_path / "sd2"), tmp_path / "model2")
    config = replace(config, model_dir=tmp_path / "model2")
    begin_conversion(config)
    conversion = Conversion(config.run_dir, EMPTY, UnetConfig(), torch.device("cpu"))
    noisy, text, t = torch.randn(1, 4, 4, 4), torch.randn(1, 5, TEXT_WIDTH), torch.tensor([500])

    with torch.no_grad():
        time = time_of(conversion.base_schedule, _ratio(conversion.schedule, 500))
        expected = conversion.base(
            torch.cat([noisy, noisy], 1), time, text, class_labels=torch.tensor([0])
        ).sample

    assert abs(time - 500) > 1  # the two schedules do differ
    torch.testing.assert_close(conversion.velocity(noisy, t, text), expected, atol=1e-4, rtol=1e-3)


def _ratio(schedule: NoiseSchedule, step: int) -> float:
    power = float(schedule.alphas_cumprod[step])
    return power / (1 - power)


class Echo(torch.nn.Module):
    """Answers what it is told to, and remembers what it was asked."""

    def __init__(self, answer):
        super().__init__()
        self.answer = answer

    def forward(self, sample, t, text, class_labels):
        self.asked = sample, t, text, class_labels
        return type("Answer", (), {"sample": self.answer(sample, t, text)})


def test_a_network_that_says_what_the_base_says_has_no_loss_where_a_picture_is_left(conversion: Conversion):
    torch.manual_seed(0)
    batch = _pairs(64)

    def as_the_base(sample, t, text):
        return conversion.velocity(sample[:, :4], t, text)

    network = Echo(as_the_base)
    signal = conversion._signal
    conversion._signal = signal.clamp_min(LEAST_SIGNAL)  # no step is all noise
    losses = conversion.losses(network, batch)

    sample, _, _, labels = network.asked
    assert float(losses["total"]) < 1e-9
    assert torch.equal(sample[:, :4], sample[:, 4:8])
    assert set(labels.tolist()) == {0, 1, 2, 3}


def test_at_pure_noise_the_pairs_say_what_the_velocity_is(conversion: Conversion, monkeypatch):
    batch = _pairs(8)
    monkeypatch.setattr(torch, "randint", lambda high, shape, device=None: torch.full(shape, min(high - 1, 999)))
    monkeypatch.setattr(conversion, "velocity", lambda noisy, t, text: torch.full_like(noisy, torch.inf))
    clean = torch.cat([batch.rgb, batch.matte])

    losses = conversion.losses(Echo(lambda sample, t, text: -clean), batch)

    assert float(losses["total"]) < 1e-9


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

    assert ["conversion" in row for row in log] == [True, True, True, False, False]
    assert read_spec(config.model_dir).schedule.has_zero_terminal_snr
