"""The choice of a model: those that are installed, and a folder of one."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QComboBox, QFileDialog, QSizePolicy, QWidget

from zippo_desktop.engine.find_spec import model_names


class ModelBox(QComboBox):
    """Installed models by name. Whether a model can be used is found out when it is opened."""

    model_changed = Signal()  # by the person

    def __init__(self, model: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setToolTip("--model: Model by name or folder.")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMinimumContentsLength(10)
        for name in model_names():
            self.addItem(name, name)
        self.insertSeparator(self.count())
        self.addItem("Choose a folder…")
        self.choose(model)
        self.activated.connect(self._take_choice)

    @property
    def chosen(self) -> str:
        """The model's name, or its folder."""
        return self._chosen

    def choose(self, model: str) -> None:
        """Choose a model by its name or folder; one that is not listed is added."""
        self._chosen = model
        index = self.findData(model)
        if index < 0:
            index = self.count() - 2  # above the line and the words that ask for a folder
            self.insertItem(index, Path(model).name, model)
            self.setItemData(index, model, Qt.ItemDataRole.ToolTipRole)
        self.setCurrentIndex(index)

    @Slot(int)
    def _take_choice(self, index: int) -> None:
        model = self.itemData(index)
        if model is None:
            self.choose(self._chosen)
            self._ask_folder()
        elif model != self._chosen:
            self._take_folder(model)

    def _ask_folder(self) -> None:
        dialog = QFileDialog(self, "Folder of a model")
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.fileSelected.connect(self._take_folder)
        dialog.open()

    @Slot(str)
    def _take_folder(self, model: str) -> None:
        self.choose(model)
        self.model_changed.emit()
