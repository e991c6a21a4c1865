"""The panel of settings: an editor for each look option, presets above, model and folder with them."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, QTimer, Signal, Slot
from PySide6.QtGui import QHideEvent
from PySide6.QtWidgets import (
    QFrame,
    QLabel,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from zippo_desktop.batch.job import Task
from zippo_desktop.errors import ExportError, UsageError, ZippoError
from zippo_desktop.gui.error_dialog import show_error
from zippo_desktop.gui.folder_editor import usual_output_dir
from zippo_desktop.gui.folding_section import FoldingSection
from zippo_desktop.gui.option_editors import FORMATS, OptionRow
from zippo_desktop.gui.option_sections import SECTIONS, Section, problems_of, without_effect
from zippo_desktop.gui.panel_head import PanelHead
from zippo_desktop.gui.theme import set_role
from zippo_desktop.gui.wide_editors import NameEditor
from zippo_desktop.looks.options import LOOK_OPTIONS, look_option
from zippo_desktop.looks.presets import save_preset
from zippo_desktop.paths import settings_path
from zippo_desktop.settings import Settings, change_settings, load_settings

WIDTH = 304
_REMEMBER_AFTER_MS = 800
_ADVANCED = "/advanced"  # after a section's title, where settings name what is open


class SettingsPanel(QWidget):
    """All that decides how results look and are written. It remembers itself in the settings' file."""

    values_changed = Signal()
    preset_changed = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        settings, _ = load_settings(settings_path())
        self._usual_formats, self._usual_model = list(settings.formats), settings.model
        self._rows = {option.name: OptionRow(option) for option in LOOK_OPTIONS}
        self._sections = [self._make_section(section) for section in SECTIONS]
        self._problems: dict[str, str] = {}
        self._unchanged: dict[str, Any] = {}  # the values as the preset has them
        self._task: Task = "matting"
        self._memory = QTimer(self, singleShot=True, interval=_REMEMBER_AFTER_MS)
        self._head = PanelHead(settings)
        self._nothing_found = QLabel("No setting is called that.")
        self._nothing_found.setContentsMargins(12, 12, 12, 12)
        set_role(self._nothing_found, "note")
        self._nothing_found.hide()
        self._lay_out()
        self._restore(settings)
        self._connect()

    # What the run asks

    def values(self) -> dict[str, Any]:
        """What is not the default, by option name, as presets hold it; may make no sense (see `problems`).

        "format" is there, too, where the person's settings have other formats than the program.
        """
        rows = {name: row.value() for name, row in self._rows.items() if row.is_changed}
        if self._usual_formats != list(look_option("format").default):
            rows["format"] = self._rows["format"].value()
        return rows

    def set_values(self, values: Mapping[str, Any]) -> None:
        """Show these values, and the default of every other option.

        The formats of the person's settings are the default for "format". Raises `UsageError` for an
        unknown name or a value of another kind, and then shows nothing new.
        """
        values = {"format": self._usual_formats, **values}
        checked = {name: look_option(name).checked(value) for name, value in values.items()}
        for name, row in self._rows.items():
            row.set_value(checked.get(name, row.option.default))
        self._take_values()

    @Slot(object)
    def follow(self, settings: Settings) -> None:
        """Take over the person's settings where the panel shows the former ones: its model and formats."""
        if self.model() == self._usual_model:
            self.set_model(settings.model)
        values = self.values()
        if set(self._rows["format"].value()) == set(self._usual_formats):
            values.pop("format", None)
        is_changed = self._head.presets.is_changed
        self._usual_model, self._usual_formats = settings.model, list(settings.formats)
        self.set_values(values)
        if not is_changed:
            self._call_unchanged()
        self.values_changed.emit()

    def problems(self) -> dict[str, str]:
        """A sentence for each option whose value makes no sense; empty where a run can start."""
        return dict(self._problems)

    @Slot(str)
    def show_task(self, task: Task) -> None:
        """Show what has a meaning for a task; the rest keeps its values."""
        self._task = task
        for section, made in zip(SECTIONS, self._sections, strict=True):
            made.set_wanted(task == "matting" or not section.is_for_photos)
        self._search(self._head.search_field.text())
        self._show_example()

    def preset(self) -> str:
        """The name of the preset that the values came from, "" for none."""
        return self._head.presets.preset.name if self._head.presets.preset else ""

    def choose_preset(self, name: str) -> None:
        """Show a preset's values, or the defaults for ""; an unknown one is none."""
        self._head.presets.choose(name)
        self._take_preset()

    def model(self) -> str:
        """The model's name, or its folder."""
        return self._head.model.chosen

    def set_model(self, model: str) -> None:
        """Choose a model by its name or folder."""
        self._head.model.choose(model)

    def output_dir(self) -> Path:
        """The folder for the results."""
        return Path(self._head.output.value() or usual_output_dir()).expanduser()

    def set_output_dir(self, path: Path) -> None:
        """Choose the folder for the results."""
        self._head.output.set_value(str(path))
        self._memory.start()

    def on_existing(self) -> str:
        """What to do where a result exists: "skip", "overwrite" or "rename"."""
        return str(self._head.on_existing.value())

    def set_on_existing(self, word: str) -> None:
        """Choose what to do where a result exists."""
        self._head.on_existing.set_value(word)

    def row(self, name: str) -> OptionRow:
        """The row of an option."""
        return self._rows[name]

    # How it is made

    def _make_section(self, section: Section) -> FoldingSection:
        common = [self._rows[name] for name in section.common]
        return FoldingSection(section.title, common, [self._rows[name] for name in section.advanced])

    def _lay_out(self) -> None:
        self.setMinimumWidth(WIDTH)
        line = QFrame()
        set_role(line, "line")
        content = QWidget()
        sections = QVBoxLayout(content)
        sections.setContentsMargins(0, 0, 0, 0)
        sections.setSpacing(0)
        for section in self._sections:
            sections.addWidget(section)
        sections.addWidget(self._nothing_found)
        sections.addStretch()
        area = QScrollArea(widgetResizable=True)
        area.setWidget(content)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        set_role(area, "panel")
        area.viewport().setAutoFillBackground(False)
        content.setAutoFillBackground(False)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        set_role(self, "bar")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        for widget in (self._head, line, area):
            column.addWidget(widget)

    def _restore(self, settings: Settings) -> None:
        for section in self._sections:
            opened = settings.open_sections
            section.set_open(section.title in opened, section.title + _ADVANCED in opened)
        self.choose_preset(settings.preset)
        with suppress(UsageError):  # of another version; the preset is there
            self.set_values(settings.look)

    def _connect(self) -> None:
        for row in self._rows.values():
            row.value_changed.connect(self._take_change)
        for section in self._sections:
            section.folded_changed.connect(self._memory.start)
        self._head.presets.preset_chosen.connect(self._take_preset)
        self._head.presets.revert_asked.connect(self._take_preset)
        self._head.presets.save_asked.connect(self._save_preset)
        self._head.presets.delete_asked.connect(self._delete_preset)
        self._head.changed.connect(self._take_change)
        self._head.search_field.textChanged.connect(self._search)
        self._memory.timeout.connect(self._remember)

    # What the person does

    @Slot()
    def _take_change(self) -> None:
        self._take_values()
        self.values_changed.emit()

    @Slot()
    def _take_preset(self) -> None:
        preset = self._head.presets.preset
        self.set_values(preset.values if preset else {})
        self._call_unchanged()
        self.preset_changed.emit(self.preset())
        self.values_changed.emit()

    @Slot(str, str, bool)
    def _save_preset(self, name: str, description: str, is_overwriting: bool) -> None:
        try:
            save_preset(name, description, self.values(), is_overwriting=is_overwriting)
        except ZippoError as error:
            show_error(error, self)
            return
        self._head.presets.reload()
        self._head.presets.choose(name)
        self._call_unchanged()
        self.preset_changed.emit(name)

    @Slot(str)
    def _delete_preset(self, name: str) -> None:
        preset = self._head.presets.preset
        if preset is None or preset.name != name or not preset.is_own:
            return
        try:
            preset.path.unlink(missing_ok=True)
        except OSError as error:
            show_error(ExportError(f"The preset {preset.path} cannot be deleted: {error.strerror}."), self)
            return
        self._head.presets.reload()
        self._take_preset()

    @Slot(str)
    def _search(self, text: str) -> None:
        found = None
        if text.strip():
            wanted = zip(SECTIONS, self._sections, strict=True)
            shown = [self._rows[name] for section, made in wanted if made.is_wanted for name in section.names]
            found = [row for row in shown if row.matches(text)]
        for section in self._sections:
            section.search(found)
        self._nothing_found.setVisible(found == [])

    # What follows from the values

    def _take_values(self) -> None:
        values = self.values()
        self._problems = problems_of(values)
        for name, row in self._rows.items():
            row.show_problem(self._problems.get(name, ""))
        for section, made in zip(SECTIONS, self._sections, strict=True):
            made.set_count(sum(self._rows[name].is_changed for name in section.names))
            for name in self._problems.keys() & set(section.names):
                made.reveal(self._rows[name])
        self._head.presets.set_changed(values != self._unchanged)
        idle = without_effect({name: row.value() for name, row in self._rows.items()})
        for name, row in self._rows.items():
            row.setEnabled(name not in idle)
        self._show_example()
        self._memory.start()

    def _show_example(self) -> None:
        editor = self._rows["name"].editor
        if isinstance(editor, NameEditor):
            suffix = FORMATS[self._rows["format"].value()[0]]
            editor.set_example(self.preset(), suffix, is_prompt=self._task != "matting")

    def _call_unchanged(self) -> None:
        """Take the values of now for those of the preset."""
        self._unchanged = self.values()
        self._head.presets.set_changed(False)
        self._show_example()
        self._memory.start()

    # What it remembers

    @Slot()
    def _remember(self) -> None:
        opened = [section.title for section in self._sections if section.is_open]
        opened += [section.title + _ADVANCED for section in self._sections if section.more.isChecked()]
        try:
            change_settings(
                settings_path(),
                look=self.values(),
                preset=self.preset(),
                open_sections=tuple(opened),
                output_dir=self._head.chosen_folder(),
            )
        except ExportError:  # then the next start shows what was remembered before
            return

    def hideEvent(self, event: QHideEvent) -> None:  # noqa: N802
        """Remember at once what was to be remembered soon."""
        if self._memory.isActive():
            self._memory.stop()
            self._remember()
        super().hideEvent(event)
