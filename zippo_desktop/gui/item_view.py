"""The view of a list of items, as a grid or as lines; it knows which of them are in sight."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QEvent, QItemSelection, QModelIndex, QPoint, QSize, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QDrag, QKeyEvent, QKeySequence, QPixmap, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QAbstractItemView, QListView, QWidget

from zippo_desktop.gui.item_delegate import ItemDelegate
from zippo_desktop.gui.item_entry import Entry
from zippo_desktop.gui.item_filter import ItemFilter
from zippo_desktop.gui.item_model import Index, ItemRole
from zippo_desktop.gui.layouts import GAP

_SETTLED_MS = 60  # between two looks at what is in sight while it is scrolled
_DRAGGED_PX = 96
_LEAST_PX = 32  # of a thumbnail, however narrow the view


class ItemView(QListView):
    """Shows items and asks for the thumbnails of those that can be seen, and of a screenful to come."""

    entry_chosen = Signal(object)  # Entry or None: the one that has the keyboard
    remove_asked = Signal()
    retry_asked = Signal()
    copy_asked = Signal()
    paste_asked = Signal()

    def __init__(self, shown: ItemFilter, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.shown = shown
        self.drawing = ItemDelegate(self)
        self._asked_side = self.drawing.side
        self._settled = QTimer(self)
        self._settled.setSingleShot(True)
        self._settled.setInterval(_SETTLED_MS)
        self._settled.timeout.connect(self.want_thumbnails)
        self.setModel(shown)
        self.setItemDelegate(self.drawing)
        self.setUniformItemSizes(True)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setSelectionRectVisible(True)
        self.setDragDropMode(QAbstractItemView.DragDropMode.DragOnly)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setMouseTracking(True)
        self.verticalScrollBar().valueChanged.connect(self._settle)
        for changed in (shown.rowsInserted, shown.rowsRemoved, shown.layoutChanged, shown.modelReset):
            changed.connect(self._settle)
        self._keys: tuple[tuple[QKeySequence, Callable[[], None]], ...] = (
            (QKeySequence(QKeySequence.StandardKey.Delete), self.remove_asked.emit),
            (QKeySequence(Qt.Key.Key_Backspace), self.remove_asked.emit),
            (QKeySequence(Qt.Key.Key_F5), self.retry_asked.emit),
            (QKeySequence(Qt.Key.Key_R), self.retry_asked.emit),
            (QKeySequence(QKeySequence.StandardKey.Copy), self.copy_asked.emit),
            (QKeySequence(QKeySequence.StandardKey.Paste), self.paste_asked.emit),
        )
        self.show_as(is_grid=True)

    def show_as(self, is_grid: bool, side: int | None = None) -> None:
        """Be a grid of thumbnails of a side, or a list of lines; what has the keyboard stays in sight."""
        self.drawing.is_grid = is_grid
        self._asked_side = side or self._asked_side
        # A wrapping list is laid out far faster than Qt's icon mode, which lets items be moved about.
        self.setFlow(QListView.Flow.LeftToRight if is_grid else QListView.Flow.TopToBottom)
        self.setWrapping(is_grid)
        self._lay_out()
        self._settle()
        if self.currentIndex().isValid():
            self.scrollTo(self.currentIndex())

    def chosen(self) -> list[Entry]:
        """The chosen items, in the order shown."""
        rows = sorted(index.row() for index in self.selectionModel().selectedIndexes())
        return [self.shown.entry(row) for row in rows]

    def current_entry(self) -> Entry | None:
        """The item that has the keyboard."""
        return self.currentIndex().data(ItemRole.ENTRY)

    def rows_in_sight(self) -> range:
        """The rows that can be seen, in part or whole."""
        count = self.shown.rowCount()
        if not count:
            return range(0)
        corner = self.visualRect(self.shown.index(0, 0))
        columns = self._columns() if self.drawing.is_grid else 1
        height = max(1, corner.height())
        above = max(0, -corner.top())
        first = above // height * columns
        last = ((above + self.viewport().height()) // height + 1) * columns
        return range(min(first, count), min(last, count))

    @Slot()
    def _settle(self) -> None:
        if not self._settled.isActive():
            self._settled.start()

    @Slot()
    def want_thumbnails(self) -> None:
        """Ask for what is in sight, then for the screenful below; all else is withdrawn."""
        if not self.isVisible():
            return
        seen = self.rows_in_sight()
        ahead = range(seen.stop, min(seen.stop + len(seen), self.shown.rowCount()))
        entries = [self.shown.entry(row) for row in (*seen, *ahead)]
        side = round(self.drawing.picture_px() * self.devicePixelRatioF())
        pictures = [entry.picture for entry in entries if entry.picture]
        self.shown.items.thumbnails.want(pictures, side)

    def currentChanged(self, current: Index, previous: Index) -> None:  # noqa: N802
        """Tell which item has the keyboard now."""
        super().currentChanged(current, previous)
        self.entry_chosen.emit(current.data(ItemRole.ENTRY) if current.isValid() else None)

    def dataChanged(  # noqa: N802
        self, top_left: Index, bottom_right: Index, roles: Sequence[int] = ()
    ) -> None:
        """Draw what changed anew; what was made may have another picture now."""
        super().dataChanged(top_left, bottom_right, roles)
        if ItemRole.STATE in roles:
            self._settle()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """The list's own keys; all others are Qt's: arrows, Ctrl+A, Enter."""
        pressed = QKeySequence(event.keyCombination())
        for key, act in self._keys:
            if pressed == key:
                event.accept()
                act()
                return
        super().keyPressEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Spread the columns over the new width."""
        self._lay_out()
        super().resizeEvent(event)
        self._settle()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        """Cells are as high as the font asks."""
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._lay_out()

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802
        """Ask for thumbnails once it can be seen."""
        super().showEvent(event)
        self._settle()

    def startDrag(self, actions: Qt.DropAction) -> None:  # noqa: N802
        """Drag the chosen items' files out, under the thumbnail of the first."""
        indexes = self.selectionModel().selectedIndexes()
        mime = self.shown.mimeData(indexes)
        if not indexes or not mime.urls():
            return
        drag = QDrag(self)
        drag.setMimeData(mime)
        pixmap = self.currentIndex().data(ItemRole.THUMBNAIL)
        if isinstance(pixmap, QPixmap):
            limits = QSize(_DRAGGED_PX, _DRAGGED_PX)
            drag.setPixmap(pixmap.scaled(limits, Qt.AspectRatioMode.KeepAspectRatio))
            drag.setHotSpot(QPoint(_DRAGGED_PX // 4, _DRAGGED_PX // 4))
        drag.exec(Qt.DropAction.CopyAction)

    def choose(self, entries: list[Entry]) -> None:
        """Choose these items, as far as they are shown."""
        selection = QItemSelection()
        for entry in entries:
            row = self.shown.items.row_of(entry)
            index = QModelIndex() if row is None else self.shown.mapFromSource(self.shown.items.index(row))
            if index.isValid():
                selection.select(index, index)
        flags = self.selectionModel().SelectionFlag.ClearAndSelect
        self.selectionModel().select(selection, flags)

    def _columns(self) -> int:
        return max(1, round(self._width() / (self._asked_side + 2 * GAP)))

    def _width(self) -> int:
        """What the columns share: a pixel less than the width, for a row that fills it would wrap too early.

        The scroll bar's share is left out even where there is none: the bar would come and go with the
        height that the width leads to.
        """
        return self.width() - 2 * self.frameWidth() - self.verticalScrollBar().sizeHint().width() - 1

    def _lay_out(self) -> None:
        """Let the columns of the grid fill the width: the thumbnails are about as large as asked."""
        if not hasattr(self, "drawing"):  # Qt calls before the constructor is through
            return
        if not self.drawing.is_grid:
            self.setGridSize(QSize())
            return
        self.drawing.side = max(_LEAST_PX, self._width() // self._columns() - 2 * GAP)
        self.setGridSize(self.drawing.cell(self.fontMetrics()))
