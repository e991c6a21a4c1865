"""What Windows is told where a path is long; on every system, with Windows's own rules for paths."""

from __future__ import annotations

from pathlib import PureWindowsPath

import pytest

from zippo_desktop.export import atomic, long_paths
from zippo_desktop.export.atomic import make_output_dir, open_atomically
from zippo_desktop.export.long_paths import reachable

DEEP = "\\".join(["folder" * 10] * 5)  # 304 characters


@pytest.fixture
def windows(monkeypatch):
    monkeypatch.setattr(long_paths, "IS_WINDOWS", True)
    monkeypatch.setattr(long_paths, "Path", PureWindowsPath)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("C:\\photos\\a.png", "C:\\photos\\a.png"),
        (f"C:\\{DEEP}\\a.png", f"\\\\?\\C:\\{DEEP}\\a.png"),
        (f"C:\\x\\..\\{DEEP}\\.\\a.png", f"\\\\?\\C:\\{DEEP}\\a.png"),
        (f"\\\\server\\share\\{DEEP}\\a.png", f"\\\\?\\UNC\\server\\share\\{DEEP}\\a.png"),
        (f"\\\\?\\C:\\{DEEP}\\a.png", f"\\\\?\\C:\\{DEEP}\\a.png"),
    ],
)
def test_a_long_path_is_marked_once(windows, path, expected):
    reached = reachable(PureWindowsPath(path))
    assert str(reached) == expected
    assert reachable(reached) == reached


def test_a_long_relative_path_becomes_absolute(windows, monkeypatch):
    monkeypatch.setattr(long_paths.ntpath, "abspath", lambda path: f"D:\\work\\{path}")
    assert str(reachable(PureWindowsPath(f"{DEEP}\\a.png"))) == f"\\\\?\\D:\\work\\{DEEP}\\a.png"


def test_elsewhere_a_path_stays_as_it_is(tmp_path, monkeypatch):
    monkeypatch.setattr(long_paths, "IS_WINDOWS", False)
    deep = tmp_path / ("a" * 300)
    assert reachable(deep) is deep


def test_every_name_that_is_written_under_is_reachable(tmp_path, monkeypatch):
    """Folder, unfinished file and finished file: each is asked for, so none is left out on Windows."""
    asked = []

    def noting(path):
        asked.append(path.name)
        return path

    monkeypatch.setattr(atomic, "reachable", noting)
    make_output_dir(tmp_path / "out")
    with open_atomically(tmp_path / "out" / "a.png") as file:
        file.write(b"x")
    assert {"out", "a.png"} <= set(asked)
