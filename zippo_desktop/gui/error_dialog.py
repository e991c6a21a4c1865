"""An error as the person sees it: what happened, what to do, and the details for a bug report."""

from __future__ import annotations

import traceback

from PySide6.QtCore import Qt, QUrl, Slot
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QGridLayout,
    QLabel,
    QPlainTextEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from zippo_desktop.errors import ZippoError
from zippo_desktop.gui.icons import icon_pixmap
from zippo_desktop.gui.theme import set_role
from zippo_desktop.paths import log_dir

_ICON_PX = 28
_TEXT_PX = 390
_open: set[QDialog] = set()


class ErrorDialog(QDialog):
    """A sentence and a hint; `details`, such as a traceback, are folded away and can be copied."""

    def __init__(
        self, message: str, hint: str = "", details: str = "", parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Zippo Desktop")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.message = _sentence(message, "section")
        self.hint = _sentence(hint, "dim")
        self.hint.setVisible(bool(hint))
        self.details = QPlainTextEdit(details, readOnly=True)
        self.details.hide()
        self.details.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.details.setMinimumHeight(160)
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        self._make_buttons(bool(details))
        self._lay_out()

    def _make_buttons(self, has_details: bool) -> None:
        role = QDialogButtonBox.ButtonRole.ActionRole
        self.toggle = QPushButton("Details")
        self.toggle.setCheckable(True)
        self.copy = QPushButton("Copy")
        self.copy.setToolTip("Copy everything for a bug report")
        self.logs = QPushButton("Show log files")
        for button in (self.toggle, self.copy, self.logs) if has_details else ():
            self.buttons.addButton(button, role)
            button.setAutoDefault(False)
        self.buttons.button(QDialogButtonBox.StandardButton.Close).setDefault(True)
        self.toggle.toggled.connect(self._show_details)
        self.copy.clicked.connect(self._copy)
        self.logs.clicked.connect(self._show_logs)
        self.buttons.rejected.connect(self.reject)

    def _lay_out(self) -> None:
        sign = QLabel(alignment=Qt.AlignmentFlag.AlignTop)
        sign.setPixmap(icon_pixmap("warning", _ICON_PX, self.devicePixelRatioF(), "warning"))
        grid = QGridLayout()
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(8)
        grid.addWidget(sign, 0, 0, 2, 1)
        grid.addWidget(self.message, 0, 1)
        grid.addWidget(self.hint, 1, 1)
        grid.setColumnStretch(1, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 12)
        column.setSpacing(16)
        column.addLayout(grid)
        column.addWidget(self.details)
        column.addWidget(self.buttons)

    def done(self, result: int) -> None:
        """Close the dialog, which nobody else may be holding."""
        _open.discard(self)
        super().done(result)

    @Slot(bool)
    def _show_details(self, is_shown: bool) -> None:
        self.details.setVisible(is_shown)
        self.adjustSize()

    @Slot()
    def _copy(self) -> None:
        parts = (self.message.text(), self.hint.text(), self.details.toPlainText())
        QGuiApplication.clipboard().setText("\n\n".join(part for part in parts if part))

    @Slot()
    def _show_logs(self) -> None:
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(log_dir())))


def show_error(error: Exception | str, parent: QWidget | None = None) -> ErrorDialog:
    """Show an error and go on; what is no `ZippoError` is a bug, and has its traceback."""
    if isinstance(error, ZippoError):
        dialog = ErrorDialog(error.message, error.hint, parent=parent)
    elif isinstance(error, Exception):
        details = "".join(traceback.format_exception(error))
        hint = "This is a bug in the program. What was finished is kept."
        dialog = ErrorDialog(f"Something unexpected happened: {error}", hint, details, parent)
    else:
        dialog = ErrorDialog(error, parent=parent)
    _open.add(dialog)
    dialog.open()
    return dialog


def _sentence(text: str, role: str) -> QLabel:
    label = QLabel(text, wordWrap=True, textFormat=Qt.TextFormat.PlainText)
    label.setMinimumWidth(_TEXT_PX)  # its height is that of its text at this width
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    set_role(label, role)
    return label
