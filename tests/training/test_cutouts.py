from pathlib import Path

import numpy as np
import pytest

from tests.training.material import write_cutout, write_material
from zippo_desktop.errors import InputError
from zippo_desktop.training.cutouts import load_rgba, read_backdrops, read_cutouts, split_of


def test_every_cutout_is_in_exactly_one_split(tmp_path: Path):
    names = tuple(f"thing {index}" for index in range(60))
    data = write_material(tmp_path, names=names)

    train, test = (read_cutouts(data.cutouts, split) for split in ("train", "test"))

    assert len(train) + len(test) == 60
    assert 0 < len(test) < 20
    assert not {item.group for item in train} & {item.group for item in test}


def test_views_of_one_name_share_a_split(tmp_path: Path):
    folder = tmp_path / "set"
    rng = np.random.default_rng(0)
    rows = ["file,name,colour,pack,model"]
    for view in range(5):
        write_cutout(folder / f"{view}.png", rng)
        rows.append(f"{view}.png,Arm Chair,red,pack-{view},{view}")
    (folder / "manifest.csv").write_text("\n".join(rows), encoding="utf-8")

    cutouts = read_cutouts([folder])

    assert {item.group for item in cutouts} == {"arm chair"}
    assert cutouts[0].captions == (
        "arm chair",
        "an arm chair",
        "a photo of an arm chair",
        "arm chair, 3-D render",
        "red arm chair",
        "a red arm chair",
        "a photo of a red arm chair",
        "red arm chair, 3-D render",
    )


def test_a_furry_variant_of_a_model_shares_its_split(tmp_path: Path):
    folder = tmp_path / "set"
    for number in (1, 2):
        write_cutout(folder / f"{number}.png", np.random.default_rng(number))
    table = "file,name,pack,model\n1.png,Armchair,Scopia,7\n2.png,fluffy armchair,furry-Scopia,7\n"
    (folder / "manifest.csv").write_text(table, encoding="utf-8")

    assert {item.group for item in read_cutouts([folder])} == {"armchair"}


def test_every_furry_thing_is_a_group_of_its_own(tmp_path: Path):
    folder = tmp_path / "set"
    for number in (1, 2):
        write_cutout(folder / f"{number}.png", np.random.default_rng(number))
    table = "file,name,pack,model\n1.png,rug,fur,0001\n2.png,rug,fur,0002\n"
    (folder / "manifest.csv").write_text(table, encoding="utf-8")

    assert {item.group for item in read_cutouts([folder])} == {"fur 0001", "fur 0002"}


def test_glass_is_named_once(tmp_path: Path):
    folder = tmp_path / "set"
    for number in (1, 2):
        write_cutout(folder / f"{number}.png", np.random.default_rng(number))
    table = "file,name,pack,model\n1.png,Vase,glass-Scopia,1\n2.png,Cocktail glass,glass-Scopia,2\n"
    (folder / "manifest.csv").write_text(table, encoding="utf-8")

    assert [item.captions[0] for item in read_cutouts([folder])] == ["glass vase", "cocktail glass"]


def test_a_scene_that_two_collections_share_is_one_group(tmp_path: Path):
    folder = tmp_path / "set"
    for number in (1, 2):
        write_cutout(folder / f"{number}.png", np.random.default_rng(number))
    table = "file,panorama\n1.png,pmndrs_city\n2.png,city\n"
    (folder / "manifest.csv").write_text(table, encoding="utf-8")

    assert {item.group for item in read_backdrops([folder])} == {"backdrop city"}


def test_the_split_never_changes():
    assert [split_of(name) for name in ("red apple", "chair", "backdrop venice")] == [
        "train",
        "train",
        "test",
    ]


def test_an_empty_folder_is_told(tmp_path: Path):
    with pytest.raises(InputError, match="No cut-outs"):
        read_cutouts([tmp_path])
    with pytest.raises(InputError, match="does not exist"):
        read_cutouts([tmp_path / "nowhere"])


def test_a_large_cutout_is_shrunk_without_dark_edges(tmp_path: Path):
    path = tmp_path / "disc.png"
    write_cutout(path, np.random.default_rng(3), side=96)

    small, large = load_rgba(path, 24), load_rgba(path, 200)

    assert large.shape == (96, 96, 4)
    assert small.shape == (24, 24, 4)
    visible = small[small[..., 3] > 60][:, :3].astype(int)
    assert abs(visible - large[48, 48, :3].astype(int)).max() <= 4
