"""How one item is drawn: as a cell of a grid of thumbnails, or as a line of a list."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPainterPath, QPen, QPixmap
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from zippo_desktop.errors import printable
from zippo_desktop.gui.item_entry import Entry, State
from zippo_desktop.gui.item_model import ItemRole
from zippo_desktop.gui.layouts import elided
from zippo_desktop.gui.theme import colour
from zippo_desktop.pipelines.confidence import UNCERTAIN_BELOW

_GAP, _SMALL_GAP = 8, 4
_BADGE_PX, _BAR_PX, _SQUARE_PX = 16, 3, 6
_CELL_SHAPE = 0.8  # height of a thumbnail's place by its width: most photos are wider than high
_LINE_PX, _LINE_PICTURE_PX = 40, 48
_LITTLE = UNCERTAIN_BELOW / 2  # confidence that hardly is one
_STATE_COLOURS: Mapping[State, str] = {
    State.WAITING: "text_off",
    State.RUNNING: "accent",
    State.DONE: "good",
    State.DOUBTFUL: "warning",
    State.FAILED: "error",
    State.SKIPPED: "text_dim",
}


class ItemDelegate(QStyledItemDelegate):
    """Draws thumbnails, names, states and confidence. `is_grid` and `side` say how, for all items alike."""

    is_grid = True
    side = 128  # of a thumbnail's place in the grid, in pixels of the layout

    def cell(self, metrics: QFontMetrics) -> QSize:
        """The size of every item in the grid."""
        height = round(self.side * _CELL_SHAPE) + _BAR_PX + metrics.height() + 3 * _SMALL_GAP + _GAP
        return QSize(self.side + 2 * _GAP, height)

    def picture_px(self) -> int:
        """The longest side that a thumbnail is drawn at."""
        return self.side if self.is_grid else _LINE_PICTURE_PX

    def sizeHint(  # noqa: N802
        self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> QSize:
        """One size for all, so that a view need not ask ten thousand times."""
        return self.cell(option.fontMetrics) if self.is_grid else QSize(120, _LINE_PX)

    def paint(
        self,
        painter: QPainter,
        option: QStyleOptionViewItem,
        index: QModelIndex | QPersistentModelIndex,
    ) -> None:
        """Draw an item."""
        entry = index.data(ItemRole.ENTRY)
        pixmap = index.data(ItemRole.THUMBNAIL)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        _draw_ground(painter, option, self.is_grid)
        draw = self._draw_cell if self.is_grid else self._draw_line
        draw(painter, option, entry, pixmap)
        painter.restore()

    def _draw_cell(
        self, painter: QPainter, option: QStyleOptionViewItem, entry: Entry, pixmap: QPixmap | None
    ) -> None:
        area = option.rect.adjusted(_GAP, _SMALL_GAP + 2, -_GAP, -_SMALL_GAP)
        place = QRect(area.left(), area.top(), area.width(), round(self.side * _CELL_SHAPE))
        shown = _draw_picture(painter, place, pixmap, entry.state)
        badge = QRect(0, 0, _BADGE_PX, _BADGE_PX)
        badge.moveBottomRight(shown.bottomRight() - QPointF(_SMALL_GAP, _SMALL_GAP).toPoint())
        draw_badge(painter, QRectF(badge), entry.state, entry.progress)
        top = place.bottom() + 1 + _SMALL_GAP
        _draw_confidence(painter, QRectF(area.left(), top, area.width(), _BAR_PX), entry.confidence)
        text = QRect(area.left(), top + _BAR_PX, area.width(), option.fontMetrics.height() + _SMALL_GAP)
        seconds = _seconds(entry) if area.width() >= 140 else ""
        width = option.fontMetrics.horizontalAdvance(seconds) + _GAP if seconds else 0
        _draw_text(painter, text.adjusted(0, 0, -width, 0), entry.name, "text")
        _draw_text(painter, text, seconds, "text_dim", Qt.AlignmentFlag.AlignRight)

    def _draw_line(
        self, painter: QPainter, option: QStyleOptionViewItem, entry: Entry, pixmap: QPixmap | None
    ) -> None:
        area = option.rect.adjusted(_GAP, _SMALL_GAP, -_GAP, -_SMALL_GAP)
        place = QRect(area.left(), area.top(), _LINE_PICTURE_PX, area.height())
        _draw_picture(painter, place, pixmap, entry.state)
        badge = QRectF(area.right() - _BADGE_PX, area.center().y() - _BADGE_PX / 2, _BADGE_PX, _BADGE_PX)
        draw_badge(painter, badge, entry.state, entry.progress)
        right = round(badge.left()) - _GAP
        if entry.confidence is not None and area.width() > 260:
            bar = QRectF(right - 48, area.center().y() - 1, 48, _BAR_PX)
            _draw_confidence(painter, bar, entry.confidence)
            right -= 48 + _GAP
        seconds = _seconds(entry)
        if seconds:
            width = option.fontMetrics.horizontalAdvance(seconds)
            column = QRect(right - width, area.top(), width, area.height())
            _draw_text(painter, column, seconds, "text_dim", Qt.AlignmentFlag.AlignRight)
            right -= width + _GAP
        text = QRect(place.right() + _GAP, area.top(), 0, area.height())
        text.setRight(right)
        _draw_lines(painter, option, text, entry)


def state_colour(state: State) -> QColor:
    """The theme's colour for a state."""
    return colour(_STATE_COLOURS[state])


def draw_badge(painter: QPainter, place: QRectF, state: State, progress: float = 0.0) -> None:
    """A state's sign: nothing for what waits, a ring for what runs, a triangle for what is to be checked."""
    if state is State.WAITING:
        return
    painter.setPen(Qt.PenStyle.NoPen)
    if state is State.DOUBTFUL:
        painter.setBrush(colour("canvas"))
        painter.drawPath(_triangle(place.adjusted(-2.5, -3, 2.5, 2)))
        painter.setBrush(state_colour(state))
        painter.drawPath(_triangle(place))
    else:
        painter.setBrush(colour("canvas"))
        painter.drawEllipse(place.adjusted(-1.5, -1.5, 1.5, 1.5))
        if state is not State.RUNNING:
            painter.setBrush(state_colour(state))
            painter.drawEllipse(place)
    if state is State.RUNNING:
        _draw_ring(painter, place.adjusted(2, 2, -2, -2), progress)
    else:
        line = QPen(colour("canvas"), place.width() / 8)
        line.setCapStyle(Qt.PenCapStyle.RoundCap)
        line.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(line)
        painter.drawPath(_sign(place, state))


def _draw_ground(painter: QPainter, option: QStyleOptionViewItem, is_grid: bool) -> None:
    """What lies under an item that is chosen, has the keyboard or lies under the pointer."""
    state = option.state
    radius = 4 if is_grid else 0
    area = QRectF(option.rect).adjusted(1.5, 1.5, -1.5, -1.5) if is_grid else QRectF(option.rect)
    painter.setPen(Qt.PenStyle.NoPen)
    if state & QStyle.StateFlag.State_Selected:
        painter.setBrush(colour("accent_soft"))
        painter.drawRoundedRect(area, radius, radius)
    elif state & QStyle.StateFlag.State_MouseOver:
        painter.setBrush(colour("raised_pressed"))
        painter.drawRoundedRect(area, radius, radius)
    if state & QStyle.StateFlag.State_HasFocus:
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(colour("accent"), 1))
        painter.drawRoundedRect(area.adjusted(0.5, 0.5, -0.5, -0.5), radius, radius)


def _draw_picture(painter: QPainter, place: QRect, pixmap: QPixmap | None, state: State) -> QRect:
    """The thumbnail, in the middle of its place and over squares where it is transparent; where it came."""
    if pixmap is None:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour("raised_pressed"))
        painter.drawRoundedRect(place, 2, 2)
        return place
    fitted = pixmap.size().scaled(place.size(), Qt.AspectRatioMode.KeepAspectRatio)
    area = QRect(0, 0, max(1, fitted.width()), max(1, fitted.height()))
    area.moveCenter(place.center())
    if pixmap.hasAlphaChannel():
        painter.drawTiledPixmap(area, _squares(colour("raised").name(), colour("line_strong").name()))
    painter.setOpacity(0.4 if state is State.FAILED else 1.0)
    painter.drawPixmap(area, pixmap)
    painter.setOpacity(1.0)
    return area


def _draw_confidence(painter: QPainter, place: QRectF, confidence: float | None) -> None:
    """A thin bar: its length is the confidence, its colour says whether that is enough."""
    if confidence is None:
        return
    name = "error" if confidence < _LITTLE else "warning" if confidence < UNCERTAIN_BELOW else "good"
    radius = place.height() / 2
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colour("line_strong"))
    painter.drawRoundedRect(place, radius, radius)
    place.setWidth(max(place.height(), place.width() * min(1.0, confidence)))
    painter.setBrush(colour(name))
    painter.drawRoundedRect(place, radius, radius)


def _draw_lines(painter: QPainter, option: QStyleOptionViewItem, area: QRect, entry: Entry) -> None:
    """The name; below it what a person should know, or else where the file is."""
    told = entry.message or " ".join(entry.doubts)
    if entry.path:
        told = told.replace(printable(entry.path), "The file")  # its name stands above
    folder = "" if entry.subfolder.name == "" else str(entry.subfolder)
    second = told or folder
    if not second:
        _draw_text(painter, area, entry.name, "text")
        return
    half = area.height() // 2
    _draw_text(painter, area.adjusted(0, 0, 0, -half), entry.name, "text")
    is_warning = entry.state in (State.DOUBTFUL, State.FAILED)
    name = _STATE_COLOURS[entry.state] if is_warning else "text_dim"
    _draw_text(painter, area.adjusted(0, half, 0, 0), second, name, elide=Qt.TextElideMode.ElideRight)


def _draw_text(
    painter: QPainter,
    area: QRect,
    text: str,
    name: str,
    side: Qt.AlignmentFlag = Qt.AlignmentFlag.AlignLeft,
    elide: Qt.TextElideMode = Qt.TextElideMode.ElideMiddle,
) -> None:
    if not text or area.width() < 8:
        return
    painter.setPen(colour(name))
    short = elided(painter.fontMetrics(), text, elide, area.width())
    painter.drawText(area, side | Qt.AlignmentFlag.AlignVCenter, short)


def _draw_ring(painter: QPainter, place: QRectF, progress: float) -> None:
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(colour("line_strong"), 3))
    painter.drawEllipse(place)
    painter.setPen(QPen(colour("accent"), 3))
    painter.drawArc(place, 90 * 16, -round(max(progress, 0.08) * 360 * 16))


def _sign(place: QRectF, state: State) -> QPainterPath:
    """A tick, a cross, a dash or an exclamation mark."""
    strokes = {
        State.DONE: [[(0.28, 0.52), (0.44, 0.68), (0.73, 0.34)]],
        State.FAILED: [[(0.34, 0.34), (0.66, 0.66)], [(0.66, 0.34), (0.34, 0.66)]],
        State.SKIPPED: [[(0.30, 0.5), (0.70, 0.5)]],
        State.DOUBTFUL: [[(0.5, 0.36), (0.5, 0.60)], [(0.5, 0.78), (0.5, 0.79)]],
    }
    path = QPainterPath()
    for stroke in strokes.get(state, []):
        points = [QPointF(place.x() + x * place.width(), place.y() + y * place.height()) for x, y in stroke]
        path.moveTo(points[0])
        for point in points[1:]:
            path.lineTo(point)
    return path


def _triangle(place: QRectF) -> QPainterPath:
    path = QPainterPath(QPointF(place.center().x(), place.top()))
    path.lineTo(place.right() + 1, place.bottom())
    path.lineTo(place.left() - 1, place.bottom())
    path.closeSubpath()
    return path


def _seconds(entry: Entry) -> str:
    return "" if entry.seconds is None else f"{entry.seconds:.1f} s"


@lru_cache(maxsize=8)
def _squares(light: str, dark: str) -> QPixmap:
    """Four squares of a checkerboard."""
    tile = QPixmap(2 * _SQUARE_PX, 2 * _SQUARE_PX)
    tile.fill(QColor(light))
    painter = QPainter(tile)
    painter.fillRect(0, 0, _SQUARE_PX, _SQUARE_PX, QColor(dark))
    painter.fillRect(_SQUARE_PX, _SQUARE_PX, _SQUARE_PX, _SQUARE_PX, QColor(dark))
    painter.end()
    return tile
