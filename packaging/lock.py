"""Write the locked requirements anew: `python3 packaging/lock.py [--upgrade]`; needs uv and a package index.

Pins that are already locked stay as they are, unless `--upgrade` is given or pyproject.toml forbids them.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

PACKAGING_DIR = Path(__file__).resolve().parent
PYPROJECT = PACKAGING_DIR.parent / "pyproject.toml"
RUNTIMES = ("cpu", "cuda", "directml")
# Torch's Linux build for NVIDIA brings these along and pins them itself; its CPU build needs none.
CUDA_OF_TORCH = re.compile(r"(nvidia|cuda)-|triton==")


def main(options: list[str]) -> None:
    """Lock each runtime with the build backend, then what the tests need on top of them."""
    build_requires = tomllib.loads(PYPROJECT.read_text())["build-system"]["requires"]
    for runtime in RUNTIMES:
        pins = compile_pins(f"requirements-{runtime}.txt", [runtime], build_requires, options)
        write_pins(f"requirements-{runtime}.txt", pins if runtime == "cuda" else without_cuda(pins))
    common = (PACKAGING_DIR / "requirements-cpu.txt").read_text().splitlines()
    pins = compile_pins("requirements-dev.txt", ["cpu", "dev"], common, options)
    write_pins("requirements-dev.txt", [pin for pin in without_cuda(pins) if pin not in common])


def compile_pins(file_name: str, extras: list[str], additions: list[str], options: list[str]) -> list[str]:
    """Resolve the project with `extras` and `additions` for all platforms, preferring the file's pins."""
    command = ["uv", "pip", "compile", str(PYPROJECT), "-", "--universal", "--python-version", "3.11"]
    command += ["--quiet", "--no-header", "--no-annotate", "--output-file", str(PACKAGING_DIR / file_name)]
    command += [word for extra in extras for word in ("--extra", extra)]
    subprocess.run([*command, *options], input="\n".join(additions), text=True, check=True)
    return (PACKAGING_DIR / file_name).read_text().splitlines()


def without_cuda(pins: list[str]) -> list[str]:
    """Leave out what only torch's build for NVIDIA needs."""
    return [pin for pin in pins if not CUDA_OF_TORCH.match(pin)]


def write_pins(file_name: str, pins: list[str]) -> None:
    """Write one pin a line, without local versions such as `+cpu`, which only some indexes have."""
    lines = dict.fromkeys(re.sub(r"\+\w+", "", pin) for pin in pins)
    (PACKAGING_DIR / file_name).write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
