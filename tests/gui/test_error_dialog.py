"""Errors as dialogs: the sentence and hint of ours, the traceback of a bug."""

from __future__ import annotations

import pytest
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtWidgets import QWidget

from zippo_desktop.errors import ModelError
from zippo_desktop.gui.error_dialog import show_error
from zippo_desktop.paths import log_dir

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")  # windows, offscreen


@pytest.fixture
def parent(qtbot):
    widget = QWidget()
    qtbot.addWidget(widget)
    widget.show()
    return widget


def bug() -> Exception:
    try:
        {}["alpha"]
    except KeyError as error:
        return error
    raise AssertionError


def test_our_errors_have_message_and_hint_alone(parent):
    dialog = show_error(ModelError("zippo.json is missing.", "Copy the model again."), parent)
    assert dialog.message.text() == "zippo.json is missing."
    assert dialog.hint.text() == "Copy the model again."
    assert dialog.hint.isVisible()
    assert not dialog.toggle.isVisible()
    dialog.reject()


def test_a_sentence_will_do(parent):
    dialog = show_error("The job was not started.", parent)
    assert dialog.message.text() == "The job was not started."
    assert not dialog.hint.isVisible()
    dialog.reject()


def test_a_bug_shows_its_traceback_when_asked(parent):
    dialog = show_error(bug(), parent)
    assert not dialog.details.isVisible()
    dialog.toggle.click()
    assert dialog.details.isVisible()
    assert "KeyError: 'alpha'" in dialog.details.toPlainText()
    dialog.reject()


def test_everything_is_copied_for_a_report(parent):
    dialog = show_error(bug(), parent)
    dialog.copy.click()
    copied = QGuiApplication.clipboard().text()
    assert copied.startswith(dialog.message.text())
    assert "Traceback" in copied
    dialog.reject()


def test_the_log_files_are_shown(parent, monkeypatch):
    opened = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: opened.append(url.toLocalFile()))
    dialog = show_error(bug(), parent)
    dialog.logs.click()
    assert opened == [str(log_dir())]
    dialog.reject()


def test_markup_in_a_file_name_stays_text(parent):
    dialog = show_error(ModelError("<b>bold</b>.png is no picture."), parent)
    assert dialog.message.text() == "<b>bold</b>.png is no picture."
    assert dialog.message.textFormat().name == "PlainText"
    dialog.reject()
