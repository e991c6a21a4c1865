"""Prompt files as people write them, and the sentences for what is wrong in them."""

import os

import pytest

from zippo_desktop.batch.prompts import PromptRow, read_prompts
from zippo_desktop.errors import UsageError


@pytest.fixture
def write(tmp_path):
    def write_file(name, content):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write_file


def prompts(path, **options):
    return [row.prompt for row in read_prompts(path, **options)]


def test_a_text_file_is_one_prompt_a_line(write):
    path = write("p.txt", "# fruit\na red apple\n\n  a pear  \r\n# end\nein Käse, groß\n")
    assert prompts(path) == ["a red apple", "a pear", "ein Käse, groß"]
    assert [row.where for row in read_prompts(path)] == ["p.txt line 2", "p.txt line 4", "p.txt line 6"]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_byte_order_marks_are_understood(write, encoding):
    assert prompts(write("p.txt", "ein Käse\neine Nuss\n".encode(encoding))) == ["ein Käse", "eine Nuss"]


def test_text_that_is_not_utf_8_is_told_with_its_line(write):
    path = write("p.txt", "a pear\nein K\xe4se\n".encode("latin-1"))
    with pytest.raises(UsageError, match=r"p\.txt line 2 is not UTF-8"):
        read_prompts(path)


def test_a_table_may_set_everything(write):
    path = write(
        "p.csv",
        "prompt,negative,count,seed,steps,guidance,size,name,tries\n"
        '"a red apple, cut",text,2,7,30,4.5,256,apple,3\n'
        "a pear,,,,,,,,\n",
    )
    assert read_prompts(path) == [
        PromptRow("a red apple, cut", "text", 2, 7, 30, 4.5, 256, "apple", "p.csv line 2", tries=3),
        PromptRow("a pear", where="p.csv line 3"),
    ]


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_other_delimiters_and_column_orders_are_understood(write, delimiter):
    text = "seed,prompt\n7,a pear\n".replace(",", delimiter)
    assert read_prompts(write("p.csv", text))[0] == PromptRow("a pear", seed=7, where="p.csv line 2")


def test_lines_are_counted_through_quoted_line_ends(write):
    path = write("p.csv", 'prompt,seed\n"a\npear",1\na plum,x\n')
    with pytest.raises(UsageError, match="line 4: seed 'x'"):
        read_prompts(path)


def test_all_faulty_lines_are_told_at_once(write):
    lines = [
        "prompt,count,seed,guidance",
        "a pear,0,,",
        ",1,,",
        "a plum,1,-3,",
        "a fig,1,1,warm",
        "fine,1,1,1",
    ]
    with pytest.raises(UsageError) as caught:
        read_prompts(write("p.csv", "\n".join(lines)))
    for told in (
        "line 2: count '0' is not a whole number from 1 up",
        "line 3: the prompt is empty",
        "line 4: seed '-3' is not a whole number from 0 up",
        "line 5: guidance 'warm' is not a number from 0 up",
    ):
        assert told in caught.value.message
    assert "line 6" not in caught.value.message


@pytest.mark.parametrize("value", ["nan", "inf", "-1"])
def test_guidance_is_an_ordinary_number(write, value):
    with pytest.raises(UsageError, match="guidance"):
        read_prompts(write("p.csv", f"prompt,guidance\na pear,{value}\n"))


@pytest.mark.parametrize(
    ("heading", "told"),
    [("prompt,colour", "unknown column: 'colour'"), ("name,seed", "no column named prompt")],
)
def test_the_heading_is_checked(write, heading, told):
    with pytest.raises(UsageError, match=told):
        read_prompts(write("p.csv", f"{heading}\na,1\n"))


@pytest.mark.parametrize("content", ["prompt,seed\na pear,1,2\n", 'prompt\n"a pear'])
def test_broken_tables_are_told_with_their_line(write, content):
    with pytest.raises(UsageError, match="line 2"):
        read_prompts(write("p.csv", content))


def test_a_folder_is_its_text_files_in_order(write, tmp_path):
    write("d/b.txt", "second\nthird\n")
    write("d/a.TXT", "first")
    write("d/notes.md", "no prompt")
    write("d/sub/c.txt", "fourth")
    assert prompts(tmp_path / "d") == ["first", "second", "third", "fourth"]
    assert prompts(tmp_path / "d", recursive=False) == ["first", "second", "third"]


@pytest.mark.parametrize(
    ("name", "content"), [("p.txt", "# nothing\n\n"), ("p.csv", "prompt\n"), ("d/x.md", "x")]
)
def test_nothing_to_do_is_told(write, name, content):
    path = write(name, content)
    with pytest.raises(UsageError, match="holds no prompts"):
        read_prompts(path.parent if name.startswith("d/") else path)


def test_a_missing_file_and_another_kind_are_told(write, tmp_path):
    with pytest.raises(UsageError, match="cannot be read"):
        read_prompts(tmp_path / "none.txt")
    with pytest.raises(UsageError, match=r"no \.txt file"):
        read_prompts(write("p.docx", "a pear"))


def test_an_unreadable_folder_is_told(write, tmp_path, monkeypatch):
    write("d/a.txt", "a pear")

    def refuse(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(UsageError, match="Permission denied"):
        read_prompts(tmp_path / "d")


def test_mattes_are_looked_for_beside_the_table(tmp_path):
    (tmp_path / "mattes").mkdir()
    (tmp_path / "mattes" / "a.png").write_bytes(b"x")
    table = tmp_path / "p.csv"
    table.write_text("prompt,matte\na pear,mattes/a.png\na plum,\n", encoding="utf-8")
    assert [row.matte for row in read_prompts(table)] == [tmp_path / "mattes" / "a.png", None]
    table.write_text("prompt,matte\na pear,mattes/b.png\n", encoding="utf-8")
    with pytest.raises(UsageError, match=r"line 2: the matte 'mattes/b\.png' is not there"):
        read_prompts(table)
