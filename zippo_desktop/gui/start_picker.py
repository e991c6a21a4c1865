"""The picture that a painting starts from, and how much of it becomes new."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import (
    QFileDialog,
    QGridLayout,
    QLabel,
    QLineEdit,
    QMenu,
    QSlider,
    QToolButton,
    QWidget,
)

from zippo_desktop.errors import printable
from zippo_desktop.gui.icons import icon
from zippo_desktop.gui.layouts import EDGE, GAP
from zippo_desktop.gui.theme import set_look, set_role

DEFAULT_STRENGTH = 0.6  # as the command line's


class StartPicker(QWidget):
    """A photo, or a folder that holds one of each matte's name, and the strength once there is one."""

    told = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        set_role(self, "bar")
        self.field = QLineEdit()
        self.field.setPlaceholderText("None: paint from scratch")
        self.field.setClearButtonEnabled(True)
        self.field.setToolTip(
            "Paint over this photo inside the matte, or over the one of its name in a folder."
        )
        self.strength_slider = QSlider(Qt.Orientation.Horizontal)
        self.strength_slider.setRange(0, 100)
        self.strength_slider.setValue(round(DEFAULT_STRENGTH * 100))
        self.strength_slider.setToolTip("How much becomes new: 0 % nothing, 100 % all.")
        self._percent = QLabel()
        self._percent.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._strength_label = QLabel("Strength")
        self._strength_label.setBuddy(self.strength_slider)
        self.field.textChanged.connect(self._show_state)
        self.strength_slider.valueChanged.connect(self._show_state)
        self._lay_out()
        self._show_state()

    def photo(self) -> Path | None:
        """The photo or folder, None where there is none."""
        text = self.field.text().strip()
        return Path(text) if text else None

    def strength(self) -> float | None:
        """How much becomes new, 0..1; None without a photo."""
        return self.strength_slider.value() / 100 if self.photo() else None

    @Slot()
    def ask_file(self) -> None:
        """Let the person choose a photo."""
        name, _ = QFileDialog.getOpenFileName(self, "Photo to paint over")
        self._set(name)

    @Slot()
    def ask_folder(self) -> None:
        """Let the person choose a folder of photos."""
        self._set(QFileDialog.getExistingDirectory(self, "Folder of photos to paint over"))

    def _set(self, name: str) -> None:
        if name:
            self.field.setText(name)

    def _lay_out(self) -> None:
        label = QLabel("Photo")
        label.setBuddy(self.field)
        browse = QToolButton()
        browse.setIcon(icon("folder"))
        browse.setToolTip("Choose a photo or a folder.")
        browse.setAccessibleName("Choose a photo or a folder")
        browse.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(browse)
        menu.addAction(icon("photo"), "A photo…", self.ask_file)
        menu.addAction(icon("folder"), "A folder of photos…", self.ask_folder)
        browse.setMenu(menu)
        self._percent.setFixedWidth(self._percent.fontMetrics().horizontalAdvance("100 %") + 4)
        grid = QGridLayout(self)
        grid.setSpacing(GAP)
        grid.setContentsMargins(EDGE, GAP, EDGE, GAP)
        grid.addWidget(label, 0, 0)
        grid.addWidget(self.field, 0, 1)
        grid.addWidget(browse, 0, 2)
        grid.addWidget(self._strength_label, 1, 0)
        grid.addWidget(self.strength_slider, 1, 1)
        grid.addWidget(self._percent, 1, 2)
        grid.setColumnStretch(1, 1)

    @Slot()
    def _show_state(self) -> None:
        photo = self.photo()
        for widget in (self._strength_label, self.strength_slider, self._percent):
            widget.setVisible(photo is not None)
        self._percent.setText(f"{self.strength_slider.value()} %")
        is_wrong = photo is not None and not photo.exists()
        set_look(self.field, "wrong", is_wrong)
        if is_wrong and not self.field.hasFocus():
            self.told.emit(f"{printable(str(photo))} does not exist.")
