"""The optimiser's loop: batches that share a step count as one, in gradients, average, log and resuming."""

from __future__ import annotations

import json
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch

from zippo_desktop.errors import UsageError
from zippo_desktop.training.config import LoopConfig
from zippo_desktop.training.loop import Loop, open_accelerator

STEPS, ROWS = 4, 6


class Line(torch.nn.Module):
    """Three numbers to one."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layer = torch.nn.Linear(3, 1)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return self.layer(inputs).squeeze(1)


def open_loop(run_dir: Path, accumulate: int, steps: int = STEPS, start_share: float = 0.0) -> Loop:
    config = LoopConfig(
        steps=steps,
        batch=ROWS // accumulate,
        accumulate=accumulate,
        learning_rate=1e-2,
        warmup_steps=2,
        log_every=2,
        start_share=start_share,
    )
    return Loop(open_accelerator(config), Line(), config, run_dir)


def run(loop: Loop) -> list[int]:
    """Train on the same rows, however many of them make a batch; the steps that losses were asked for."""
    rows = torch.randn(STEPS * ROWS, 3, generator=torch.Generator().manual_seed(1))
    parts = iter(rows[loop.first_step * ROWS :].split(loop.config.batch))
    asked = []

    def losses_of(step: int) -> dict[str, torch.Tensor]:
        asked.append(step)
        inputs = next(parts)
        error = (loop.module(inputs) - inputs.sum(dim=1)).square().mean()
        return {"total": error, "twice": 2 * error}

    loop.run(losses_of, lambda step: None)
    return asked


@pytest.mark.parametrize("accumulate", [2, 3])
def test_batches_that_share_a_step_are_one_batch(tmp_path: Path, accumulate: int):
    whole, parted = open_loop(tmp_path / "whole", 1), open_loop(tmp_path / "parted", accumulate)

    assert run(whole) == list(range(STEPS))
    assert run(parted) == [step for step in range(STEPS) for _ in range(accumulate)]

    for name, weight in whole.raw.named_parameters():
        other = parted.raw.get_parameter(name)
        torch.testing.assert_close(other.grad, weight.grad)
        torch.testing.assert_close(other, weight)
        torch.testing.assert_close(parted.average.weights[name], whole.average.weights[name])
    logs = [[json.loads(line) for line in loop.log_path.open(encoding="utf-8")] for loop in (whole, parted)]
    assert [row["step"] for row in logs[1]] == [2, 4]
    for first, second in zip(*logs, strict=True):
        assert second["total"] == pytest.approx(first["total"], abs=2e-5)
        assert second["twice"] == pytest.approx(2 * second["total"], abs=2e-5)


def test_a_stopped_run_goes_on_at_its_step(tmp_path: Path):
    run(open_loop(tmp_path, 2, steps=2))

    resumed = open_loop(tmp_path, 2)

    assert resumed.first_step == 2
    assert run(resumed) == [2, 2, 3, 3]


def test_only_the_last_batch_of_a_step_waits_for_other_processes(tmp_path: Path, monkeypatch):
    loop, alone = open_loop(tmp_path, 3, steps=2), []

    @contextmanager
    def counted(module):
        alone.append(module)
        yield

    monkeypatch.setattr(loop.accelerator, "no_sync", counted)
    run(loop)

    assert alone == [loop.module] * 2 * 2


def test_what_is_left_may_keep_a_share_of_what_was_there(tmp_path: Path):
    before = Line().state_dict()
    run(open_loop(tmp_path, 1, steps=2, start_share=0.25))
    resumed = open_loop(tmp_path, 1, start_share=0.25)  # knows what was there before it was stopped
    run(resumed)
    averaged = resumed.average.state_dict()

    with resumed.averaged() as left:
        for name, weight in left.state_dict().items():
            torch.testing.assert_close(weight, 0.75 * averaged[name] + 0.25 * before[name])
            assert not torch.allclose(averaged[name], before[name])


def test_a_run_that_kept_no_start_cannot_mix_it_in_later(tmp_path: Path):
    run(open_loop(tmp_path, 1, steps=2))

    with pytest.raises(UsageError, match='no "start"'):
        open_loop(tmp_path, 1, start_share=0.25)
