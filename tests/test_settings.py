"""Settings survive old, new, damaged and unreadable files without losing anything."""

import json

import pytest

from zippo_desktop.errors import ExportError
from zippo_desktop.settings import (
    SCHEMA_VERSION,
    UPGRADES,
    Settings,
    change_settings,
    load_settings,
    save_settings,
    upgrade,
)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "config" / "settings.json"


def write(path, content):
    path.parent.mkdir(parents=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")


def test_without_a_file_there_are_defaults(path):
    assert load_settings(path) == (Settings(), ())
    assert not path.parent.exists()


def test_what_was_saved_is_loaded(path):
    settings = Settings(model="mine", engine="torch", provider="cpu", formats=("png", "psd"))
    save_settings(settings, path)
    assert load_settings(path) == (settings, ())
    assert json.loads(path.read_text())["schema_version"] == SCHEMA_VERSION
    assert [entry.name for entry in path.parent.iterdir()] == ["settings.json"]


def test_missing_fields_are_defaults_and_unknown_ones_do_no_harm(path):
    write(path, {"schema_version": 1, "engine": "onnx", "theme": "dark"})
    assert load_settings(path) == (Settings(engine="onnx"), ())


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[1]",
        "\x00\x01",
        {"engine": "onnx"},
        {"schema_version": True},
        {"schema_version": 0},
        {"schema_version": 1, "model": 3},
        {"schema_version": 1, "formats": "png"},
        {"schema_version": 1, "formats": []},
        {"schema_version": 2, "memory_mb": True},
        {"schema_version": 2, "memory_mb": "8"},
        {"schema_version": 2, "open_sections": [1]},
        {"schema_version": 2, "look": []},
    ],
)
def test_a_file_that_makes_no_sense_is_set_aside_and_told(path, content):
    write(path, content)
    before = path.read_bytes()
    settings, told = load_settings(path)
    assert settings == Settings()
    assert len(told) == 1
    assert "settings.unreadable.json" in told[0]
    assert not path.exists()
    assert path.with_name("settings.unreadable.json").read_bytes() == before


def test_what_the_window_remembers_is_loaded(path):
    settings = Settings(
        theme="light",
        memory_mb=2048,
        output_dir="/out/größe",
        preset="cutout",
        look={"expand": -1.5, "format": ["psd"], "matte": True},
        open_sections=(),
    )
    save_settings(settings, path)
    assert load_settings(path) == (settings, ())


def test_there_is_an_upgrade_to_every_schema():
    assert len(UPGRADES) == SCHEMA_VERSION - 1


def test_schema_1_did_not_know_what_the_window_remembers(path):
    write(path, {"schema_version": 1, "provider": "cpu", "theme": 3, "look": "dark"})
    assert load_settings(path) == (Settings(provider="cpu"), ())


def test_a_change_leaves_the_other_fields(path):
    save_settings(Settings(model="mine", theme="light"), path)
    assert change_settings(path, theme="dark", memory_mb=512).model == "mine"
    assert load_settings(path)[0] == Settings(model="mine", theme="dark", memory_mb=512)


def test_no_change_writes_nothing(path):
    assert change_settings(path, theme="dark") == Settings()
    assert not path.exists()


def test_a_change_leaves_a_newer_programs_file_alone(path):
    write(path, {"schema_version": SCHEMA_VERSION + 1, "model": "later"})
    before = path.read_bytes()
    assert change_settings(path, theme="light").theme == "light"
    assert path.read_bytes() == before


def test_a_second_broken_file_does_not_replace_the_first(path):
    write(path, "first")
    load_settings(path)
    path.write_text("second")
    load_settings(path)
    assert path.with_name("settings.unreadable.json").read_text() == "first"
    assert path.with_name("settings.unreadable-2.json").read_text() == "second"


def test_a_newer_programs_file_is_left_alone(path):
    write(path, {"schema_version": SCHEMA_VERSION + 1, "model": "later"})
    settings, told = load_settings(path)
    assert settings == Settings()
    assert "newer version" in told[0]
    assert path.exists()


def test_a_folder_in_the_files_place_is_told(path):
    path.mkdir(parents=True)
    settings, told = load_settings(path)
    assert settings == Settings()
    assert "cannot be read" in told[0]


def test_upgrades_run_in_order_from_the_files_version():
    steps = tuple(lambda content, n=n: content | {"trail": content["trail"] + [n]} for n in (2, 3, 4))
    assert upgrade({"trail": []}, 1, steps) == {"trail": [2, 3, 4]}
    assert upgrade({"trail": []}, 3, steps) == {"trail": [4]}
    assert upgrade({"trail": []}, 4, steps) == {"trail": []}


def test_settings_that_cannot_be_saved_are_told(path):
    path.parent.write_text("a file where the folder should be")
    with pytest.raises(ExportError, match="cannot be saved"):
        save_settings(Settings(), path)
