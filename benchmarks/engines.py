"""ONNX Runtime against PyTorch on the bundled model: CPU time of one call, side by side, best of several.

OMP_NUM_THREADS=1 python benchmarks/engines.py [MODEL]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np

from zippo_desktop.diffusion.latents import Branch
from zippo_desktop.engine.open_session import open_session
from zippo_desktop.engine.session import ZippoSession

ROUNDS = 7
CASES = ((1, 1), (4, 1), (1, 2))  # batch, and how many times the model's own picture side


def calls(session: ZippoSession, batch: int, scale: int) -> dict[str, Callable[[], object]]:
    """One call of each network, on the same numbers for every engine."""
    spec, rng = session.spec, np.random.default_rng(0)
    side = spec.size_px * scale
    images = rng.standard_normal((batch, 3, side, side), dtype=np.float32)
    latents = session.encode_images(images)
    text = session.encode_prompts(["a red apple"] * batch)
    joint = np.concatenate([latents, latents], axis=1)
    branches = [Branch.JOINT_RGB] * batch
    return {
        "unet": lambda: session.denoise(joint, 500, branches, text),
        "vae encoder": lambda: session.encode_images(images),
        "vae decoder": lambda: session.decode_latents(latents),
        "text encoder": lambda: session.encode_prompts(["a red apple"] * batch),
    }


def cpu_ms(call: Callable[[], object]) -> float:
    """CPU milliseconds of one call."""
    started = time.process_time()
    call()
    return 1000 * (time.process_time() - started)


def main() -> None:
    """Print a table: batch, side, network, milliseconds on both engines, ratio, largest difference."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", nargs="?", default="zippo-mini")
    model = parser.parse_args().model
    onnx, torch = (open_session(model, engine, "cpu") for engine in ("onnx", "torch"))
    print("batch    px  network       onnx ms  torch ms  ratio  rel. error")
    for batch, scale in CASES:
        pairs = zip(calls(onnx, batch, scale).items(), calls(torch, batch, scale).items(), strict=True)
        for (name, on_onnx), (_, on_torch) in pairs:
            ours, theirs = np.asarray(on_onnx()), np.asarray(on_torch())
            times = [(cpu_ms(on_onnx), cpu_ms(on_torch)) for _ in range(ROUNDS)]
            fast, slow = (min(column) for column in zip(*times, strict=True))
            error = np.abs(ours - theirs).max() / np.abs(theirs).max()
            side = onnx.spec.size_px * scale
            print(f"{batch:5} {side:5}  {name:12} {fast:8.1f} {slow:9.1f} {slow / fast:6.2f} {error:11.1e}")


if __name__ == "__main__":
    main()
