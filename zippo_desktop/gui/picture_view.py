"""The viewer for everything: a bar of tools over a photo and its result, which are read in the background."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, QTimer, Signal, Slot
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QVBoxLayout, QWidget

from zippo_desktop.gui.backdrops import CHECKERBOARD, Backdrop
from zippo_desktop.gui.colour_managed import screen_space
from zippo_desktop.gui.picture_canvas import PictureCanvas
from zippo_desktop.gui.picture_levels import Picture
from zippo_desktop.gui.picture_loader import PictureLoader
from zippo_desktop.gui.picture_outline import Outline
from zippo_desktop.gui.picture_scene import MODES, Mode
from zippo_desktop.gui.picture_tools import PictureTools

NOTHING = "Choose an item to see its picture"
READING = "Reading\N{HORIZONTAL ELLIPSIS}"
PATIENCE_MS = 250  # that the picture before stays, so that leafing through does not flicker
_PLACES = ("photo", "result", "matte")

Source = Path | QImage


class PictureView(QWidget):
    """Shows files, pairs of photo and result, and previews. `stop` it before the program ends.

    The same zoom, place, mode and backdrop stay from one picture to the next.
    """

    backdrop_changed = Signal(object)  # Backdrop
    mode_changed = Signal(str)
    zoom_changed = Signal(float)  # screen pixels a pixel of the picture

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("pictureView")
        self.tools = PictureTools()
        self.canvas = PictureCanvas()
        self._scene = self.canvas.scene
        self._loader = PictureLoader(self)
        self._shown: dict[str, tuple[object, ...]] = {}  # by place, what its picture is of
        self._outdated: set[str] = set()  # places whose picture is still the one before
        self._patience = QTimer(self)
        self._patience.setSingleShot(True)
        self._patience.setInterval(PATIENCE_MS)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.tools)
        column.addWidget(self.canvas, 1)
        self.setFocusProxy(self.canvas)
        self.setTabOrder(self.canvas, self.tools)
        self._connect()
        self.clear()

    @property
    def zoom(self) -> float:
        """Screen pixels a pixel of the picture."""
        return self._scene.viewport.zoom

    @property
    def is_fit(self) -> bool:
        """Whether the whole picture is kept in sight."""
        return self._scene.viewport.is_fit

    @property
    def mode(self) -> Mode:
        """What is seen of the pictures."""
        return self._scene.mode

    @property
    def backdrop(self) -> Backdrop:
        """What transparent pictures are shown on."""
        return self._scene.backdrop

    @property
    def is_loading(self) -> bool:
        """Whether something of the picture is still to come."""
        return any(self._loader.is_busy(place) for place in (*_PLACES, "outline", "backdrop"))

    def show_file(self, path: Path | None) -> None:
        """Show one file alone, or nothing."""
        self.show_pair(path, None)

    def show_pair(
        self, photo_path: Path | None, result: Source | None, matte_path: Path | None = None
    ) -> None:
        """Show a photo and what was made of it.

        The matte is the result's own transparency; for a result without any, a file of it may be given.
        Files that are shown already and have not changed are not read again.
        """
        self._wish("photo", photo_path)
        self._wish("result", result)
        self._wish("matte", matte_path)
        self.canvas.message = READING if self.is_loading else NOTHING
        self._patience.start()
        self._refresh()

    def show_image(self, image: QImage) -> None:
        """Show an image that is on no disk, such as a preview."""
        self.show_pair(None, image)

    def clear(self) -> None:
        """Show nothing."""
        self.show_pair(None, None)

    def set_mode(self, mode: str) -> None:
        """Choose "result", "photo", "compare", "matte" or "edge"; what the pictures do not allow waits."""
        if mode not in MODES:
            raise ValueError(f"no such mode: {mode}")
        before = self._scene.wanted_mode
        self._scene.wanted_mode = mode
        self._refresh()
        if mode != before:
            self.mode_changed.emit(mode)

    def set_backdrop(self, backdrop: Backdrop) -> None:
        """Choose what transparent pictures are shown on."""
        before, self._scene.backdrop = self._scene.backdrop, backdrop
        self._scene.backdrop_image = None
        self._loader.cancel("backdrop")
        if backdrop.image_path is not None:
            self._loader.load("backdrop", backdrop.image_path, screen_space(self.window().windowHandle()))
        self.tools.show_backdrop(backdrop)
        self.canvas.update()
        if backdrop != before:
            self.backdrop_changed.emit(backdrop)

    @Slot(object)
    def set_zoom(self, zoom: float | None) -> None:
        """Zoom around the middle; None keeps the whole picture in sight."""
        if zoom is None:
            self.canvas.fit()
        else:
            self.canvas.zoom_to(zoom)

    @Slot(bool)
    def hold_photo(self, is_held: bool) -> None:
        """Show the photo for as long as it is held."""
        self.canvas.hold_photo(is_held)

    def stop(self) -> None:
        """Leave what is being read."""
        self._loader.stop()

    def _wish(self, place: str, source: Source | None) -> None:
        """Read for a place, unless the same is there or on its way."""
        wished = _identity(source)
        if self._shown.get(place) == wished:
            return
        self._shown[place] = wished
        self._loader.cancel(place)
        if source is None:
            self._put(place, None)
            return
        self._outdated.add(place)
        if place == "matte" and isinstance(source, Path):
            self._loader.load_matte(place, source)
        else:
            self._loader.load(place, source, screen_space(self.window().windowHandle()))

    def _put(self, place: str, picture: Picture | None) -> None:
        """Show a picture in its place; what belongs to the one before goes with it."""
        self._outdated.discard(place)
        outlined = self._scene.alpha_source()
        setattr(self._scene, place, picture)
        if self._scene.alpha_source() is not outlined:
            self._scene.outline = None
            self._loader.cancel("outline")

    def _refresh(self) -> None:
        """Bring bar, outline and canvas in line with the pictures."""
        matte = self._scene.alpha_source()
        needs_outline = self._scene.mode == "edge" and self._scene.outline is None
        if matte is not None and needs_outline and not self._loader.is_busy("outline"):
            self._loader.outline("outline", matte)
        self.tools.show_mode(self._scene.mode, self._scene.available_modes())
        size = self._scene.size()
        text = "" if size is None else f"{size.width()} \N{MULTIPLICATION SIGN} {size.height()}"
        self.tools.show_size(READING if self.is_loading else text)
        self.canvas.refresh()
        self.tools.show_zoom(self.zoom, self.is_fit)

    @Slot(str, object)
    def _take(self, place: str, found: Picture | Outline | None) -> None:
        """Put what was read in its place; None says that nothing more comes."""
        if isinstance(found, Outline):
            self._scene.outline = found
        elif isinstance(found, Picture) and place == "backdrop":
            self._scene.backdrop_image = found
            self.tools.show_backdrop(self.backdrop, found)
        elif isinstance(found, Picture):
            self._put(place, found)
            self._drop_outdated()
        self._refresh()

    @Slot(str, str)
    def _tell(self, place: str, sentence: str) -> None:
        """Say in the picture's stead why it is not there."""
        self.canvas.message = sentence
        if place in _PLACES:
            self._put(place, None)
            self._drop_outdated()
        elif place == "outline":
            self._scene.outline = Outline(())
        self._refresh()

    @Slot()
    def _lose_patience(self) -> None:
        self._drop_outdated()
        self._refresh()

    def _drop_outdated(self) -> None:
        """Take away the pictures before, so that none of them is taken for a part of the new pair."""
        for place in [*self._outdated]:
            self._put(place, None)

    @Slot(float)
    def _note_zoom(self, zoom: float) -> None:
        self.tools.show_zoom(zoom, self.is_fit)
        self.zoom_changed.emit(zoom)

    def _connect(self) -> None:
        self._loader.loaded.connect(self._take)
        self._loader.failed.connect(self._tell)
        self._patience.timeout.connect(self._lose_patience)
        self.canvas.zoom_changed.connect(self._note_zoom)
        self.tools.mode_chosen.connect(self.set_mode)
        self.tools.backdrop_chosen.connect(self.set_backdrop)
        self.tools.zoom_chosen.connect(self.set_zoom)
        self.tools.photo_held.connect(self.hold_photo)
        actions = [*self.tools.mode_actions.values(), *self.tools.backdrop_actions, *self.tools.zoom_actions]
        self.addActions(actions)
        for action in actions:
            action.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        self.tools.show_backdrop(CHECKERBOARD)


def _identity(source: Source | None) -> tuple[object, ...]:
    """What tells one picture from another: a file also by its time and size, for results are written anew."""
    if source is None:
        return ()
    if isinstance(source, QImage):
        return (source.cacheKey(),)
    try:
        status = source.stat()
    except OSError:
        return (source,)
    return (source, status.st_mtime_ns, status.st_size)
