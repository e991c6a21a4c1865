"""Which part of a picture a view shows, and how large. All lengths are pixels of the screen."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSizeF

MOST_ZOOM = 32.0


class Viewport:
    """A picture of `picture` pixels in a view of `view` pixels; `zoom` is screen pixels a picture's pixel.

    While `is_fit` the whole picture is shown with `margin` around it, never enlarged above `fit_limit`.
    A picture smaller than the view is centred; a larger one covers it. Zoom and place outlive a change
    of picture, so that two can be compared at the same spot.
    """

    def __init__(self) -> None:
        self.view = QSizeF(1, 1)
        self.picture = QSizeF(1, 1)
        self.margin = 0.0
        self.fit_limit = 1.0
        self.is_fit = True
        self._zoom = 1.0
        self._centre = QPointF(0.5, 0.5)  # of the view, as a share of the picture

    @property
    def fit_zoom(self) -> float:
        """The zoom that shows the whole picture."""
        across = (self.view.width() - 2 * self.margin) / self.picture.width()
        down = (self.view.height() - 2 * self.margin) / self.picture.height()
        return max(min(across, down, self.fit_limit), 1 / 256)

    @property
    def zoom(self) -> float:
        """Screen pixels a pixel of the picture."""
        return self.fit_zoom if self.is_fit else self._zoom

    @property
    def place(self) -> QRectF:
        """Where the whole picture lies in the view; on whole pixels, so that 100 % is exact."""
        size = self.picture * self.zoom
        centre = QPointF(0.5, 0.5) if self.is_fit else self._centre
        left = _placed(self.view.width(), size.width(), centre.x())
        top = _placed(self.view.height(), size.height(), centre.y())
        return QRectF(left, top, max(1, round(size.width())), max(1, round(size.height())))

    @property
    def can_pan(self) -> bool:
        """Whether a part of the picture is out of sight."""
        place = self.place
        return place.width() > self.view.width() or place.height() > self.view.height()

    def zoom_to(self, zoom: float, anchor: QPointF | None = None) -> None:
        """Zoom so that what is at `anchor` (the view's centre by default) stays there."""
        anchor = anchor or QPointF(self.view.width() / 2, self.view.height() / 2)
        place = self.place
        least = min(self.fit_zoom, 1.0)
        self._zoom = min(max(zoom, least), MOST_ZOOM)
        self.is_fit = False
        share_x = (anchor.x() - place.x()) / place.width()
        share_y = (anchor.y() - place.y()) / place.height()
        size = self.picture * self._zoom
        self._look_at(
            QPointF(
                share_x + (self.view.width() / 2 - anchor.x()) / size.width(),
                share_y + (self.view.height() / 2 - anchor.y()) / size.height(),
            )
        )

    def pan(self, across: float, down: float) -> None:
        """Move the picture by so many pixels of the screen."""
        if not self.is_fit:
            size = self.picture * self._zoom
            self._look_at(self._centre - QPointF(across / size.width(), down / size.height()))

    def _look_at(self, centre: QPointF) -> None:
        size = self.picture * self._zoom
        self._centre = QPointF(
            _held(centre.x(), self.view.width() / size.width()),
            _held(centre.y(), self.view.height() / size.height()),
        )


def _held(centre: float, seen: float) -> float:
    """A centre from which a view of the share `seen` does not look beyond the picture."""
    return 0.5 if seen >= 1 else min(max(centre, seen / 2), 1 - seen / 2)


def _placed(view: float, picture: float, centre: float) -> int:
    """The first pixel of a picture along one side."""
    return round(view / 2 - _held(centre, view / picture) * picture)
