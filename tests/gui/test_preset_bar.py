"""The bar of presets by itself: its list, its menu and the dialog that asks for a name."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import QDialogButtonBox, QMessageBox

from zippo_desktop.gui.preset_bar import PresetBar
from zippo_desktop.looks.presets import save_preset
from zippo_desktop.paths import presets_dir

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")  # windows, offscreen


@pytest.fixture
def bar(qtbot):
    save_preset("own one", "mine", {"expand": 1.0}, is_overwriting=False)
    made = PresetBar()
    qtbot.addWidget(made)
    return made


def test_own_presets_stand_before_the_shipped_ones(bar):
    names = [bar.box.itemText(index) for index in range(bar.box.count()) if bar.box.itemText(index)]
    assert names[:3] == ["Defaults", "own one", "cutout"]


def test_a_choice_is_told(bar, qtbot):
    index = bar.box.findData("cutout")
    with qtbot.waitSignal(bar.preset_chosen) as told:
        bar.box.activated.emit(index)
    assert told.args == ["cutout"]
    assert bar.preset.name == "cutout"
    assert bar.preset.description in bar.box.toolTip()


def test_a_preset_that_makes_no_sense_is_left_out(bar):
    (presets_dir() / "broken.toml").write_text("expand = 'far'")
    bar.reload()
    assert bar.box.findData("broken") < 0
    assert bar.box.findData("own one") >= 0


def test_deleting_asks_first(bar, qtbot):
    bar.choose("own one")
    bar._delete.trigger()
    with qtbot.assertNotEmitted(bar.delete_asked):
        bar.findChild(QMessageBox).reject()
    bar._delete.trigger()
    question = bar.findChildren(QMessageBox)[-1]
    button = next(each for each in question.buttons() if each.text() == "Delete")
    with qtbot.waitSignal(bar.delete_asked) as told:
        button.click()
    assert told.args == ["own one"]


def test_a_name_that_is_taken_is_told_before_it_is_saved(bar, qtbot):
    dialog = bar.ask_name()
    save = dialog.buttons.button(QDialogButtonBox.StandardButton.Save)
    assert not save.isEnabled()
    qtbot.keyClicks(dialog.name, "own one")
    assert "Replaces" in dialog.note.text()
    dialog.name.setText("cutout")
    assert "shipped" in dialog.note.text()
    dialog.name.setText("new")
    assert dialog.note.text().strip() == ""
    with qtbot.waitSignal(bar.save_asked) as told:
        save.click()
    assert told.args == ["new", "", False]
