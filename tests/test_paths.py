from __future__ import annotations

from pathlib import Path

import pytest

from zippo_desktop import paths

PLACES = [paths.settings_path, paths.jobs_dir, paths.models_dir, paths.cache_dir, paths.log_dir]


def test_one_variable_moves_everything_and_nothing_collides(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(paths.HOME_VARIABLE, str(tmp_path / "дом"))
    places = [place() for place in PLACES]
    assert all(place.is_relative_to(tmp_path / "дом") for place in places)
    assert len(set(places)) == len(PLACES)
    assert not (tmp_path / "дом").exists()


def test_a_relative_home_becomes_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(paths.HOME_VARIABLE, "here")
    assert paths.jobs_dir() == tmp_path / "here" / "jobs"


@pytest.mark.parametrize("place", PLACES)
def test_an_empty_variable_means_the_platforms_folders(place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(paths.HOME_VARIABLE, "")
    assert "zippo-desktop" in place().parts
    assert place().is_absolute()


def test_resources_of_the_source_tree() -> None:
    assert paths.resource_dir() == Path(__file__).parents[1] / "resources"
    assert (paths.resource_dir() / "samples" / "prompts.txt").is_file()


def test_resources_inside_the_package_win(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "_PACKAGE_DIR", tmp_path / "zippo_desktop")
    assert paths.resource_dir() == tmp_path / "resources"
    packaged = tmp_path / "zippo_desktop" / "_resources"
    packaged.mkdir(parents=True)
    assert paths.resource_dir() == packaged
