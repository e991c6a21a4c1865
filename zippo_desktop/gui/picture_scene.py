"""What a picture view shows: a photo, its result and matte, in one of the modes; painted, and measured."""

from __future__ import annotations

from typing import Literal, get_args

from PySide6.QtCore import QPointF, QRect, QRectF, QSize, QSizeF, Qt
from PySide6.QtGui import QPainter, QPalette, QPen, QTransform

from zippo_desktop.gui.backdrops import CHECKERBOARD, SQUARE_PX, Backdrop, paint_backdrop
from zippo_desktop.gui.comparison import Comparison
from zippo_desktop.gui.picture_levels import Picture, draw_picture
from zippo_desktop.gui.picture_outline import Outline
from zippo_desktop.gui.picture_viewport import Viewport

Mode = Literal["result", "photo", "compare", "matte", "edge"]
MODES: tuple[Mode, ...] = get_args(Mode)


class PictureScene:
    """The pictures at hand, the mode asked for, and where it all lies. All lengths are pixels of the screen.

    `ratio` is how many of them a pixel of the desktop has.
    """

    def __init__(self) -> None:
        self.photo: Picture | None = None
        self.result: Picture | None = None
        self.matte: Picture | None = None
        self.outline: Outline | None = None
        self.backdrop: Backdrop = CHECKERBOARD
        self.backdrop_image: Picture | None = None
        self.wanted_mode: Mode = "result"
        self.is_photo_held = False
        self.ratio = 1.0
        self.viewport = Viewport()
        self.comparison = Comparison()

    @property
    def mode(self) -> Mode:
        """The mode that is seen: the one asked for where the pictures allow it."""
        if self.is_photo_held and self.photo is not None:
            return "photo"
        if self.wanted_mode in self.available_modes():
            return self.wanted_mode
        return "result" if self.result is not None else "photo"

    def available_modes(self) -> frozenset[Mode]:
        """The modes that the pictures allow."""
        modes: set[Mode] = set()
        if self.result is not None:
            modes |= {"result"}
        if self.photo is not None:
            modes |= {"photo"}
        if len(modes) == 2:
            modes |= {"compare"}
        if self.alpha_source() is not None:
            modes |= {"matte", "edge"}
        return frozenset(modes)

    def alpha_source(self) -> Picture | None:
        """The picture whose alpha is the matte."""
        if self.matte is not None:
            return self.matte
        shown = self.result or self.photo
        return shown if shown is not None and shown.has_alpha else None

    def size(self) -> QSize | None:
        """The size that zoom counts in: the larger of photo and result where these have one shape."""
        photo, result = self.photo, self.result
        if photo is None or result is None:
            shown = photo or result
            return None if shown is None else shown.size
        if _have_one_shape(photo, result):
            return max(photo.size, result.size, key=QSize.width)
        return photo.size if self.mode == "photo" else result.size

    def _place(self, picture: Picture) -> QRectF:
        """Where a picture lies: all of the scene, or as much of it as its shape allows."""
        place = self.viewport.place
        scene = self.viewport.picture
        if _is_of_shape(picture, scene.width(), scene.height()):
            return place
        fitted = QSizeF(picture.size).scaled(place.size(), Qt.AspectRatioMode.KeepAspectRatio)
        inner = QRectF(0, 0, max(1, round(fitted.width())), max(1, round(fitted.height())))
        inner.moveTo(
            round(place.center().x() - fitted.width() / 2), round(place.center().y() - fitted.height() / 2)
        )
        return inner

    def seen(self) -> QRect:
        """What is seen of the scene, in pixels of the screen."""
        view = QRect(0, 0, round(self.viewport.view.width()), round(self.viewport.view.height()))
        return self.viewport.place.toRect().intersected(view)

    def is_at_divider(self, point: QPointF) -> bool:
        """Whether the mouse would take hold of the divider here."""
        return self.mode == "compare" and self.comparison.is_within_reach(point, self.seen(), self.ratio)

    def paint(self, painter: QPainter, palette: QPalette) -> None:
        """Paint what is seen. The painter's units are pixels of the screen."""
        seen = self.seen()
        if self.mode == "compare":
            self._paint_comparison(painter, seen, palette)
        elif self.mode == "matte":
            self._paint_matte(painter, seen)
        elif self.mode == "edge":
            self._paint_edge(painter, seen, palette)
        else:
            self._paint_picture(painter, self.photo if self.mode == "photo" else self.result, seen)

    def _paint_picture(self, painter: QPainter, picture: Picture | None, visible: QRect) -> None:
        if picture is None or visible.isEmpty():
            return
        place = self._place(picture)
        visible = visible.intersected(place.toRect())
        if picture.has_alpha:
            square_px = round(SQUARE_PX * self.ratio)
            paint_backdrop(painter, self.backdrop, self.backdrop_image, place, visible, square_px)
        draw_picture(painter, picture, place, visible)

    def _paint_comparison(self, painter: QPainter, seen: QRect, palette: QPalette) -> None:
        left, right = self.comparison.sides(seen)
        self._paint_picture(painter, self.photo, left)
        self._paint_picture(painter, self.result, right)
        self.comparison.paint(painter, seen, palette, self.ratio)

    def _paint_matte(self, painter: QPainter, seen: QRect) -> None:
        """White times alpha over black: no grey copy of the matte is kept."""
        matte = self.alpha_source()
        if matte is None:
            return
        place = self._place(matte)
        seen = seen.intersected(place.toRect())
        painter.fillRect(seen, Qt.GlobalColor.white)
        painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_DestinationIn)
        draw_picture(painter, matte, place, seen)
        painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_DestinationOver)
        painter.fillRect(seen, Qt.GlobalColor.black)

    def _paint_edge(self, painter: QPainter, seen: QRect, palette: QPalette) -> None:
        """The outline, dark under light, over the photo; over the result where that is framed otherwise."""
        matte = self.alpha_source()
        if matte is None:
            return
        is_over_photo = self.photo is not None and _have_one_shape(self.photo, matte)
        self._paint_picture(painter, self.photo if is_over_photo else self.result, seen)
        if self.outline is None:
            return
        place = self._place(matte)
        index = matte.level_index(place.width() / matte.size.width())
        level = matte.levels[index]
        to_screen = QTransform.fromTranslate(place.x(), place.y())
        to_screen.scale(place.width() / level.width(), place.height() / level.height())
        part = to_screen.inverted()[0].mapRect(QRectF(seen))
        painter.setClipRect(seen)
        painter.setTransform(to_screen, combine=True)
        for role, width in ((QPalette.ColorRole.Shadow, 3.0), (QPalette.ColorRole.Accent, 1.0)):
            pen = QPen(palette.color(role), round(width * self.ratio))
            pen.setCosmetic(True)
            painter.setPen(pen)
            for path in self.outline.paths(index, part):
                painter.drawPath(path)


def _have_one_shape(one: Picture, other: Picture) -> bool:
    return _is_of_shape(one, other.size.width(), other.size.height())


def _is_of_shape(picture: Picture, width: float, height: float) -> bool:
    """Whether two sizes are of one shape, but for the rounding of the smaller one's sides."""
    size = picture.size
    return abs(size.width() * height - size.height() * width) <= max(
        size.width() + size.height(), width + height
    )
