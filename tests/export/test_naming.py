from __future__ import annotations

import os
import unicodedata
from pathlib import Path

import pytest

from zippo_desktop.export.naming import MAX_NAME_BYTES, MAX_STEM_BYTES, Names, safe_stem


@pytest.mark.parametrize(
    ("text", "stem"),
    [
        ("IMG_0042", "IMG_0042"),
        ("a red apple", "a red apple"),
        ('what? a/b\\c: "d" <e> | f*', "what_ a_b_c_ _d_ _e_ _ f_"),
        ("two\nlines\tand  spaces ", "two lines and spaces"),
        ("bell\a and \x7f", "bell_ and _"),
        ("right\u202eleft", "right_left"),
        ("caf\udce9", "caf_"),
        ("  . hidden . ", "hidden"),
        ("...", "untitled"),
        ("", "untitled"),
        ("../../etc/passwd", "_.._etc_passwd"),
        ("CON", "_CON"),
        ("nul.backup", "_nul.backup"),
        ("lpt1 ", "_lpt1"),
        ("COM¹", "_COM¹"),
        ("console", "console"),
        ("Käfer 🐞 猫", "Käfer 🐞 猫"),
        ("می\u200cخواهم", "می\u200cخواهم"),
    ],
)
def test_stems_are_safe_everywhere(text: str, stem: str) -> None:
    assert safe_stem(text) == stem


def test_stems_are_composed() -> None:
    assert safe_stem(unicodedata.normalize("NFD", "Käfer")) == "Käfer"


def test_long_texts_are_cut_to_bytes_between_characters() -> None:
    assert safe_stem("🐞" * 100, limit=10) == "🐞🐞"
    assert safe_stem("ab. cd", limit=4) == "ab"
    assert len(safe_stem("ä" * 300).encode()) == MAX_STEM_BYTES
    assert len((safe_stem("x" * 300) + "-1234.matte.png").encode()) <= MAX_NAME_BYTES


def test_a_safe_stem_is_a_file_name(tmp_path: Path) -> None:
    for text in ("🐞" * 100, "x" * 300, "a/b", "CON", "caf\udce9"):
        (tmp_path / f"{safe_stem(text)}.png").touch()

    assert len(os.listdir(tmp_path)) == 5


def test_two_inputs_of_one_stem_get_two_names() -> None:
    names = Names()
    folder = Path("out")

    assert [names.claim(folder, "a", [".png"]) for _ in range(3)] == ["a", "a-2", "a-3"]
    assert names.claim(folder, "b", [".png"]) == "b"
    assert names.claim(folder / "sub", "a", [".png"]) == "a"
    assert names.claim(Path("out/../out"), "a", [".png"]) == "a-4"


def test_case_and_unicode_form_do_not_tell_names_apart() -> None:
    names = Names()

    assert names.claim(Path("out"), "Photo", [".png"]) == "Photo"
    assert names.claim(Path("OUT"), "photo", [".png"]) == "photo-2"
    assert names.claim(Path("out"), "Ä", [".png"]) == "Ä"
    assert names.claim(Path("out"), unicodedata.normalize("NFD", "Ä"), [".png"]).endswith("-2")


def test_all_results_of_an_item_share_one_free_stem() -> None:
    names = Names()

    assert names.claim(Path("out"), "a.matte", [".png"]) == "a.matte"
    assert names.claim(Path("out"), "a", [".png", ".matte.png"]) == "a-2"
    assert names.claim(Path("out"), "a", [".png"]) == "a"


def test_existing_files_are_avoided_where_asked(tmp_path: Path) -> None:
    (tmp_path / "a.png").touch()
    (tmp_path / "a-2.layers").mkdir()
    suffixes = [".png", ".layers"]

    assert Names().claim(tmp_path, "a", suffixes) == "a"
    assert Names().claim(tmp_path, "a", suffixes, avoid_existing=True) == "a-3"
