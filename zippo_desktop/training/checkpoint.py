"""Checkpoints of a training run: weights, averages and optimiser state in safetensors, never a pickle."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from zippo_desktop.errors import UsageError

STATE_FILE = "checkpoint.safetensors"


def save_checkpoint(run_dir: Path, step: int, parts: Mapping[str, Any]) -> None:
    """Write `parts` (name -> module or optimiser) and the step number, replacing the last checkpoint.

    Everything goes into one file that is renamed into place, so a kill leaves the old or the new one.
    """
    tensors: dict[str, torch.Tensor] = {}
    for name, part in parts.items():
        tensors |= {f"{name}/{key}": value for key, value in _flatten(part).items()}
    run_dir.mkdir(parents=True, exist_ok=True)
    beside = run_dir / f"{STATE_FILE}.part"
    save_file(tensors, beside, metadata={"step": str(step)})
    os.replace(beside, run_dir / STATE_FILE)


def load_checkpoint(run_dir: Path, parts: Mapping[str, Any]) -> int:
    """Restore `parts` in place and return the step; 0 if there is no checkpoint yet.

    Raises UsageError for a checkpoint that knows nothing of one of them.
    """
    path = run_dir / STATE_FILE
    if not path.is_file():
        return 0
    tensors = load_file(path)
    for name, part in parts.items():
        prefix = f"{name}/"
        found = {key.removeprefix(prefix): tensors[key] for key in tensors if key.startswith(prefix)}
        if not found:
            raise UsageError(
                f'The run in {run_dir} was begun with other settings: its checkpoint has no "{name}".',
                "Take back what you changed in the configuration, or name another run_dir.",
            )
        _restore(part, found)
    return int(_metadata(path)["step"])


def _metadata(path: Path) -> dict[str, str]:
    with path.open("rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
    return dict(header["__metadata__"])


def _flatten(part: Any) -> dict[str, torch.Tensor]:
    if not isinstance(part, torch.optim.Optimizer):
        return {key: value.detach().contiguous() for key, value in part.state_dict().items()}
    state = part.state_dict()["state"]
    return {
        f"{index}.{key}": torch.as_tensor(value) for index, row in state.items() for key, value in row.items()
    }


def _restore(part: Any, tensors: dict[str, torch.Tensor]) -> None:
    if not isinstance(part, torch.optim.Optimizer):
        part.load_state_dict(tensors)
        return
    state: dict[int, dict[str, torch.Tensor]] = {}
    for key, value in tensors.items():
        index, _, field = key.partition(".")
        state.setdefault(int(index), {})[field] = value
    part.load_state_dict({"state": state, "param_groups": part.state_dict()["param_groups"]})
