"""Writing prompts by hand, by paste and by file; the tab's pictures."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QFileDialog, QLineEdit

from tests.gui.item_lists import ended, job_of, make_cutout
from zippo_desktop.batch.prompts import PromptRow, read_prompts
from zippo_desktop.batch.report import Status
from zippo_desktop.gui.prompt_model import column_of
from zippo_desktop.gui.prompts_tab import PromptsTab
from zippo_desktop.gui.thumbnails import ThumbnailCache

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")  # windows, offscreen


@pytest.fixture
def tab(qtbot):
    cache = ThumbnailCache()
    tab = PromptsTab(cache)
    tab.resize(420, 600)
    qtbot.addWidget(tab)
    tab.show()
    yield tab
    cache.close()


@pytest.fixture
def table(tab):
    return tab.table


def prompts(table):
    return [row.prompt for row in table.prompts.rows]


def choose(table, *rows):
    table.view.clearSelection()
    flags = table.view.selectionModel().SelectionFlag
    for row in rows:
        table.view.selectionModel().select(table.prompts.index(row, 0), flags.Select | flags.Rows)


def type_into(qtbot, table, row, field, text):
    index = table.prompts.index(row, column_of(field))
    table.view.setCurrentIndex(index)
    type_here(qtbot, table, index, text)


def type_here(qtbot, table, index, text):
    table.view.edit(index)
    editor = table.view.findChildren(QLineEdit)[-1]  # the one before is deleted later
    editor.selectAll()
    qtbot.keyClicks(editor, text)
    qtbot.keyClick(editor, Qt.Key.Key_Return)
    QApplication.processEvents()


def test_enter_adds_a_prompt(tab, table, qtbot):
    qtbot.keyClicks(table.field, "a red apple")
    qtbot.keyClick(table.field, Qt.Key.Key_Return)
    qtbot.keyClick(table.field, Qt.Key.Key_Return)  # nothing to add
    assert prompts(table) == ["a red apple"]
    assert table.field.text() == ""
    assert table.view.isVisible()


def test_what_is_written_and_not_added_yet_counts(tab, table, qtbot):
    qtbot.keyClicks(table.field, "a pear")
    assert tab.prompt_rows() == [PromptRow("a pear")]
    assert tab.prompt_rows() == [PromptRow("a pear")]


def test_cells_are_edited_in_place(table, qtbot):
    table.prompts.add([PromptRow("a"), PromptRow("b")])
    type_into(qtbot, table, 1, "seed", "42")
    assert [row.seed for row in table.prompts.rows] == [None, 42]


def test_what_is_typed_into_one_chosen_row_goes_into_all_but_the_prompt(table, qtbot):
    table.prompts.add([PromptRow(name) for name in "abc"])
    flags = table.view.selectionModel().SelectionFlag
    index = table.prompts.index(0, column_of("steps"))
    table.view.setCurrentIndex(index)
    table.view.selectionModel().select(table.prompts.index(2, 0), flags.Select | flags.Rows)
    type_here(qtbot, table, index, "8")
    assert [row.steps for row in table.prompts.rows] == [8, None, 8]
    type_into(qtbot, table, 0, "prompt", "x")
    assert prompts(table) == ["x", "b", "c"]


def test_a_wrong_cell_is_told_below(tab, table, qtbot):
    table.prompts.add([PromptRow("a")])
    type_into(qtbot, table, 0, "count", "none")
    assert tab.message.text() == "Count takes a whole number from 1 up, not 'none'."
    assert table.prompts.rows[0].count is None


def test_keys_duplicate_randomise_and_remove(table, qtbot):
    table.prompts.add([PromptRow("a", seed=1), PromptRow("b")])
    choose(table, 0)
    table.view.setFocus()
    qtbot.keyClick(table.view, Qt.Key.Key_D, Qt.KeyboardModifier.ControlModifier)
    assert prompts(table) == ["a", "a", "b"]
    assert table.chosen() == [1]
    qtbot.keyClick(table.view, Qt.Key.Key_R, Qt.KeyboardModifier.ControlModifier)
    assert table.prompts.rows[2].seed is None
    qtbot.keyClick(table.view, Qt.Key.Key_Delete)
    assert prompts(table) == ["a", "b"]


def test_rows_are_copied_and_pasted_as_spreadsheets_do(table, qtbot):
    table.prompts.add([PromptRow("a", "text", 2, 7, 30, None, 256), PromptRow("b")])
    choose(table, 0, 1)
    table.copy_chosen()
    assert QGuiApplication.clipboard().text() == "a\ttext\t2\t7\t30\t256\nb\t\t\t\t\t"
    table.paste()
    assert table.prompts.rows[2:] == table.prompts.rows[:2]
    QGuiApplication.clipboard().setText("a pear\n\n  a plum  \n")
    table.paste()
    assert prompts(table)[4:] == ["a pear", "a plum"]


def test_a_table_is_imported_and_shows_the_columns_that_it_fills(tab, table, tmp_path):
    path = tmp_path / "p.csv"
    path.write_text("prompt,seed,guidance\na pear,7,2\na plum,,\n", encoding="utf-8")
    assert table.view.isColumnHidden(column_of("guidance"))
    table.import_prompts(path)
    assert prompts(table) == ["a pear", "a plum"]
    assert not table.view.isColumnHidden(column_of("guidance"))
    assert tab.message.text() == "2 prompts added from p.csv."


def test_faulty_lines_are_told_by_their_numbers(tab, table, tmp_path):
    path = tmp_path / "p.csv"
    path.write_text("prompt,seed\na pear,x\n,1\n", encoding="utf-8")
    table.import_prompts(path)
    assert "line 2: seed 'x'" in tab.message.text()
    assert "line 3: the prompt is empty" in tab.message.text()
    assert prompts(table) == []


@pytest.mark.parametrize("name", ["out.csv", "out.txt", "folder"])
def test_what_is_exported_can_be_imported(tab, table, tmp_path, name):
    table.prompts.add([PromptRow("a pear"), PromptRow("ein Käse")])
    path = tmp_path / name
    if name == "folder":
        path.mkdir()
    table.export_prompts(path)
    assert tab.message.text() == f"Written to {path}."
    assert [row.prompt for row in read_prompts(path)] == ["a pear", "ein Käse"]


def test_dialogs_lead_to_import_and_export(table, tmp_path, monkeypatch):
    table.prompts.add([PromptRow("a pear")])
    target = tmp_path / "list"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *given: (str(target), ""))
    table.ask_export()
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *given: (f"{target}.csv", ""))
    table.ask_import()
    assert prompts(table) == ["a pear", "a pear"]
    (tmp_path / "folder").mkdir()
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *given: str(tmp_path / "folder"))
    table.ask_export_folder()
    table.ask_import_folder()
    assert prompts(table) == ["a pear"] * 4


def test_columns_can_be_shown_and_hidden(table):
    menu = table.columns_menu()
    by_name = {action.text(): action for action in menu.actions()}
    assert "Prompt" not in by_name
    assert "Matte" not in by_name
    by_name["Guidance"].trigger()
    by_name["Negative"].trigger()
    assert not table.view.isColumnHidden(column_of("guidance"))
    assert table.view.isColumnHidden(column_of("negative"))
    menu.close()


def test_prompts_have_the_width_that_the_others_leave(tab, table, qtbot):
    table.prompts.add([PromptRow("a")])
    header = table.view.horizontalHeader()
    for width in (420, 800):
        tab.resize(width, 600)
        qtbot.waitUntil(lambda: abs(header.length() - table.view.viewport().width()) <= 1)
    tab.resize(240, 600)
    qtbot.waitUntil(lambda: header.length() > table.view.viewport().width())
    assert header.sectionSize(0) >= 100


def test_actions_wait_for_something_to_act_on(table):
    assert not table._actions["dice"].isEnabled()
    table.prompts.add([PromptRow("a")])
    assert table._actions["dice"].isEnabled()
    assert not table._actions["trash"].isEnabled()
    choose(table, 0)
    assert table._actions["trash"].isEnabled()


def test_the_samples_are_offered(tab, table):
    tab.add_samples()
    assert len(prompts(table)) >= 3


def test_pictures_appear_below_and_can_be_made_again(tab, qtbot, tmp_path):
    assert not tab.panel.isVisible()
    job = job_of(["a pear", "a plum"], tmp_path, "generation")
    tab.begin_job(job)
    assert tab.panel.isVisible()
    picture = make_cutout(tmp_path / "1.png")
    with qtbot.waitSignal(tab.current_changed) as told:
        tab.panel.view.setCurrentIndex(tab.panel.shown.index(1, 0))
    assert told.args == [(None, None)]
    with qtbot.waitSignal(tab.current_changed) as told:
        tab.items.end(1, ended(job, 1, outputs=(picture,)))
    assert told.args == [(None, (picture,))]
    tab.items.end(0, ended(job, 0, Status.FAILED))
    tab.panel.view.selectAll()
    with qtbot.waitSignal(tab.retry_requested) as asked:
        tab.panel.retry_chosen()
    assert asked.args[0] == list(job.items)
