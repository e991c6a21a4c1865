"""The presets above the settings: which one is chosen, whether it was changed, and saving one's own."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Qt, Signal, Slot
from PySide6.QtGui import QAction
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QMenu,
    QMessageBox,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from zippo_desktop.errors import UsageError
from zippo_desktop.gui.icons import icon
from zippo_desktop.gui.theme import set_role
from zippo_desktop.looks.presets import Preset, list_presets, read_preset

NO_PRESET = "Defaults"
_TIP = "--preset: Start from a bundle of the options below."
_CHANGED = "• "  # before the name, which may be cut at its end


class PresetBar(QWidget):
    """A list of presets and a menu. It knows names and files; the panel knows the values."""

    preset_chosen = Signal(str)  # its name, "" for the defaults
    revert_asked = Signal()
    save_asked = Signal(str, str, bool)  # name, description, whether it replaces one of the name
    delete_asked = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self._presets: dict[str, Preset] = {}
        self._chosen, self._is_changed = "", False
        self.box = QComboBox()
        self.box.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.box.setMinimumContentsLength(10)
        self.button = QToolButton()
        self.button.setToolTip("Save, revert or delete the preset")
        self.button.setIcon(icon("more"))
        self.button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self._make_menu()
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(4)
        row.addWidget(self.box)
        row.addWidget(self.button)
        self.box.activated.connect(self._take_choice)
        self.reload()

    @property
    def preset(self) -> Preset | None:
        """The preset that is chosen, None for the defaults."""
        return self._presets.get(self._chosen)

    @property
    def is_changed(self) -> bool:
        """Whether the marker is shown."""
        return self._is_changed

    def reload(self) -> None:
        """Read the presets again; one that makes no sense is left out."""
        self._presets = {}
        for path in list_presets():
            try:
                self._presets[path.stem] = read_preset(path)
            except UsageError:
                continue
        own = [preset for preset in self._presets.values() if preset.is_own]
        shipped = [preset for preset in self._presets.values() if not preset.is_own]
        with QSignalBlocker(self.box):
            self.box.clear()
            self.box.addItem(NO_PRESET, "")
            for group in (own, shipped):
                if group:
                    self.box.insertSeparator(self.box.count())
                for preset in group:
                    self.box.addItem(preset.name, preset.name)
                    self.box.setItemData(
                        self.box.count() - 1, preset.description, Qt.ItemDataRole.ToolTipRole
                    )
        self.choose(self._chosen if self._chosen in self._presets else "")

    def choose(self, name: str) -> None:
        """Show a preset as chosen and unchanged, without a signal; an unknown one counts as none."""
        self._chosen = name if name in self._presets else ""
        self.set_changed(False)

    def set_changed(self, is_changed: bool) -> None:
        """Mark the preset as changed, or not."""
        self._is_changed = is_changed
        index = max(0, self.box.findData(self._chosen))
        with QSignalBlocker(self.box):
            for place in range(self.box.count()):
                if self.box.itemData(place) is not None:
                    name = self.box.itemData(place) or NO_PRESET
                    self.box.setItemText(place, _CHANGED * (place == index and is_changed) + name)
            self.box.setCurrentIndex(index)
        self._show_tip()
        self._save.setEnabled(is_changed and self._is_own())
        self._revert.setEnabled(is_changed)
        self._delete.setEnabled(self._is_own())

    def ask_name(self) -> SavePresetDialog:
        """Ask under which name to save; the answer is `save_asked`."""
        dialog = SavePresetDialog(self._presets, self)
        dialog.saved.connect(self.save_asked)
        dialog.open()
        return dialog

    def _show_tip(self) -> None:
        lines = [_TIP, self.preset.description if self.preset else "", "Changed." if self._is_changed else ""]
        self.box.setToolTip("\n".join(line for line in lines if line))

    def _is_own(self) -> bool:
        return self.preset is not None and self.preset.is_own

    def _make_menu(self) -> None:
        menu = QMenu(self.button)
        self._save = menu.addAction(icon("save"), "Save", self._save_own)
        self._save_as = menu.addAction("Save as…", self.ask_name)
        self._revert: QAction = menu.addAction(icon("reset"), "Revert changes")
        self._revert.triggered.connect(self.revert_asked)
        menu.addSeparator()
        self._delete = menu.addAction(icon("trash"), "Delete…", self._ask_delete)
        self.button.setMenu(menu)

    @Slot(int)
    def _take_choice(self, index: int) -> None:
        self.choose(self.box.itemData(index) or "")
        self.preset_chosen.emit(self._chosen)

    @Slot()
    def _save_own(self) -> None:
        if self.preset is not None:
            self.save_asked.emit(self.preset.name, self.preset.description, True)

    @Slot()
    def _ask_delete(self) -> None:
        question = QMessageBox(self)
        question.setText(f"Delete the preset “{self._chosen}”?")
        question.setInformativeText("A shipped preset of that name comes back.")
        question.setStandardButtons(QMessageBox.StandardButton.Cancel)
        question.addButton("Delete", QMessageBox.ButtonRole.AcceptRole)
        question.accepted.connect(self._delete_chosen)
        question.open()

    @Slot()
    def _delete_chosen(self) -> None:
        self.delete_asked.emit(self._chosen)


class SavePresetDialog(QDialog):
    """Asks for a preset's name and what it is for."""

    saved = Signal(str, str, bool)  # as `PresetBar.save_asked`

    def __init__(self, known: dict[str, Preset], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._known = known
        self.setWindowTitle("Save preset")
        self.name = QLineEdit(maxLength=60)
        self.description = QLineEdit(placeholderText="what it is for")
        self.note = QLabel(" ")
        set_role(self.note, "note")
        self.buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Save | QDialogButtonBox.StandardButton.Cancel
        )
        form = QFormLayout()
        form.setHorizontalSpacing(12)
        form.setVerticalSpacing(8)
        form.addRow("Name", self.name)
        form.addRow("Description", self.description)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 12)
        column.setSpacing(12)
        column.addLayout(form)
        column.addWidget(self.note)
        column.addWidget(self.buttons)
        self.setMinimumWidth(380)
        self.buttons.accepted.connect(self._save)
        self.buttons.rejected.connect(self.reject)
        self.name.textChanged.connect(self._take_name)
        self._take_name("")

    @Slot(str)
    def _take_name(self, name: str) -> None:
        preset = self._known.get(name.strip())
        text = f"{'Replaces' if preset.is_own else 'Hides'} the preset of this name." if preset else " "
        if preset and not preset.is_own:
            text = "Takes the place of the shipped preset of this name."
        self.note.setText(text)
        self.buttons.button(QDialogButtonBox.StandardButton.Save).setEnabled(bool(name.strip()))

    @Slot()
    def _save(self) -> None:
        name = self.name.text().strip()
        self.saved.emit(name, self.description.text().strip(), name in self._known)
        self.accept()
