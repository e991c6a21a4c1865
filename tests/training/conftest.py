"""What tests of whole training runs share."""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path

import pytest

from tests.training.runs import prepare, run
from zippo_desktop.training import samples, train_unet


@pytest.fixture
def quick_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a run end with one picture of each kind, of two steps, and measure a few scenes.

    All that a run does at its end is done, but not for most of the test's time.
    """
    monkeypatch.setattr(samples, "COUNT", 1)
    monkeypatch.setattr(samples, "STEPS", 2)
    monkeypatch.setattr(train_unet, "training_mean_area", partial(train_unet.training_mean_area, count=8))


@pytest.fixture(scope="session")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose model has its VAE already; tests work on a copy."""
    folder = prepare(tmp_path_factory.mktemp("begun"))
    run(folder, "vae", steps=0)
    return folder


@pytest.fixture
def folder_with_vae(begun: Path, tmp_path: Path) -> Path:
    return shutil.copytree(begun, tmp_path / "begun")
