"""Crops of photographs: within what may be shown, the same each time, and read as backgrounds."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from zippo_desktop.training.cutouts import read_backdrops
from zippo_desktop.training.recipe import photographs
from zippo_desktop.training.recipe.photographs import SHOWN, build_photographs
from zippo_desktop.training.recipe.sources import PHOTOGRAPHS

BIRD = (250, 10, 240)  # what must not be seen


@pytest.fixture
def unpacked(tmp_path: Path) -> Path:
    """The package's pictures, small; everything that may not be shown is of one colour."""
    folder = tmp_path / "package/usr/share/backgrounds/budgie"
    folder.mkdir(parents=True)
    for name, (left, top, right, bottom) in SHOWN.items():
        pixels = np.full((90, 160, 3), BIRD, np.uint8)
        shown = (slice(round(top * 90), round(bottom * 90)), slice(round(left * 160), round(right * 160)))
        pixels[shown] = (10, 200, 20)
        Image.fromarray(pixels).save(folder / f"{name}.jpg", quality=95)
    return tmp_path / "package"


def test_crops_show_what_may_be_shown_and_are_backgrounds(
    unpacked: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(photographs, "SIDE_PX", 32)
    monkeypatch.setattr(photographs, "CROPS", 6)
    target = tmp_path / "photographs"
    target.mkdir()

    count = build_photographs(PHOTOGRAPHS, unpacked, target)

    backdrops = read_backdrops([target])
    assert count == len(backdrops) == 6 * len(SHOWN)
    assert {backdrop.group for backdrop in backdrops} == {f"backdrop budgie_{name}" for name in SHOWN}
    for backdrop in backdrops:
        with Image.open(backdrop.path) as picture:
            assert picture.size == (32, 32)
            red, green, _ = np.asarray(picture.convert("RGB"), np.int16)[2:-2, 2:-2].transpose(2, 0, 1)
        assert (green > red + 100).all(), backdrop.path.name


def test_a_trial_takes_the_first_pictures_and_the_same_crops(
    unpacked: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(photographs, "SIDE_PX", 32)
    monkeypatch.setattr(photographs, "CROPS", 2)
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        assert build_photographs(PHOTOGRAPHS, unpacked, tmp_path / name, limit=2) == 4
    for path in sorted((tmp_path / "one").iterdir()):
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes()
