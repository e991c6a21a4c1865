"""Furry, hairy and woolly things: particle hair on blobs welded from balls, or on a model."""

from __future__ import annotations

import colorsys
import math
import random
from typing import Any

from . import bpy
from .models import dress, material

# Each shape: balls of (x, y, z, radius) that are welded; the body is about one unit high.
SHAPES: dict[str, list[tuple[float, float, float, float]]] = {
    "pompom": [(0, 0, 0.5, 0.5)],
    "slipper": [(0, 0, 0.15, 0.18), (0.2, 0, 0.16, 0.2), (0.42, 0, 0.15, 0.17)],
    "cushion": [(x * 0.22, y * 0.22, 0.2, 0.2) for x in (-1, 0, 1) for y in (-1, 0, 1)],
    "teddy": [
        (0, 0, 0.36, 0.32), (0, 0, 0.82, 0.24), (0.19, 0, 1.02, 0.09), (-0.19, 0, 1.02, 0.09),
        (0.3, -0.08, 0.45, 0.11), (-0.3, -0.08, 0.45, 0.11),
        (0.2, -0.18, 0.1, 0.13), (-0.2, -0.18, 0.1, 0.13),
        (0, -0.2, 0.78, 0.1),
    ],
    "animal": [
        (0, 0, 0.45, 0.24), (0, 0.3, 0.45, 0.22), (0, -0.3, 0.68, 0.18), (0, -0.45, 0.63, 0.09),
        (0.1, -0.28, 0.86, 0.06), (-0.1, -0.28, 0.86, 0.06), (0, 0.55, 0.6, 0.08), (0, 0.65, 0.72, 0.07),
        *[(x, y, z, 0.08) for x in (0.13, -0.13) for y in (-0.1, 0.35) for z in (0.08, 0.22)],
    ],
    "bird": [(0, 0, 0.35, 0.3), (0, -0.1, 0.72, 0.2), (0, 0.3, 0.4, 0.15), (0, 0.45, 0.45, 0.09)],
    "caterpillar": [(0, i * 0.26, 0.2 + 0.08 * math.sin(i * 2), 0.19) for i in range(5)],
    "wig": [(0, 0, 0.8, 0.32), (0, 0.12, 0.72, 0.3)],
}  # fmt: skip
GUIDES = 1500  # each with ten children
REMESH_SIDE = 0.035
LENGTH = (0.02, 0.07)  # of the size: longer hair hides a shape with limbs
LENGTHS = {"wig": (0.25, 0.5), "pompom": (0.05, 0.2), "cushion": (0.05, 0.2), "slipper": (0.04, 0.15)}


def build_fur(shape: str, chance: random.Random) -> float:
    """A furry thing of one of SHAPES; returns the length of its hair, by which it is larger than its mesh."""
    balls = []
    for x, y, z, radius in SHAPES[shape]:
        wobble = radius * 0.1
        place = (x + chance.gauss(0, wobble), y + chance.gauss(0, wobble), z)
        bpy.ops.mesh.primitive_uv_sphere_add(radius=radius * chance.uniform(0.85, 1.15), location=place)
        balls.append(bpy.context.object)
    bpy.ops.object.select_all(action="SELECT")
    bpy.context.view_layer.objects.active = balls[0]
    bpy.ops.object.join()
    blob = bpy.context.object
    weld = blob.modifiers.new("weld", "REMESH")
    weld.mode, weld.voxel_size = "VOXEL", REMESH_SIDE
    bpy.ops.object.modifier_apply(modifier="weld")
    return grow_hair([blob], chance, LENGTHS.get(shape, LENGTH))


def grow_hair(meshes: list[Any], chance: random.Random, lengths: tuple[float, float] = (0.02, 0.07)) -> float:
    """Hair of one random length, curl, clump and colour on all the meshes; returns its length in metres.

    `lengths` are the bounds of the length, as shares of the size of the largest mesh.
    """
    coat = _coat(chance)
    sizes = [max(mesh.dimensions) for mesh in meshes]
    length = max(sizes) * chance.uniform(*lengths)
    dress(meshes, coat)
    total = sum(sizes)
    style = {"curl": chance.random(), "clump": chance.uniform(-0.2, 0.8), "seed": chance.randrange(10**6)}
    for mesh, size in zip(meshes, sizes, strict=True):
        _add_particles(mesh, max(60, round(GUIDES * size / total)), length, style, chance.uniform(0.0, 0.04))
    return length * 0.8


def _add_particles(mesh: Any, count: int, length: float, style: dict[str, Any], droop: float) -> None:
    hair = mesh.modifiers.new("hair", "PARTICLE_SYSTEM").particle_system
    hair.seed = style["seed"]
    settings = hair.settings
    settings.type, settings.count, settings.hair_length = "HAIR", count, length
    settings.use_advanced_hair = True
    settings.hair_step, settings.render_step, settings.display_step = 5, 4, 4
    settings.brownian_factor = 0.02 + droop
    settings.effector_weights.gravity = 1.0
    settings.child_type, settings.rendered_child_count, settings.child_percent = "INTERPOLATED", 10, 10
    settings.clump_factor, settings.roughness_2 = style["clump"], length * 0.3
    settings.roughness_endpoint = length * 0.2
    if style["curl"] < 0.35:
        settings.kink = "CURL"
        settings.kink_amplitude, settings.kink_frequency = length * 0.15, 2 + 6 * style["curl"]
    settings.root_radius, settings.tip_radius = 1.0, 0.05
    settings.radius_scale = max(mesh.dimensions) * 0.0022
    settings.material = 1


def _coat(chance: random.Random) -> Any:
    """Natural coat colours for the most part, else any."""
    if chance.random() < 0.6:
        hue, saturation = chance.uniform(0.04, 0.12), chance.uniform(0.1, 0.7)
    else:
        hue, saturation = chance.random(), chance.uniform(0.3, 0.9)
    colour = colorsys.hsv_to_rgb(hue, saturation, chance.uniform(0.05, 0.9) ** 1.3)
    return material("coat", base_color=(*colour, 1.0), roughness=chance.uniform(0.35, 0.7))
