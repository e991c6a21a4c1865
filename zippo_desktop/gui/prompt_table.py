"""Prompts to edit: a line to write one, the table of all, and what can be done with them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QModelIndex, QPoint, Qt, Signal, Slot
from PySide6.QtGui import QAction, QGuiApplication, QKeySequence
from PySide6.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QLineEdit,
    QMenu,
    QStackedLayout,
    QToolButton,
    QWidget,
)

from zippo_desktop.batch.prompts import PromptRow, read_prompts
from zippo_desktop.errors import ZippoError
from zippo_desktop.gui.icons import icon
from zippo_desktop.gui.layouts import SMALL_GAP, column, strip
from zippo_desktop.gui.prompt_files import write_folder, write_prompts
from zippo_desktop.gui.prompt_model import COLUMNS, PromptModel, column_of
from zippo_desktop.gui.prompt_view import PromptView

FILES = "Prompts (*.csv *.txt)"
_RARE = ("guidance", "tries", "name", "matte")  # hidden until somebody asks for them, or a file fills them


class PromptTable(QWidget):
    """Edits a `PromptModel`. `left_out` are the columns that make no sense for the task."""

    told = Signal(str)

    def __init__(self, left_out: Sequence[str] = (), parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.prompts = PromptModel(self)
        self.field = QLineEdit()
        self.field.setPlaceholderText("What to make; Enter adds it")
        self.field.setClearButtonEnabled(True)
        self.field.setAcceptDrops(False)
        self.field.returnPressed.connect(self.add_written)
        self.view = PromptView(self.prompts)
        self._left_out = frozenset(left_out)
        self._stack = QStackedLayout()
        self._actions = self._make_actions()
        for field in (*self._left_out, *_RARE):
            self.view.setColumnHidden(column_of(field), True)
        self.prompts.refused.connect(self.told)
        self.prompts.rowsInserted.connect(self._show_filled)
        header = self.view.horizontalHeader()
        header.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        header.customContextMenuRequested.connect(self._show_columns)
        self.view.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.view.customContextMenuRequested.connect(self._show_menu)
        self.view.selectionModel().selectionChanged.connect(self._enable)
        self.prompts.changed.connect(self._enable)
        self._lay_out()
        self._enable()

    def show_when_empty(self, widget: QWidget) -> None:
        """Show this while there is no prompt."""
        self._stack.addWidget(widget)
        self._enable()

    def rows(self) -> list[PromptRow]:
        """All prompts; what is written in the line and not yet added is added first."""
        self.add_written()
        return list(self.prompts.rows)

    def chosen(self) -> list[int]:
        """The rows that are chosen, in order."""
        return sorted({index.row() for index in self.view.selectionModel().selectedIndexes()})

    def import_prompts(self, path: Path) -> None:
        """Add the prompts of a file or folder, or say what is wrong with it, line by line."""
        try:
            rows = read_prompts(path)
        except ZippoError as error:
            self.told.emit(str(error))
            return
        self.prompts.add(rows)
        self.told.emit(f"{len(rows):,} prompt{'s' * (len(rows) > 1)} added from {path.name}.")

    def export_prompts(self, path: Path) -> None:
        """Write all prompts to a file, or into a folder, and say what could not be kept."""
        try:
            lost = (write_folder if path.is_dir() else write_prompts)(path, self.rows())
        except ZippoError as error:
            self.told.emit(str(error))
        else:
            self.told.emit(f"Written to {path}. {lost}".strip())

    @Slot()
    def add_written(self) -> None:
        """Add the prompt that is written in the line."""
        if self.field.text().strip():
            self.prompts.add([PromptRow(self.field.text())])
            self.field.clear()
            self.view.scrollToBottom()

    @Slot()
    def remove_chosen(self) -> None:
        """Take the chosen prompts out."""
        chosen = self.chosen()
        self.prompts.remove(chosen)
        if chosen and self.prompts.rows:
            self.view.selectRow(min(chosen[0], len(self.prompts.rows) - 1))

    @Slot()
    def duplicate_chosen(self) -> None:
        """Copy the chosen prompts, and choose the copies."""
        copies = self.prompts.duplicate(self.chosen())
        self.view.clearSelection()
        flags = self.view.selectionModel().SelectionFlag
        for place in copies:
            self.view.selectionModel().select(self.prompts.index(place, 0), flags.Select | flags.Rows)

    @Slot()
    def randomise_chosen(self) -> None:
        """Give the chosen prompts, or all where none is chosen, seeds of chance."""
        self.prompts.give_random_seeds(self.chosen() or range(len(self.prompts.rows)))

    @Slot()
    def paste(self) -> None:
        """Add the lines on the clipboard: prompts, and cells behind tabs as spreadsheets copy them."""
        shown = [place for place in range(len(COLUMNS)) if not self.view.isColumnHidden(place)]
        for line in QGuiApplication.clipboard().text().splitlines():
            cells = line.split("\t")
            if not cells[0].strip():
                continue
            self.prompts.add([PromptRow(cells[0])])
            last = len(self.prompts.rows) - 1
            for place, cell in zip(shown[1:], cells[1:], strict=False):
                self.prompts.setData(self.prompts.index(last, place), cell)

    @Slot()
    def copy_chosen(self) -> None:
        """Copy the chosen rows as `paste` and spreadsheets take them."""
        shown = [place for place in range(len(COLUMNS)) if not self.view.isColumnHidden(place)]
        lines = [
            "\t".join(self.prompts.index(row, place).data(Qt.ItemDataRole.EditRole) for place in shown)
            for row in self.chosen()
        ]
        if lines:
            QGuiApplication.clipboard().setText("\n".join(lines))

    @Slot()
    def ask_import(self) -> None:
        """Let the person choose a file of prompts."""
        name, _ = QFileDialog.getOpenFileName(self, "Import prompts", "", FILES)
        if name:
            self.import_prompts(Path(name))

    @Slot()
    def ask_import_folder(self) -> None:
        """Let the person choose a folder of text files."""
        name = QFileDialog.getExistingDirectory(self, "Import a folder of prompts")
        if name:
            self.import_prompts(Path(name))

    @Slot()
    def ask_export(self) -> None:
        """Let the person choose where the prompts go."""
        name, _ = QFileDialog.getSaveFileName(
            self, "Export prompts", "prompts.csv", "Table, keeps all (*.csv);;Text, prompts only (*.txt)"
        )
        if name:
            self.export_prompts(Path(name if Path(name).suffix else f"{name}.csv"))

    @Slot()
    def ask_export_folder(self) -> None:
        """Let the person choose a folder for one text file a prompt."""
        name = QFileDialog.getExistingDirectory(self, "Export prompts into a folder")
        if name:
            self.export_prompts(Path(name))

    def _make_actions(self) -> dict[str, QAction]:
        keys = QKeySequence.StandardKey
        return {
            "duplicate": self._action("duplicate", "Duplicate", "Ctrl+D", self.duplicate_chosen),
            "dice": self._action("dice", "Random seed", "Ctrl+R", self.randomise_chosen),
            "trash": self._action("trash", "Remove", keys.Delete, self.remove_chosen),
            "copy": self._action("copy", "Copy rows", keys.Copy, self.copy_chosen),
            "paste": self._action("paste", "Paste rows", keys.Paste, self.paste),
            "import": self._action("import", "Import a file…", "", self.ask_import),
            "import_folder": self._action("folder", "Import a folder…", "", self.ask_import_folder),
            "export": self._action("export", "Export to a file…", "", self.ask_export),
            "export_folder": self._action("folder", "Export into a folder…", "", self.ask_export_folder),
        }

    def _action(
        self, sign: str, text: str, key: str | QKeySequence.StandardKey, act: Callable[[], None]
    ) -> QAction:
        action = QAction(icon(sign), text, self)
        action.setShortcut(QKeySequence(key))
        action.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
        action.triggered.connect(act)
        self.view.addAction(action)
        return action

    def _lay_out(self) -> None:
        bar = strip(self.field)
        inside = bar.layout()
        assert isinstance(inside, QHBoxLayout)
        inside.setStretch(0, 1)
        inside.setSpacing(SMALL_GAP)
        for name in ("duplicate", "dice", "trash"):
            inside.addWidget(self._button(self._actions[name]))
        inside.addWidget(self._more())
        self._stack.addWidget(self.view)
        layout = column(self)
        layout.addWidget(bar)
        layout.addLayout(self._stack, 1)

    def _more(self) -> QToolButton:
        more = QToolButton()
        more.setIcon(icon("more"))
        more.setToolTip("Import and export")
        more.setAccessibleName("Import and export")
        more.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(more)
        menu.addActions([self._actions[name] for name in ("import", "import_folder")])
        menu.addSeparator()
        menu.addActions([self._actions[name] for name in ("export", "export_folder")])
        more.setMenu(menu)
        return more

    def _button(self, action: QAction) -> QToolButton:
        button = QToolButton()
        button.setDefaultAction(action)
        button.setToolTip(f"{action.text()} ({action.shortcut().toString()})")
        return button

    @Slot()
    def _enable(self) -> None:
        has_chosen, has_rows = bool(self.chosen()), bool(self.prompts.rows)
        for name in ("duplicate", "trash", "copy"):
            self._actions[name].setEnabled(has_chosen)
        for name in ("dice", "export", "export_folder"):
            self._actions[name].setEnabled(has_rows)
        self._stack.setCurrentIndex(self._stack.count() - 1 if not has_rows else 0)

    @Slot(QModelIndex, int, int)
    def _show_filled(self, parent: QModelIndex, first: int, last: int) -> None:
        new = self.prompts.rows[first : last + 1]
        for field in _RARE:
            if field not in self._left_out and any(getattr(row, field) is not None for row in new):
                self.view.setColumnHidden(column_of(field), False)

    @Slot(QPoint)
    def _show_menu(self, place: QPoint) -> None:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addActions([self._actions[name] for name in ("duplicate", "dice", "copy", "paste", "trash")])
        menu.popup(self.view.viewport().mapToGlobal(place))

    @Slot(QPoint)
    def _show_columns(self, place: QPoint) -> None:
        self.columns_menu().popup(self.view.horizontalHeader().mapToGlobal(place))

    def columns_menu(self) -> QMenu:
        """Which columns are shown; the prompt's always is."""
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for place, each in enumerate(COLUMNS):
            if each.field == "prompt" or each.field in self._left_out:
                continue
            action = menu.addAction(each.heading)
            action.setCheckable(True)
            action.setChecked(not self.view.isColumnHidden(place))
            action.setData(place)
            action.toggled.connect(self._show_column)
        return menu

    @Slot(bool)
    def _show_column(self, is_shown: bool) -> None:
        action = self.sender()
        if isinstance(action, QAction):
            self.view.setColumnHidden(action.data(), not is_shown)
            self.view.fill()
