"""The window's menus: which actions there are, and which part each one is for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, QUrl, Slot
from PySide6.QtGui import QDesktopServices, QKeySequence
from PySide6.QtWidgets import QApplication, QMessageBox

from zippo_desktop import __version__
from zippo_desktop.batch.log import log_path
from zippo_desktop.errors import ExportError
from zippo_desktop.gui.error_dialog import show_error
from zippo_desktop.gui.menus import Menus
from zippo_desktop.gui.theme import apply_theme
from zippo_desktop.paths import settings_path
from zippo_desktop.settings import Settings, change_settings, load_settings

if TYPE_CHECKING:
    from zippo_desktop.gui.main_window import MainWindow

Standard = QKeySequence.StandardKey


class WindowMenus(QObject):
    """File, Edit, View, Run and Help of one window."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self.menus = Menus(window)
        self._make_file()
        self._make_edit()
        self._make_view()
        self._make_run()
        self._make_help()
        self.menus.recent_chosen.connect(self._open_recent)
        self.menus.recent_cleared.connect(self._clear_recent)
        self.menus.theme_chosen.connect(self._choose_theme)
        self.show_recent()

    @Slot()
    def show_recent(self) -> None:
        """Fill File > Open Recent."""
        self.menus.show_recent(self._window.state.recent)

    def _make_file(self) -> None:
        window, menus = self._window, self.menus
        menu = menus.add_menu("&File")
        menus.add(menu, "&Open photos…", window.work.photos.ask_files, Standard.Open)
        menus.add(menu, "Open &folder…", window.work.photos.ask_folder, "Ctrl+Shift+O")
        menus.add_recent(menu)
        menus.add(menu, "Open the &samples", window.work.photos.add_samples)
        menu.addSeparator()
        menus.add(menu, "&Import prompts…", window.work.prompts.table.ask_import)
        menu.addSeparator()
        menus.add(menu, "Show &results", self._show_results)
        menu.addSeparator()
        menus.add(menu, "&Settings…", self._edit_settings, Standard.Preferences)
        menus.add(menu, "&Quit", window.close, Standard.Quit)

    def _make_edit(self) -> None:
        window, menus = self._window, self.menus
        menu = menus.add_menu("&Edit")
        menus.add(menu, "&Paste", window.work.paste, Standard.Paste)
        copy = menus.add(menu, "&Copy the cut-out", window.pictures.copy, "Ctrl+Shift+C")
        copy.setEnabled(False)
        window.pictures.can_copy_changed.connect(copy.setEnabled)

    def _make_view(self) -> None:
        window, menus = self._window, self.menus
        menu = menus.add_menu("&View")
        live = menus.add(menu, "&Live preview", window.pictures.set_live, "Ctrl+Shift+L", checked=True)
        live.setToolTip("Show the selected photo with the present settings before the batch is started")
        menu.addSeparator()
        panels = (("&Work", window.work, "Ctrl+1"), ("&Settings panel", window.settings, "Ctrl+2"))
        for text, panel, keys in panels:
            menus.add(menu, text, panel.setVisible, keys, checked=True)
        log = menus.add(menu, "&Log", window.show_log, "Ctrl+L", checked=False)
        window.bar.log_toggled.connect(log.setChecked)
        menu.addSeparator()
        menus.add_themes(menu)
        menus.show_theme(load_settings(settings_path())[0].theme)
        menus.add(menu, "&Full screen", self._set_full_screen, Standard.FullScreen, checked=False)

    def _make_run(self) -> None:
        window, menus = self._window, self.menus
        menu = menus.add_menu("&Run")
        menus.add(menu, "&Start", window.bar.start.click, "Ctrl+Return")
        menus.add(menu, "&Pause or go on", window.bar.pause.click, "Ctrl+Space")
        menus.add(menu, "S&top", window.bar.stop.click, "Ctrl+.")
        menu.addSeparator()
        menus.add(menu, "&Unfinished jobs", window.run.look_for_unfinished)

    def _make_help(self) -> None:
        menu = self.menus.add_menu("&Help")
        self.menus.add(menu, "Show the log &files", self._show_logs)
        self.menus.add(menu, "&About Zippo Desktop", self._show_about)

    @Slot(object)
    def _open_recent(self, path: object) -> None:
        self._window.open_paths([path])  # type: ignore[list-item]

    @Slot()
    def _clear_recent(self) -> None:
        self._window.state.clear_recent()
        self.show_recent()

    @Slot(str)
    def _choose_theme(self, name: str) -> None:
        app = QApplication.instance()
        if isinstance(app, QApplication):
            apply_theme(app, name)
        try:
            change_settings(settings_path(), theme=name)
        except ExportError as error:
            show_error(error, self._window)

    @Slot(bool)
    def _set_full_screen(self, is_full: bool) -> None:
        self._window.showFullScreen() if is_full else self._window.showNormal()

    @Slot()
    def _show_results(self) -> None:
        folder = self._window.settings.output_dir()
        if folder.is_dir():
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))
        else:
            self._window.statusBar().showMessage(f"{folder} is not there yet.")

    @Slot()
    def _edit_settings(self) -> None:
        from zippo_desktop.gui.settings_dialog import SettingsDialog

        dialog = SettingsDialog(self._window)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.settings_changed.connect(self._follow_settings)
        dialog.open()

    @Slot(object)
    def _follow_settings(self, settings: Settings) -> None:
        self.menus.show_theme(settings.theme)
        self._window.settings.follow(settings)
        self._window.follow_settings()

    @Slot()
    def _show_logs(self) -> None:
        log_path().parent.mkdir(parents=True, exist_ok=True)
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(log_path().parent)))

    @Slot()
    def _show_about(self) -> None:
        QMessageBox.about(
            self._window,
            "About Zippo Desktop",
            f"<b>Zippo Desktop {__version__}</b><p>Cuts subjects out of photos, paints into mattes and makes "
            "transparent pictures: offline, with one model.</p>",
        )
