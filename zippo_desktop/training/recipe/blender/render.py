"""Renders what one job file asks for: `python -m blender.render JOB.json`, with this folder's parent as cwd.

A job is JSON: `kind` (model, glass, fur, foliage, room or panorama), `seed` (text), `views`, `side`,
`threads`, `panoramas` (paths to light with), `output_dir`, and what the kind needs (`shape`, `models`).
It writes `VIEW.png` for each view and then `done.json`, which lists for each the light and the angles.
"""

from __future__ import annotations

import hashlib
import json
import math
import random
import sys
from pathlib import Path
from typing import Any

from . import bpy
from .foliage import build_foliage
from .fur import build_fur, grow_hair
from .models import dress, glass, load_model, recolour
from .panorama import crop, load_panorama, save_rgb
from .room import furnish, look
from .stage import aim_camera, light_stage, open_stage, subject_points
from .vessels import build_vessel

SAMPLES = {"model": 16, "room": 24}
SOFT_SAMPLES = 32  # alpha is not denoised: hair, leaves and glass need more
RECOLOURED_SHARE = 0.4
FLAT, FLAT_TURNS = {"feather", "palm"}, 0.8  # seen from the edge they are a line


def main(job_path: Path) -> None:
    """Render every view of a job."""
    job = json.loads(job_path.read_text(encoding="utf-8"))
    output = Path(job["output_dir"])
    picture = {"panorama": _crop_views, "room": _room_views}.get(job["kind"], _subject_views)
    views = picture(job, output)
    (output / "done.json").write_text(json.dumps(views), encoding="utf-8")


def _chance(job: dict[str, Any], what: object) -> random.Random:
    """Random numbers that depend on the job's seed and on what they are for alone."""
    return random.Random(hashlib.sha256(f"{job['seed']} {what}".encode()).hexdigest())


def _subject_views(job: dict[str, Any], output: Path) -> list[dict[str, Any]]:
    samples = SAMPLES.get(job["kind"], SOFT_SAMPLES)
    scene = open_stage(job["side"], samples, job["threads"])
    meshes, hair = _build(job)
    points = subject_points()
    if hair:
        points = _grown(points, hair)
    views = []
    for view in range(job["views"]):
        chance = _chance(job, view)
        light = Path(chance.choice(job["panoramas"]))
        light_stage(scene, light, chance)
        aim_camera(scene, points, chance, FLAT_TURNS if job["shape"] in FLAT else math.pi)
        if job["kind"] == "model" and chance.random() < RECOLOURED_SHARE:
            recolour(meshes, chance)
        _render(scene, output / f"{view}.png", chance)
        views.append({"light": light.name})
    return views


def _build(job: dict[str, Any]) -> tuple[list[Any], float]:
    """Put the job's subject on the stage; its meshes, and how far hair stands out from them."""
    kind, chance = job["kind"], _chance(job, "shape")
    if kind == "foliage":
        build_foliage(job["shape"], chance)
        return [], 0.0
    if kind == "fur" and not job["models"]:
        return [], build_fur(job["shape"], chance)
    if kind == "glass" and not job["models"]:
        meshes = build_vessel(job["shape"], chance)
    else:
        meshes = [mesh for model in job["models"] for mesh in _load(model)]
    if kind == "glass":
        dress(meshes, glass(chance))
    return meshes, grow_hair(meshes, chance) if kind == "fur" else 0.0


def _load(model: dict[str, Any]) -> list[Any]:
    return load_model(Path(model["path"]), model["turn"], model["size_m"])


def _grown(points: Any, by: float) -> Any:
    """Points pushed out from their middle, so that hair fits into the frame."""
    away = points - points.mean(0)
    length = (away**2).sum(1, keepdims=True) ** 0.5
    return points + away / length.clip(1e-6) * by


def _room_views(job: dict[str, Any], output: Path) -> list[dict[str, Any]]:
    scene = open_stage(job["side"], SAMPLES["room"], job["threads"], is_transparent=False)
    chance = _chance(job, "room")
    room = furnish(job["shape"], [_load(model) for model in job["models"]], chance)
    light = Path(chance.choice(job["panoramas"]))
    light_stage(scene, light, chance)
    views = []
    for view in range(job["views"]):
        look(scene, room, _chance(job, view))
        _render(scene, output / f"{view}.png", _chance(job, view))
        views.append({"light": light.name})
    return views


def _crop_views(job: dict[str, Any], output: Path) -> list[dict[str, Any]]:
    panorama = load_panorama(Path(job["panoramas"][0]))
    views = []
    for view in range(job["views"]):
        picture, angles = crop(panorama, job["side"], _chance(job, view))
        save_rgb(picture, output / f"{view}.png")
        views.append(angles)
    return views


def _render(scene: Any, path: Path, chance: random.Random) -> None:
    scene.cycles.seed = chance.randrange(2**31)
    scene.render.filepath = str(path)
    bpy.ops.render.render(write_still=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
