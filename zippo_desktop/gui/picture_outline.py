"""The line where a matte is one half, found between pixels and kept by tiles: only what is seen is drawn."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRectF
from PySide6.QtGui import QImage, QPainterPath

from zippo_desktop.errors import Cancelled
from zippo_desktop.gui.colour_managed import samples
from zippo_desktop.gui.picture_levels import Picture

TILE_PX = 256
Segments = NDArray[np.float32]  # [N,4]: x and y of both ends, in pixels of the level


@dataclass(frozen=True)
class Outline:
    """The outline of each level of a matte: segments by row and column of the tile that they lie in."""

    levels: tuple[dict[tuple[int, int], Segments], ...]
    _paths: dict[tuple[int, int, int], QPainterPath] = field(default_factory=dict)

    def paths(self, level: int, seen: QRectF) -> list[QPainterPath]:
        """What of a level lies in tiles that are `seen`, a part of the level in its pixels."""
        tiles = self.levels[level] if level < len(self.levels) else {}
        return [
            self._path(level, row, column)
            for row, column in tiles
            if seen.intersects(QRectF(column * TILE_PX, row * TILE_PX, TILE_PX + 1, TILE_PX + 1))
        ]

    def _path(self, level: int, row: int, column: int) -> QPainterPath:
        key = (level, row, column)
        if key not in self._paths:
            path = QPainterPath()
            for x1, y1, x2, y2 in self.levels[level][row, column].tolist():
                path.moveTo(x1, y1)
                path.lineTo(x2, y2)
            self._paths[key] = path
        return self._paths[key]


def find_outline(picture: Picture, cancel: threading.Event) -> Outline:
    """The outline of a picture's alpha, for each of its levels. Raises Cancelled."""
    return Outline(tuple(_level_outline(level, cancel) for level in picture.levels))


def _level_outline(level: QImage, cancel: threading.Event) -> dict[tuple[int, int], Segments]:
    alpha = samples(level)[..., 3]
    tiles = {}
    for top in range(0, alpha.shape[0], TILE_PX):
        if cancel.is_set():
            raise Cancelled
        for left in range(0, alpha.shape[1], TILE_PX):
            tile = alpha[top : top + TILE_PX + 1, left : left + TILE_PX + 1]
            if tile.min() < 128 <= tile.max():
                corner = np.array([left, top, left, top], np.float32)
                tiles[top // TILE_PX, left // TILE_PX] = outline_segments(tile) + corner
    return tiles


def outline_segments(alpha: NDArray[np.uint8]) -> Segments:
    """The line at one half of a matte [h,w] of bytes, [N,4], by marching squares (Lorensen and Cline, 1987).

    A cell's corners are the centres of four pixels; between them the matte is linear.
    """
    inside = alpha >= 128
    corners = (inside[:-1, :-1], inside[:-1, 1:], inside[1:, 1:], inside[1:, :-1])  # clockwise
    count = np.sum(corners, axis=0, dtype=np.uint8)
    rows, columns = np.nonzero((count > 0) & (count < 4))
    steps = ((0, 0), (0, 1), (1, 1), (1, 0))
    values = np.stack([alpha[rows + down, columns + right] for down, right in steps], axis=1) - 127.5  # [N,4]
    following = np.roll(values, -1, axis=1)
    is_crossed = (values > 0) != (following > 0)
    along = values / np.where(is_crossed, values - following, 1)  # of each side, clockwise from the top
    points = _points_on_sides(along) + np.stack([columns, rows], axis=1)[:, None] + 0.5  # [N,4,2]
    order = np.argsort(~is_crossed, axis=1, kind="stable")
    ends = np.take_along_axis(points, order[..., None], axis=1)
    is_saddle = is_crossed.all(axis=1)
    both = np.concatenate([ends[:, :2], ends[is_saddle, 2:]])
    return np.asarray(both.reshape(-1, 4), np.float32)


def _points_on_sides(along: NDArray[np.float64]) -> NDArray[np.float64]:
    """Points [N,4,2] on the top, right, bottom and left of a unit cell, `along` [N,4] each from its start."""
    top, right, bottom, left = along.T
    zero, one = np.zeros_like(top), np.ones_like(top)
    x = np.stack([top, one, 1 - bottom, zero], axis=1)
    y = np.stack([zero, right, one, 1 - left], axis=1)
    return np.stack([x, y], axis=-1)
