"""The settings' dialog writes the file that the command line reads, and shows the theme at once."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import QApplication

from zippo_desktop.gui.error_dialog import ErrorDialog
from zippo_desktop.gui.settings_dialog import SettingsDialog
from zippo_desktop.gui.theme import apply_theme, colour, read_colours
from zippo_desktop.paths import settings_path
from zippo_desktop.settings import Settings, load_settings, save_settings

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")  # windows, offscreen


@pytest.fixture
def make_dialog(qtbot, qapp):
    def make() -> SettingsDialog:
        dialog = SettingsDialog()
        qtbot.addWidget(dialog)
        dialog.open()
        return dialog

    yield make
    apply_theme(qapp, "dark")


def theme_button(dialog, name):
    return next(button for button in dialog.theme._group.buttons() if button.text() == name)


def test_it_shows_the_settings_as_they_are(make_dialog):
    settings = Settings(
        model="mine", engine="torch", provider="cpu", formats=("png", "psd"), memory_mb=2048, theme="system"
    )
    save_settings(settings, settings_path())
    dialog = make_dialog()
    assert dialog.settings() == settings
    dialog.reject()


def test_saving_changes_its_fields_alone(make_dialog, qtbot):
    save_settings(Settings(preset="cutout", output_dir="/out"), settings_path())
    dialog = make_dialog()
    dialog.provider.setCurrentText("cpu")
    dialog.memory.setValue(1024)
    dialog.formats.chip("ora").click()
    with qtbot.waitSignal(dialog.settings_changed) as told:
        dialog.accept()
    expected = Settings(
        preset="cutout", output_dir="/out", provider="cpu", memory_mb=1024, formats=("png", "ora")
    )
    assert told.args == [expected]
    assert load_settings(settings_path()) == (expected, ())


def test_the_theme_is_seen_at_once_and_goes_back(make_dialog):
    dialog = make_dialog()
    theme_button(dialog, "light").click()
    assert colour("window").name() == read_colours("light").window
    dialog.reject()
    assert colour("window").name() == read_colours("dark").window
    assert not settings_path().exists()


def test_a_word_from_the_file_that_is_not_known_is_kept(make_dialog):
    save_settings(Settings(provider="npu"), settings_path())
    dialog = make_dialog()
    assert dialog.provider.currentText() == "npu"
    dialog.reject()


def test_settings_that_cannot_be_saved_are_told(make_dialog, qtbot):
    dialog = make_dialog()
    dialog.memory.setValue(1)
    settings_path().parent.joinpath("settings.json.part").mkdir()
    dialog.accept()
    told = next(each for each in QApplication.topLevelWidgets() if isinstance(each, ErrorDialog))
    assert "cannot be saved" in told.message.text()
    told.reject()
