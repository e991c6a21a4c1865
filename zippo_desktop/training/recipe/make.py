"""Makes one work: a job file, a process in the tools' environment, and its pictures as checked WebP files."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import threading
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from zippo_desktop.export.atomic import make_output_dir
from zippo_desktop.training.recipe import frames
from zippo_desktop.training.recipe.catalogue import extract_model
from zippo_desktop.training.recipe.record import Made
from zippo_desktop.training.recipe.tool_environment import run_tool
from zippo_desktop.training.recipe.works import BACKGROUNDS, Work

RECIPE = 1  # raise it when pictures come out differently: everything is then made again
SIDE_PX = 320
SCRATCH = Path(".work", "scratch")
START_LIMIT_S, VIEW_LIMIT_S = 120.0, 120.0


@dataclass(frozen=True)
class Workshop:
    """Where and with what works are made."""

    output: Path
    python: Path
    panoramas: tuple[Path, ...]
    seed: int
    threads: int

    def settings_of(self, work: Work) -> str:
        """A digest of all that decides a work's pictures."""
        models = [(model.pack, model.index) for model in work.models]
        lights = [path.name for path in self.panoramas]
        parts = [
            RECIPE,
            SIDE_PX,
            self.seed,
            work.kind,
            work.shape,
            work.views,
            work.name,
            models,
            lights,
            work.svg,
        ]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]

    def make(self, work: Work, cancel: threading.Event) -> Made:
        """Render a work and write its files. Raises ToolFailure, ExportError or Cancelled."""
        make_output_dir(self.output / SCRATCH)
        with tempfile.TemporaryDirectory(dir=self.output / SCRATCH) as scratch:
            folder = Path(scratch)
            job_path = folder / "job.json"
            job_path.write_text(json.dumps(self._job(work, folder)), encoding="utf-8")
            module = "rasterise" if work.kind == "drawing" else "blender.render"
            limit_s = START_LIMIT_S + VIEW_LIMIT_S * work.views
            run_tool(self.python, module, [str(job_path)], limit_s, cancel)
            views = json.loads((folder / "done.json").read_text(encoding="utf-8"))
            pictures = [_load(folder / f"{view}.png", work.folder) for view in range(len(views))]
        return self._keep(work, pictures, views)

    def _job(self, work: Work, scratch: Path) -> dict[str, Any]:
        models = [
            {
                "path": str(extract_model(model, scratch / f"model{place}")),
                "turn": list(model.turn),
                "size_m": list(model.size_m),
            }
            for place, model in enumerate(work.models)
        ]
        lights = [work.panorama] if work.panorama else self.panoramas
        return {
            "kind": work.kind,
            "seed": f"{self.seed} {work.key}",
            "views": work.views,
            "side": SIDE_PX,
            "threads": self.threads,
            "panoramas": [str(path) for path in lights],
            "output_dir": str(scratch),
            "shape": work.shape,
            "models": models,
            "svg": work.svg,
        }

    def _keep(self, work: Work, pictures: list[Image.Image], views: list[dict[str, Any]]) -> Made:
        made = Made(f"{work.folder}/{work.key}", work.folder, self.settings_of(work))
        dropped: Counter[str] = Counter()
        folder = self.output / work.folder
        make_output_dir(folder)
        for view, (picture, facts) in enumerate(zip(pictures, views, strict=True)):
            name = f"{work.key}_{view:02d}.webp"
            frame = np.asarray(picture.convert("RGBA"))
            fault = None if work.folder == BACKGROUNDS else frames.fault_of(frame)
            if fault:
                dropped[fault] += 1
                (folder / name).unlink(missing_ok=True)
                continue
            made.sizes[name] = frames.write_webp(picture, folder / name)
            made.prints[name] = frames.fingerprint(frame)
            made.rows.append(_row(work, name, view, frame, facts))
        made.dropped = dict(dropped)
        return made


def threads_for(jobs: int) -> int:
    """Threads for each of `jobs` processes."""
    return max(1, (os.cpu_count() or 1) // jobs)


def _load(path: Path, folder: str) -> Image.Image:
    """A rendered picture; a drawing is fitted into the middle of a square with a margin."""
    with Image.open(path) as image:
        picture = image.convert("RGB" if folder == BACKGROUNDS else "RGBA")
    if picture.size == (SIDE_PX, SIDE_PX) and folder != "clipart":
        return picture
    picture.thumbnail((SIDE_PX * 9 // 10, SIDE_PX * 9 // 10), Image.Resampling.HAMMING)
    square = Image.new(picture.mode, (SIDE_PX, SIDE_PX))
    square.paste(picture, ((SIDE_PX - picture.width) // 2, (SIDE_PX - picture.height) // 2))
    return square


def _row(work: Work, name: str, view: int, frame: frames.Frame, facts: dict[str, Any]) -> dict[str, Any]:
    if work.folder == BACKGROUNDS:
        source = work.pack if work.kind == "room" else f"{work.pack} (CC0)"
        return {
            "file": name, "panorama": work.name, "creator": work.creator, "source": source,
            "licence": work.licence, **facts,
        }  # fmt: skip
    return {
        "file": name,
        "name": work.name,
        "category": work.category,
        "creator": work.creator,
        "licence": work.licence,
        "pack": work.pack,
        "model": work.model,
        "view": view,
        "colour": "" if work.kind in ("glass", "drawing") else frames.colour_name(frame),
        "tags": "|".join(work.tags) if work.kind == "drawing" else "",
        "foreground": round(frames.foreground_share(frame), 4),
        "soft": round(frames.soft_share(frame), 4),
        **facts,
    }
