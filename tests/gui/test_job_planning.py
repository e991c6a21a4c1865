"""The window's jobs are the command line's: the same items, names and options for the same inputs."""

from pathlib import Path

import pytest

from tests.photos import save_matte, save_photo
from zippo_desktop.batch.job import Options
from zippo_desktop.batch.plan import plan_matting
from zippo_desktop.batch.prompts import PromptRow
from zippo_desktop.batch.scan import scan
from zippo_desktop.errors import UsageError
from zippo_desktop.export.write import planned_paths
from zippo_desktop.gui.planning import Order, options_of, plan
from zippo_desktop.pipelines.request import MattingRequest
from zippo_desktop.settings import Settings


@pytest.fixture
def folder(tmp_path):
    for name in ("a.jpg", "sub/a.png", "sub/b.png", "sub/deep/a.png"):
        save_photo(tmp_path / "in" / name)
    return tmp_path / "in"


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"


def photos_in(*inputs):
    return tuple(scan(inputs, Path("nowhere")).found)


def files(job):
    return [path for item in job.items for path in planned_paths(item.target)]


def test_a_folder_is_planned_as_by_the_command_line(folder, out):
    job = plan(Order("matting", out, photos_in(folder)), Settings())
    assert job == plan_matting([folder], MattingRequest(), Options(out))


def test_names_stay_when_photos_are_taken_from_the_list(folder, out):
    whole = plan(Order("matting", out, photos_in(folder), values={"name": "{index}-{stem}"}), Settings())
    few = [photo for photo in photos_in(folder) if photo.path.name == "b.png"]
    job = plan(Order("matting", out, tuple(few), values={"name": "{index}-{stem}"}), Settings())
    assert job.items == tuple(item for item in whole.items if item.source.name == "b.png")
    assert files(job) == [out / "sub" / "3-b.png"]


def test_single_photos_need_no_look_at_their_folder(folder, out):
    job = plan(Order("matting", out, photos_in(folder / "sub" / "b.png")), Settings())
    assert files(job) == [out / "b.png"]
    assert len(job.items) == 1


def test_a_photo_that_is_gone_is_told_and_the_others_are_done(folder, out):
    photos = photos_in(folder)
    (folder / "sub" / "b.png").unlink()
    job = plan(Order("matting", out, photos), Settings())
    assert [problem.label for problem in job.problems] == [str(folder / "sub" / "b.png")]
    assert len(job.items) == 3


def test_what_is_not_set_comes_from_the_settings(out):
    settings = Settings(engine="torch", provider="cpu", formats=("psd",))
    options, request = options_of(Order("matting", out, values={"steps": 3}, model="mine"), settings)
    assert (options.engine, options.provider, options.model) == ("torch", "cpu", "mine")
    assert options.writing.formats == ("psd",)
    assert request == MattingRequest(steps=3)


def test_prompts_and_mattes_are_planned(tmp_path, out):
    rows = (PromptRow("a pear", count=2, seed=7, steps=4),)
    made = plan(Order("generation", out, rows=rows), Settings())
    assert [(item.request.seed, item.request.steps) for item in made.items] == [(7, 4), (8, 4)]
    matte, photo = save_matte(tmp_path / "m.png"), save_photo(tmp_path / "p.png")
    painted = plan(Order("painting", out, rows=rows, mattes=(matte,), photo=photo, strength=0.6), Settings())
    assert [(item.start, item.request.strength) for item in painted.items] == [(photo, 0.6)] * 2


@pytest.mark.parametrize("task", ["matting", "painting", "generation"])
def test_nothing_to_do_is_a_sentence(task, out):
    with pytest.raises(UsageError):
        plan(Order(task, out), Settings())
