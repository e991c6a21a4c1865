"""The environment of its own in which Blender's module and the SVG renderer are installed and run."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
import venv
from collections.abc import Sequence
from pathlib import Path

from zippo_desktop.errors import Cancelled, EngineError

REQUIREMENTS = Path(__file__).with_name("tools.txt")
SCRIPTS = Path(__file__).parent  # holds the packages that run in the environment
POLL_S = 0.2


class ToolFailure(Exception):
    """A process in the environment failed or took too long; the text says which."""


def install_tools(folder: Path, downloads: Path) -> Path:
    """The interpreter of the environment, made and filled at the first call; pip checks the digests.

    Wheels in `downloads` are used first. Raises EngineError where Blender's module has no wheel,
    or where pip fails.
    """
    if sys.version_info[:2] != (3, 11):
        raise EngineError(
            "Blender's module bpy 5.0.1 exists for Python 3.11 only.", "Run data build with Python 3.11."
        )
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    mark = folder / "complete.txt"
    wanted = REQUIREMENTS.read_text(encoding="utf-8")
    if mark.is_file() and mark.read_text(encoding="utf-8") == wanted:
        return python
    venv.create(folder, with_pip=True, clear=True)
    command = [str(python), "-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes"]
    command += ["--only-binary=:all:", "--find-links", str(downloads), "-r", str(REQUIREMENTS)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        reason = (result.stderr.strip().splitlines() or ["pip said nothing"])[-1]
        raise EngineError(
            f"The tools of the recipe cannot be installed into {folder}: {reason}",
            f"It needs the wheels of {REQUIREMENTS}; put them into {downloads} where PyPI is out of reach.",
        )
    mark.write_text(wanted, encoding="utf-8")
    return python


def run_tool(
    python: Path, module: str, arguments: Sequence[str], limit_s: float, cancel: threading.Event
) -> None:
    """Run `python -m module`, and end it when the time is over or somebody cancels.

    It gets its own process group, so that Ctrl-C reaches the caller only: Blender would not stop for it.
    Raises ToolFailure with the last line that it wrote, or Cancelled.
    """
    process = subprocess.Popen(
        [str(python), "-m", module, *arguments],
        cwd=SCRIPTS,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    lines: list[str] = []
    reader = threading.Thread(target=lambda: lines.extend(process.stderr or ()), daemon=True)
    reader.start()
    try:
        _wait(process, limit_s, cancel)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        reader.join()
    if process.returncode:
        words = [line.strip() for line in lines if line.strip()]
        raise ToolFailure(words[-1] if words else f"it ended with code {process.returncode}")


def _wait(process: subprocess.Popen[str], limit_s: float, cancel: threading.Event) -> None:
    end = time.monotonic() + limit_s
    while process.poll() is None:
        if cancel.is_set():
            raise Cancelled
        if time.monotonic() > end:
            raise ToolFailure(f"it took longer than {limit_s:.0f} s")
        time.sleep(POLL_S)
