"""What a tab shows while there is nothing in it: what it is for, and ways to begin."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QPushButton, QWidget

from zippo_desktop.gui.layouts import EDGE, GAP, column
from zippo_desktop.gui.theme import set_role


class EmptyState(QWidget):
    """A title, a sentence and buttons, in the middle."""

    def __init__(self, title: str, sentence: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._layout = column(self, GAP)
        self._layout.setContentsMargins(2 * EDGE, 2 * EDGE, 2 * EDGE, 2 * EDGE)
        self._layout.addStretch(2)
        self._add_text(title, "title")
        self._add_text(sentence, "dim")
        self._layout.addSpacing(EDGE)
        self._layout.addStretch(3)

    def add_button(self, text: str, tip: str, role: str = "") -> QPushButton:
        """Add a way to begin below the others."""
        button = QPushButton(text)
        button.setToolTip(tip)
        if role:
            set_role(button, role)
        button.setMinimumWidth(160)
        self._layout.insertWidget(self._layout.count() - 1, button, 0, Qt.AlignmentFlag.AlignHCenter)
        return button

    def _add_text(self, text: str, role: str) -> None:
        label = QLabel(text)
        label.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        label.setWordWrap(True)
        set_role(label, role)
        self._layout.addWidget(label)
