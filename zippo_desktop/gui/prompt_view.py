"""The table of prompts as it looks and as its cells are edited."""

from __future__ import annotations

from PySide6.QtCore import QAbstractItemModel, QModelIndex, QPersistentModelIndex, Qt, Slot
from PySide6.QtGui import QPainter, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

from zippo_desktop.gui.prompt_model import COLUMNS, DEFAULT_ROLE, PromptModel, column_of
from zippo_desktop.gui.theme import colour

_WIDTHS = {
    "negative": 76,
    "count": 58,
    "seed": 62,
    "steps": 56,
    "size": 52,
    "guidance": 74,
    "tries": 50,
    "name": 84,
}
_PROMPT_PX = 110  # the least; a narrower panel scrolls
_ROW_PX, _CELL_GAP = 28, 8


class PromptView(QTableView):
    """The table as it looks and as its keys work."""

    def __init__(self, prompts: PromptModel) -> None:
        super().__init__()
        self.setModel(prompts)
        self.setItemDelegate(CellDelegate(self))
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setEditTriggers(
            QAbstractItemView.EditTrigger.DoubleClicked
            | QAbstractItemView.EditTrigger.EditKeyPressed
            | QAbstractItemView.EditTrigger.AnyKeyPressed
        )
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(_ROW_PX)
        header = self.horizontalHeader()
        header.setMinimumSectionSize(40)
        header.sectionResized.connect(self.fill)
        header.setHighlightSections(False)
        for name, width in _WIDTHS.items():
            self.setColumnWidth(column_of(name), width)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Give the prompts what the other columns leave."""
        super().resizeEvent(event)
        self.fill()

    @Slot()
    def fill(self) -> None:
        """Make the prompts' column as wide as the others allow; a narrow table scrolls."""
        header, prompt = self.horizontalHeader(), column_of("prompt")
        others = sum(header.sectionSize(place) for place in range(header.count()) if place != prompt)
        width = max(_PROMPT_PX, self.viewport().width() - others)
        if header.sectionSize(prompt) != width:
            header.resizeSection(prompt, width)


class CellDelegate(QStyledItemDelegate):
    """Shows what counts where a cell is empty, dimmed; what is typed into one chosen row goes into all."""

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        """Draw a cell."""
        painter.save()
        if option.state & QStyle.StateFlag.State_Selected:
            painter.fillRect(option.rect, colour("accent_soft"))
        text, default = index.data(), index.data(DEFAULT_ROLE)
        painter.setPen(colour("text" if text else "text_off"))
        area = option.rect.adjusted(_CELL_GAP, 0, -_CELL_GAP, 0)
        elided = option.fontMetrics.elidedText(text or default, Qt.TextElideMode.ElideRight, area.width())
        side = index.data(Qt.ItemDataRole.TextAlignmentRole) or Qt.AlignmentFlag.AlignVCenter
        painter.drawText(area, side, elided)
        if option.state & QStyle.StateFlag.State_HasFocus:
            painter.setPen(colour("accent"))
            painter.drawRect(option.rect.adjusted(0, 0, -1, -1))
        painter.restore()

    def setModelData(  # noqa: N802
        self, editor: QWidget, model: QAbstractItemModel, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        """Give what was typed to the model; the prompt goes into its own row alone."""
        text = editor.property("text")
        view = self.parent()
        rows = {index.row()}
        if isinstance(view, QTableView) and COLUMNS[index.column()].field != "prompt":
            chosen = {each.row() for each in view.selectionModel().selectedIndexes()}
            rows = chosen if index.row() in chosen else rows
        for row in sorted(rows):
            if not model.setData(model.index(row, index.column()), text):
                return
