"""What makes a training step of the UNet faster: attention written out, bf16, larger batches; side by side.

    OMP_NUM_THREADS=1 python benchmarks/training_speed.py

Forward, backward and optimiser of zippo-mini's shape on random rows; docs/training.md has the figures.
"""

from __future__ import annotations

import time

import torch

from zippo_desktop.engine.zippo_unet import build_unet, use_plain_attention

SECONDS = 4.0


def rows_per_second(batch: int, is_plain: bool, is_bf16: bool) -> float:
    """Training rows a second, after two steps to warm up."""
    torch.manual_seed(0)
    unet = build_unet(16, (64, 128, 192), (1, 2), 1, 4, 384, 16)
    if is_plain:
        use_plain_attention(unet)
    optimizer = torch.optim.AdamW(unet.parameters(), 1e-4, fused=True)
    latents, text = torch.randn(batch, 32, 16, 16), torch.randn(batch, 32, 384)
    timesteps, labels = torch.randint(0, 1000, (batch,)), torch.randint(0, 4, (batch,))

    def step() -> None:
        optimizer.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=is_bf16):
            answer = unet(latents, timesteps, text, class_labels=labels).sample
        answer.float().square().mean().backward()
        optimizer.step()

    step()
    step()
    started, count = time.monotonic(), 0
    while time.monotonic() - started < SECONDS:
        step()
        count += 1
    return count * batch / (time.monotonic() - started)


def main() -> None:
    """Print one line for each way."""
    for batch, is_plain, is_bf16 in (
        (32, False, False),
        (32, True, False),
        (32, False, True),
        (32, True, True),
        (128, True, True),
    ):
        attention, kind = "written out" if is_plain else "fused", "bf16" if is_bf16 else "fp32"
        rate = rows_per_second(batch, is_plain, is_bf16)
        print(f"batch {batch:3}, attention {attention:11}, {kind}: {rate:.0f} rows/s", flush=True)


if __name__ == "__main__":
    main()
