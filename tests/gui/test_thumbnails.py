"""Thumbnails: right, kept, made for what is in sight, and withdrawn."""

import os
import threading
from pathlib import Path

import pytest
from PIL import Image

from tests.gui.item_lists import make_cutout, make_photo
from zippo_desktop.gui import thumbnail_files, thumbnails
from zippo_desktop.gui.thumbnail_files import prune, read_thumbnail
from zippo_desktop.gui.thumbnails import ThumbnailCache
from zippo_desktop.paths import cache_dir


@pytest.fixture
def cache(qtbot):
    cache = ThumbnailCache()
    yield cache
    cache.close()


def colours(image):
    return image.pixelColor(image.width() // 2, image.height() // 2).getRgb()


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.webp", "a.tif"])
def test_a_thumbnail_has_the_pictures_shape_and_colour(qapp, tmp_path, name):
    photo = make_photo(tmp_path / name, (600, 300), (200, 40, 90))
    image = read_thumbnail(photo, 100, tmp_path / "kept")
    assert (image.width(), image.height()) == (100, 50)
    assert not image.hasAlphaChannel()
    assert colours(image) == pytest.approx((200, 40, 90, 255), abs=4)


def test_a_photo_is_upright(qapp, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (600, 300)).save(tmp_path / "a.jpg", exif=exif)
    image = read_thumbnail(tmp_path / "a.jpg", 100, tmp_path / "kept")
    assert (image.width(), image.height()) == (50, 100)


def test_a_cut_out_stays_transparent(qapp, tmp_path):
    image = read_thumbnail(make_cutout(tmp_path / "a.png"), 100, tmp_path / "kept")
    assert image.hasAlphaChannel()
    assert colours(image)[3] == 0


def test_a_small_picture_is_not_enlarged(qapp, tmp_path):
    image = read_thumbnail(make_photo(tmp_path / "a.png", (8, 6)), 100, tmp_path / "kept")
    assert (image.width(), image.height()) == (8, 6)


@pytest.mark.parametrize("content", [b"", b"no picture", b"\xff\xd8\xff cut"])
def test_what_shows_nothing_gives_no_thumbnail(qapp, tmp_path, content):
    path = tmp_path / "a.jpg"
    path.write_bytes(content)
    assert read_thumbnail(path, 100, tmp_path / "kept") is None
    assert read_thumbnail(tmp_path / "gone.jpg", 100, tmp_path / "kept") is None


def test_a_thumbnail_is_made_once(qapp, tmp_path, monkeypatch):
    photo = make_photo(tmp_path / "a.png")
    assert read_thumbnail(photo, 20, tmp_path / "kept")
    assert len(list((tmp_path / "kept").rglob("*.webp"))) == 1
    monkeypatch.setattr(thumbnail_files, "_make", lambda path: pytest.fail("it was made again"))
    assert read_thumbnail(photo, 10, tmp_path / "kept").width() == 10


def test_a_changed_file_is_read_again(qapp, tmp_path):
    photo = make_photo(tmp_path / "a.png", colour=(255, 0, 0))
    read_thumbnail(photo, 20, tmp_path / "kept")
    make_photo(photo, colour=(0, 0, 255))
    os.utime(photo, ns=(1, 1))
    assert colours(read_thumbnail(photo, 20, tmp_path / "kept")) == pytest.approx((0, 0, 255, 255), abs=4)


def test_a_broken_kept_file_is_made_anew(qapp, tmp_path):
    photo = make_photo(tmp_path / "a.png")
    read_thumbnail(photo, 20, tmp_path / "kept")
    next((tmp_path / "kept").rglob("*.webp")).write_bytes(b"RIFF")
    assert read_thumbnail(photo, 20, tmp_path / "kept")


def test_a_disk_that_takes_nothing_costs_only_time(qapp, tmp_path):
    (tmp_path / "kept").write_text("a file where the folder should be")
    assert read_thumbnail(make_photo(tmp_path / "a.png"), 20, tmp_path / "kept")


def test_the_oldest_are_deleted_first(tmp_path):
    for number in range(4):
        path = tmp_path / "00" / f"{number}.webp"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(bytes(100))
        os.utime(path, (number, number))
    prune(tmp_path, 250)
    assert sorted(path.name for path in tmp_path.rglob("*.webp")) == ["2.webp", "3.webp"]


def test_what_is_wanted_comes_and_is_kept_below_the_cache_folder(cache, qtbot, tmp_path):
    photo = make_photo(tmp_path / "a.jpg")
    assert cache.pixmap(photo) is None
    with qtbot.waitSignal(cache.loaded) as loaded:
        cache.want([photo], 20)
    assert loaded.args == [photo]
    assert cache.pixmap(photo).width() == 20
    assert list((cache_dir() / "thumbnails").rglob("*.webp"))


def test_what_cannot_be_seen_is_known_to_be_unreadable(cache, qtbot, tmp_path):
    with qtbot.waitSignal(cache.loaded):
        cache.want([tmp_path / "gone.jpg"], 20)
    assert cache.pixmap(tmp_path / "gone.jpg") is None
    assert cache.is_unreadable(tmp_path / "gone.jpg")
    cache.want([tmp_path / "gone.jpg"], 20)
    assert cache.waiting == 0


def test_another_size_is_read_while_the_old_one_is_shown(cache, qtbot, tmp_path):
    photo = make_photo(tmp_path / "a.jpg")
    for side in (10, 30):
        with qtbot.waitSignal(cache.loaded):
            cache.want([photo], side)
            assert side == 10 or cache.pixmap(photo).width() == 10
        assert cache.pixmap(photo).width() == side


def test_requests_that_nobody_wants_any_more_are_withdrawn(cache, qtbot, tmp_path, monkeypatch):
    go_on, read = threading.Event(), []

    def slow(path, side_px, folder):
        go_on.wait(5)
        read.append(path.name)

    monkeypatch.setattr(thumbnails, "read_thumbnail", slow)
    cache.want([Path(f"{number}.jpg") for number in range(100)], 20)
    cache.want([Path("last.jpg")], 20)
    go_on.set()
    qtbot.waitUntil(lambda: cache.waiting == 0)
    assert "last.jpg" in read
    assert len(read) <= 1 + thumbnails._THREADS


def test_memory_has_a_limit(cache, qtbot, tmp_path, monkeypatch):
    monkeypatch.setattr(thumbnails, "MOST_BYTES", 3 * 20 * 15 * 4)
    photos = [make_photo(tmp_path / f"{number}.png") for number in range(6)]
    cache.want(photos, 20)
    qtbot.waitUntil(lambda: cache.waiting == 0)
    assert sum(cache.pixmap(photo) is not None for photo in photos) == 3
    assert cache.bytes_held == 3 * 20 * 15 * 4


def test_a_forgotten_thumbnail_is_read_again(cache, qtbot, tmp_path):
    photo = make_photo(tmp_path / "a.png")
    for _ in range(2):
        with qtbot.waitSignal(cache.loaded):
            cache.want([photo], 20)
        cache.forget(photo)
        assert cache.pixmap(photo) is None
    assert cache.bytes_held == 0


def test_a_fault_in_a_reader_is_logged_and_ends_the_wait(cache, qtbot, monkeypatch, caplog):
    def fail(path, side_px, folder):
        raise RuntimeError("a bug")

    monkeypatch.setattr(thumbnails, "read_thumbnail", fail)
    with qtbot.waitSignal(cache.loaded):
        cache.want([Path("a.jpg")], 20)
    qtbot.waitUntil(lambda: "Unexpected error" in caplog.text)
    caplog.clear()
