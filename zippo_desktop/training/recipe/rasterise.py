"""Draws an SVG as a PNG: `python -m rasterise JOB.json` in the tools' environment."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import Any

RENDERER = "resvg_py"


def main(job_path: Path) -> None:
    """Draw the job's `svg` (text) `side` pixels high into `0.png`, and write `done.json`."""
    job = json.loads(job_path.read_text(encoding="utf-8"))
    renderer: Any = importlib.import_module(RENDERER)
    output = Path(job["output_dir"])
    content = renderer.svg_to_bytes(svg_string=job["svg"], height=job["side"], skip_system_fonts=True)
    (output / "0.png").write_bytes(bytes(content))
    (output / "done.json").write_text(json.dumps([{}]), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
