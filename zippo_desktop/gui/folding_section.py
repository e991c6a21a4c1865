"""A section of a panel that folds: a heading, rows that are always there, and more that are asked for."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt, Signal, Slot
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from zippo_desktop.gui.icons import icon
from zippo_desktop.gui.theme import set_role


class FoldingSection(QWidget):
    """`rows` show while the section is open, `more` where its second heading is open, too."""

    folded_changed = Signal()

    def __init__(self, title: str, rows: Sequence[QWidget], more: Sequence[QWidget] = ()) -> None:
        super().__init__()
        self.title = title
        self.heading = _heading(title, "section")
        self.more = _heading("Advanced", "more")
        self.count = QLabel()
        self.count.hide()
        set_role(self.count, "badge")
        self._body, self._more_body = _column(rows), _column(more)
        self._rows, self._has_more = [*rows, *more], bool(more)
        self._found: Sequence[QWidget] | None = None  # while something is searched for
        self.is_wanted = True
        self._lay_out()
        self.heading.toggled.connect(self._take_toggle)
        self.more.toggled.connect(self._take_toggle)
        self._show()

    @property
    def is_open(self) -> bool:
        """Whether the rows are shown."""
        return self.heading.isChecked()

    def set_open(self, is_open: bool, has_more: bool = False) -> None:
        """Open or fold the section, and what is advanced in it."""
        self.heading.setChecked(is_open)
        self.more.setChecked(has_more)

    def set_count(self, changed: int) -> None:
        """Say in the heading how many of the rows are not as they were."""
        self.count.setText(str(changed))
        self.count.setToolTip(f"{changed} changed here" if changed else "")
        self.count.setVisible(changed > 0)

    def search(self, found: Sequence[QWidget] | None) -> None:
        """Show these rows alone, open for as long; None ends the search."""
        self._found = found
        for row in self._rows:
            row.setVisible(found is None or row in found)
        self._show()

    def set_wanted(self, is_wanted: bool) -> None:
        """Show the section at all, or not."""
        self.is_wanted = is_wanted
        self._show()

    def reveal(self, row: QWidget) -> None:
        """Open whatever hides a row."""
        is_advanced = self._more_body.isAncestorOf(row)
        self.set_open(True, is_advanced or self.more.isChecked())

    def _lay_out(self) -> None:
        head = QHBoxLayout(self.heading)
        head.setContentsMargins(0, 0, 12, 0)
        head.addStretch()
        head.addWidget(self.count, 0, Qt.AlignmentFlag.AlignVCenter)
        self._inner = QWidget()
        inner = QVBoxLayout(self._inner)
        inner.setContentsMargins(12, 4, 12, 12)
        inner.setSpacing(8)
        inner.addWidget(self._body)
        inner.addWidget(self.more)
        inner.addWidget(self._more_body)
        line = QFrame()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        for widget in (self.heading, self._inner, line):
            column.addWidget(widget)
        set_role(line, "line")

    @Slot()
    def _take_toggle(self) -> None:
        self._show()
        self.folded_changed.emit()

    def _show(self) -> None:
        is_searching = self._found is not None
        is_open = self.is_open or is_searching
        self.setVisible(
            self.is_wanted and (self._found is None or any(row in self._found for row in self._rows))
        )
        for heading in (self.heading, self.more):
            heading.setIcon(icon("chevron-down" if heading.isChecked() else "chevron", "text_dim"))
        self._inner.setVisible(is_open)
        self.more.setVisible(self._has_more and not is_searching)
        self._more_body.setVisible(self._has_more and (self.more.isChecked() or is_searching))


def _heading(title: str, role: str) -> QPushButton:
    heading = QPushButton(title)
    heading.setCheckable(True)
    heading.setIconSize(QSize(12, 12))
    set_role(heading, role)
    return heading


def _column(rows: Sequence[QWidget]) -> QWidget:
    body = QWidget()
    column = QVBoxLayout(body)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(8)
    for row in rows:
        column.addWidget(row)
    return body
