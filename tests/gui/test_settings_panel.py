"""The panel: values by option name, presets with their marker, problems at their place, and its memory."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog

from zippo_desktop.errors import UsageError
from zippo_desktop.gui.error_dialog import ErrorDialog
from zippo_desktop.gui.settings_panel import SettingsPanel
from zippo_desktop.looks.options import look_from
from zippo_desktop.looks.presets import list_presets, load_preset, save_preset
from zippo_desktop.paths import presets_dir, settings_path
from zippo_desktop.settings import Settings, load_settings, save_settings

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")  # windows, offscreen


@pytest.fixture
def make_panel(qtbot):
    def make() -> SettingsPanel:
        panel = SettingsPanel()
        qtbot.addWidget(panel)
        panel.resize(304, 900)
        panel.show()
        return panel

    return make


@pytest.fixture
def panel(make_panel):
    return make_panel()


def section(panel, title):
    return next(each for each in panel._sections if each.title == title)


def test_it_starts_with_the_defaults(panel):
    assert panel.values() == {}
    assert panel.problems() == {}
    assert (panel.preset(), panel.model(), panel.on_existing()) == ("", "zippo-mini", "skip")
    assert panel.output_dir().name == "Zippo Desktop"
    assert not panel._head.presets.is_changed


def test_only_what_differs_is_told(panel, qtbot):
    with qtbot.waitSignal(panel.values_changed):
        panel.row("expand").editor.field.setValue(2.5)
    assert panel.values() == {"expand": 2.5}
    panel.row("expand").reset()
    assert panel.values() == {}


def test_values_are_set_without_a_signal(panel, qtbot):
    values = {"expand": -1.5, "format": ["tiff"], "crop": "5%", "edges": "fine"}
    with qtbot.assertNotEmitted(panel.values_changed):
        panel.set_values(values)
    assert panel.values() == values
    panel.set_values({})
    assert panel.values() == {}


def test_values_of_another_kind_are_refused_whole(panel):
    with pytest.raises(UsageError):
        panel.set_values({"feather": 3.0, "expand": "far"})
    with pytest.raises(UsageError):
        panel.set_values({"glow": 1})
    assert panel.values() == {}


@pytest.mark.parametrize("name", [path.stem for path in list_presets()])
def test_presets_are_shown_as_they_are(panel, qtbot, name):
    with qtbot.waitSignals([panel.preset_changed, panel.values_changed]):
        panel.choose_preset(name)
    assert panel.preset() == name
    assert look_from(panel.values()) == look_from(load_preset(name).values)
    assert not panel._head.presets.is_changed


def test_a_change_marks_the_preset_and_can_be_reverted(panel):
    panel.choose_preset("marketplace-white-2000")
    before = panel.values()
    panel.row("shadow").set_value("drop")
    panel.row("shadow").value_changed.emit("shadow")
    assert panel._head.presets.is_changed
    assert panel._head.presets.box.currentText() == "• marketplace-white-2000"
    panel._head.presets._revert.trigger()
    assert panel.values() == before
    assert not panel._head.presets.is_changed


def test_a_change_back_takes_the_marker_away(panel):
    panel.choose_preset("retouch-psd")
    field = panel.row("feather").editor.field
    field.setValue(2)
    assert panel._head.presets.is_changed
    field.setValue(0)
    assert not panel._head.presets.is_changed


def test_own_presets_are_saved_and_changed(panel, qtbot):
    panel.row("expand").editor.field.setValue(1)
    dialog = panel._head.presets.ask_name()
    qtbot.keyClicks(dialog.name, "Schuhe weiß")
    qtbot.keyClicks(dialog.description, "for the shop")
    qtbot.mouseClick(dialog.buttons.buttons()[0], Qt.MouseButton.LeftButton)
    assert panel.preset() == "Schuhe weiß"
    assert load_preset("Schuhe weiß").values == {"expand": 1.0}
    assert load_preset("Schuhe weiß").description == "for the shop"
    assert not panel._head.presets.is_changed
    panel.row("expand").editor.field.setValue(3)
    panel._head.presets._save.trigger()
    assert load_preset("Schuhe weiß").values == {"expand": 3.0}
    assert not panel._head.presets.is_changed


def test_a_preset_that_cannot_be_saved_is_told(panel, qtbot):
    presets_dir().parent.mkdir(parents=True, exist_ok=True)
    presets_dir().write_text("a file where the folder should be")
    panel._head.presets.save_asked.emit("mine", "", False)
    dialog = panel.findChild(ErrorDialog)
    assert "cannot be saved" in dialog.message.text()
    dialog.reject()
    assert panel.preset() == ""


def test_own_presets_are_deleted(make_panel):
    save_preset("mine", "", {"expand": 4.0}, is_overwriting=False)
    panel = make_panel()
    panel.choose_preset("mine")
    panel._head.presets.delete_asked.emit("mine")
    assert not (presets_dir() / "mine.toml").exists()
    assert (panel.preset(), panel.values()) == ("", {})


def test_shipped_presets_cannot_be_saved_over_or_deleted(panel):
    panel.choose_preset("cutout")
    panel.row("expand").editor.field.setValue(1)
    assert not panel._head.presets._save.isEnabled()
    assert not panel._head.presets._delete.isEnabled()
    assert panel._head.presets._revert.isEnabled()


def test_what_makes_no_sense_is_told_at_its_place(panel):
    frame = section(panel, "Frame")
    assert not frame.is_open
    row = panel.row("aspect")
    row.editor.box.setCurrentText("4/5")
    assert "no aspect ratio" in panel.problems()["aspect"]
    assert row.problem.isVisible()
    assert "no aspect ratio" in row.problem.text()
    assert row.editor.box.property("wrong") is True
    row.editor.box.setCurrentText("4:5")
    assert "no crop" in panel.problems()["aspect"]
    panel.row("crop").editor.box.setCurrentText("5%")
    assert panel.problems() == {}
    assert not row.problem.isVisible()


def test_what_has_no_effect_is_grey(panel):
    assert not panel.row("shadow-blur").isEnabled()
    panel.row("shadow").editor._group.button(1).click()
    assert panel.row("shadow-blur").isEnabled()
    assert not panel.row("quality").isEnabled()
    panel.row("format").editor.chip("webp").click()
    assert panel.row("quality").isEnabled()


def test_sections_count_their_changes(panel):
    panel.row("expand").editor.field.setValue(1)
    panel.row("feather").editor.field.setValue(1)
    assert section(panel, "Edge").count.text() == "2"
    assert section(panel, "Edge").count.isVisible()
    assert not section(panel, "Matte").count.isVisible()


def test_advanced_rows_are_folded_away(panel, qtbot):
    matte = section(panel, "Matte")
    assert panel.row("edges").isVisible()
    assert not panel.row("steps").isVisible()
    qtbot.mouseClick(matte.more, Qt.MouseButton.LeftButton)
    assert panel.row("steps").isVisible()
    qtbot.mouseClick(matte.heading, Qt.MouseButton.LeftButton)
    assert not panel.row("edges").isVisible()


def test_a_search_finds_what_is_folded(panel, qtbot):
    qtbot.keyClicks(panel._head.search_field, "shadow angle")
    assert panel.row("shadow-angle").isVisible()
    assert not panel.row("shadow-blur").isVisible()
    assert not panel.row("edges").isVisible()
    panel._head.search_field.setText("no such thing")
    assert panel._nothing_found.isVisible()
    panel._head.search_field.clear()
    assert not panel.row("shadow-angle").isVisible()
    assert panel.row("edges").isVisible()


def test_nothing_is_wider_than_the_panel(panel):
    for each in panel._sections:
        each.set_open(True, True)
    panel.choose_preset("marketplace-white-2000")
    panel.row("name").editor.field.setText("{stem}_{prompt:40}_{preset}_and_more_of_it")
    panel.setMinimumWidth(280)
    panel.resize(280, 900)
    content = section(panel, "Matte").parentWidget()
    assert content.minimumSizeHint().width() <= 270
    assert content.width() <= panel.width()
    assert panel.row("metadata").editor.geometry().right() <= panel.row("metadata").width()


def test_it_is_as_it_was_at_the_next_start(make_panel, tmp_path):
    panel = make_panel()
    panel.choose_preset("retouch-psd")
    panel.row("expand").editor.field.setValue(-2)
    panel.set_output_dir(tmp_path / "out")
    section(panel, "Shadow").set_open(True, True)
    section(panel, "Edge").set_open(False)
    panel.hide()
    again = make_panel()
    assert again.preset() == "retouch-psd"
    assert again.values() == {"edges": "fine", "format": ["psd"], "expand": -2.0}
    assert again._head.presets.is_changed
    assert again.output_dir() == tmp_path / "out"
    assert section(again, "Shadow").is_open
    assert section(again, "Shadow").more.isChecked()
    assert not section(again, "Edge").is_open


def test_settings_of_the_command_line_stay(make_panel):
    save_settings(Settings(model="mine", provider="cpu", formats=("psd", "png")), settings_path())
    panel = make_panel()
    assert panel.model() == "mine"
    assert panel.values() == {"format": ["png", "psd"]}
    assert not panel._head.presets.is_changed
    panel.row("format").editor.chip("psd").click()
    assert panel.values() == {"format": ["png"]}
    panel.hide()
    saved, _ = load_settings(settings_path())
    assert (saved.model, saved.provider, saved.formats) == ("mine", "cpu", ("psd", "png"))


def test_changed_settings_are_followed_where_nothing_else_was_chosen(panel, qtbot):
    with qtbot.waitSignal(panel.values_changed):
        panel.follow(Settings(model="mine", formats=("psd",)))
    assert (panel.model(), panel.values()) == ("mine", {"format": ["psd"]})
    assert not panel._head.presets.is_changed
    panel.choose_preset("print-tiff16")
    panel.set_model("zippo-mini")
    panel.follow(Settings(model="other", formats=("png",)))
    assert (panel.model(), panel.values()["format"]) == ("zippo-mini", ["tiff"])


def test_values_of_another_version_do_no_harm(make_panel):
    save_settings(Settings(preset="gone", look={"glow": 3}), settings_path())
    panel = make_panel()
    assert (panel.preset(), panel.values()) == ("", {})


def test_a_model_may_be_a_folder(panel, qtbot, tmp_path):
    box = panel._head.model
    last = box.count() - 1
    box.setCurrentIndex(last)
    box.activated.emit(last)
    assert panel.model() == "zippo-mini"
    with qtbot.waitSignal(panel.values_changed):
        box.findChild(QFileDialog).fileSelected.emit(str(tmp_path / "my-model"))
    assert panel.model() == str(tmp_path / "my-model")
    assert box.currentText() == "my-model"
    box.findChild(QFileDialog).reject()


def test_folder_and_existing_results(panel, tmp_path):
    panel.set_output_dir(tmp_path)
    panel.set_on_existing("rename")
    assert (panel.output_dir(), panel.on_existing()) == (tmp_path, "rename")
    panel.set_output_dir(Path("~/cut-outs"))
    assert panel.output_dir() == Path.home() / "cut-outs"


def test_all_of_it_is_reached_by_the_keyboard(panel):
    reached, start = set(), panel._head.presets.box
    widget = start.nextInFocusChain()
    while widget is not start:
        if widget.focusPolicy() & Qt.FocusPolicy.TabFocus:
            reached.add(widget)
        widget = widget.nextInFocusChain()
    for name in ("edges", "expand", "crop", "background", "format", "name"):
        row = panel.row(name)
        assert any(row.isAncestorOf(widget) for widget in reached), name


def test_prompts_are_shown_what_concerns_them(panel):
    panel.show_task("generation")
    assert not section(panel, "Matte").isVisible()
    assert not section(panel, "Edge").isVisible()
    assert section(panel, "Frame").isVisible()
    panel._head.search_field.setText("feather")
    assert not section(panel, "Edge").isVisible()
    assert panel._nothing_found.isVisible()
    panel._head.search_field.clear()
    panel.show_task("matting")
    assert section(panel, "Edge").isVisible()
