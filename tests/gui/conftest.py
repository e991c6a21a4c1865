"""What every test of the window leaves behind: nothing."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest
from PySide6.QtCore import QCoreApplication, QEvent
from PySide6.QtGui import QGuiApplication


@pytest.fixture(autouse=True)
def _closed_widgets_are_gone() -> Iterator[None]:
    """Delete what pytest-qt has closed: without an event loop it stays, and every theme dresses it."""
    yield
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


@pytest.fixture(autouse=True)
def _clipboard_is_empty() -> Iterator[None]:
    """Take out what was copied: Qt would delete it when Python has ended, which is a segmentation fault."""
    yield
    if isinstance(QCoreApplication.instance(), QGuiApplication):
        QGuiApplication.clipboard().clear()


@pytest.fixture(scope="package", autouse=True)
def _libraries_are_no_garbage() -> Iterator[None]:
    """Set aside all that is loaded by now: half a million objects, looked through after each test."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture(autouse=True)
def _garbage_stays_here() -> Iterator[None]:
    """A timer that Python's collection of cycles meets in another thread would end the whole run."""
    gc.disable()
    yield
    gc.collect()
    gc.enable()
