import csv
import json
from pathlib import Path

import pytest
from PIL import Image

from zippo_desktop.errors import InputError, UsageError
from zippo_desktop.training.recipe.emoji import build_emoji_set

ENTRIES = [
    {"hexcode": "1F34E", "label": "red apple", "group": 4, "tags": ["apple", "fruit"]},
    {"hexcode": "0023-FE0F-20E3", "label": "keycap: #", "group": 8},
    {"hexcode": "1F44B", "label": "waving hand", "group": 1},
    {"hexcode": "1F1E6", "label": "flag", "group": 9},
]


def build(folder: Path) -> int:
    pictures = folder / "pictures"
    pictures.mkdir()
    for code in ("1f34e", "23-20e3", "1f44b", "1f44b-1f3fd", "1f1e6", "ffff"):
        Image.new("RGBA", (16, 16), (200, 0, 0, 255)).save(pictures / f"{code}.webp")
    (folder / "data.json").write_text(json.dumps(ENTRIES), encoding="utf-8")
    return build_emoji_set(pictures, folder / "data.json", folder / "set")


def test_objects_stay_and_symbols_flags_and_skin_tones_go(tmp_path: Path):
    assert build(tmp_path) == 2

    with (tmp_path / "set" / "manifest.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["name"] for row in rows] == ["red apple", "waving hand"]
    assert rows[0]["tags"] == "apple|fruit"
    assert rows[0]["licence"] == "MIT"
    assert all((tmp_path / "set" / row["file"]).is_file() for row in rows)


def test_a_folder_that_holds_something_is_left_alone(tmp_path: Path):
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "manifest.csv").write_text("mine", encoding="utf-8")

    with pytest.raises(UsageError, match="not empty"):
        build(tmp_path)

    assert (tmp_path / "set" / "manifest.csv").read_text(encoding="utf-8") == "mine"


def test_another_file_in_the_names_place_is_told(tmp_path: Path):
    (tmp_path / "data.json").write_text("no json", encoding="utf-8")

    with pytest.raises(InputError, match="not emojibase"):
        build_emoji_set(tmp_path, tmp_path / "data.json", tmp_path / "set")
