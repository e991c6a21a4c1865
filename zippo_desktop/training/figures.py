"""Made-up figures: bodies with legs, horns, wings, handles and saucers, to learn from what hangs together.

Rendered things are compact, and a network that knows no others cuts off legs, tails and handles. What a
figure stands for does not matter; that its parts, thin ones and ones of another colour too, are one thing
does. All is drawn by rule: a figure is a pile of strokes, each a chain of discs, lit as if it were round.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from zippo_desktop.training.optics import blur
from zippo_desktop.training.placement import Array, Rng, float32, over
from zippo_desktop.training.surfaces import grain

Points = NDArray[np.float64]

SUBPIXEL_BITS = 4  # of OpenCV's coordinates
OWN_SKIN = 0.35  # of the parts look unlike the body
FILLED = 0.94  # of the frame, by a figure's longer side
AMBIENT = 0.45  # of the light comes from everywhere


@dataclass(frozen=True)
class Stroke:
    """A chain of discs: centres [N,2], x and y, and radii [N], in shares of the frame."""

    points: Points
    radii: Points


def figure(side: int, draw_texture: Callable[[], NDArray[np.uint8]], rng: Rng) -> NDArray[np.uint8]:
    """A figure on a transparent canvas [side,side,4]; pictures of `draw_texture`, [H,W,3], give it grain."""
    body, *parts = _filling(_shape(rng))
    skin = _skin(side, draw_texture(), rng)
    light = rng.normal(size=2)
    light /= np.linalg.norm(light)
    colour, matte = np.zeros((side, side, 3), np.float32), np.zeros((side, side), np.float32)
    pile = [*parts, body]
    rng.shuffle(pile)
    for stroke in pile:
        is_other = stroke is not body and rng.random() < OWN_SKIN
        own = _skin(side, draw_texture(), rng) if is_other else skin
        mask = _drawn(stroke, side)
        lit = np.clip(own * _light(mask, light)[..., None], 0, 1) * mask[..., None]
        colour, matte = over(lit, mask, colour), mask + matte * (1 - mask)
    straight = colour / np.maximum(matte, 1e-3)[..., None]
    return np.rint(np.dstack([straight, matte]).clip(0, 1) * 255).astype(np.uint8)


def _filling(strokes: list[Stroke]) -> list[Stroke]:
    """The strokes, moved and enlarged to fill most of the frame."""
    points = np.vstack([stroke.points for stroke in strokes])
    reach = np.concatenate([stroke.radii for stroke in strokes])[:, None]
    least, most = (points - reach).min(axis=0), (points + reach).max(axis=0)
    scale, middle = FILLED / (most - least).max(), (least + most) / 2
    return [Stroke((each.points - middle) * scale + 0.5, each.radii * scale) for each in strokes]


def _shape(rng: Rng) -> list[Stroke]:
    """A body, and then what is attached to it."""
    lean = rng.choice([0.0, np.pi / 2]) + rng.normal(0, 0.25)
    body = _arc(np.array([0.5, 0.5]), lean, rng.uniform(0.1, 0.36), rng.normal(0, 0.5), 16)
    along = np.linspace(-1, 1, len(body))
    thickness, fullness = rng.uniform(0.05, 0.14), rng.uniform(0.1, 0.8)
    radii = thickness * (1 - fullness * along**2) * (1 + rng.uniform(-0.3, 0.3) * along)
    parts: list[Stroke] = []
    for attach in (_legs, _head, _tail, _wings, _handle, _plate):
        if rng.random() < 0.45:
            parts += attach(body, radii, rng)
    return [Stroke(body, radii), *(parts or _legs(body, radii, rng))]


def _legs(body: Points, radii: Points, rng: Rng) -> list[Stroke]:
    """Two to four limbs, downwards and alike."""
    length, thick, thin = rng.uniform(0.12, 0.36), rng.uniform(0.012, 0.04), rng.uniform(0.005, 0.015)
    knee = rng.normal(0, 0.3)
    strokes = []
    for _ in range(rng.integers(2, 5)):
        start = _on(body, radii, rng.uniform(0, 1), rng.uniform(0, 0.8) * np.array([0, 1]))
        down = np.pi / 2 + rng.normal(0, 0.2)
        points = _jointed(start, [down + knee, down - knee], length / 2)
        radii_of = np.linspace(thick, thin, len(points))
        strokes.append(Stroke(points, radii_of))
        if rng.random() < 0.6:  # a foot
            toe = _arc(points[-1], rng.normal(0, 0.3), rng.uniform(0.02, 0.07), 0, 6)
            strokes.append(Stroke(toe, np.linspace(1.3, 0.7, 6) * max(thin, 0.008)))
    return strokes


def _head(body: Points, radii: Points, rng: Rng) -> list[Stroke]:
    """A neck and a head, with ears, horns or a beak."""
    start = _on(body, radii, 1.0, np.zeros(2))
    up = -rng.uniform(0.2, 2.0)
    neck = _arc_from(start, up, rng.uniform(0.05, 0.28), rng.normal(0, 1.0), 14)
    size = rng.uniform(0.03, 0.08)
    strokes = [Stroke(neck, np.linspace(radii[-1] * rng.uniform(0.3, 0.9), size * 0.6, len(neck)))]
    face = _arc_from(neck[-1], rng.normal(0, 0.5), size * rng.uniform(0.5, 2.0), 0, 8)
    strokes.append(Stroke(face, np.linspace(size, size * rng.uniform(0.2, 0.9), 8)))
    for _ in range(rng.integers(0, 4)):
        horn = _arc_from(neck[-1], rng.uniform(-np.pi, 0), rng.uniform(0.05, 0.16), rng.normal(0, 1.2), 12)
        strokes.append(Stroke(horn, np.linspace(size * rng.uniform(0.15, 0.5), 0.003, 12)))
    return strokes


def _tail(body: Points, radii: Points, rng: Rng) -> list[Stroke]:
    """A long taper from the other end."""
    start = _on(body, radii, 0.0, np.zeros(2))
    tail = _arc_from(start, np.pi + rng.normal(0, 0.9), rng.uniform(0.1, 0.4), rng.normal(0, 1.5), 20)
    return [Stroke(tail, np.linspace(radii[0] * rng.uniform(0.2, 0.9), rng.uniform(0.003, 0.03), 20))]


def _wings(body: Points, radii: Points, rng: Rng) -> list[Stroke]:
    """One or two broad tapers."""
    strokes = []
    for side in (-1, 1)[: rng.integers(1, 3)]:
        angle = side * rng.uniform(0.6, 2.2)
        start = _on(body, radii, rng.uniform(0.2, 0.8), np.zeros(2))
        wing = _arc_from(start, angle, rng.uniform(0.15, 0.4), rng.normal(0, 0.7), 24)
        strokes.append(Stroke(wing, np.linspace(rng.uniform(0.03, 0.09), 0.005, 24)))
    return strokes


def _handle(body: Points, radii: Points, rng: Rng) -> list[Stroke]:
    """A ring, through which the background shows."""
    centre = _on(body, radii, rng.uniform(0, 1), rng.choice([-1, 1]) * np.array([rng.uniform(0.5, 1.2), 0]))
    turn = np.linspace(0, 2 * np.pi, 40)
    reach = rng.uniform(0.05, 0.13)
    ring = centre + reach * np.stack([np.cos(turn), rng.uniform(0.5, 1.5) * np.sin(turn)], axis=1)
    return [Stroke(ring, np.full(len(ring), rng.uniform(0.006, 0.025)))]


def _plate(body: Points, radii: Points, rng: Rng) -> list[Stroke]:
    """Something flat beneath, or on top."""
    centre = _on(body, radii, 0.5, np.array([0, rng.choice([-1, 1, 1]) * rng.uniform(0.7, 1.1)]))
    plate = _arc(centre, rng.normal(0, 0.1), rng.uniform(0.15, 0.5), 0, 30)
    along = np.linspace(-1, 1, len(plate))
    return [Stroke(plate, rng.uniform(0.008, 0.05) * np.sqrt(1 - 0.95 * along**2))]


def _on(body: Points, radii: Points, share: float, beside: NDArray[np.float64]) -> Points:
    """A point of the body, `share` of its length from the start, and `beside` it, in radii."""
    place = round(share * (len(body) - 1))
    moved: Points = body[place] + radii[place] * beside
    return moved


def _arc(centre: Points, angle: float, length: float, bend: float, count: int) -> Points:
    """`count` points of a curve with its middle at `centre`; it turns by `bend` in all."""
    points = _arc_from(np.zeros(2), angle - bend / 2, length, bend, count)
    return points - points[count // 2] + centre


def _arc_from(start: Points, angle: float, length: float, bend: float, count: int) -> Points:
    """As `_arc`, from `start` in the direction `angle`."""
    turned = angle + bend * np.linspace(0, 1, count - 1)
    steps = np.stack([np.cos(turned), np.sin(turned)], axis=1) * length / (count - 1)
    return np.vstack([start, start + np.cumsum(steps, axis=0)])


def _jointed(start: Points, angles: list[float], length: float) -> Points:
    """Straight pieces of one length, one after the other."""
    points = start[None]
    for angle in angles:
        points = np.vstack([points, _arc_from(points[-1], angle, length, 0, 12)[1:]])
    return points


def _drawn(stroke: Stroke, side: int) -> Array:
    """The matte [S,S] of a stroke."""
    mask = np.zeros((side, side), np.uint8)
    scale = side * (1 << SUBPIXEL_BITS)
    dense = np.linspace(0, len(stroke.points) - 1, 4 * len(stroke.points))
    known = np.arange(len(stroke.points))
    discs = [np.interp(dense, known, values) for values in (*stroke.points.T, stroke.radii)]
    for x, y, radius in np.rint(np.stack(discs, axis=1) * scale).astype(int):
        cv2.circle(mask, (int(x), int(y)), max(1, int(radius)), 255, -1, cv2.LINE_AA, SUBPIXEL_BITS)
    return float32(mask / 255)


def _light(mask: Array, light: NDArray[np.float64]) -> Array:
    """How much light [S,S] falls on a part that bulges from its outline inwards, from direction `light`."""
    inner = float32(cv2.distanceTransform((mask > 0.5).astype(np.uint8), cv2.DIST_L2, 3))
    thickness = max(1.0, float(inner.max()))
    height = blur(float32(np.sqrt(inner * thickness)), thickness / 6 + 0.5)
    slope_y, slope_x = np.gradient(height)
    facing = (light[0] * slope_x + light[1] * slope_y + 1.0) / np.sqrt(slope_x**2 + slope_y**2 + 2.0)
    return float32(AMBIENT + (1 - AMBIENT) * 1.2 * np.clip(facing, 0, 1))


def _skin(side: int, texture: NDArray[np.uint8], rng: Rng) -> Array:
    """A surface [S,S,3]: one colour or two, in spots or stripes, with a picture's fine light and shade."""
    first, second = (_colour(rng) for _ in range(2))
    skin: Array = np.broadcast_to(first, (side, side, 3))
    if rng.random() < 0.4:
        share = _pattern(side, rng)[..., None]
        skin = first * (1 - share) + second * share
    small = float32(cv2.resize(texture, (side, side))) / np.float32(255)
    return float32(skin * grain(small, rng.uniform(0.0, 0.6)))


def _colour(rng: Rng) -> Array:
    """Mostly dull, as most things are."""
    grey = rng.uniform(0.08, 0.95)
    return float32(np.clip(grey + rng.normal(0, 1, 3) * rng.choice([0.02, 0.06, 0.2]), 0.02, 1))


def _pattern(side: int, rng: Rng) -> Array:
    """Where the second colour is, [S,S] in 0..1."""
    if rng.random() < 0.4:
        angle, waves = rng.uniform(0, np.pi), rng.uniform(4, 30)
        y, x = np.mgrid[:side, :side] / side
        wave = np.sin(2 * np.pi * waves * (x * np.cos(angle) + y * np.sin(angle)) + rng.uniform(0, 6))
    else:
        cells = int(rng.integers(4, 40))
        wave = cv2.resize(rng.normal(size=(cells, cells)), (side, side), interpolation=cv2.INTER_CUBIC)
    return float32(1 / (1 + np.exp(-8 * np.asarray(wave))))
