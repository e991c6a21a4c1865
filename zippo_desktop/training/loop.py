"""What both training stages share: the optimiser with warm-up, the weight average, logging and resuming."""

from __future__ import annotations

import json
import math
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from zippo_desktop.training.checkpoint import load_checkpoint, save_checkpoint
from zippo_desktop.training.config import LoopConfig

if TYPE_CHECKING:
    from accelerate import Accelerator

Losses = Mapping[str, torch.Tensor]


def open_accelerator(config: LoopConfig) -> Accelerator:
    """Devices and process group of this run; processes that torchrun starts on CPUs train together, too."""
    from accelerate import Accelerator

    # Unless it is told that the CPU is meant, accelerate leaves such processes to train each on its own.
    return Accelerator(mixed_precision=config.mixed_precision, cpu=not torch.accelerator.is_available())


class WeightAverage:
    """Exponential moving average of a module's parameters, with a short memory at the start."""

    def __init__(self, module: torch.nn.Module, decay: float) -> None:
        self.decay = decay
        self.weights = {name: value.detach().clone() for name, value in module.state_dict().items()}

    @torch.no_grad()
    def update(self, module: torch.nn.Module, step: int) -> None:
        """Move towards `module`; the decay grows as (1 + step) / (10 + step) up to its limit."""
        decay = min(self.decay, (1 + step) / (10 + step))
        current = module.state_dict()
        for name, average in self.weights.items():
            if average.is_floating_point():
                average.lerp_(current[name].to(average), 1 - decay)

    def state_dict(self) -> dict[str, torch.Tensor]:
        """The averaged weights, by the module's names."""
        return self.weights

    def load_state_dict(self, weights: Mapping[str, torch.Tensor]) -> None:
        """Take averaged weights over, in place."""
        for name, average in self.weights.items():
            average.copy_(weights[name])


class Loop:
    """Runs `losses_of(step)` and the optimiser from the last checkpoint to `config.steps`.

    A step is one of the optimiser: with `config.accumulate` above 1 its gradient is the mean over so many
    batches, and losses are asked for as often. What it leaves are averaged weights, mixed by
    `config.start_share` with those of before the run, which keeps what they knew better (Wortsman et al.
    2022, "Robust fine-tuning of zero-shot models", arXiv 2109.01903, section 3).
    """

    def __init__(
        self, accelerator: Accelerator, module: torch.nn.Module, config: LoopConfig, run_dir: Path
    ) -> None:
        self.accelerator = accelerator
        self.config = config
        self.run_dir = run_dir
        trainable = [weight for weight in module.parameters() if weight.requires_grad]
        self.optimizer = torch.optim.AdamW(
            trainable, lr=config.learning_rate, betas=(0.9, 0.99), weight_decay=0.01, fused=True
        )
        self.raw = module.to(accelerator.device)
        self.average = WeightAverage(self.raw, config.ema_decay)
        self.parts: dict[str, Any] = {
            "module": self.raw,
            "average": self.average,
            "optimizer": self.optimizer,
        }
        if config.start_share:
            self.parts["start"] = WeightAverage(self.raw, decay=1.0)
        run_dir.mkdir(parents=True, exist_ok=True)
        self.log_path = run_dir / "log.jsonl"
        self.first_step = load_checkpoint(run_dir, self.parts)
        if accelerator.is_main_process:
            _trim_log(self.log_path, self.first_step)
        trained = torch.compile(self.raw, dynamic=True) if config.compile else self.raw
        self.module, self.optimizer = accelerator.prepare(trained, self.optimizer)
        self._sums: dict[str, float] = defaultdict(float)
        self._counts: dict[str, int] = defaultdict(int)

    def run(self, losses_of: Callable[[int], Losses], on_sheet: Callable[[int], None]) -> None:
        """Train: `losses_of(step)` returns losses by name, "total" among them; `on_sheet` draws samples."""
        config, saved = self.config, time.monotonic()
        for step in range(self.first_step, config.steps):
            self._set_rate(step)
            self._descend(losses_of, step)
            done = step + 1
            if done % config.log_every == 0:
                self._log(done)
            if self.accelerator.is_main_process:
                if time.monotonic() - saved > 60 * config.checkpoint_minutes or done == config.steps:
                    save_checkpoint(self.run_dir, done, self.parts)
                    saved = time.monotonic()
                if done % config.sheet_every == 0 or done == config.steps:
                    on_sheet(done)

    @contextmanager
    def averaged(self) -> Iterator[torch.nn.Module]:
        """The module holding the weights that the run leaves so far, until the block ends."""
        trained = {name: value.detach().clone() for name, value in self.raw.state_dict().items()}
        self.raw.load_state_dict(self._left())
        self.raw.eval()
        try:
            yield self.raw
        finally:
            self.raw.load_state_dict(trained)
            self.raw.train()

    def _left(self) -> dict[str, torch.Tensor]:
        averaged = self.average.state_dict()
        if not self.config.start_share:
            return averaged
        start, share = self.parts["start"].state_dict(), self.config.start_share
        return {
            name: value.lerp(start[name], share) if value.is_floating_point() else value
            for name, value in averaged.items()
        }

    def note(self, step: int, values: Mapping[str, float]) -> None:
        """Append one line of figures to the run's log."""
        with self.log_path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"step": step, "time": round(time.time(), 1), **values}) + "\n")

    def _descend(self, losses_of: Callable[[int], Losses], step: int) -> None:
        self.optimizer.zero_grad()
        for left in reversed(range(self.config.accumulate)):
            # Processes average their gradients after the last batch alone.
            with self.accelerator.no_sync(self.module) if left else nullcontext():
                losses = losses_of(step)
                self.accelerator.backward(losses["total"] / self.config.accumulate)
            for name, value in losses.items():
                self._sums[name] += float(value.detach())
                self._counts[name] += 1
        self.accelerator.clip_grad_norm_(self.module.parameters(), self.config.clip_norm)
        self.optimizer.step()
        self.average.update(self.raw, step)

    def _set_rate(self, step: int) -> None:
        """Linear warm-up, then half a cosine down to a twentieth."""
        config = self.config
        warm = min(1.0, (step + 1) / max(1, config.warmup_steps))
        cosine = 0.5 * (1 + math.cos(math.pi * step / config.steps))
        for group in self.optimizer.param_groups:
            group["lr"] = config.learning_rate * warm * (0.05 + 0.95 * cosine)

    def _log(self, step: int) -> None:
        means = {name: round(total / self._counts[name], 5) for name, total in self._sums.items()}
        self._sums.clear()
        self._counts.clear()
        if self.accelerator.is_main_process:
            self.note(step, means)


def _trim_log(path: Path, last_step: int) -> None:
    """Take out what was logged after the checkpoint: those steps, the last line half-written, come again."""
    if not path.is_file():
        return
    kept = []
    for line in path.read_text("utf-8").splitlines(keepends=True):
        with suppress(ValueError):
            if json.loads(line)["step"] <= last_step:
                kept.append(line)
    beside = path.with_suffix(".part")
    beside.write_text("".join(kept), "utf-8")
    beside.replace(path)
