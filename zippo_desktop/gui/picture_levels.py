"""A picture in halving sizes, so that any zoom draws from one of at most twice the size it needs."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from PySide6.QtCore import QRect, QRectF, QSize
from PySide6.QtGui import QImage, QPainter

from zippo_desktop.errors import Cancelled
from zippo_desktop.gui.colour_managed import samples

SMALLEST_PX = 256
MOST_PIXELS = 100_000_000  # of a level; four bytes each. A larger picture is soft at 100 %
SHARP_FROM = 2.0  # screen pixels a picture's pixel, from where on single ones are to be seen


@dataclass(frozen=True)
class Picture:
    """A picture of `size`; `levels` hold it at that size or smaller, each half of the one before.

    All are RGB32, or premultiplied ARGB32 where `has_alpha`. One that is not complete lacks the large
    levels, which are being read.
    """

    size: QSize
    levels: tuple[QImage, ...]
    has_alpha: bool
    is_complete: bool = True

    def level_index(self, scale: float) -> int:
        """Which level to draw from where a pixel of the picture takes `scale` pixels of the screen."""
        needed = self.size.width() * scale
        large_enough = [index for index, level in enumerate(self.levels) if level.width() >= needed]
        return large_enough[-1] if large_enough else 0

    @property
    def byte_count(self) -> int:
        """Memory that the levels take."""
        return sum(level.sizeInBytes() for level in self.levels)


def make_picture(image: QImage, cancel: threading.Event, size: QSize | None = None) -> Picture:
    """Halve an image that nobody else holds until it is small. With a `size`, it is a draft of that size.

    Raises Cancelled.
    """
    levels = [image]
    while max(levels[-1].width(), levels[-1].height()) > SMALLEST_PX:
        if cancel.is_set():
            raise Cancelled
        levels.append(_half(levels[-1]))
    while levels[0].width() * levels[0].height() > MOST_PIXELS:
        del levels[0]
    return Picture(size or image.size(), tuple(levels), image.hasAlphaChannel(), is_complete=size is None)


def draw_picture(painter: QPainter, picture: Picture, place: QRectF, visible: QRect) -> None:
    """Draw what of a picture that lies at `place` is `visible`; both in the painter's pixels."""
    level = picture.levels[picture.level_index(place.width() / picture.size.width())]
    across, down = place.width() / level.width(), place.height() / level.height()
    is_own_size = level.width() == picture.size.width()
    painter.setRenderHint(
        QPainter.RenderHint.SmoothPixmapTransform, not (is_own_size and across >= SHARP_FROM)
    )
    left, top = (visible.x() - place.x()) / across, (visible.y() - place.y()) / down
    part = QRectF(left, top, visible.width() / across, visible.height() / down)
    painter.drawImage(QRectF(visible), level, part)


def _half(image: QImage) -> QImage:
    """Each pixel the mean of four; premultiplied, so that hidden colours do not count."""
    import cv2

    half = QImage((image.width() + 1) // 2, (image.height() + 1) // 2, image.format())
    if half.isNull():
        raise MemoryError("no memory for a smaller copy of a picture")
    size = (half.width(), half.height())
    cv2.resize(samples(image), size, dst=samples(half), interpolation=cv2.INTER_AREA)
    return half
