"""Things turned on a lathe, to be made of glass: a profile of radii and heights, spun about the z axis."""

from __future__ import annotations

import math
import random
from typing import Any

import numpy as np

from . import bpy

SPIN = 64
# Outer profiles (radius, height) from foot to rim; the ball is solid and has none.
PROFILES: dict[str, list[tuple[float, float]]] = {
    "wine glass": [
        (0.2, 0),
        (0.19, 0.02),
        (0.02, 0.05),
        (0.02, 0.4),
        (0.16, 0.5),
        (0.22, 0.68),
        (0.18, 0.95),
    ],
    "bottle": [(0.16, 0), (0.17, 0.05), (0.17, 0.55), (0.14, 0.66), (0.055, 0.78), (0.05, 1.0)],
    "jar": [(0.24, 0), (0.26, 0.06), (0.26, 0.5), (0.2, 0.6), (0.2, 0.68)],
    "tumbler": [(0.18, 0), (0.19, 0.03), (0.22, 0.5)],
    "bowl": [(0.12, 0), (0.14, 0.03), (0.33, 0.18), (0.42, 0.34)],
    "vase": [(0.14, 0), (0.24, 0.22), (0.22, 0.45), (0.09, 0.72), (0.16, 0.95)],
    "ball": [],
}
WALL = 0.014


def build_vessel(kind: str, chance: random.Random) -> list[Any]:
    """One of PROFILES with its proportions changed a little; a closed wall, open at the rim."""
    if kind == "ball":
        bpy.ops.mesh.primitive_uv_sphere_add(radius=0.4, segments=SPIN, ring_count=SPIN // 2)
        bpy.ops.object.shade_smooth()
        return [bpy.context.object]
    wide = chance.uniform(0.8, 1.25)
    outer = [(radius * wide * chance.uniform(0.93, 1.07), height) for radius, height in PROFILES[kind]]
    return [_spin(_wall(_smooth(outer)))]


def _smooth(profile: list[tuple[float, float]]) -> np.ndarray:
    """The profile with its corners rounded (Chaikin, twice): [n,2]."""
    points = np.array(profile)
    for _ in range(2):
        near, far = points[:-1] * 0.75 + points[1:] * 0.25, points[:-1] * 0.25 + points[1:] * 0.75
        points = np.concatenate([points[:1], np.stack([near, far], 1).reshape(-1, 2), points[-1:]])
    return points


def _wall(outer: np.ndarray) -> np.ndarray:
    """The outer profile from the axis, and back inside it to the axis: [n,2]."""
    inside = outer[outer[:, 0] > WALL * 1.8][::-1] - np.array([WALL, 0])
    bowl = inside[: _bowl_end(inside)]
    bottom = np.array([[0.0, max(bowl[-1, 1], WALL)]])
    return np.concatenate([[[0.0, 0.0]], outer, bowl, bottom])


def _bowl_end(inside: np.ndarray) -> int:
    """How much of the inside belongs to the bowl: above a foot on a stem there is a jump in height."""
    jumps = np.nonzero(np.diff(inside[:, 1]) < -0.2)[0]
    narrow = [i for i in jumps if inside[i, 0] < 0.1]
    return int(narrow[0]) + 1 if narrow else len(inside)


def _spin(profile: np.ndarray) -> Any:
    angles = np.linspace(0, 2 * math.pi, SPIN, endpoint=False)
    rings = [(r * math.cos(a), r * math.sin(a), h) for r, h in profile for a in angles]
    faces = [
        (i * SPIN + j, i * SPIN + (j + 1) % SPIN, (i + 1) * SPIN + (j + 1) % SPIN, (i + 1) * SPIN + j)
        for i in range(len(profile) - 1)
        for j in range(SPIN)
    ]
    mesh = bpy.data.meshes.new("vessel")
    mesh.from_pydata(rings, [], faces)
    mesh.polygons.foreach_set("use_smooth", [True] * len(faces))
    mesh.update()
    thing = bpy.data.objects.new("vessel", mesh)
    bpy.context.scene.collection.objects.link(thing)
    return thing
