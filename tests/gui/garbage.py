"""For tests with threads: Python collects cycles in the test's own thread alone, as `gui.garbage` sees to."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def garbage_stays_here() -> Iterator[None]:
    """A timer of pytest-qt's that another thread collects would end the whole run."""
    gc.disable()
    yield
    gc.collect()
    gc.enable()
