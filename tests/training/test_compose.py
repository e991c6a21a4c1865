import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.training.material import write_material
from zippo_desktop.errors import UsageError
from zippo_desktop.training.compose import is_soft, training_mean_area, write_evaluation_set
from zippo_desktop.training.composites import SMALL


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


def test_small_subjects_are_small(tmp_path: Path):
    data = write_material(tmp_path)
    write_evaluation_set(
        data.cutouts, data.backgrounds, tmp_path / "set", "train", count=12, size_px=64, small=1.0
    )

    areas = []
    for path in sorted((tmp_path / "set" / "matte").iterdir()):
        with Image.open(path) as matte:
            areas.append(np.asarray(matte).mean() / 255)
    assert min(areas) > 0
    assert max(areas) < 1.1 * SMALL[1] ** 2


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


def test_the_index_tells_what_each_picture_is_of(tmp_path: Path):
    data = write_material(tmp_path, names=("hairy thing", "a spoon"))
    rows = ["file,name,pack,model,soft", "0.png,hairy thing,fur,7,0.1", "1.png,Spoon,plain,8,0.01"]
    (data.cutouts[0] / "manifest.csv").write_text("\n".join(rows), encoding="utf-8")

    write_evaluation_set(data.cutouts, data.backgrounds, tmp_path / "set", "train", count=12, size_px=40)

    with (tmp_path / "set" / "index.csv").open(encoding="utf-8") as file:
        index = list(csv.DictReader(file))
    assert [row["file"] for row in index] == [f"{number:04}.png" for number in range(12)]
    kinds = {(row["name"], row["pack"], row["is_soft"]) for row in index}
    assert kinds == {("hairy thing", "fur", "1"), ("Spoon", "plain", "0")}
    for row in index:
        with Image.open(tmp_path / "set" / "matte" / row["file"]) as matte:
            alpha = np.asarray(matte) / 255
        assert abs(float(row["soft"]) - ((alpha > 0.02) & (alpha < 0.98)).mean()) < 0.01


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"pack": "fur", "soft": "0.01"}, True),
        ({"pack": "glass-Scopia", "soft": ""}, True),
        ({"pack": "Scopia", "soft": "0.12"}, True),
        ({"pack": "Scopia", "soft": "0.017"}, False),
        ({}, False),
    ],
)
def test_softness_goes_by_pack_and_share(row: dict[str, str], expected: bool):
    assert is_soft(row) is expected
