from pathlib import Path

import torch

from zippo_desktop.training.checkpoint import load_checkpoint, save_checkpoint


def parts(seed: int) -> dict[str, object]:
    torch.manual_seed(seed)
    module = torch.nn.Linear(3, 2)
    return {"module": module, "optimizer": torch.optim.AdamW(module.parameters(), lr=0.1)}


def step(state: dict[str, object]) -> None:
    module, optimizer = state["module"], state["optimizer"]
    assert isinstance(module, torch.nn.Linear)
    assert isinstance(optimizer, torch.optim.AdamW)
    optimizer.zero_grad()
    module(torch.ones(4, 3)).square().mean().backward()
    optimizer.step()


def test_a_resumed_run_continues_exactly_where_it_was(tmp_path: Path):
    straight, resumed = parts(0), parts(1)
    for _ in range(3):
        step(straight)
    save_checkpoint(tmp_path, 3, straight)
    assert load_checkpoint(tmp_path, resumed) == 3

    for state in (straight, resumed):
        step(state)

    assert torch.equal(straight["module"].weight, resumed["module"].weight)  # type: ignore[attr-defined]


def test_without_a_checkpoint_a_run_begins_at_zero(tmp_path: Path):
    assert load_checkpoint(tmp_path, parts(0)) == 0


def test_a_half_written_checkpoint_is_never_taken(tmp_path: Path):
    (tmp_path / "checkpoint.safetensors.part").write_bytes(b"half")

    assert load_checkpoint(tmp_path, parts(0)) == 0
