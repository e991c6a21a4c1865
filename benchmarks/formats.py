"""What each kind of file costs: CPU time, memory and size of one export at 24 megapixels.

    OMP_NUM_THREADS=1 python benchmarks/formats.py [png tiff ...]

Sensor noise over colour ramps; a disc for a matte, about half of it empty and a tenth soft. Each export in a
process of its own; the peak is over the layers and what was loaded. Prints Markdown.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from zippo_desktop.export.write import SUFFIXES, Target, export
from zippo_desktop.export.writing import Depth, Writing
from zippo_desktop.imaging.layers import LayerStack

HEIGHT, WIDTH = 4000, 6000
DEPTHS: tuple[Depth, ...] = ("8", "16")
DEEP = ("png", "tiff", "psd", "psb", "ora", "layers")  # the others have 8 bits


def make_stack(height: int, width: int, depth: str) -> LayerStack:
    """A photo and its matte."""
    rng = np.random.default_rng(0)
    dtype = np.uint16 if depth == "16" else np.uint8
    full = np.iinfo(dtype).max
    y, x = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j].astype(np.float32)
    pixels = np.empty((height, width, 3), dtype)
    for channel, ramp in enumerate((x, y, 1 - x)):
        noisy = 0.1 + 0.8 * ramp + rng.normal(0, 0.015, ramp.shape).astype(np.float32)
        pixels[..., channel] = np.clip(noisy, 0, 1) * full
    distance = np.hypot((x - 0.5) * 1.1, y - 0.5)
    matte = np.clip((0.42 - distance) / 0.035, 0, 1).astype(np.float32)
    return LayerStack(pixels, matte, pixels)


def measure(kind: str, depth: str) -> dict[str, float]:
    """In a fresh process: one export, after a small one that loads what it needs."""
    with tempfile.TemporaryDirectory() as folder:
        writing = Writing((kind,))
        export(make_stack(64, 64, depth), Target(Path(folder), "small", (kind,)), writing)
        stack = make_stack(HEIGHT, WIDTH, depth)
        Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
        before, started = _peak_mb(), time.process_time()
        (path,) = export(stack, Target(Path(folder), "large", (kind,)), writing)
        cpu_s = time.process_time() - started
        files = list(path.iterdir()) if path.is_dir() else [path]
        size = sum(file.stat().st_size for file in files)
    return {"cpu_s": cpu_s, "peak_mb": _peak_mb() - before, "mb": size / 1e6}


def _peak_mb() -> float:
    status = Path("/proc/self/status").read_text().split()
    return int(status[status.index("VmHWM:") + 1]) * 1024 / 1e6


def main() -> None:
    """Print the table."""
    if sys.argv[1:2] == ["--child"]:
        print(json.dumps(measure(*sys.argv[2:])))
        return
    print("| format | bits | CPU s | peak MB | MB |\n|---|---|---|---|---|")
    for kind in sys.argv[1:] or SUFFIXES:
        for depth in DEPTHS if kind in DEEP else DEPTHS[:1]:
            command = [sys.executable, __file__, "--child", kind, depth]
            row = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
            figures = f"{row['cpu_s']:.2f} | {row['peak_mb']:.0f} | {row['mb']:.1f}"
            print(f"| {kind} | {depth} | {figures} |", flush=True)


if __name__ == "__main__":
    main()
