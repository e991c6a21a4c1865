from pathlib import Path

import pytest

from zippo_desktop.errors import InputError
from zippo_desktop.training.recipe.notice import credit_lines


def test_works_are_named_once_under_licence_creator_and_pack(tmp_path: Path):
    objects, scenes = tmp_path / "objects.csv", tmp_path / "scenes.csv"
    objects.write_text(
        "file,name,creator,licence,pack\n"
        "1.webp,Vase,Ann,CC-BY-3.0,Shop\n"
        "2.webp,Vase,Ann,CC-BY-3.0,Shop\n"
        "3.webp,glass Vase,Ann,CC-BY-3.0,glass-Shop\n"
        "4.webp,Chair,Ann,CC-BY-3.0,Shop\n"
        "5.webp,Chair,Bob,CC0-1.0,Shop\n",
        encoding="utf-8",
    )
    scenes.write_text("file,panorama,source,licence\na.webp,city,Panoramas 1.0,CC0-1.0\n", encoding="utf-8")

    assert credit_lines([objects, scenes]) == [
        "CC-BY-3.0, Ann (Shop): Chair, Vase",
        "CC0-1.0, Bob (Shop): Chair",
        "CC0-1.0, creator not named (Panoramas 1.0): city",
    ]


def test_a_missing_manifest_is_told(tmp_path: Path):
    with pytest.raises(InputError, match="cannot be read"):
        credit_lines([tmp_path / "none.csv"])
