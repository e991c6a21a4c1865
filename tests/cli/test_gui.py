"""`zippo-desktop gui`, and no arguments at all: the window opens; everything else starts without it."""

import sys
from pathlib import Path

import pytest

from zippo_desktop.gui import app


@pytest.fixture
def opened(monkeypatch):
    """The files of each window that was opened; the last one leaves with 7."""
    opened = []

    def run(files):
        opened.append(files)
        return 7

    monkeypatch.setattr(app, "run", run)
    return opened


def test_no_arguments_open_the_window(zippo, opened):
    assert zippo().exit_code == 7
    assert opened == [[]]


def test_files_are_opened_with_it(zippo, opened):
    assert zippo("gui", "a.jpg", "b").exit_code == 7
    assert opened == [[Path("a.jpg"), Path("b")]]


def test_a_command_and_the_version_open_none(zippo, opened):
    assert zippo("models", "list").exit_code == 0
    assert zippo("--version").exit_code == 0
    assert opened == []


@pytest.mark.skipif(sys.platform != "linux", reason="other systems always have a display")
@pytest.mark.parametrize("arguments", [[], ["gui"]])
def test_without_a_display_it_says_so(zippo, opened, monkeypatch, arguments):
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    result = zippo(*arguments)
    assert result.exit_code == 2
    assert "There is no display to open the window on." in result.stderr
    assert opened == []


def test_without_qt_it_says_so(zippo, monkeypatch):
    monkeypatch.setitem(sys.modules, "zippo_desktop.gui.app", None)
    result = zippo("gui")
    assert result.exit_code == 2
    assert "The window cannot be opened" in result.stderr
