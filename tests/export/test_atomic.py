from __future__ import annotations

import errno
import os
import sys
from pathlib import Path

import pytest

from zippo_desktop.errors import ExportError
from zippo_desktop.export import atomic
from zippo_desktop.export.atomic import make_folder_atomically, make_output_dir, open_atomically


def write(path: Path, content: bytes = b"new") -> None:
    with open_atomically(path) as file:
        file.write(content)


def test_a_file_appears_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    with open_atomically(path) as file:
        file.write(b"new")
        assert not path.exists()

    assert path.read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["a.png"]


def test_an_old_file_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"older and longer")
    write(tmp_path / "a.png")

    assert (tmp_path / "a.png").read_bytes() == b"new"


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, ExportError])
def test_after_an_error_nothing_has_changed(tmp_path: Path, error: type[BaseException]) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"old")

    def write_half() -> None:
        with open_atomically(path) as file:
            file.write(b"half of the n")
            raise error("stop")

    with pytest.raises(error):
        write_half()

    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a.png"]


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        (errno.ENOSPC, "There is no room on the disk for "),
        (errno.EACCES, "may not be written"),
        (errno.EROFS, "may not be written"),
        (errno.ENAMETOOLONG, "is too long"),
        (errno.EIO, "cannot be written"),
    ],
)
def test_what_the_file_system_says_becomes_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, sentence: str
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(atomic.os, "replace", refuse)
    with pytest.raises(ExportError) as caught:
        write(tmp_path / "a.png")

    assert sentence in caught.value.message
    assert "a.png" in caught.value.message
    assert caught.value.hint
    assert not os.listdir(tmp_path)


def test_real_obstacles_are_told(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=r"The folder .*nowhere does not exist"):
        write(tmp_path / "nowhere" / "a.png")
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(ExportError, match=r"is a folder|may not be written"):
        write(tmp_path / "folder.png")
    with pytest.raises(ExportError, match=r"too long|cannot be written"):
        write(tmp_path / ("long" * 100 + ".png"))
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ExportError):
        write(tmp_path / "file" / "a.png")
    assert sorted(os.listdir(tmp_path)) == ["file", "folder.png"]


def test_the_longest_names_can_be_written(tmp_path: Path) -> None:
    name = "n" * 251 + ".png"
    write(tmp_path / name)

    assert os.listdir(tmp_path) == [name]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such permissions")
def test_others_may_read_results_as_they_may_any_new_file(tmp_path: Path) -> None:
    write(tmp_path / "result")
    (tmp_path / "any").touch()

    assert (tmp_path / "result").stat().st_mode == (tmp_path / "any").stat().st_mode


def test_a_folder_appears_when_it_is_full(tmp_path: Path) -> None:
    path = tmp_path / "a.layers"
    with make_folder_atomically(path) as folder:
        (folder / "1").write_bytes(b"one")
        assert not path.exists()

    assert (path / "1").read_bytes() == b"one"
    assert os.listdir(tmp_path) == ["a.layers"]


def test_an_old_folder_comes_back_if_the_new_one_cannot_take_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.layers"
    path.mkdir()
    (path / "old").touch()
    rename = os.rename
    calls = []

    def fail_once(source: Path, target: Path) -> None:
        calls.append(source)
        if len(calls) == 2:
            raise PermissionError(errno.EACCES, "in use")
        rename(source, target)

    monkeypatch.setattr(atomic.os, "rename", fail_once)
    with pytest.raises(ExportError, match="may not be written"), make_folder_atomically(path) as folder:
        (folder / "new").touch()

    assert os.listdir(tmp_path) == ["a.layers"]
    assert os.listdir(path) == ["old"]


def test_output_folders_are_made_with_those_above_them(tmp_path: Path) -> None:
    make_output_dir(tmp_path / "a" / "b")
    make_output_dir(tmp_path / "a" / "b")

    assert (tmp_path / "a" / "b").is_dir()
    (tmp_path / "file").touch()
    with pytest.raises(ExportError, match="is a file"):
        make_output_dir(tmp_path / "file")
    with pytest.raises(ExportError):
        make_output_dir(tmp_path / "file" / "below")
