"""Presets: the shipped ones, and saving one's own."""

from __future__ import annotations

import pytest

from zippo_desktop.errors import UsageError
from zippo_desktop.looks.options import look_from
from zippo_desktop.looks.presets import list_presets, load_preset, preset_text, save_preset
from zippo_desktop.paths import presets_dir, resource_dir

SHIPPED = ["cutout", "game-sprite", "marketplace-white-2000", "print-tiff16", "retouch-psd"]


def test_shipped_presets_are_whole():
    assert [path.stem for path in list_presets()] == SHIPPED
    for name in SHIPPED:
        preset = load_preset(name)
        assert preset.description
        assert not preset.is_own
        look_from(preset.values)


def test_marketplace_is_what_it_is_called():
    look = look_from(load_preset("marketplace-white-2000").values)
    assert (look.arrangement.canvas, look.arrangement.background) == ("2000x2000", "white")
    assert look.writing.formats == ("jpeg",)


def test_saved_preset_comes_back():
    values = {"edges": "fine", "format": ["png", "psd"], "expand": -1.5, "matte": True, "crop": "5%"}
    save_preset("Größe 2", 'with "quotes"\nand lines', values, is_overwriting=False)
    preset = load_preset("Größe 2")
    assert preset.values == values
    assert preset.description == 'with "quotes"\nand lines'
    assert preset.is_own
    assert "Größe 2" in [path.stem for path in list_presets()]


def test_own_preset_is_not_replaced_unasked():
    save_preset("mine", "", {"edges": "fine"}, is_overwriting=False)
    with pytest.raises(UsageError, match="exists"):
        save_preset("mine", "", {"edges": "fast"}, is_overwriting=False)
    save_preset("mine", "", {"edges": "fast"}, is_overwriting=True)
    assert load_preset("mine").values == {"edges": "fast"}


def test_own_preset_hides_a_shipped_one_that_stays():
    shipped = (resource_dir() / "presets" / "cutout.toml").read_bytes()
    save_preset("cutout", "mine", {}, is_overwriting=False)
    assert load_preset("cutout").is_own
    assert (resource_dir() / "presets" / "cutout.toml").read_bytes() == shipped


@pytest.mark.parametrize("name", ["", "../x", "a/b", ".hidden", "ends.", "ends ", "x" * 80, "nul\0"])
def test_names_that_are_no_files_are_refused(name):
    with pytest.raises(UsageError):
        save_preset(name, "", {}, is_overwriting=False)
    assert not presets_dir().exists() or not list(presets_dir().iterdir())


def test_unknown_name_tells_the_known_ones():
    with pytest.raises(UsageError, match="no preset 'shop'") as caught:
        load_preset("shop")
    assert "retouch-psd" in caught.value.hint


@pytest.mark.parametrize("text", ["edges = ", 'edges = "sharp"', "unknown = 1", b"\xff\xfe"])
def test_broken_file_is_named(tmp_path, text):
    path = tmp_path / "broken.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(UsageError, match=r"broken\.toml"):
        load_preset(str(path))


def test_background_file_is_kept_by_its_whole_path(tmp_path, monkeypatch):
    (tmp_path / "wall.png").write_bytes(b"x")
    monkeypatch.chdir(tmp_path)
    save_preset("wall", "", {"background": "wall.png"}, is_overwriting=False)
    assert load_preset("wall").values["background"] == str(tmp_path / "wall.png")


def test_text_is_toml():
    text = preset_text("", {"quality": 90, "keep-largest": True, "format": ["png"]})
    assert text == 'quality = 90\nkeep-largest = true\nformat = ["png"]\n'
