"""The area that pictures are painted on, zoomed and moved with the mouse and the keys. It reads no files."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPoint, QPointF, QSize, QSizeF, Qt, Signal
from PySide6.QtGui import (
    QFocusEvent,
    QFont,
    QFontInfo,
    QKeyEvent,
    QMouseEvent,
    QNativeGestureEvent,
    QPainter,
    QPaintEvent,
    QPalette,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QWidget

from zippo_desktop.gui.picture_scene import PictureScene

WHEEL_STEP = 1.25  # of zoom, a notch
KEY_STEP_PX = 64
SLIDE_STEP = 0.02
FIT_MARGIN_PX = 12
_NOTCH = 120  # in eighths of a degree
_ZOOM_KEYS = {Qt.Key.Key_Plus: 1.5, Qt.Key.Key_Equal: 1.5, Qt.Key.Key_Minus: 1 / 1.5}
_ARROWS = {
    Qt.Key.Key_Left: QPoint(1, 0),
    Qt.Key.Key_Right: QPoint(-1, 0),
    Qt.Key.Key_Up: QPoint(0, 1),
    Qt.Key.Key_Down: QPoint(0, -1),
}


class PictureCanvas(QWidget):
    """Paints a scene, or a message where there is none, and lets it be zoomed, moved and compared.

    Everything inside is counted in pixels of the screen, so that 100 % is exact on any desktop scaling.
    """

    zoom_changed = Signal(float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("pictureCanvas")
        self.setAccessibleName("Picture")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.scene = PictureScene()
        self.message = ""
        self._dragged_from: QPointF | None = None
        self._is_sliding = False

    def refresh(self) -> None:
        """Take note of other pictures, another mode, size or scaling, and paint."""
        scene, before = self.scene, self.scene.viewport.zoom
        ratio = scene.ratio = self.devicePixelRatioF()
        scene.viewport.picture = QSizeF(scene.size() or QSize(1, 1))
        scene.viewport.view = QSizeF(
            max(1, round(self.width() * ratio)), max(1, round(self.height() * ratio))
        )
        scene.viewport.margin = FIT_MARGIN_PX * ratio
        scene.viewport.fit_limit = max(1.0, ratio)
        if scene.viewport.zoom != before:
            self.zoom_changed.emit(scene.viewport.zoom)
        self._show_cursor()
        self.update()

    def hold_photo(self, is_held: bool) -> None:
        """Show the photo for as long as it is held."""
        self.scene.is_photo_held = is_held
        self.refresh()

    def fit(self) -> None:
        """Show all of the picture, now and after every change of size."""
        self.scene.viewport.is_fit = True
        self._note_zoom()

    def zoom_to(self, zoom: float, anchor: QPointF | None = None) -> None:
        """Zoom around a place in pixels of the screen, by default the middle."""
        if self.scene.size() is not None:
            self.scene.viewport.zoom_to(zoom, anchor)
            self._note_zoom()

    def zoom_by(self, factor: float, anchor: QPointF | None = None) -> None:
        """Zoom by a factor of what is seen now."""
        self.zoom_to(self.scene.viewport.zoom * factor, anchor)

    def _note_zoom(self) -> None:
        self._show_cursor()
        self.zoom_changed.emit(self.scene.viewport.zoom)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        """Paint what is seen of the scene, or the message."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), self.palette().color(QPalette.ColorRole.Dark))
        if self.scene.size() is None:
            painter.setPen(self.palette().color(QPalette.ColorRole.PlaceholderText))
            room = self.rect().adjusted(24, 24, -24, -24)
            painter.drawText(room, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, self.message)
        else:
            self._use_screen_pixels(painter)
            self.scene.paint(painter, self.palette())

    def _use_screen_pixels(self, painter: QPainter) -> None:
        """One unit a pixel of the screen, from a whole one on, wherever the desktop's scaling has put us."""
        ratio = self.devicePixelRatioF()
        corner = QPointF(self.mapTo(self.window(), QPoint(0, 0))) * ratio
        painter.scale(1 / ratio, 1 / ratio)
        painter.translate(round(corner.x()) - corner.x(), round(corner.y()) - corner.y())
        font = QFont(self.font())
        font.setPixelSize(round(QFontInfo(font).pixelSize() * ratio))
        painter.setFont(font)

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802
        """Zoom at the cursor."""
        turned = event.angleDelta().y() or event.angleDelta().x()
        self.zoom_by(WHEEL_STEP ** (turned / _NOTCH), self._screen_point(event))
        event.accept()

    def event(self, event: QEvent) -> bool:
        """Zoom by pinching, where the platform tells."""
        zoom = Qt.NativeGestureType.ZoomNativeGesture
        if isinstance(event, QNativeGestureEvent) and event.gestureType() == zoom:
            self.zoom_by(1 + event.value(), self._screen_point(event))
            return True
        return super().event(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Take hold of the divider or of the picture."""
        if event.button() not in (Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton):
            event.ignore()
            return
        point = self._screen_point(event)
        self._is_sliding = event.button() == Qt.MouseButton.LeftButton and self.scene.is_at_divider(point)
        self._dragged_from = point
        self._show_cursor(point)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Move what is held."""
        point = self._screen_point(event)
        if self._is_sliding:
            self.scene.comparison.move_to(point.x(), self.scene.seen())
            self.update()
        elif self._dragged_from is not None:
            moved = point - self._dragged_from
            self.scene.viewport.pan(moved.x(), moved.y())
            self._dragged_from = point
            self.update()
        self._show_cursor(point)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Let go."""
        self._dragged_from = None
        self._is_sliding = False
        self._show_cursor(self._screen_point(event))

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Go to 100 % at the cursor, or back to the whole picture."""
        point = self._screen_point(event)
        if event.button() != Qt.MouseButton.LeftButton or self.scene.is_at_divider(point):
            return
        if self.scene.viewport.is_fit:
            self.zoom_to(1.0, point)
        else:
            self.fit()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Space shows the photo; arrows move the picture, or the divider (all in sight, or Shift)."""
        if event.key() == Qt.Key.Key_Space:
            if not event.isAutoRepeat():
                self.hold_photo(True)
        elif event.key() in _ZOOM_KEYS:
            self.zoom_by(_ZOOM_KEYS[Qt.Key(event.key())])
        elif event.key() in _ARROWS:
            self._move(
                _ARROWS[Qt.Key(event.key())], bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
            )
        else:
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Space let go shows what was shown before."""
        if event.key() != Qt.Key.Key_Space:
            super().keyReleaseEvent(event)
        elif not event.isAutoRepeat():
            self.hold_photo(False)

    def focusOutEvent(self, event: QFocusEvent) -> None:  # noqa: N802
        """Let go of the photo: the key's release goes elsewhere."""
        self.hold_photo(False)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Fit again."""
        self.refresh()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        """Follow the screen's scaling, and the theme."""
        if event.type() in (QEvent.Type.DevicePixelRatioChange, QEvent.Type.PaletteChange):
            self.refresh()
        super().changeEvent(event)

    def _move(self, step: QPoint, is_shifted: bool) -> None:
        scene = self.scene
        if scene.mode == "compare" and step.x() and (is_shifted or not scene.viewport.can_pan):
            scene.comparison.move_by(-SLIDE_STEP * step.x())
        else:
            scene.viewport.pan(step.x() * KEY_STEP_PX * scene.ratio, step.y() * KEY_STEP_PX * scene.ratio)
        self.update()

    def _screen_point(self, event: QMouseEvent | QWheelEvent | QNativeGestureEvent) -> QPointF:
        return event.position() * self.devicePixelRatioF()

    def _show_cursor(self, point: QPointF | None = None) -> None:
        if self._is_sliding or (point is not None and self.scene.is_at_divider(point)):
            self.setCursor(Qt.CursorShape.SplitHCursor)
        elif self.scene.size() is not None and self.scene.viewport.can_pan:
            is_held = self._dragged_from is not None
            self.setCursor(Qt.CursorShape.ClosedHandCursor if is_held else Qt.CursorShape.OpenHandCursor)
        else:
            self.setCursor(Qt.CursorShape.ArrowCursor)
