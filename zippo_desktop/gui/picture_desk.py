"""What the viewer shows: the selected photo, its result, a live preview, a picture as it forms."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtGui import QGuiApplication, QImage

from zippo_desktop.batch.events import Event, ItemEnded, Preview
from zippo_desktop.errors import UsageError
from zippo_desktop.export.write import MATTE_SUFFIX
from zippo_desktop.gui.clipboard import Copied, read_picture, to_mime
from zippo_desktop.gui.errands import Errands
from zippo_desktop.gui.item_entry import Entry
from zippo_desktop.gui.picture_view import PictureView
from zippo_desktop.gui.planning import Order, options_of
from zippo_desktop.gui.preview_worker import PreviewWorker, Wish
from zippo_desktop.gui.session_keeper import ModelChoice
from zippo_desktop.paths import settings_path
from zippo_desktop.settings import load_settings

Files = tuple[Path | None, Sequence[Path] | None]  # a photo and its results


class PictureDesk(QObject):
    """Wires selection, settings and the preview worker to the viewer."""

    told = Signal(str)  # a word for the status bar; empty where there is nothing to say
    can_copy_changed = Signal(bool)

    def __init__(
        self,
        view: PictureView,
        previews: PreviewWorker,
        errands: Errands,
        look: Callable[[], Order],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._view, self._previews, self._errands, self._look = view, previews, errands, look
        self._photo: Path | None = None
        self._result: Path | None = None
        self.is_live = True
        previews.preview_made.connect(self._show_preview)
        previews.preview_failed.connect(self._refuse_preview)
        previews.waiting_changed.connect(self._tell_waiting)

    @property
    def result(self) -> Path | None:
        """The finished picture of the selected item."""
        return self._result

    @Slot(object)
    def show_files(self, files: Files | None) -> None:
        """Show the selected item: its result beside its photo, or the photo and soon its preview."""
        photo, outputs = files or (None, None)
        result = Entry(photo, "", 0, outputs=tuple(outputs or ())).result
        is_same = photo == self._photo and photo is not None
        self._photo, self._result = photo, result
        self.can_copy_changed.emit(result is not None)
        if result is not None:
            self._previews.forget()
            self._view.show_pair(photo, result, _matte_of(outputs or ()))
        elif not is_same:
            self._view.show_pair(photo, None) if photo else self._view.clear()
            self.ask_preview()

    @Slot()
    def ask_preview(self) -> None:
        """Show the selected photo as the settings of the moment would make it."""
        order = self._look()
        if not self.is_live or self._photo is None or order.task != "matting":
            self._previews.forget()
            return
        settings, _ = load_settings(settings_path())
        try:
            options, request = options_of(order, settings)
        except UsageError as error:
            self.told.emit(str(error))
            return
        choice = ModelChoice.of(options)
        self._previews.ask(Wish(self._photo, choice, request, options.arrangement, options.max_pixels))

    def set_live(self, is_live: bool) -> None:
        """Whether the selected photo is shown with the present settings."""
        self.is_live = is_live
        self.ask_preview()

    @Slot(object)
    def show_event(self, event: Event) -> None:
        """Show pictures as they form, and what they became, while no finished one is looked at."""
        if self._result is not None or self._look().task == "matting":
            return
        if isinstance(event, Preview):
            from zippo_desktop.gui.preview_picture import image_of

            self._view.show_image(image_of(event.picture))
        elif isinstance(event, ItemEnded):
            made = Entry(None, "", 0, outputs=event.result.outputs).result
            if made is not None:
                self._view.show_pair(None, made)

    @Slot()
    def copy(self) -> None:
        """Put the result on the clipboard, with its alpha, once it is read."""
        if self._result is not None:
            self.told.emit("Copying …")
            self._errands.run(partial(read_picture, self._result), self._give, self.told.emit)

    def _give(self, copied: Copied) -> None:
        QGuiApplication.clipboard().setMimeData(to_mime(copied))
        self.told.emit(f"Copied {copied.path.name}.")

    @Slot(object, QImage)
    def _show_preview(self, wish: Wish, image: QImage) -> None:
        if wish.path == self._photo:
            self.told.emit("")
            self._view.show_pair(wish.path, image)

    @Slot(object, str)
    def _refuse_preview(self, wish: Wish, sentence: str) -> None:
        if wish.path == self._photo:
            self.told.emit(sentence)

    @Slot(bool)
    def _tell_waiting(self, is_waiting: bool) -> None:
        self.told.emit("The preview waits for the network …" if is_waiting else "")


def _matte_of(outputs: Sequence[Path]) -> Path | None:
    """The file that holds the matte alone, for results whose transparency is gone."""
    return next((path for path in outputs if path.name.endswith(MATTE_SUFFIX)), None)
