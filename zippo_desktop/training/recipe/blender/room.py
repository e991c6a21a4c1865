"""Backgrounds from the furniture: a simple room, or a table full of things, with light from a window."""

from __future__ import annotations

import colorsys
import math
import random
from typing import Any

import numpy as np

from . import bpy
from .models import dress, material
from .stage import place_camera

HEIGHT_M = 2.6
HALF_SIDES_M = {"room": (1.4, 2.4), "table": (0.45, 0.8)}


def furnish(shape: str, things: list[list[Any]], chance: random.Random) -> tuple[float, float]:
    """Floor, three walls, a window's light, and the things spread over the floor; returns half its sides.

    A "table" is a floor of a table's size, with walls around it.
    """
    small, large = HALF_SIDES_M[shape]
    width, depth = chance.uniform(small, large), chance.uniform(small, large)
    _add_plane((0, 0, 0), (0, 0, 0), (width, depth), _surface(chance, 0.3))
    wall = _surface(chance, 0.6)
    _add_plane((0, depth, HEIGHT_M / 2), (math.pi / 2, 0, 0), (width, HEIGHT_M / 2), wall)
    for sign in (-1, 1):
        place, turn = (sign * width, 0, HEIGHT_M / 2), (math.pi / 2, 0, math.pi / 2)
        _add_plane(place, turn, (depth, HEIGHT_M / 2), wall)
    for meshes in things:
        _put(meshes, width, depth, chance)
    _add_window(width, chance)
    return width, depth


def look(scene: Any, room: tuple[float, float], chance: random.Random) -> None:
    """A camera somewhere in the open front of the room, at the height of eyes or of a table."""
    width, depth = room
    place = np.array(
        [chance.uniform(-0.6, 0.6) * width, -depth * 1.05, min(1.0, depth) * chance.uniform(0.5, 1.6)]
    )
    target = np.array(
        [chance.uniform(-0.7, 0.7) * width, depth * 0.7, min(1.0, depth) * chance.uniform(0.1, 0.8)]
    )
    forward = (target - place) / np.linalg.norm(target - place)
    right = np.cross(forward, (0.0, 0.0, 1.0))
    right /= np.linalg.norm(right)
    view = math.radians(chance.uniform(35, 70))
    camera = place_camera(scene, np.stack([right, np.cross(right, forward), forward]), place, view)
    camera.data.dof.use_dof = chance.random() < 0.5
    camera.data.dof.focus_distance = depth * chance.uniform(0.4, 1.8)
    camera.data.dof.aperture_fstop = chance.uniform(0.3, 2.0)


def _put(meshes: list[Any], width: float, depth: float, chance: random.Random) -> None:
    """Turn a thing about its middle and set it on the floor, mostly towards the walls."""
    angle = chance.choice([0.0, 0.5, 1.0, 1.5]) * math.pi + chance.gauss(0, 0.2)
    x, y = chance.uniform(-0.85, 0.85) * width, depth * (0.9 - abs(chance.gauss(0, 0.6)))
    pose = np.eye(4)
    pose[:2, :2] = [[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]]
    pose[:2, 3] = x, max(-0.6 * depth, y)
    for mesh in meshes:
        mesh.matrix_world = pose.T.tolist()


def _add_plane(place: Any, turn: Any, half: tuple[float, float], made: Any) -> None:
    bpy.ops.mesh.primitive_plane_add(size=2, location=place, rotation=turn)
    plane = bpy.context.object
    plane.scale = (*half, 1)
    dress([plane], made)


def _surface(chance: random.Random, brightness: float) -> Any:
    """A painted, boarded, tiled or marbled surface."""
    made = material("surface", roughness=chance.uniform(0.3, 0.9))
    tree = made.node_tree
    kind = chance.choice(["plain", "TexBrick", "TexChecker", "TexNoise", "TexWave"])
    colours = [_colour(chance, brightness), _colour(chance, brightness)]
    socket = tree.nodes["Principled BSDF"].inputs["Base Color"]
    socket.default_value = colours[0]
    if kind == "plain":
        return made
    pattern = tree.nodes.new(f"ShaderNode{kind}")
    pattern.inputs["Scale"].default_value = chance.uniform(2, 14)
    place = tree.nodes.new("ShaderNodeTexCoord")
    tree.links.new(place.outputs["Object"], pattern.inputs["Vector"])
    mix = tree.nodes.new("ShaderNodeMixRGB")
    mix.inputs[1].default_value, mix.inputs[2].default_value = colours
    tree.links.new(pattern.outputs["Fac" if "Fac" in pattern.outputs else "Color"], mix.inputs["Fac"])
    tree.links.new(mix.outputs["Color"], socket)
    return made


def _colour(chance: random.Random, brightness: float) -> tuple[float, float, float, float]:
    value = min(1.0, brightness * chance.uniform(0.4, 1.5))
    return (*colorsys.hsv_to_rgb(chance.random(), chance.uniform(0.0, 0.4), value), 1.0)


def _add_window(width: float, chance: random.Random) -> None:
    light = bpy.data.lights.new("window", "AREA")
    light.shape, light.size, light.size_y = "RECTANGLE", min(1.2, width), min(1.4, width)
    light.energy = chance.uniform(25, 60) * min(width, 2) ** 2
    light.color = (1.0, chance.uniform(0.85, 1.0), chance.uniform(0.75, 1.1))
    thing = bpy.data.objects.new("window", light)
    thing.location = (
        chance.choice([-0.95, 0.95]) * width,
        chance.uniform(-0.8, 0.5) * width / 2,
        min(1.6, width),
    )
    thing.rotation_euler = (0, math.copysign(math.pi / 2, -thing.location[0]) * -1, 0)
    bpy.context.scene.collection.objects.link(thing)
