"""The stage of one picture: Cycles, light from a panorama and a sun, and a camera that fits the subject."""

from __future__ import annotations

import math
import random
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import bpy

Points = NDArray[np.floating]
WORLD_BRIGHTNESS = 0.55  # mean luminance that every panorama is brought to
FIT_STEPS = 14


def open_stage(side: int, samples: int, threads: int, is_transparent: bool = True) -> Any:
    """An empty scene with Cycles on the CPU; colour is denoised, alpha never (Cycles does not denoise it)."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.cycles.device = "CPU"
    scene.cycles.samples = samples
    scene.cycles.use_adaptive_sampling = False
    scene.cycles.use_denoising = True
    scene.cycles.max_bounces = 8
    scene.render.threads_mode = "FIXED"
    scene.render.threads = threads
    scene.render.resolution_x = scene.render.resolution_y = side
    scene.render.film_transparent = is_transparent
    scene.cycles.film_transparent_glass = is_transparent
    scene.render.image_settings.file_format = "PNG"
    scene.render.image_settings.color_mode = "RGBA" if is_transparent else "RGB"
    scene.view_settings.view_transform = "AgX"
    return scene


def light_stage(scene: Any, panorama: Path, chance: random.Random) -> None:
    """The panorama, turned at random, and a sun.

    The panorama is not importance-sampled: that costs 2 to 4 times the render time, and the sun makes
    the shadows that are lost by it.
    """
    world = scene.world or bpy.data.worlds.new("world")
    scene.world = world
    world.use_nodes = True
    world.cycles.sampling_method = "NONE"
    nodes, links = world.node_tree.nodes, world.node_tree.links
    nodes.clear()
    image = bpy.data.images.load(str(panorama), check_existing=True)
    picture, turn, place = (
        nodes.new(f"ShaderNode{kind}") for kind in ("TexEnvironment", "Mapping", "TexCoord")
    )
    shine, out = nodes.new("ShaderNodeBackground"), nodes.new("ShaderNodeOutputWorld")
    picture.image = image
    turn.inputs["Rotation"].default_value[2] = chance.uniform(0, 2 * math.pi)
    shine.inputs["Strength"].default_value = WORLD_BRIGHTNESS / max(1e-3, _brightness(image))
    links.new(place.outputs["Generated"], turn.inputs["Vector"])
    links.new(turn.outputs["Vector"], picture.inputs["Vector"])
    links.new(picture.outputs["Color"], shine.inputs["Color"])
    links.new(shine.outputs[0], out.inputs["Surface"])
    _add_sun(scene, chance)


def aim_camera(scene: Any, points: Points, chance: random.Random, turns: float = math.pi) -> None:
    """A camera on the subject's [N,3] points, near enough to fill most of the frame.

    It stands in front (-y), or up to `turns` radians to either side of that: flat things want little.
    """
    view = math.radians(chance.uniform(20, 45))
    azimuth = -math.pi / 2 + chance.uniform(-turns, turns)
    elevation = math.radians(chance.uniform(-4, 38))
    forward = -np.array(
        [
            math.cos(elevation) * math.cos(azimuth),
            math.cos(elevation) * math.sin(azimuth),
            math.sin(elevation),
        ]
    )
    right = np.cross(forward, (0.0, 0.0, 1.0))
    right /= np.linalg.norm(right)
    axes = np.stack([right, np.cross(right, forward), forward])
    fill = chance.uniform(0.72, 0.9)
    place_camera(scene, axes, _fitting_place(points, axes, math.tan(view / 2) * fill), view)


def place_camera(scene: Any, axes: Points, place: Points, view: float) -> Any:
    """A camera at `place` [3] with the axes right, up and forward [3,3] and a view angle in radians."""
    camera = scene.camera or bpy.data.objects.new("camera", bpy.data.cameras.new("camera"))
    if scene.camera is None:
        scene.collection.objects.link(camera)
        scene.camera = camera
    pose = np.eye(4)
    pose[:3, 0], pose[:3, 1], pose[:3, 2], pose[:3, 3] = axes[0], axes[1], -axes[2], place
    camera.matrix_world = pose.T.tolist()
    camera.data.angle = view
    camera.data.clip_start, camera.data.clip_end = 0.001, 10_000
    return camera


def subject_points() -> Points:
    """World positions [N,3] of the vertices of every mesh, after modifiers and without hair."""
    graph = bpy.context.evaluated_depsgraph_get()
    found = [_world_points(thing.evaluated_get(graph)) for thing in bpy.data.objects if thing.type == "MESH"]
    return np.concatenate(found) if found else np.zeros((0, 3))


def _world_points(thing: Any) -> Points:
    count = len(thing.data.vertices)
    flat = np.empty(count * 3, np.float32)
    thing.data.vertices.foreach_get("co", flat)
    pose = np.array(thing.matrix_world)
    return flat.reshape(-1, 3) @ pose[:3, :3].T + pose[:3, 3]


def _fitting_place(points: Points, axes: Points, half_view: float) -> Points:
    """The camera's place from which the points fill the frame to `half_view` (tangent of half an angle)."""
    middle = (points.min(0) + points.max(0)) / 2
    size = float(np.linalg.norm(points - middle, axis=1).max()) or 1.0
    place = middle - axes[2] * size / half_view * 1.5
    for _ in range(FIT_STEPS):
        x, y, depth = ((points - place) @ axes.T).T
        depth = np.maximum(depth, size * 1e-3)
        across, up = x / depth, y / depth
        near = float(np.median(depth))
        place = place + axes[0] * (across.min() + across.max()) / 2 * near
        place = place + axes[1] * (up.min() + up.max()) / 2 * near
        reach = max(np.ptp(across), np.ptp(up)) / 2
        place = place - axes[2] * near * (reach / half_view - 1) * 0.8
    return place


def _brightness(image: Any) -> float:
    pixels = np.empty(len(image.pixels), np.float32)
    image.pixels.foreach_get(pixels)
    return float(pixels.reshape(-1, 4)[:, :3].mean())


def _add_sun(scene: Any, chance: random.Random) -> None:
    sun = bpy.data.objects.get("sun")
    if sun is None:
        sun = bpy.data.objects.new("sun", bpy.data.lights.new("sun", "SUN"))
        scene.collection.objects.link(sun)
    sun.data.energy = chance.uniform(0.3, 2.5)
    sun.data.angle = math.radians(chance.uniform(2, 20))
    sun.data.color = (1.0, chance.uniform(0.85, 1.0), chance.uniform(0.7, 1.0))
    sun.rotation_euler = (
        math.radians(chance.uniform(10, 65)),
        0.0,
        chance.uniform(0, 2 * math.pi),
    )
