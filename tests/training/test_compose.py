from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.training.material import write_material
from zippo_desktop.errors import UsageError
from zippo_desktop.training.compose import training_mean_area, write_evaluation_set


def test_the_set_is_complete_and_repeatable(tmp_path: Path):
    data = write_material(tmp_path, names=tuple(f"thing {index}" for index in range(30)))
    for name in ("first", "second"):
        write_evaluation_set(
            data.cutouts, data.backgrounds, tmp_path / name, "train", count=3, size_px=40, seed=5
        )

    for kind, mode in (("image", "RGB"), ("matte", "L")):
        files = sorted((tmp_path / "first" / kind).iterdir())
        assert [path.name for path in files] == ["0000.png", "0001.png", "0002.png"]
        for path in files:
            with Image.open(path) as image:
                assert (image.mode, image.size) == (mode, (40, 40))
            assert path.read_bytes() == (tmp_path / "second" / kind / path.name).read_bytes()


def test_a_full_folder_is_left_alone(tmp_path: Path):
    data = write_material(tmp_path)
    with pytest.raises(UsageError, match="not empty"):
        write_evaluation_set(data.cutouts, data.backgrounds, tmp_path, count=1)


def test_the_mean_area_is_that_of_the_training_mattes(tmp_path: Path):
    data = write_material(tmp_path)

    area = training_mean_area(data.cutouts, data.backgrounds, count=20)

    assert 0.1 < area < 0.6
    assert area == training_mean_area(data.cutouts, data.backgrounds, count=20)
    assert not np.isnan(area)
