"""The slim bar above the picture: what is shown, on what, and how large. It knows no pictures."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QAction, QActionGroup, QColor, QKeySequence
from PySide6.QtWidgets import (
    QColorDialog,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QMenu,
    QSizePolicy,
    QToolButton,
    QWidget,
)

from zippo_desktop.gui.backdrops import COMMON, Backdrop, swatch
from zippo_desktop.gui.picture_levels import Picture
from zippo_desktop.gui.picture_scene import MODES, Mode
from zippo_desktop.imaging.decode import IMAGE_SUFFIXES

ZOOMS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
SWATCH_PX = 14
_MODE_NAMES: dict[Mode, tuple[str, str, str]] = {
    "result": ("Result", "1", "The finished picture, on the background chosen for looking at it"),
    "photo": ("Photo", "2", "The photo as it came; hold Space to see it for a moment"),
    "compare": ("Compare", "3", "Photo and result side by side; drag the line between them"),
    "matte": ("Matte", "4", "The transparency: white is subject, black is background"),
    "edge": ("Edge", "5", "Where the matte is one half, as a line over the photo"),
}
_ZOOM_KEYS = {1.0: "Z", 2.0: "Shift+Z"}  # as long as the picture has the focus


class PictureTools(QWidget):
    """Buttons and menus. The owner sets what is chosen; the bar tells what a person asked for."""

    mode_chosen = Signal(str)
    backdrop_chosen = Signal(object)  # Backdrop
    zoom_chosen = Signal(object)  # float, or None for the whole picture
    photo_held = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("pictureTools")
        self.mode_actions = self._make_mode_actions()
        self.backdrop_actions = self._make_backdrop_actions()
        self.zoom_actions = self._make_zoom_actions()
        self.size_label = QLabel()
        self.size_label.setProperty("role", "dim")
        self.hold_button = self._make_hold_button()
        self.backdrop_button = self._make_menu_button("Background", self.backdrop_actions)
        self.backdrop_button.setToolTip("What transparent pictures are shown on; files are not changed by it")
        self.zoom_button = self._make_menu_button("Fit", self.zoom_actions)
        self.zoom_button.setToolTip("Zoom: turn the wheel over the picture, double-click for 100 %")
        self.zoom_button.setMinimumWidth(self.fontMetrics().horizontalAdvance("1000 %") + 32)
        self._lay_out()

    def show_mode(self, mode: Mode, available: frozenset[Mode]) -> None:
        """Mark the mode that is seen, and allow those that can be."""
        for name, action in self.mode_actions.items():
            action.setEnabled(name in available)
            action.setChecked(name == mode and name in available)
        self.hold_button.setEnabled({"photo", "result"} <= available)

    def show_backdrop(self, backdrop: Backdrop, image: Picture | None = None) -> None:
        """Show a backdrop on its button, and mark it in the menu."""
        self.backdrop_button.setIcon(swatch(backdrop, SWATCH_PX, self.devicePixelRatioF(), image))
        names = [name for name, common in COMMON.items() if common == backdrop]
        chosen = names[0] if names else "Image\N{HORIZONTAL ELLIPSIS}" if backdrop.kind == "image" else ""
        for action in self.backdrop_actions:
            action.setChecked(action.text() == (chosen or "Colour\N{HORIZONTAL ELLIPSIS}"))

    def show_zoom(self, zoom: float, is_fit: bool) -> None:
        """Write the zoom on its button."""
        percent = f"{zoom:.0%}".replace("%", " %")
        self.zoom_button.setText(percent)
        for action in self.zoom_actions:
            action.setChecked(is_fit if action.data() is None else not is_fit and action.data() == zoom)

    def show_size(self, text: str) -> None:
        """Write the picture's size, or what is going on."""
        self.size_label.setText(text)

    @Slot(QAction)
    def _choose_mode(self, action: QAction) -> None:
        self.mode_chosen.emit(action.data())

    @Slot()
    def _choose_backdrop(self) -> None:
        action = self.sender()
        if isinstance(action, QAction):
            self.backdrop_chosen.emit(action.data())

    @Slot()
    def _ask_colour(self) -> None:
        dialog = QColorDialog(self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.colorSelected.connect(self._take_colour)
        dialog.open()

    @Slot(QColor)
    def _take_colour(self, colour: QColor) -> None:
        self.backdrop_chosen.emit(Backdrop("colour", colour))

    @Slot()
    def _ask_image(self) -> None:
        patterns = " ".join(f"*{suffix}" for suffix in sorted(IMAGE_SUFFIXES))
        dialog = QFileDialog(self, "Background image", "", f"Images ({patterns})")
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(self._take_image)
        dialog.open()

    @Slot(str)
    def _take_image(self, name: str) -> None:
        self.backdrop_chosen.emit(Backdrop("image", image_path=Path(name)))

    @Slot()
    def _choose_zoom(self) -> None:
        action = self.sender()
        if isinstance(action, QAction):
            self.zoom_chosen.emit(action.data())

    @Slot()
    def _hold(self) -> None:
        self.photo_held.emit(True)

    @Slot()
    def _let_go(self) -> None:
        self.photo_held.emit(False)

    def _make_mode_actions(self) -> dict[Mode, QAction]:
        group = QActionGroup(self)
        group.setExclusionPolicy(
            QActionGroup.ExclusionPolicy.ExclusiveOptional
        )  # none while there is no picture
        group.triggered.connect(self._choose_mode)
        actions = {}
        for mode in MODES:
            name, key, help_text = _MODE_NAMES[mode]
            action = QAction(name, group)
            action.setData(mode)
            action.setCheckable(True)
            action.setShortcut(QKeySequence(key))
            action.setToolTip(f"{help_text} ({key})")
            actions[mode] = action
        return actions

    def _make_backdrop_actions(self) -> list[QAction]:
        group = QActionGroup(self)
        for name, backdrop in COMMON.items():
            action = QAction(swatch(backdrop, SWATCH_PX, self.devicePixelRatioF()), name, group)
            action.setData(backdrop)
            action.triggered.connect(self._choose_backdrop)
        for name, ask in (("Colour", self._ask_colour), ("Image", self._ask_image)):
            QAction(f"{name}\N{HORIZONTAL ELLIPSIS}", group).triggered.connect(ask)
        for action in group.actions():
            action.setCheckable(True)
        return group.actions()

    def _make_zoom_actions(self) -> list[QAction]:
        fit = QAction("Fit", self)
        fit.setShortcut(QKeySequence("F"))
        actions = [fit]
        for zoom in ZOOMS:
            action = QAction(f"{zoom:.0%}".replace("%", " %"), self)
            action.setData(zoom)
            action.setShortcut(QKeySequence(_ZOOM_KEYS.get(zoom, "")))
            actions.append(action)
        for action in actions:
            action.setCheckable(True)
            action.triggered.connect(self._choose_zoom)
        return actions

    def _make_hold_button(self) -> QToolButton:
        button = QToolButton()
        button.setText("Hold for photo")
        button.setObjectName("holdPhoto")
        button.setToolTip("Shows the photo for as long as it is pressed, as Space does")
        button.pressed.connect(self._hold)
        button.released.connect(self._let_go)
        return button

    def _make_menu_button(self, text: str, actions: list[QAction]) -> QToolButton:
        button = QToolButton()
        button.setText(text)
        button.setProperty("role", "menu")
        button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(button)
        menu.addActions(actions)
        button.setMenu(menu)
        return button

    def _lay_out(self) -> None:
        row = QHBoxLayout(self)
        row.setContentsMargins(8, 4, 8, 4)
        row.setSpacing(0)
        for mode in MODES:
            button = QToolButton()
            button.setDefaultAction(self.mode_actions[mode])
            button.setProperty("role", "segment")
            button.setProperty("place", {"result": "first", "edge": "last"}.get(mode, "middle"))
            row.addWidget(button)
        row.addSpacing(8)
        row.addWidget(self.hold_button)
        self.size_label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        row.addSpacing(8)
        row.addWidget(self.size_label, 1)
        row.addSpacing(8)
        row.addWidget(self.backdrop_button)
        row.addSpacing(4)
        row.addWidget(self.zoom_button)
