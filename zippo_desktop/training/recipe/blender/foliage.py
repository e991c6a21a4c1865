"""Leaves, blades, fronds and feathers, all made of one thing: a narrow strip along a bent line."""

from __future__ import annotations

import colorsys
import math
import random
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import bpy
from .models import dress, material

Line = NDArray[np.floating]  # [n,3], metres
STEPS = 7
UP = np.array([0.0, 0.0, 1.0])


class Strips:
    """Strips collected for one mesh."""

    def __init__(self) -> None:
        self.points: list[Line] = []
        self.faces: list[list[int]] = []
        self._count = 0

    def add(self, line: Line, width: float, shape: str = "blade", is_crossed: bool = False) -> None:
        """One strip along `line`: a "blade" tapers to its tip, a "leaf" to both ends, a "stem" hardly.

        A crossed one has a second strip through it, so that a thin stem is seen from every side.
        """
        along = np.linspace(0, 1, len(line))
        profile = {"blade": 1 - along**1.5, "leaf": np.sin(np.pi * along**0.8), "stem": 1 - 0.6 * along}[
            shape
        ]
        side = np.cross(line[-1] - line[0], UP + 0.01)
        side /= max(1e-9, float(np.linalg.norm(side)))
        other = np.cross(line[-1] - line[0], side)
        other /= max(1e-9, float(np.linalg.norm(other)))
        half = (np.maximum(profile, 0.02) * width / 2)[:, None]
        for direction in (side, other) if is_crossed else (side,):
            self._add_ribbon(line - direction * half, line + direction * half)

    def _add_ribbon(self, left: Line, right: Line) -> None:
        first, n = self._count, len(left)
        self.points += [left, right]
        self.faces += [[first + i, first + i + 1, first + n + i + 1, first + n + i] for i in range(n - 1)]
        self._count += 2 * n


def build_foliage(kind: str, chance: random.Random) -> None:
    """One thing of KINDS, about a metre tall."""
    random_numbers = np.random.default_rng(chance.randrange(2**32))
    leaves, wood = Strips(), Strips()
    KINDS[kind](leaves, wood, random_numbers)
    for strips, made in ((leaves, _leaf_material(kind, chance)), (wood, _wood_material(kind, chance))):
        if strips.points:
            _add_mesh(strips, made)


def _add_mesh(strips: Strips, made: Any) -> None:
    mesh = bpy.data.meshes.new("strips")
    mesh.from_pydata(np.concatenate(strips.points).tolist(), [], strips.faces)
    thing = bpy.data.objects.new("strips", mesh)
    bpy.context.scene.collection.objects.link(thing)
    dress([thing], made)


def _bent(start: Line, direction: Line, length: float, droop: float, steps: int = STEPS) -> Line:
    """A line that sets out in a direction and sinks by `droop` of its length at the tip."""
    along = np.linspace(0, 1, steps)[:, None]
    direction = direction / max(1e-9, float(np.linalg.norm(direction)))
    return start + along * direction * length - UP * along**2 * droop * length


def _grass(leaves: Strips, wood: Strips, number: np.random.Generator) -> None:
    for _ in range(number.integers(120, 420)):
        angle, lean = number.uniform(0, 2 * math.pi), abs(number.normal(0, 0.45))
        foot = np.array([*number.normal(0, 0.07, 2), 0.0])
        direction = np.array([math.cos(angle) * lean, math.sin(angle) * lean, 1.0])
        line = _bent(foot, direction, number.uniform(0.4, 1.0), number.uniform(0, 0.5))
        leaves.add(line, number.uniform(0.004, 0.016))


def _bush(leaves: Strips, wood: Strips, number: np.random.Generator) -> None:
    size = number.uniform(0.05, 0.11)
    shape = number.uniform(0.32, 0.5, 3)
    for _ in range(number.integers(14, 24)):
        _twig(leaves, wood, np.zeros(3), _outward(number) * shape * 1.6 + UP * 0.35, size, number)


def _twig(
    leaves: Strips, wood: Strips, start: Line, reach: Line, leaf: float, number: np.random.Generator
) -> None:
    line = _bent(start, reach, float(np.linalg.norm(reach)), number.uniform(0, 0.2), 16)
    wood.add(line, 0.012, "stem", is_crossed=True)
    for place in line[3:]:
        for _ in range(6):
            toward = _outward(number) + 0.4 * reach
            leaves.add(_bent(place, toward, leaf * number.uniform(0.6, 1.3), 0.3, 5), leaf * 0.45, "leaf")


def _branch(leaves: Strips, wood: Strips, number: np.random.Generator) -> None:
    _grow(leaves, wood, np.zeros(3), UP + number.normal(0, 0.3, 3), 0.45, 3, number, has_leaves=True)


def _bare_twigs(leaves: Strips, wood: Strips, number: np.random.Generator) -> None:
    _grow(leaves, wood, np.zeros(3), UP + number.normal(0, 0.2, 3), 0.4, 5, number, has_leaves=False)


def _grow(
    leaves: Strips,
    wood: Strips,
    start: Line,
    direction: Line,
    length: float,
    depth: int,
    number: np.random.Generator,
    has_leaves: bool,
) -> None:
    line = _bent(start, direction, length, number.uniform(-0.1, 0.15), 8)
    wood.add(line, length * 0.035, "stem", is_crossed=True)
    if has_leaves and depth < 3:
        for place in line[1:]:
            for _ in range(2):
                size = number.uniform(0.05, 0.1)
                leaves.add(_bent(place, _outward(number) + direction, size, 0.3, 5), size * 0.5, "leaf")
    if depth > 0:
        for _ in range(3):
            place = line[number.integers(3, len(line))]
            bend = direction / np.linalg.norm(direction) + number.normal(0, 0.55, 3)
            _grow(leaves, wood, place, bend, length * 0.68, depth - 1, number, has_leaves)


def _fern(leaves: Strips, wood: Strips, number: np.random.Generator) -> None:
    fronds = number.integers(6, 13)
    for i in range(fronds):
        angle = 2 * math.pi * i / fronds + number.normal(0, 0.2)
        out = np.array([math.cos(angle), math.sin(angle), number.uniform(0.7, 1.8)])
        _frond(leaves, wood, out, number.uniform(0.6, 1.0), 26, 0.22, number)


def _palm(leaves: Strips, wood: Strips, number: np.random.Generator) -> None:
    out = np.array([number.uniform(-0.2, 0.2), number.uniform(-0.5, 0.2), 1.0])
    _frond(leaves, wood, out, 1.0, 34, 0.38, number)


def _frond(
    leaves: Strips,
    wood: Strips,
    out: Line,
    length: float,
    pairs: int,
    reach: float,
    number: np.random.Generator,
) -> None:
    line = _bent(np.zeros(3), out, length, number.uniform(0.3, 0.8), pairs)
    wood.add(line, 0.01, "stem", is_crossed=True)
    side = np.cross(out, UP)
    side /= np.linalg.norm(side)
    for i in range(3, pairs):
        leaflet = reach * length * math.sin(math.pi * (i / pairs) ** 0.7) + 0.01
        forward = line[i] - line[i - 1]
        forward = forward / np.linalg.norm(forward)
        for sign in (-1, 1):
            toward = sign * side + forward * 0.6 + number.normal(0, 0.06, 3)
            leaves.add(_bent(line[i], toward, leaflet, 0.15, 5), 0.5 * length / pairs, "leaf")


def _feather(leaves: Strips, wood: Strips, number: np.random.Generator) -> None:
    line = _bent(np.zeros(3), np.array([0.15, 0.0, 1.0]), 1.0, number.uniform(-0.05, 0.1), 170)
    line[:, 0] += number.uniform(-0.2, 0.2) * np.linspace(0, 1, 170) ** 2
    wood.add(line, 0.012, "stem", is_crossed=True)
    width = number.uniform(0.08, 0.2)
    gap = number.integers(60, 160, 2)
    for i in range(25, 169):
        along = (i - 25) / 144
        barb = width * math.sin(math.pi * (0.12 + 0.86 * along) ** 0.8) + 0.005
        for sign, broken in zip((-1, 1), gap, strict=True):
            lift = 0.35 if abs(i - broken) < 3 else 0.75
            downy = 0.35 if along < 0.2 else 0.03
            toward = np.array([sign, number.normal(0, downy), lift + number.normal(0, downy)])
            leaves.add(_bent(line[i], toward, barb * number.uniform(0.9, 1.05), 0.05, 5), 0.005)


def _dandelion(leaves: Strips, wood: Strips, number: np.random.Generator) -> None:
    stem = _bent(np.zeros(3), UP + number.normal(0, 0.08, 3), 0.75, 0.03)
    wood.add(stem, 0.014, "stem", is_crossed=True)
    for _ in range(number.integers(110, 200)):
        out = _outward(number)
        ray = _bent(stem[-1], out, 0.2, 0.0, 4)
        leaves.add(ray, 0.0015, "stem", is_crossed=True)
        for _ in range(9):
            leaves.add(_bent(ray[-1], out + 0.8 * _outward(number), 0.055, 0.0, 3), 0.0016)


def _reed(leaves: Strips, wood: Strips, number: np.random.Generator) -> None:
    for _ in range(number.integers(3, 8)):
        stem = _bent(np.zeros(3), UP + number.normal(0, 0.12, 3), number.uniform(0.7, 1.0), 0.05, 60)
        wood.add(stem, 0.008, "stem", is_crossed=True)
        for place in stem[38:]:
            for _ in range(14):
                toward = _outward(number) * 0.7 + UP
                leaves.add(_bent(place, toward, number.uniform(0.04, 0.11), 0.6, 4), 0.0022)


def _outward(number: np.random.Generator) -> Line:
    direction = number.normal(0, 1, 3)
    return direction / np.linalg.norm(direction)


KINDS: dict[str, Callable[[Strips, Strips, np.random.Generator], None]] = {
    "grass": _grass,
    "bush": _bush,
    "branch": _branch,
    "twigs": _bare_twigs,
    "fern": _fern,
    "palm": _palm,
    "feather": _feather,
    "dandelion": _dandelion,
    "reed": _reed,
}
PALE = {"dandelion", "reed"}


def _leaf_material(kind: str, chance: random.Random) -> Any:
    hue, saturation, value = chance.uniform(0.2, 0.38), chance.uniform(0.45, 0.9), chance.uniform(0.12, 0.6)
    if kind == "feather":
        hue, saturation, value = chance.random(), chance.uniform(0, 0.8), chance.uniform(0.1, 0.95)
    elif kind in PALE:
        hue, saturation, value = (
            chance.uniform(0.08, 0.14),
            chance.uniform(0.0, 0.3),
            chance.uniform(0.7, 0.95),
        )
    elif chance.random() < 0.2:  # autumn
        hue = chance.uniform(0.0, 0.15)
    return material("leaf", base_color=(*colorsys.hsv_to_rgb(hue, saturation, value), 1.0), roughness=0.5)


def _wood_material(kind: str, chance: random.Random) -> Any:
    colour = (0.75, 0.7, 0.6) if kind == "feather" else (0.16, 0.2, 0.06)
    if kind in ("branch", "twigs", "bush"):
        colour = colorsys.hsv_to_rgb(chance.uniform(0.05, 0.1), 0.5, chance.uniform(0.06, 0.25))
    return material("wood", base_color=(*colour, 1.0), roughness=0.8)
