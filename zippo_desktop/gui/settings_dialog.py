"""The settings of every run, by window and command line: theme, model, engine, provider, formats, memory."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, get_args

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import (
    QApplication,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QLabel,
    QSizePolicy,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from zippo_desktop.engine.providers import PROVIDER_NAMES
from zippo_desktop.errors import ExportError
from zippo_desktop.gui.editors import ChipsEditor, SegmentEditor
from zippo_desktop.gui.error_dialog import show_error
from zippo_desktop.gui.model_box import ModelBox
from zippo_desktop.gui.number_editor import pad
from zippo_desktop.gui.option_editors import FORMATS
from zippo_desktop.gui.theme import ThemeName, apply_theme, set_role
from zippo_desktop.paths import settings_path
from zippo_desktop.settings import Settings, change_settings, load_settings

ENGINES = ("auto", "onnx", "torch")  # as in engine.open_session, which is too much to load for a list
_MAX_MEMORY_MB = 1_000_000
_WIDTH = 460
_NOTE = "The command line takes these, too, where its options say nothing else."


class SettingsDialog(QDialog):
    """Changes the settings' file when it is accepted; the theme is seen at once, and goes back on Cancel."""

    settings_changed = Signal(object)  # the new Settings

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Settings")
        self._settings, problems = load_settings(settings_path())
        self._make_fields(self._settings)
        self._lay_out(problems)
        self.theme.value_changed.connect(self._show_theme)
        self.accepted.connect(self._save)
        self.rejected.connect(self._take_back_theme)

    def settings(self) -> Settings:
        """The settings as the fields stand."""
        return replace(self._settings, **self._changes())

    def _make_fields(self, settings: Settings) -> None:
        self.theme = SegmentEditor(get_args(ThemeName))
        self.theme.set_value(settings.theme)
        self.model = ModelBox(settings.model)
        self.engine = _choice(ENGINES, settings.engine)
        self.engine.setToolTip("--engine: What runs the network. auto: ONNX Runtime, else PyTorch.")
        self.provider = _choice(PROVIDER_NAMES, settings.provider)
        self.provider.setToolTip(
            "--provider: Where it runs. auto: the fastest that works;\nany other is used or refused."
        )
        self.formats = ChipsEditor(tuple(FORMATS))
        self.formats.set_value(settings.formats)
        self.formats.setToolTip("--format: What to write where nothing else is asked for.")
        self.memory = QSpinBox()
        pad(self.memory)
        self.memory.setRange(0, _MAX_MEMORY_MB)
        self.memory.setSingleStep(512)
        self.memory.setSuffix(" MB")
        self.memory.setSpecialValueText("as the machine allows")
        self.memory.setValue(settings.memory_mb)
        self.memory.setToolTip("How much memory the pictures of a job may take at a time.")

    def _lay_out(self, problems: tuple[str, ...]) -> None:
        form = QFormLayout()
        form.setHorizontalSpacing(16)
        form.setVerticalSpacing(12)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        fields = {
            "Theme": self.theme,
            "Model": self.model,
            "Engine": self.engine,
            "Provider": self.provider,
            "Formats": self.formats,
            "Memory": self.memory,
        }
        for words, field in fields.items():
            label = QLabel(words)
            set_role(label, "dim")
            form.addRow(label, field)
        note = QLabel("\n".join((*problems, _NOTE)))
        note.setWordWrap(True)
        set_role(note, "note")
        buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Save | QDialogButtonBox.StandardButton.Cancel
        )
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 12)
        column.setSpacing(16)
        column.addLayout(form)
        column.addWidget(note)
        column.addWidget(buttons)
        self.setMinimumWidth(_WIDTH)

    def _changes(self) -> dict[str, Any]:
        return {
            "theme": self.theme.value(),
            "model": self.model.chosen,
            "engine": self.engine.currentText(),
            "provider": self.provider.currentText(),
            "formats": tuple(self.formats.value()),
            "memory_mb": self.memory.value(),
        }

    @Slot()
    def _show_theme(self) -> None:
        _apply(self.theme.value() or "dark")

    @Slot()
    def _take_back_theme(self) -> None:
        _apply(self._settings.theme)

    @Slot()
    def _save(self) -> None:
        try:
            self.settings_changed.emit(change_settings(settings_path(), **self._changes()))
        except ExportError as error:
            show_error(error, self.parentWidget())


def _apply(theme: str) -> None:
    app = QApplication.instance()
    if isinstance(app, QApplication):
        apply_theme(app, theme)


def _choice(words: tuple[str, ...], chosen: str) -> QComboBox:
    """A list of words; one from the file that is not known is kept, so that the run can tell of it."""
    box = QComboBox()
    box.addItems(words)
    if chosen not in words:
        box.addItem(chosen)
    box.setCurrentText(chosen)
    box.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
    box.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    return box
