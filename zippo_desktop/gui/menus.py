"""The menu bar: every action by its name and key, and nothing of what it does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import QMainWindow, QMenu

from zippo_desktop.errors import printable

Keys = QKeySequence.StandardKey | str | None
THEMES = {"dark": "Dark", "light": "Light", "system": "As the desktop"}


class Menus(QObject):
    """Builds the menus of a window. What an action does is given with it."""

    recent_chosen = Signal(object)  # Path
    recent_cleared = Signal()
    theme_chosen = Signal(str)

    def __init__(self, window: QMainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._recent = QMenu("Open &Recent", window)
        self._themes = QActionGroup(self)
        self.actions: dict[str, QAction] = {}

    def add_menu(self, title: str) -> QMenu:
        """A new menu at the end of the bar."""
        return self._window.menuBar().addMenu(title)

    def add(
        self,
        menu: QMenu,
        text: str,
        act: Callable[..., object],
        keys: Keys = None,
        *,
        checked: bool | None = None,
    ) -> QAction:
        """A new action at the end of a menu; with `checked` it is a switch, and `act` is told its state."""
        action = QAction(text, self._window)
        if keys is not None:
            action.setShortcut(QKeySequence(keys))
        if checked is None:
            action.triggered.connect(act)
        else:
            action.setCheckable(True)
            action.setChecked(checked)
            action.toggled.connect(act)
        menu.addAction(action)
        self.actions[text.replace("&", "").rstrip("… ")] = action
        return action

    def add_recent(self, menu: QMenu) -> None:
        """The menu of what was opened of late."""
        menu.addMenu(self._recent)

    def show_recent(self, paths: Sequence[Path]) -> None:
        """Fill that menu."""
        self._recent.clear()
        self._recent.setEnabled(bool(paths))
        for path in paths:
            action = self._recent.addAction(printable(path).replace("&", "&&"))
            action.setData(path)
            action.triggered.connect(self._choose_recent)
        self._recent.addSeparator()
        self._recent.addAction("Clear").triggered.connect(self.recent_cleared)

    def add_themes(self, menu: QMenu) -> None:
        """The choice of a theme."""
        themes = menu.addMenu("&Theme")
        for name, text in THEMES.items():
            action = themes.addAction(text)
            action.setCheckable(True)
            action.setData(name)
            action.triggered.connect(self._choose_theme)
            self._themes.addAction(action)

    def show_theme(self, name: str) -> None:
        """Mark the theme that is in use."""
        for action in self._themes.actions():
            action.setChecked(action.data() == name)

    @Slot()
    def _choose_recent(self) -> None:
        action = self.sender()
        if isinstance(action, QAction):
            self.recent_chosen.emit(action.data())

    @Slot()
    def _choose_theme(self) -> None:
        action = self.sender()
        if isinstance(action, QAction):
            self.theme_chosen.emit(action.data())
