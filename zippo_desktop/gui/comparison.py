"""The divider between before and after: where it is, how it is taken hold of, and how it looks."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPainterPath, QPalette, QPen, QPolygonF

REACH_PX = 8
_GRIP_PX = 14
_LABEL_GAP_PX = 8


class Comparison:
    """A divider at a `share` of what is seen of a picture, so that it can always be reached.

    `seen` is that part in pixels of the screen, `ratio` how many of them a pixel of the desktop has.
    """

    def __init__(self) -> None:
        self.share = 0.5

    def divider_x(self, seen: QRect) -> int:
        """The first column of the right side."""
        return seen.left() + round(self.share * seen.width())

    def move_to(self, x: float, seen: QRect) -> None:
        """Move the divider, no further than the picture is seen."""
        self.share = min(max((x - seen.left()) / max(1, seen.width()), 0.0), 1.0)

    def move_by(self, share: float) -> None:
        """Move the divider by a share of what is seen."""
        self.share = min(max(self.share + share, 0.0), 1.0)

    def is_within_reach(self, point: QPointF, seen: QRect, ratio: float) -> bool:
        """Whether the mouse would take hold of the divider here."""
        is_beside = abs(point.x() - self.divider_x(seen)) <= REACH_PX * ratio
        return is_beside and seen.top() <= point.y() <= seen.bottom()

    def sides(self, seen: QRect) -> tuple[QRect, QRect]:
        """What is seen, left and right of the divider."""
        width = self.divider_x(seen) - seen.left()
        left = QRect(seen.left(), seen.top(), width, seen.height())
        return left, seen.adjusted(width, 0, 0, 0)

    def paint(self, painter: QPainter, seen: QRect, palette: QPalette, ratio: float) -> None:
        """Draw the line, its grip and the names of both sides."""
        halo, core = palette.color(QPalette.ColorRole.Window), palette.color(QPalette.ColorRole.WindowText)
        x, thick = self.divider_x(seen), max(1, round(ratio))
        painter.fillRect(QRect(x - 2 * thick, seen.top(), 4 * thick, seen.height()), _veiled(halo))
        painter.fillRect(QRect(x - thick // 2, seen.top(), thick, seen.height()), core)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        _paint_grip(painter, QPointF(x, seen.center().y() + 0.5), halo, core, ratio)
        left, right = self.sides(seen)
        _paint_label(painter, "Photo", left, Qt.AlignmentFlag.AlignLeft, palette, ratio)
        _paint_label(painter, "Result", right, Qt.AlignmentFlag.AlignRight, palette, ratio)


def _veiled(colour: QColor) -> QColor:
    veiled = QColor(colour)
    veiled.setAlpha(176)
    return veiled


def _paint_grip(painter: QPainter, centre: QPointF, halo: QColor, core: QColor, ratio: float) -> None:
    """A disc with an arrow to either side."""
    radius = _GRIP_PX * ratio
    painter.setPen(QPen(core, 1.5 * ratio))
    painter.setBrush(halo)
    painter.drawEllipse(centre, radius, radius)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(core)
    for side in (-1, 1):
        tip, back, half = 8.5 * ratio * side, 3.5 * ratio * side, 4 * ratio
        corners = [QPointF(tip, 0), QPointF(back, -half), QPointF(back, half)]
        painter.drawPolygon(QPolygonF([centre + corner for corner in corners]))


def _paint_label(
    painter: QPainter, text: str, side: QRect, where: Qt.AlignmentFlag, palette: QPalette, ratio: float
) -> None:
    """A name in a side's lower corner, left out where it does not fit."""
    metrics = QFontMetrics(painter.font())
    gap = _LABEL_GAP_PX * ratio
    width, height = metrics.horizontalAdvance(text) + 2 * gap, metrics.height() + gap / 2
    if side.width() < width + 4 * gap:
        return
    left = side.left() + gap if where == Qt.AlignmentFlag.AlignLeft else side.right() + 1 - gap - width
    box = QRectF(left, side.bottom() + 1 - gap - height, width, height)
    shape = QPainterPath()
    shape.addRoundedRect(box, 4 * ratio, 4 * ratio)
    painter.fillPath(shape, _veiled(palette.color(QPalette.ColorRole.Window)))
    painter.setPen(palette.color(QPalette.ColorRole.WindowText))
    painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)
