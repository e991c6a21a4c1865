"""What tests of whole training runs share."""

from __future__ import annotations

from functools import partial

import pytest

from zippo_desktop.training import samples, train_unet


@pytest.fixture
def quick_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a run end with one picture of each kind, of two steps, and measure a few scenes.

    All that a run does at its end is done, but not for most of the test's time.
    """
    monkeypatch.setattr(samples, "COUNT", 1)
    monkeypatch.setattr(samples, "STEPS", 2)
    monkeypatch.setattr(train_unet, "training_mean_area", partial(train_unet.training_mean_area, count=8))
