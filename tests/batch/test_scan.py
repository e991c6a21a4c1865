"""Finding pictures in trees as they come from cameras, archives and other programs."""

import os
import sys
from pathlib import Path

import pytest

from tests.photos import save_photo
from zippo_desktop.batch.scan import scan
from zippo_desktop.errors import UsageError

on_posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX files")


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "in"


@pytest.fixture
def output(tmp_path):
    return tmp_path / "out"


def labels(result):
    return [found.label for found in result.found]


def test_a_tree_is_read_in_the_order_of_names_and_keeps_its_folders(folder, output):
    for name in ("b.png", "a.JPG", "z/c.png", "z/y/d.png", "k/e.png"):
        save_photo(folder / name)
    result = scan([folder], output)
    assert labels(result) == [
        str(Path(name)) for name in ("a.JPG", "b.png", "k/e.png", "z/c.png", "z/y/d.png")
    ]
    assert result.found[-1].subfolder == Path("z/y")
    assert result.problems == []


def test_without_recursion_sub_folders_are_left_alone(folder, output):
    for name in ("a.png", "b/c.png"):
        save_photo(folder / name)
    assert labels(scan([folder], output, recursive=False)) == ["a.png"]


def test_other_files_are_passed_over_and_counted(folder, output):
    save_photo(folder / "a.png")
    for name in ("notes.txt", "film.mp4", "sub/none"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("x")
    result = scan([folder, folder / "notes.txt"], output)
    assert labels(result) == ["a.png"]
    assert result.passed_over == 4  # notes.txt was named a second time


def test_hidden_files_and_folders_are_no_pictures(folder, output):
    for name in ("a.png", "._a.png", ".thumbnails/a.png"):
        save_photo(folder / name)
    assert labels(scan([folder], output)) == ["a.png"]


def test_what_is_named_twice_is_done_once(folder, output):
    save_photo(folder / "a.png")
    save_photo(folder / "sub" / "b.png")
    result = scan([folder / "sub", folder, folder / "a.png", folder / "sub" / ".." / "a.png"], output)
    assert labels(result) == ["b.png", "a.png"]


def test_the_output_folder_inside_the_input_is_not_read(folder):
    save_photo(folder / "a.png")
    save_photo(folder / "out" / "a.png")
    save_photo(folder / "out" / "deep" / "b.png")
    assert labels(scan([folder], folder / "out")) == ["a.png"]


def test_one_folder_as_input_and_output_is_refused(folder):
    save_photo(folder / "a.png")
    with pytest.raises(UsageError, match="input and output"):
        scan([folder], folder / ".." / "in")


def test_a_file_may_be_cut_out_into_its_own_folder(folder):
    save_photo(folder / "a.jpg")
    assert labels(scan([folder / "a.jpg"], folder)) == ["a.jpg"]


def test_a_file_that_does_not_exist_is_one_problem(folder, output):
    save_photo(folder / "a.png")
    result = scan([folder / "none.png", folder / "nowhere", folder], output)
    assert labels(result) == ["a.png"]
    assert [problem.message for problem in result.problems] == [
        f"{folder / 'none.png'} does not exist.",
        f"{folder / 'nowhere'} does not exist.",
    ]


def test_an_unreadable_folder_is_one_problem_and_the_others_are_read(folder, output, monkeypatch):
    for name in ("a.png", "locked/b.png", "open/c.png"):
        save_photo(folder / name)
    scandir = os.scandir

    def refuse(path):  # the tests may run as root, whom no permission stops
        if Path(path).name == "locked":
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    result = scan([folder], output)
    assert labels(result) == ["a.png", str(Path("open/c.png"))]
    assert [problem.message for problem in result.problems] == [
        f"The folder {folder / 'locked'} cannot be read: Permission denied."
    ]


@on_posix
def test_links_in_a_circle_end(folder, output):
    save_photo(folder / "sub" / "a.png")
    (folder / "sub" / "up").symlink_to(folder, target_is_directory=True)
    (folder / "self").symlink_to("self")
    (folder / "self.png").symlink_to("self.png")
    result = scan([folder], output)
    assert labels(result) == [str(Path("sub/a.png"))]
    assert len(result.problems) == 1
    assert "self.png" in result.problems[0].message


@on_posix
def test_links_to_pictures_and_folders_are_followed(folder, output, tmp_path):
    save_photo(tmp_path / "elsewhere" / "a.png")
    folder.mkdir()
    (folder / "linked").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    (folder / "b.png").symlink_to(tmp_path / "elsewhere" / "a.png")
    (folder / "gone.png").symlink_to(tmp_path / "nothing.png")
    result = scan([folder], output)
    assert labels(result) == ["b.png", str(Path("linked/a.png"))]
    assert [problem.message for problem in result.problems] == [
        f"{folder / 'gone.png'} is a link to nothing."
    ]


@on_posix
def test_a_pipe_named_as_a_picture_is_not_opened(folder, output):
    folder.mkdir()
    os.mkfifo(folder / "pipe.jpg")
    result = scan([folder], output)
    assert [problem.message for problem in result.problems] == [
        f"{folder / 'pipe.jpg'} is not a regular file."
    ]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux takes any byte in a name")
def test_a_name_that_is_not_utf_8_is_found(folder, output):
    folder.mkdir()
    name = os.fsdecode(b"caf\xe9.png")
    save_photo(folder / "a.png").rename(folder / name)
    assert labels(scan([folder], output)) == [name]
