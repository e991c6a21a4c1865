"""The window's own icons: strokes in resources/icons, tinted by the theme when they are painted."""

from __future__ import annotations

from functools import cache

from PySide6.QtCore import QByteArray, QPoint, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QIcon, QIconEngine, QPainter, QPixmap, QPixmapCache
from PySide6.QtSvg import QSvgRenderer

from zippo_desktop.gui.theme import colour
from zippo_desktop.paths import resource_dir


def icon(name: str, tint: str = "") -> QIcon:
    """An icon by its file's name, sharp at every scale, that follows the theme while the program runs.

    `tint` is one of the theme's colours ("warning"); without it the icon is coloured as text is, and as
    the accent where it is checked. Raises `KeyError` for a name that no file has.
    """
    _source(name)
    return QIcon(_StrokeEngine(name, tint))


def icon_pixmap(name: str, side: int, ratio: float = 1.0, tint: str = "text") -> QPixmap:
    """An icon of `side` logical pixels for a screen of this pixel ratio, in a colour of the theme."""
    return _drawn(name, QSize(side, side) * ratio, ratio, colour(tint))


def icon_names() -> list[str]:
    """Every icon that there is."""
    return sorted(path.stem for path in (resource_dir() / "icons").glob("*.svg"))


_clones: list[QIconEngine] = []


class _StrokeEngine(QIconEngine):
    """Draws one icon in the colour that its state has in the theme of the moment."""

    def __init__(self, name: str, tint: str) -> None:
        super().__init__()
        self._name, self._tint = name, tint

    def clone(self) -> QIconEngine:
        """For an icon that pixmaps are added to. Qt owns the clone, and Python would collect it too soon."""
        clone = _StrokeEngine(self._name, self._tint)
        _clones.append(clone)
        return clone

    def paint(self, painter: QPainter, rect: QRect, mode: QIcon.Mode, state: QIcon.State) -> None:
        ratio = painter.device().devicePixelRatioF()
        side = min(rect.width(), rect.height())
        place = QRect(0, 0, side, side)
        place.moveCenter(rect.center())
        size = QSize(side, side) * ratio
        painter.drawPixmap(place.topLeft(), _drawn(self._name, size, ratio, self._colour(mode, state)))

    def pixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State) -> QPixmap:
        return _drawn(self._name, size, 1.0, self._colour(mode, state))

    def scaledPixmap(  # noqa: N802
        self, size: QSize, mode: QIcon.Mode, state: QIcon.State, scale: float
    ) -> QPixmap:
        return _drawn(self._name, size * scale, scale, self._colour(mode, state))

    def _colour(self, mode: QIcon.Mode, state: QIcon.State) -> QColor:
        if mode == QIcon.Mode.Disabled:
            return colour("text_off")
        if self._tint:
            return colour(self._tint)
        if mode == QIcon.Mode.Selected:
            return colour("on_accent")
        return colour("accent" if state == QIcon.State.On else "text")


def _drawn(name: str, size: QSize, ratio: float, tint: QColor) -> QPixmap:
    """The icon in `size` device pixels, kept in Qt's cache."""
    if size.isEmpty():
        return QPixmap()
    key = f"{name} {size.width()} {size.height()} {ratio} {tint.name()}"
    pixmap = QPixmap()
    if QPixmapCache.find(key, pixmap):
        return pixmap
    pixmap = QPixmap(size)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    side = min(size.width(), size.height())
    square = QRectF(QPoint((size.width() - side) // 2, (size.height() - side) // 2), QSize(side, side))
    QSvgRenderer(QByteArray(_source(name).replace(b"currentColor", tint.name().encode()))).render(
        painter, square
    )
    painter.end()
    pixmap.setDevicePixelRatio(ratio)
    QPixmapCache.insert(key, pixmap)
    return pixmap


@cache
def _source(name: str) -> bytes:
    try:
        return (resource_dir() / "icons" / f"{name}.svg").read_bytes()
    except OSError:
        raise KeyError(f"There is no icon '{name}'.") from None
