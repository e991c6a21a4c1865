"""What is left to write for an item whose results exist in part."""

from dataclasses import replace

import pytest

from zippo_desktop.batch.job import Item, remaining_target
from zippo_desktop.export.write import Target
from zippo_desktop.pipelines.request import MattingRequest


@pytest.fixture
def item(tmp_path):
    return Item("a.jpg", MattingRequest(), Target(tmp_path, "a", ("png", "psd", "layers"), True))


def exist(item, *suffixes):
    for suffix in suffixes:
        path = item.target.directory / f"a{suffix}"
        path.mkdir() if suffix == ".layers" else path.write_text("x")


def test_all_is_left_where_nothing_exists(item):
    assert remaining_target(item, "skip") == item.target


def test_nothing_is_left_where_all_exists(item):
    exist(item, ".png", ".psd", ".layers", ".matte.png")
    assert remaining_target(item, "skip") is None


@pytest.mark.parametrize("on_existing", ["overwrite", "rename"])
def test_other_ways_write_all(item, on_existing):
    exist(item, ".png", ".psd", ".layers", ".matte.png")
    assert remaining_target(item, on_existing) == item.target


def test_what_exists_is_not_written_again(item):
    exist(item, ".png", ".layers")
    left = remaining_target(item, "skip")
    assert (left.formats, left.with_matte) == (("psd",), True)
    exist(item, ".psd")
    left = remaining_target(item, "skip")
    assert (left.formats, left.with_matte) == ((), True)


def test_an_empty_file_does_not_count(item):
    exist(item, ".psd", ".layers", ".matte.png")
    (item.target.directory / "a.png").touch()
    assert remaining_target(item, "skip").formats == ("png",)


def test_a_missing_foreground_is_left(item):
    exist(item, ".png", ".psd", ".layers", ".matte.png")
    wanted = replace(item, target=replace(item.target, with_foreground=True))
    left = remaining_target(wanted, "skip")
    assert (left.formats, left.with_matte, left.with_foreground) == ((), False, True)
