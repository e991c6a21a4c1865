"""The editor of a folder, and the folder that results go to where none was chosen."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QStandardPaths, Qt, Slot
from PySide6.QtWidgets import QFileDialog, QLineEdit, QToolButton

from zippo_desktop.gui.editors import Editor
from zippo_desktop.gui.icons import icon


class FolderEditor(Editor):
    """A folder: its path, which may be typed, and a button to choose it."""

    def __init__(self, title: str, tip: str) -> None:
        super().__init__()
        self._title, self._tip = title, tip
        self.field = QLineEdit()
        self.button = QToolButton()
        self.button.setToolTip("Choose the folder…")
        self.button.setIcon(icon("folder"))
        self._in_row(self.field, self.button, spacing=4)
        self.field.textEdited.connect(self.value_changed)
        self.button.clicked.connect(self._ask)

    def value(self) -> str:
        """The path as it stands there."""
        return self.field.text().strip()

    def set_value(self, value: str) -> None:
        """Show a path."""
        self.field.setText(value)
        self.setToolTip(f"{self._tip}\n{value}")

    @Slot()
    def _ask(self) -> None:
        dialog = QFileDialog(self, self._title, self.value())
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setOption(QFileDialog.Option.ShowDirsOnly)
        dialog.fileSelected.connect(self._take_folder)
        dialog.open()

    @Slot(str)
    def _take_folder(self, path: str) -> None:
        self.set_value(path)
        self.value_changed.emit()


def usual_output_dir() -> Path:
    """Where results go as long as the person has chosen no folder."""
    pictures = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.PicturesLocation)
    return Path(pictures or Path.home()) / "Zippo Desktop"
