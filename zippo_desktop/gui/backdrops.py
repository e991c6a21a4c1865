"""What transparent pictures are shown on: a checkerboard, a colour or an image."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

from PySide6.QtCore import QPoint, QRect, QRectF
from PySide6.QtGui import QBrush, QColor, QIcon, QImage, QPainter, QPixmap

from zippo_desktop.gui.picture_levels import Picture, draw_picture

LIGHT, DARK = QColor(204, 204, 204), QColor(153, 153, 153)  # as in imaging.compositing.checkerboard
SQUARE_PX = 8


@dataclass(frozen=True)
class Backdrop:
    """A backdrop by kind; `colour` and `image_path` count for their own kinds."""

    kind: Literal["checkerboard", "colour", "image"]
    colour: QColor | None = None
    image_path: Path | None = None


CHECKERBOARD = Backdrop("checkerboard")
BLACK = Backdrop("colour", QColor(0, 0, 0))
WHITE = Backdrop("colour", QColor(255, 255, 255))
RED = Backdrop("colour", QColor(255, 0, 0))
COMMON = {"Checkerboard": CHECKERBOARD, "Black": BLACK, "White": WHITE, "Red": RED}


def paint_backdrop(
    painter: QPainter,
    backdrop: Backdrop,
    image: Picture | None,
    place: QRectF,
    visible: QRect,
    square_px: int = SQUARE_PX,
) -> None:
    """Fill what is `visible` of a picture at `place`; an image, once it is read, covers all of that."""
    if backdrop.kind == "colour" and backdrop.colour is not None:
        painter.fillRect(visible, backdrop.colour)
    elif backdrop.kind == "image" and image is not None:
        draw_picture(painter, image, _covering(place, image), visible)
    else:
        painter.setBrushOrigin(place.topLeft())
        painter.fillRect(visible, _checkerboard(square_px))


def swatch(backdrop: Backdrop, side_px: int, ratio: float, image: Picture | None = None) -> QIcon:
    """A small picture of a backdrop, framed by the grey between black and white."""
    side = round(side_px * ratio)
    pixmap = QPixmap(side, side)
    painter = QPainter(pixmap)
    whole = QRect(0, 0, side, side)
    paint_backdrop(painter, backdrop, image, QRectF(whole), whole, max(2, side // 4))
    painter.setPen(DARK)
    painter.drawRect(whole.adjusted(0, 0, -1, -1))
    painter.end()
    pixmap.setDevicePixelRatio(ratio)
    return QIcon(pixmap)


def _covering(place: QRectF, image: Picture) -> QRectF:
    """Where an image lies that covers a place, centred, with its own shape."""
    scale = max(place.width() / image.size.width(), place.height() / image.size.height())
    covering = QRectF(0, 0, image.size.width() * scale, image.size.height() * scale)
    covering.moveCenter(place.center())
    return covering


@lru_cache(maxsize=8)
def _checkerboard(square_px: int) -> QBrush:
    tile = QImage(2 * square_px, 2 * square_px, QImage.Format.Format_RGB32)
    tile.fill(LIGHT)
    painter = QPainter(tile)
    for corner in (QPoint(square_px, 0), QPoint(0, square_px)):
        painter.fillRect(QRect(corner.x(), corner.y(), square_px, square_px), DARK)
    painter.end()
    return QBrush(tile)
