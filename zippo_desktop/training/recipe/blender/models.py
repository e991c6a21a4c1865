"""Models from the furniture catalogue: loading at true size, and new colours, glass or fur for them."""

from __future__ import annotations

import colorsys
import random
from pathlib import Path
from typing import Any

import numpy as np

from . import bpy

TO_BLENDER = np.array([[1, 0, 0], [0, 0, -1], [0, 1, 0]])  # the catalogue's y is up, Blender's z


def load_model(path: Path, turn: list[float], size_m: list[float]) -> list[Any]:
    """The meshes of one OBJ file, turned as the catalogue says (3x3, row by row; empty: not at all),
    brought to width, depth and height, standing on the floor in the middle.

    Raises RuntimeError if the file holds no mesh.
    """
    before = set(bpy.data.objects)
    bpy.ops.wm.obj_import(filepath=str(path), forward_axis="NEGATIVE_Z", up_axis="Y")
    meshes = [thing for thing in bpy.data.objects if thing not in before and thing.type == "MESH"]
    if not meshes:
        raise RuntimeError("the model holds no mesh")
    pose = np.eye(3)
    if turn:
        pose = TO_BLENDER @ np.array(turn).reshape(3, 3) @ TO_BLENDER.T
    stand(meshes, pose, size_m)
    return meshes


def stand(meshes: list[Any], pose: np.ndarray, size_m: list[float]) -> None:
    """Bake a turn, the size and the place on the floor into the meshes."""
    arrays = []
    for mesh in meshes:
        flat = np.empty(len(mesh.data.vertices) * 3, np.float32)
        mesh.data.vertices.foreach_get("co", flat)
        own = np.array(mesh.matrix_world)
        arrays.append((flat.reshape(-1, 3) @ own[:3, :3].T + own[:3, 3]) @ pose.T)
    together = np.concatenate(arrays)
    low, high = together.min(0), together.max(0)
    scale = np.array(size_m) / np.maximum(high - low, 1e-6) if size_m else np.ones(3)
    scale = np.where(high - low < 1e-6, 1.0, scale)
    foot = np.array([(low[0] + high[0]) / 2, (low[1] + high[1]) / 2, low[2]])
    for mesh, points in zip(meshes, arrays, strict=True):
        mesh.data.vertices.foreach_set("co", ((points - foot) * scale).astype(np.float32).ravel())
        mesh.matrix_world = np.eye(4).tolist()
        mesh.data.update()
    bpy.context.view_layer.update()  # else the meshes keep the dimensions that they were loaded with


def material(name: str, **values: Any) -> Any:
    """A Principled material with these inputs set, by their names in lower case."""
    made = bpy.data.materials.new(name)
    made.use_nodes = True
    shader = made.node_tree.nodes["Principled BSDF"]
    inputs = {socket.name.lower().replace(" ", "_"): socket for socket in shader.inputs}
    for key, value in values.items():
        inputs[key].default_value = value
    return made


def glass(chance: random.Random) -> Any:
    """Clear glass for the most part, else tinted, sometimes a little frosted."""
    tint = (1.0, 1.0, 1.0)
    if chance.random() < 0.5:
        tint = colorsys.hsv_to_rgb(chance.random(), chance.uniform(0.1, 0.6), chance.uniform(0.75, 1.0))
    frost = chance.choice([0.0, 0.0, 0.02, 0.12])
    return material(
        "glass",
        base_color=(*tint, 1.0),
        transmission_weight=1.0,
        roughness=frost,
        ior=chance.uniform(1.2, 1.5),
    )


def dress(meshes: list[Any], made: Any) -> None:
    """Give every face of the meshes one material."""
    for mesh in meshes:
        mesh.data.materials.clear()
        mesh.data.materials.append(made)
        slots = np.zeros(len(mesh.data.polygons), np.int32)
        mesh.data.polygons.foreach_set("material_index", slots)


def recolour(meshes: list[Any], chance: random.Random) -> None:
    """Turn the hue of every plain (untextured) coloured surface by one random angle."""
    shift = chance.random()
    for made in {slot.material for mesh in meshes for slot in mesh.material_slots if slot.material}:
        shader = made.node_tree.nodes.get("Principled BSDF") if made.node_tree else None
        socket = shader.inputs["Base Color"] if shader else None
        if socket is not None and not socket.is_linked:
            original = made.get("plain_colour") or list(socket.default_value)
            made["plain_colour"] = original
            hue, saturation, value = colorsys.rgb_to_hsv(*original[:3])
            socket.default_value = (*colorsys.hsv_to_rgb((hue + shift) % 1, saturation, value), original[3])
