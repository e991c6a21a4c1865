"""The head of the settings panel: preset, model, folder of the results, and the search field."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QGridLayout, QLabel, QLineEdit, QWidget

from zippo_desktop.gui.editors import SegmentEditor
from zippo_desktop.gui.folder_editor import FolderEditor, usual_output_dir
from zippo_desktop.gui.model_box import ModelBox
from zippo_desktop.gui.option_editors import LABEL_WIDTH
from zippo_desktop.gui.preset_bar import PresetBar
from zippo_desktop.gui.theme import set_role
from zippo_desktop.settings import Settings

ON_EXISTING = ("skip", "overwrite", "rename")


class PanelHead(QWidget):
    """What a job needs beside its look. The widgets are its attributes."""

    changed = Signal()  # the model, the folder, or what happens to existing results; by the person

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self.presets = PresetBar()
        self.model = ModelBox(settings.model)
        self.output = FolderEditor(
            "Folder for the results", "--output: Folder for the results; made if missing."
        )
        self.output.set_value(settings.output_dir or str(usual_output_dir()))
        self.on_existing = SegmentEditor(ON_EXISTING)
        self.on_existing.set_value(ON_EXISTING[0])
        self.on_existing.setToolTip("--on-existing: What to do where a result exists already.")
        self.search_field = QLineEdit(placeholderText="Find a setting", clearButtonEnabled=True)
        self._lay_out()
        self.model.model_changed.connect(self.changed)
        self.output.value_changed.connect(self.changed)
        self.on_existing.value_changed.connect(self.changed)

    def chosen_folder(self) -> str:
        """The folder as settings keep it: "" for the program's own choice."""
        written = self.output.value()
        return "" if written == str(usual_output_dir()) else written

    def _lay_out(self) -> None:
        grid = QGridLayout(self)
        grid.setContentsMargins(12, 12, 12, 12)
        grid.setHorizontalSpacing(4)  # as in the options' rows below
        grid.setVerticalSpacing(8)
        grid.setColumnStretch(1, 1)
        grid.addWidget(self.presets, 0, 0, 1, 2)
        controls = {"Model": self.model, "Output": self.output, "On existing": self.on_existing}
        for number, (words, control) in enumerate(controls.items(), start=1):
            label = QLabel(words)
            label.setBuddy(control)
            label.setFixedWidth(LABEL_WIDTH)
            set_role(label, "dim")
            grid.addWidget(label, number, 0)
            grid.addWidget(control, number, 1)
        grid.addWidget(self.search_field, grid.rowCount(), 0, 1, 2)
