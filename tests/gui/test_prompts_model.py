"""The table of prompts as it is edited, and as it is written for `read_prompts` to read."""

from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QAbstractItemModelTester

from zippo_desktop.batch.prompts import PromptRow, read_prompts
from zippo_desktop.errors import ExportError, UsageError
from zippo_desktop.gui.prompt_files import write_folder, write_prompts
from zippo_desktop.gui.prompt_model import COLUMNS, DEFAULT_ROLE, SEEDS, PromptModel, column_of

FULL = PromptRow('a "red" apple, cut; or #1', "text, people", 2, 7, 30, 4.5, 256, "apple")


@pytest.fixture
def prompts(qapp):
    model = PromptModel()
    model.tester = QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Fatal)
    return model


def cell(prompts, row, field):
    return prompts.index(row, column_of(field))


def without_where(rows):
    return [replace(row, where="") for row in rows]


def test_a_cell_takes_what_a_file_would(prompts):
    prompts.add([PromptRow("a pear")])
    given = {
        "prompt": " two\n pears ",
        "negative": "text",
        "count": "3",
        "seed": "0",
        "steps": " 12 ",
        "size": "256",
        "guidance": "1,5",
        "name": "pear",
        "tries": "2",
    }
    for field, text in given.items():
        assert prompts.setData(cell(prompts, 0, field), text), field
    assert prompts.rows == (PromptRow("two pears", "text", 3, 0, 12, 1.5, 256, "pear", tries=2),)


@pytest.mark.parametrize(
    ("field", "text", "told"),
    [
        ("prompt", "  ", "A prompt cannot be empty."),
        ("count", "0", "Count takes a whole number from 1 up, not '0'."),
        ("count", "1.5", "Count takes a whole number"),
        ("seed", "-1", "Seed takes a whole number from 0 up"),
        ("steps", "many", "Steps takes a whole number from 1 up, not 'many'."),
        ("size", "0", "Size takes"),
        ("guidance", "nan", "Guidance takes a number from 0 up"),
        ("guidance", "-1", "Guidance takes"),
        ("matte", "/no/such.png", "There is no file /no/such.png."),
    ],
)
def test_a_wrong_cell_is_refused_with_a_sentence(prompts, qtbot, field, text, told):
    prompts.add([FULL])
    with qtbot.waitSignal(prompts.refused) as refused:
        assert not prompts.setData(cell(prompts, 0, field), text)
    assert refused.args[0].startswith(told)
    assert prompts.rows == (FULL,)


def test_an_emptied_cell_leaves_the_choice_to_the_defaults(prompts):
    prompts.add([FULL])
    for column in COLUMNS[1:]:
        prompts.setData(cell(prompts, 0, column.field), "")
    assert prompts.rows == (PromptRow(FULL.prompt),)
    assert cell(prompts, 0, "steps").data() == ""
    assert cell(prompts, 0, "steps").data(DEFAULT_ROLE) == "20"


def test_what_is_shown_can_be_typed_again(prompts):
    prompts.add([FULL])
    for column in COLUMNS:
        index = cell(prompts, 0, column.field)
        assert prompts.setData(index, index.data(Qt.ItemDataRole.EditRole)), column.field
    assert prompts.rows == (FULL,)


def test_a_copy_makes_other_pictures(prompts):
    prompts.add([PromptRow("a", seed=7, count=3), PromptRow("b"), PromptRow("c", seed=1)])
    assert prompts.duplicate([0, 2]) == [1, 4]
    assert [(row.prompt, row.seed) for row in prompts.rows] == [
        ("a", 7),
        ("a", 10),
        ("b", None),
        ("c", 1),
        ("c", 2),
    ]


def test_seeds_of_chance_differ(prompts):
    prompts.add([PromptRow(f"{number}") for number in range(50)])
    prompts.give_random_seeds(range(1, 50))
    seeds = [row.seed for row in prompts.rows]
    assert seeds[0] is None
    assert len(set(seeds)) > 40
    assert all(0 <= seed < SEEDS for seed in seeds[1:])


def test_rows_are_removed_wherever_they_are(prompts):
    prompts.add([PromptRow(name) for name in "abcde"])
    prompts.remove([3, 0, 3])
    assert [row.prompt for row in prompts.rows] == ["b", "c", "e"]


def test_a_table_keeps_everything(tmp_path):
    (tmp_path / "mattes").mkdir()
    (tmp_path / "mattes" / "a.png").write_bytes(b"x")
    rows = [FULL, PromptRow("ein Käse"), PromptRow("a fig", matte=tmp_path / "mattes" / "a.png")]
    assert write_prompts(tmp_path / "p.csv", rows) == ""
    assert without_where(read_prompts(tmp_path / "p.csv")) == rows
    assert "mattes/a.png" in (tmp_path / "p.csv").read_text("utf-8").replace("\\", "/")


def test_columns_that_nobody_filled_are_left_out(tmp_path):
    write_prompts(tmp_path / "p.csv", [PromptRow("a pear; a plum", seed=7)])
    assert (tmp_path / "p.csv").read_text("utf-8").splitlines()[0] == "prompt,seed"
    assert read_prompts(tmp_path / "p.csv")[0].prompt == "a pear; a plum"


def test_a_text_file_keeps_the_prompts_and_tells_what_it_lost(tmp_path):
    rows = [PromptRow("ein  Käse\nmit Loch", seed=1, count=2), PromptRow("a pear")]
    assert write_prompts(tmp_path / "p.txt", rows) == "The file keeps no count, seed: a .csv table does."
    assert [row.prompt for row in read_prompts(tmp_path / "p.txt")] == ["ein Käse mit Loch", "a pear"]
    assert write_prompts(tmp_path / "p.txt", [PromptRow("a pear")]) == ""


def test_a_folder_keeps_the_prompts_in_their_order(tmp_path):
    rows = [PromptRow(f"picture / {number}: {'long ' * 40}") for number in (3, 1, 2)]
    write_folder(tmp_path, rows)
    assert [row.prompt for row in read_prompts(tmp_path)] == [row.prompt.strip() for row in rows]
    assert min(path.name for path in tmp_path.iterdir()).startswith("001-picture-3-")
    with pytest.raises(UsageError, match="There are prompts in"):
        write_folder(tmp_path, rows)


@pytest.mark.parametrize(
    ("name", "rows", "told"),
    [
        ("p.txt", [PromptRow("# no comment")], "would be read as a comment"),
        ("p.docx", [FULL], r"no \.txt file"),
        ("p.csv", [], "There is no prompt"),
    ],
)
def test_what_could_not_be_read_again_is_not_written(tmp_path, name, rows, told):
    with pytest.raises(UsageError, match=told):
        write_prompts(tmp_path / name, rows)
    assert not list(tmp_path.iterdir())


def test_a_place_that_takes_no_file_is_told(tmp_path):
    with pytest.raises(ExportError):
        write_prompts(tmp_path / "gone" / "p.csv", [FULL])
