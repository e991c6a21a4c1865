"""How much memory an item is taken to need, and how much a job may have."""

import os
from pathlib import Path

import pytest

from tests.photos import save_photo
from zippo_desktop.batch import memory
from zippo_desktop.batch.job import Item, Options
from zippo_desktop.batch.memory import BYTES_A_PIXEL, Memory, available_bytes, ceiling, item_bytes
from zippo_desktop.batch.work import Work
from zippo_desktop.export.write import Target
from zippo_desktop.pipelines.request import MattingRequest

OPTIONS = Options(Path("out"))


def item(source, *formats, start=None):
    return Item("a", MattingRequest(), Target(Path("out"), "a", formats or ("png",)), source, start)


def work(size):
    return Work(0, item(None), Target(Path("out"), "a", ("png",)), size)


def test_a_photo_counts_by_the_pixels_in_its_header(tmp_path):
    photo = save_photo(tmp_path / "a.jpg", 300, 200)
    photo.write_bytes(photo.read_bytes()[:700])  # the rest is not read
    assert item_bytes(item(photo), OPTIONS) == 300 * 200 * BYTES_A_PIXEL


def test_hungry_formats_count_for_more(tmp_path):
    photo = save_photo(tmp_path / "a.png", 300, 200)
    assert item_bytes(item(photo, "png", "avif"), OPTIONS) == 300 * 200 * 50


def test_the_larger_of_two_pictures_counts(tmp_path):
    small, large = save_photo(tmp_path / "a.png", 30, 20), save_photo(tmp_path / "b.png", 300, 200)
    assert item_bytes(item(small, start=large), OPTIONS) == 300 * 200 * BYTES_A_PIXEL


def test_kinds_with_other_headers_are_guessed_by_their_bytes(tmp_path):
    for name, each in (("a.nef", 1), ("a.heic", 8)):
        (tmp_path / name).write_bytes(bytes(1000))
        assert item_bytes(item(tmp_path / name), OPTIONS) == 1000 * each * BYTES_A_PIXEL


def test_a_raw_does_not_count_by_its_preview(tmp_path):
    photo = save_photo(tmp_path / "a.tiff", 30, 20)
    photo = photo.rename(tmp_path / "a.dng")
    assert item_bytes(item(photo), OPTIONS) == photo.stat().st_size * BYTES_A_PIXEL


def test_what_is_refused_anyway_does_not_stop_the_others(tmp_path):
    photo = save_photo(tmp_path / "a.png", 300, 200)
    options = Options(Path("out"), max_pixels=1000)
    assert item_bytes(item(photo), options) == 1000 * BYTES_A_PIXEL


def test_what_is_no_picture_counts_as_nothing(tmp_path):
    assert item_bytes(item(None), OPTIONS) == 0
    assert item_bytes(item(tmp_path / "none.jpg"), OPTIONS) == 0
    assert item_bytes(item(tmp_path), OPTIONS) == 0
    assert item_bytes(item(Path("a\0b.jpg")), OPTIONS) == 0


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no such pipes")
def test_a_pipe_is_not_opened(tmp_path):
    os.mkfifo(tmp_path / "a.jpg")
    assert item_bytes(item(tmp_path / "a.jpg"), OPTIONS) == 0


def test_the_ceiling_is_what_was_asked_for_or_half_of_what_is_left(monkeypatch):
    assert ceiling(Options(Path("out"), memory_mb=500)) == 500_000_000
    monkeypatch.setattr(memory, "available_bytes", lambda: 3_000_000_000)
    assert ceiling(OPTIONS) == 1_500_000_000


def test_the_machine_tells_what_is_left():
    assert 1 << 24 < available_bytes() < 1 << 50


def test_a_machine_that_does_not_tell_has_a_little(monkeypatch):
    monkeypatch.setattr(memory.sys, "platform", "linux")
    monkeypatch.setattr(Path, "read_text", lambda *arguments: "nothing of the kind")
    assert available_bytes() == memory.UNKNOWN_BYTES


def test_items_are_admitted_up_to_the_ceiling():
    held, first, second = Memory(100), work(60), work(40)
    held.hold(first)
    assert held.admits(second)
    held.hold(second)
    assert not held.admits(work(1))
    held.release(first)
    held.release(first)  # as after a failure that was told twice
    assert held.admits(work(60))
    assert not held.admits(work(61))


def test_one_that_is_larger_is_admitted_alone():
    held, small = Memory(100), work(1)
    assert held.admits(work(500))
    held.hold(small)
    assert not held.admits(work(500))
