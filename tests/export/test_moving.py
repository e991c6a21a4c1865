"""Files that change their place: never lost, never over another, also from disk to disk."""

from __future__ import annotations

import errno
import os

import pytest

from zippo_desktop.errors import ExportError
from zippo_desktop.export import moving
from zippo_desktop.export.moving import move_file


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "a.jpg"
    path.write_bytes(b"photo" * 1000)
    os.utime(path, ns=(1_600_000_000_123_456_789, 1_600_000_000_123_456_789))
    return path


@pytest.fixture
def two_disks(monkeypatch):
    """Renaming between folders fails as it does between disks; inside one folder it works."""
    rename = os.rename

    def rename_nearby(old, new):
        if os.path.dirname(old) != os.path.dirname(new):
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        rename(old, new)

    monkeypatch.setattr("os.rename", rename_nearby)


def test_a_file_is_moved_into_a_new_folder(source, tmp_path):
    target = tmp_path / "done" / "sub" / "a.jpg"
    move_file(source, target)
    assert target.read_bytes() == b"photo" * 1000
    assert not source.exists()


def test_another_disk_gets_the_same_file_with_its_times(source, tmp_path, two_disks):
    before = source.stat()
    target = tmp_path / "done" / "a.jpg"
    move_file(source, target)
    assert target.read_bytes() == b"photo" * 1000
    assert (target.stat().st_mtime_ns, target.stat().st_mode) == (before.st_mtime_ns, before.st_mode)
    assert not source.exists()
    assert os.listdir(tmp_path / "done") == ["a.jpg"]


@pytest.mark.parametrize("is_link", [False, True])
def test_what_has_the_name_stays(source, tmp_path, is_link):
    target = tmp_path / "b.jpg"
    if is_link:
        target.symlink_to("nowhere")
    else:
        target.write_text("another")
    with pytest.raises(FileExistsError):
        move_file(source, target)
    assert source.exists()
    assert target.is_symlink() if is_link else target.read_text() == "another"


def test_a_copy_that_is_not_the_same_is_given_up(source, tmp_path, two_disks, monkeypatch):
    def copy_badly(original, copy):
        copy.write(original.read()[:-1] + b"!")

    monkeypatch.setattr("shutil.copyfileobj", copy_badly)
    with pytest.raises(ExportError, match="not the same"):
        move_file(source, tmp_path / "done" / "a.jpg")
    assert source.read_bytes() == b"photo" * 1000
    assert os.listdir(tmp_path / "done") == []


def test_a_full_disk_leaves_the_photo_where_it_was(source, tmp_path, two_disks, monkeypatch):
    def no_space(original, copy):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(moving.shutil, "copyfileobj", no_space)
    with pytest.raises(ExportError, match="no room"):
        move_file(source, tmp_path / "done" / "a.jpg")
    assert source.exists()
    assert os.listdir(tmp_path / "done") == []
