"""A list of items with all that can be done to it: filter, sort, open, reveal, copy, retry, remove."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QPoint, Qt, Signal, Slot
from PySide6.QtGui import QAction, QGuiApplication, QKeySequence
from PySide6.QtWidgets import QMenu, QWidget

from zippo_desktop.gui.dropped import PictureMime
from zippo_desktop.gui.file_manager import open_file, reveal
from zippo_desktop.gui.filter_bar import FilterBar
from zippo_desktop.gui.icons import icon
from zippo_desktop.gui.item_entry import Entry, State
from zippo_desktop.gui.item_filter import ItemFilter
from zippo_desktop.gui.item_model import ItemModel
from zippo_desktop.gui.item_view import ItemView
from zippo_desktop.gui.layouts import column

_ENDED = (State.DONE, State.DOUBTFUL, State.FAILED, State.SKIPPED)


class ItemPanel(QWidget):
    """Wires a model to its filter, its view and the actions on what is chosen."""

    current_changed = Signal(object)  # Entry or None
    retry_requested = Signal(list)  # of Entry
    paste_requested = Signal()
    told = Signal(str)  # what could not be done

    def __init__(self, items: ItemModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.items = items
        self.shown = ItemFilter(items, self)
        self.view = ItemView(self.shown)
        self.bar = FilterBar(self.shown)
        self._told_of: tuple[Entry, tuple[Path, ...]] | None = None
        layout = column(self)
        layout.addWidget(self.bar)
        layout.addWidget(self.view, 1)
        self._connect()

    @Slot()
    def open_chosen(self) -> None:
        """Open what was made of the item that has the keyboard, or its photo, in the system's program."""
        entry = self.view.current_entry()
        path = entry and (entry.result or entry.path)
        if path and not open_file(path):
            self.told.emit(f"No program opened {path}.")

    @Slot()
    def open_photo(self) -> None:
        """Open the photo itself."""
        entry = self.view.current_entry()
        if entry and entry.path and not open_file(entry.path):
            self.told.emit(f"No program opened {entry.path}.")

    @Slot()
    def reveal_chosen(self) -> None:
        """Show what was made, or the photo, in the file manager."""
        entry = self.view.current_entry()
        path = entry and (entry.result or next(iter(entry.outputs), entry.path))
        if path and not reveal(path):
            self.told.emit(f"The folder of {path} cannot be shown.")

    @Slot()
    def copy_chosen(self) -> None:
        """Put what was made on the clipboard: as files, and a single one as a picture with its alpha."""
        chosen = self.view.chosen()
        paths = [path for path in (entry.result or entry.path for entry in chosen) if path]
        if paths:
            QGuiApplication.clipboard().setMimeData(PictureMime(paths))

    @Slot()
    def retry_chosen(self) -> None:
        """Ask for the chosen items that have ended to be done again."""
        ended = [entry for entry in self.view.chosen() if entry.state in _ENDED]
        if ended:
            self.retry_requested.emit(ended)

    @Slot()
    def remove_chosen(self) -> None:
        """Take the chosen items from the list. Their files stay where they are."""
        chosen = self.view.chosen()
        if not chosen:
            return
        row = min(index.row() for index in self.view.selectionModel().selectedIndexes())
        self.items.remove(chosen)
        left = self.shown.rowCount()
        if left:  # the keyboard goes on from where it was
            self.view.setCurrentIndex(self.shown.index(min(row, left - 1), 0))

    def menu(self) -> QMenu:
        """What can be done to the chosen items now."""
        chosen = self.view.chosen()
        made = any(entry.result for entry in chosen)
        ended = any(entry.state in _ENDED for entry in chosen)
        photos = any(entry.path for entry in chosen)
        has_files = made or photos
        keys = QKeySequence.StandardKey
        menu = QMenu(self)
        self._add(menu, "photo", "Open the result" if made else "Open", self.open_chosen, "Return", has_files)
        if made and photos:
            self._add(menu, "", "Open the photo", self.open_photo, "", True)
        self._add(menu, "reveal", "Show in the file manager", self.reveal_chosen, "", has_files)
        what = "Copy the result" if made else "Copy"
        self._add(menu, "copy", what, self.copy_chosen, keys.Copy, has_files)
        menu.addSeparator()
        self._add(menu, "retry", "Do again", self.retry_chosen, "F5", ended)
        menu.addSeparator()
        has_items = self.shown.rowCount() > 0
        self._add(menu, "", "Choose all", self.view.selectAll, keys.SelectAll, has_items)
        self._add(menu, "minus", "Remove from the list", self.remove_chosen, keys.Delete, bool(chosen))
        return menu

    def current_files(self) -> tuple[Path | None, tuple[Path, ...] | None] | None:
        """The photo and the results of the item that has the keyboard; None where none has it."""
        entry = self.view.current_entry()
        return (entry.path, entry.outputs or None) if entry else None

    def _connect(self) -> None:
        self.bar.look_changed.connect(self.view.show_as)
        self.view.entry_chosen.connect(self.current_changed)
        self.view.activated.connect(self.open_chosen)
        self.view.remove_asked.connect(self.remove_chosen)
        self.view.retry_asked.connect(self.retry_chosen)
        self.view.copy_asked.connect(self.copy_chosen)
        self.view.paste_asked.connect(self.paste_requested)
        self.view.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.view.customContextMenuRequested.connect(self._show_menu)
        self.items.dataChanged.connect(self._tell_change)

    @Slot(QPoint)
    def _show_menu(self, place: QPoint) -> None:
        menu = self.menu()
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(self.view.viewport().mapToGlobal(place))

    @Slot()
    def _tell_change(self) -> None:
        """What is shown large has another result now."""
        entry = self.view.current_entry()
        told_of = (entry, entry.outputs) if entry else None
        if told_of != self._told_of:
            self._told_of = told_of
            self.current_changed.emit(entry)

    def _add(
        self,
        menu: QMenu,
        sign: str,
        text: str,
        act: Callable[[], None],
        key: str | QKeySequence.StandardKey,
        is_possible: bool,
    ) -> None:
        action = QAction(text, menu)
        if sign:
            action.setIcon(icon(sign))
        action.setShortcut(QKeySequence(key))
        action.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)  # shown here; the view knows its keys
        action.setEnabled(is_possible)
        action.triggered.connect(act)
        menu.addAction(action)
