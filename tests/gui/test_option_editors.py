"""Editors and rows: what goes in comes out, tool tips name the command line, and a double click resets."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QWheelEvent
from PySide6.QtWidgets import QApplication, QColorDialog, QFileDialog

from zippo_desktop.engine.open_session import ENGINE_NAMES
from zippo_desktop.export.write import SUFFIXES
from zippo_desktop.gui.folder_editor import FolderEditor
from zippo_desktop.gui.option_editors import FORMATS, OptionRow
from zippo_desktop.gui.option_sections import SECTIONS, problems_of, without_effect
from zippo_desktop.gui.settings_dialog import ENGINES
from zippo_desktop.looks.options import LOOK_OPTIONS, look_from, look_option

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")  # windows, offscreen

# A value beside the default for each option; every one is set, read again and taken by look_from.
OTHER_VALUES = {
    "steps": 4,
    "ensemble": 3,
    "check": False,
    "second-pass": False,
    "edges": "fine",
    "refine": "zippo",
    "alpha": "keep",
    "foreground": False,
    "keep-largest": True,
    "fill-holes": 120,
    "expand": -12.5,
    "contrast": 0.37,
    "feather": 40.5,
    "crop": "7%",
    "aspect": "5:7",
    "canvas": "1234x567",
    "subject-share": 0.7,
    "long-edge": 3001,
    "background": "#12ab34",
    "background-blur": 0.035,
    "shadow": "contact",
    "shadow-opacity": 0.33,
    "shadow-blur": 0.015,
    "shadow-distance": 0.4,
    "shadow-angle": 75.0,
    "format": ["png", "psd"],
    "matte": True,
    "foreground-file": True,
    "depth": "16",
    "quality": 77,
    "under-alpha": "bleed",
    "metadata": "no-location",
    "name": "{stem}_{index:04}",
    "keep-folders": False,
    "keep-times": True,
}


@pytest.fixture
def make_row(qtbot):
    made = []  # or Python's collector takes them

    def make(name: str) -> OptionRow:
        row = OptionRow(look_option(name))
        made.append(row)
        qtbot.addWidget(row)
        row.resize(280, row.sizeHint().height())
        row.show()
        return row

    return make


def test_every_option_stands_in_one_section():
    placed = [name for section in SECTIONS for name in section.names]
    assert sorted(placed) == sorted(option.name for option in LOOK_OPTIONS) == sorted(OTHER_VALUES)


def test_lists_are_those_of_the_program():
    assert FORMATS == SUFFIXES
    assert ENGINES == ENGINE_NAMES


@pytest.mark.parametrize("name", OTHER_VALUES)
def test_values_go_in_and_come_out(make_row, qtbot, name):
    row, value = make_row(name), OTHER_VALUES[name]
    assert not row.is_changed
    with qtbot.assertNotEmitted(row.value_changed):
        row.set_value(value)
    assert row.value() == value
    assert row.is_changed
    look_from({"crop": "1px", name: row.value()})
    with qtbot.waitSignal(row.value_changed) as told:
        row.reset()
    assert told.args == [name]
    assert not row.is_changed


@pytest.mark.parametrize("option", LOOK_OPTIONS, ids=lambda option: option.name)
def test_tool_tips_name_the_command_lines_option(make_row, option):
    tip = make_row(option.name).toolTip()
    assert tip.startswith(f"--{option.name}: ")
    assert " ".join(tip.split()).startswith(f"--{option.name}: {option.help}")
    assert max(map(len, tip.splitlines())) <= 60


def test_a_slider_moves_its_number_and_back(make_row, qtbot):
    editor = make_row("expand").editor
    with qtbot.waitSignal(editor.value_changed):
        editor.slider.setValue(750)  # of -10..10
    assert editor.value() == 5.0
    editor.field.setValue(-10)
    assert editor.slider.value() == 0
    editor.field.setValue(60)  # beyond the usual part
    assert (editor.value(), editor.slider.value()) == (60.0, 1000)


def test_a_press_takes_hold_of_the_slider_and_a_double_click_resets(make_row, qtbot):
    editor = make_row("quality").editor
    middle = QPoint(editor.slider.width() // 2, editor.slider.height() // 2)
    qtbot.mouseClick(editor.slider, Qt.MouseButton.LeftButton, pos=middle)
    assert 45 <= editor.value() <= 56
    qtbot.mouseDClick(editor.slider, Qt.MouseButton.LeftButton, pos=middle)
    assert editor.value() == 90


def test_a_double_click_on_the_label_resets(make_row, qtbot):
    row = make_row("feather")
    row.set_value(3.0)
    assert row.label.property("changed") is True
    qtbot.mouseDClick(row.label, Qt.MouseButton.LeftButton)
    assert row.value() == 0.0
    assert row.label.property("changed") is False


def test_the_wheel_changes_nothing_that_the_person_did_not_go_to(make_row):
    row = make_row("steps")
    field = row.editor.field
    field.clearFocus()
    wheel = QWheelEvent(
        QPointF(5, 5),
        QPointF(5, 5),
        QPoint(),
        QPoint(0, 120),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(field, wheel)
    assert row.value() == 1


def test_keys_change_a_number(make_row, qtbot):
    row = make_row("long-edge")
    field = row.editor.field
    field.setFocus()
    field.selectAll()
    qtbot.keyClicks(field, "2048")
    qtbot.keyClick(field, Qt.Key.Key_Return)
    assert row.value() == 2048
    field.setValue(0)
    assert row.value() is None


def test_a_segment_is_chosen_by_a_click(make_row, qtbot):
    row = make_row("shadow")
    buttons = {button.text(): button for button in row.editor._group.buttons()}
    with qtbot.waitSignal(row.value_changed):
        qtbot.mouseClick(buttons["drop"], Qt.MouseButton.LeftButton)
    assert row.value() == "drop"
    qtbot.mouseClick(buttons["off"], Qt.MouseButton.LeftButton)
    assert row.value() is None


def test_one_format_at_least_stays(make_row, qtbot):
    row = make_row("format")
    qtbot.mouseClick(row.editor.chip("psd"), Qt.MouseButton.LeftButton)
    assert row.value() == ["png", "psd"]
    qtbot.mouseClick(row.editor.chip("png"), Qt.MouseButton.LeftButton)
    with qtbot.assertNotEmitted(row.value_changed):
        qtbot.mouseClick(row.editor.chip("psd"), Qt.MouseButton.LeftButton)
    assert row.value() == ["psd"]


def test_text_may_be_chosen_or_typed(make_row, qtbot):
    row = make_row("crop")
    row.editor.box.setCurrentIndex(row.editor.box.findText("5%"))
    assert row.value() == "5%"
    row.editor.box.lineEdit().clear()
    qtbot.keyClicks(row.editor.box.lineEdit(), "12px")
    assert row.value() == "12px"
    row.editor.box.setCurrentText("off")
    assert row.value() is None


def test_backgrounds_are_chosen_in_a_menu(make_row, qtbot):
    row = make_row("background")
    actions = {action.text(): action for action in row.editor.button.menu().actions()}
    for words, value in {"White": "white", "The photo's own, blurred": "blur", "Transparent": None}.items():
        with qtbot.waitSignal(row.value_changed):
            actions[words].trigger()
        assert row.value() == value


def test_backgrounds_may_be_any_colour_or_file(make_row, qtbot, tmp_path):
    row = make_row("background")
    actions = {action.text(): action for action in row.editor.button.menu().actions()}
    actions["Other colour…"].trigger()
    dialog = row.findChild(QColorDialog)
    dialog.setCurrentColor(QColor("#336699"))
    dialog.accept()
    assert row.value() == "#336699"
    actions["Picture…"].trigger()
    picture = tmp_path / "wall.jpg"
    picture.touch()
    row.findChild(QFileDialog).fileSelected.emit(str(picture))
    assert row.value() == str(picture)
    assert "wall.jpg" in row.editor.button.text()
    row.findChild(QFileDialog).reject()


def test_a_name_has_an_example(make_row, qtbot):
    row = make_row("name")
    row.resize(600, 100)
    row.editor.set_example("web", ".jpg")
    row.editor.field.clear()
    qtbot.keyClicks(row.editor.field, "{stem}_{index:03}_{preset}")
    assert row.editor.example.toolTip() == "IMG_0412.jpg → IMG_0412_001_web.jpg"
    assert row.editor.example.isVisible()
    row.editor.field.setText("{stem")
    assert not row.editor.example.isVisible()
    row.editor.field.clear()
    assert row.value() is None
    assert row.editor.example.toolTip() == "IMG_0412.jpg → IMG_0412.jpg"


def test_the_example_of_a_prompts_result_is_one_of_a_prompt(make_row):
    row = make_row("name")
    row.resize(600, 100)
    row.editor.set_example("", ".png", is_prompt=True)
    assert row.editor.field.placeholderText() == "as the prompt"
    assert row.editor.example.toolTip() == "a red chair → 001-a-red-chair.png"
    row.editor.field.setText("{prompt}-{seed}")
    assert row.editor.example.toolTip() == "a red chair → a red chair-7.png"
    row.editor.set_example("", ".png")
    assert row.editor.field.placeholderText() == "as the photo"


def test_parts_of_a_name_are_inserted_from_a_menu(make_row):
    row = make_row("name")
    row.editor.field.setText("cut_")
    menu = row.editor.layout().itemAt(0).layout().itemAt(1).widget().menu()
    next(action for action in menu.actions() if action.text() == "{index}").trigger()
    assert row.value() == "cut_{index}"


def test_a_folder_is_typed_or_chosen(qtbot, tmp_path):
    editor = FolderEditor("Results", "--output: where")
    qtbot.addWidget(editor)
    qtbot.keyClicks(editor.field, "/out")
    assert editor.value() == "/out"
    editor.button.click()
    with qtbot.waitSignal(editor.value_changed):
        editor.findChild(QFileDialog).fileSelected.emit(str(tmp_path))
    assert editor.value() == str(tmp_path)
    assert editor.toolTip() == f"--output: where\n{tmp_path}"
    editor.findChild(QFileDialog).reject()


def test_each_senseless_value_has_its_sentence():
    problems = problems_of({"aspect": "4:5", "canvas": "large", "name": "{who}", "feather": 2.0, "crop": "x"})
    assert set(problems) == {"canvas", "name", "crop", "aspect"}
    assert "no canvas" in problems["canvas"]
    assert "{who}" in problems["name"]


def test_an_aspect_alone_is_told_at_the_aspect():
    assert list(problems_of({"expand": 1.0, "aspect": "4:5"})) == ["aspect"]
    assert problems_of({"aspect": "4:5", "crop": "5%"}) == {}


def test_what_changes_nothing_is_known():
    values = {option.name: option.default for option in LOOK_OPTIONS}
    assert without_effect(values) >= {"shadow-blur", "background-blur", "subject-share", "aspect", "quality"}
    busy = {"shadow": "drop", "background": "blur", "canvas": "9x9", "crop": "1px", "format": ("webp",)}
    assert without_effect(values | busy) == frozenset()
