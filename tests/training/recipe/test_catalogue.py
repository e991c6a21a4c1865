from pathlib import Path

import pytest

from tests.training.recipe.packages import write_collection
from zippo_desktop.errors import InputError
from zippo_desktop.training.recipe.catalogue import extract_model, read_models


def test_doors_and_branded_things_are_left_out(tmp_path: Path):
    write_collection(tmp_path)

    models = read_models(tmp_path)

    assert [model.name for model in models] == ["Fauteuil élégant", "Headphones"]
    chair = models[0]
    assert (chair.pack, chair.licence, chair.creator) == ("Scopia", "CC-BY-3.0", "Ann")
    assert chair.tags == ("Seat", "Old")
    assert chair.size_m == pytest.approx((0.6, 0.7, 0.805))
    assert len(chair.turn) == 9


def test_a_model_comes_with_what_lies_beside_it_only(tmp_path: Path):
    write_collection(tmp_path)

    path = extract_model(read_models(tmp_path)[0], tmp_path / "out")

    assert path.read_text(encoding="utf-8") == "v 0 0 0\n"
    assert sorted(file.name for file in path.parent.iterdir()) == ["chair.mtl", "chair.obj"]
    assert not (tmp_path / "out/pack/door").exists()


def test_a_broken_collection_is_told(tmp_path: Path):
    (tmp_path / "Scopia.sh3f").write_bytes(b"no zip")

    with pytest.raises(InputError, match=r"Scopia\.sh3f is not a furniture collection"):
        read_models(tmp_path)
