"""A line below a panel that says what just happened, and goes away by itself or at a click."""

from __future__ import annotations

from PySide6.QtCore import QTimer, Slot
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QLabel, QSizePolicy, QWidget

from zippo_desktop.gui.theme import set_role

_SHOWN_MS = 15_000


class MessageLine(QLabel):
    """Hidden while there is nothing to say."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        set_role(self, "dim")
        self.setWordWrap(True)
        self.setContentsMargins(12, 4, 12, 8)
        self.setToolTip("Click to hide.")
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
        self._over = QTimer(self)
        self._over.setSingleShot(True)
        self._over.setInterval(_SHOWN_MS)
        self._over.timeout.connect(self.hide)
        self.hide()

    @Slot(str)
    def tell(self, sentence: str) -> None:
        """Say a sentence in place of the one before."""
        self.setText(sentence)
        self.show()
        self._over.start()

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Go away."""
        self.hide()
