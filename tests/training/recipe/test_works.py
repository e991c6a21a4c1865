from pathlib import Path

from tests.training.recipe.packages import write_collection
from zippo_desktop.training.cutouts import split_of
from zippo_desktop.training.recipe import works
from zippo_desktop.training.recipe.catalogue import Model, read_models


def models(folder: Path) -> list[Model]:
    write_collection(folder)
    return read_models(folder)


def many(folder: Path) -> list[Model]:
    return [
        Model(folder / "Scopia.sh3f", n, f"Thing {n}", "x", f"maker {n}", (), "a.obj", (), (0.5, 0.5, 0.5))
        for n in range(300)
    ]


def test_every_part_gives_works_of_different_keys(tmp_path: Path):
    found = [
        *works.objects(models(tmp_path), None),
        *works.glass(models(tmp_path), None),
        *works.fur(models(tmp_path), None),
        *works.foliage(None),
        *works.rooms(many(tmp_path), None, seed=1),
    ]
    assert len({(work.folder, work.key) for work in found}) == len(found) > 1000


def test_procedural_things_have_names_of_their_own_and_every_name_comes_up():
    found = list(works.fur([], None))
    assert {work.name for work in found} == {name for names in works.FUR_NAMES.values() for name in names}
    assert all(work.name in works.FUR_NAMES[work.shape] for work in found)


def test_a_room_holds_things_of_its_own_split_only(tmp_path: Path):
    splits = set()
    for room in works.rooms(many(tmp_path), None, seed=1):
        split = split_of(f"backdrop {room.name}")
        assert {split_of(model.name.lower()) for model in room.models} == {split}
        splits.add(split)
    assert splits == {"train", "test"}


def test_the_courtyard_with_the_dog_is_left_out():
    files = [Path("courtyard.exr"), Path("pmndrs_city.exr")]
    assert [work.name for work in works.panoramas(files, None)] == ["pmndrs_city"]
