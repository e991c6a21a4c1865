"""From inputs to items: names that never clash and do not depend on who came first."""

import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.photos import save_matte, save_photo
from zippo_desktop.batch.job import Options
from zippo_desktop.batch.plan import plan_generation, plan_matting, plan_painting
from zippo_desktop.batch.prompts import PromptRow
from zippo_desktop.errors import UsageError
from zippo_desktop.export.write import planned_paths
from zippo_desktop.export.writing import Writing
from zippo_desktop.pipelines.request import GenerationRequest, MattingRequest, PaintingRequest


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "in"


@pytest.fixture
def options(tmp_path):
    return Options(tmp_path / "out")


def outputs(job):
    """What would be written, below the output folder, with slashes."""
    root = job.options.output_dir
    return [path.relative_to(root).as_posix() for item in job.items for path in planned_paths(item.target)]


def matting(inputs, options):
    return plan_matting(inputs, MattingRequest(), options)


def test_sub_folders_are_kept(folder, options):
    for name in ("a.jpg", "sub/b.jpg"):
        save_photo(folder / name)
    assert outputs(matting([folder], options)) == ["a.png", "sub/b.png"]


def test_each_format_has_its_file(folder, options):
    save_photo(folder / "a.jpg")
    options = replace(options, writing=Writing(("png", "psd", "layers"), with_matte=True))
    assert sorted(outputs(matting([folder], options))) == ["a.layers", "a.matte.png", "a.png", "a.psd"]


def test_photos_of_one_stem_are_told_apart_by_their_endings(folder, options):
    for name in ("a.jpg", "a.png", "b.png"):
        save_photo(folder / name)
    assert outputs(matting([folder], options)) == ["a-jpg.png", "a-png.png", "b.png"]


def test_two_folders_never_write_the_same_file(folder, options):
    for name in ("x/a.jpg", "y/a.jpg", "y/A.jpg" if sys.platform == "linux" else "y/b.jpg"):
        save_photo(folder / name)
    names = outputs(matting([folder / "x", folder / "y"], options))
    assert len({name.lower() for name in names}) == 3


def test_a_result_never_takes_a_mattes_name(folder, options):
    for name in ("a.jpg", "a.matte.jpg"):
        save_photo(folder / name)
    names = outputs(matting([folder], replace(options, writing=Writing(with_matte=True))))
    assert len(set(names)) == 4


def test_originals_are_never_written_to(folder):
    photos = [save_photo(folder / name) for name in ("a.png", "b.jpg", "c.png")]
    job = matting(photos, Options(folder, on_existing="overwrite"))
    written = {path for item in job.items for path in planned_paths(item.target)}
    assert written.isdisjoint(photos)
    assert outputs(job) == ["a-2.png", "b.png", "c-2.png"]


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_originals_are_recognised_through_links(folder, tmp_path):
    photo = save_photo(folder / "a.png")
    (tmp_path / "link").symlink_to(folder, target_is_directory=True)
    assert outputs(matting([photo], Options(tmp_path / "link"))) == ["a-2.png"]


def test_rename_avoids_what_is_there(folder, options):
    save_photo(folder / "a.jpg")
    save_photo(options.output_dir / "a.png")
    assert outputs(matting([folder], options)) == ["a.png"]
    assert outputs(matting([folder], replace(options, on_existing="rename"))) == ["a-2.png"]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux takes any byte in a name")
def test_names_that_are_not_utf_8_get_one_that_is(folder, options):
    folder.mkdir()
    for name in (b"caf\xe9.jpg", b"caf\xe8.jpg"):
        save_photo(folder / "a.jpg").rename(folder / os.fsdecode(name))
    names = outputs(matting([folder], options))
    assert len(set(names)) == 2
    assert all(name.encode() for name in names)


def test_problems_and_other_files_come_with_the_job(folder, options):
    save_photo(folder / "a.jpg")
    (folder / "notes.txt").write_text("x")
    job = matting([folder, folder / "none.jpg"], options)
    assert (len(job.items), len(job.problems), job.passed_over) == (1, 1, 1)


def test_no_picture_at_all_is_a_wrong_use(folder, options):
    folder.mkdir()
    (folder / "notes.txt").write_text("x")
    with pytest.raises(UsageError, match="no picture") as caught:
        matting([folder], options)
    assert "1 other file" in caught.value.hint


def test_generated_files_are_named_from_index_and_prompt(options):
    rows = [PromptRow("A red apple!"), PromptRow("Äpfel & Birnen, 50 %"), PromptRow("///")]
    job = plan_generation(rows, 1, GenerationRequest(""), options)
    assert outputs(job) == ["001-a-red-apple.png", "002-äpfel-birnen-50.png", "003-untitled.png"]


def test_a_long_prompt_makes_a_short_name(options):
    job = plan_generation([PromptRow("very " * 500 + "long")], 1, GenerationRequest(""), options)
    assert len(job.items[0].target.stem.encode()) <= 64
    assert job.items[0].request.prompt.endswith("long")


def test_count_counts_seeds_up(options):
    rows = [PromptRow("a pear"), PromptRow("a plum", seed=50, count=2)]
    job = plan_generation(rows, 3, GenerationRequest("", seed=7), options)
    assert [item.request.seed for item in job.items] == [7, 8, 9, 50, 51]
    assert [item.request.prompt for item in job.items] == ["a pear"] * 3 + ["a plum"] * 2


def test_a_row_overrides_the_options_and_leaves_the_rest(options):
    rows = [PromptRow("a pear", "text", steps=5, guidance=0.0, size=128, name="best pear", count=2, tries=2)]
    request = GenerationRequest("", "blur", 64, 20, 3.0, 1, tries=3)
    first, second = plan_generation(rows, 1, request, options).items
    assert first.request == GenerationRequest("a pear", "text", 128, 5, 0.0, 1, tries=2)
    assert [first.target.stem, second.target.stem] == ["best pear", "best pear-2"]
    open_row = plan_generation([PromptRow("a pear")], 1, request, options).items[0]
    assert open_row.request == replace(request, prompt="a pear")


def test_each_matte_is_painted_with_each_prompt_and_seed(folder, options):
    for name in ("a.png", "sub/b.png"):
        save_matte(folder / name)
    rows = [PromptRow("a pear"), PromptRow("a plum")]
    job = plan_painting([folder], rows, 2, PaintingRequest(""), options)
    assert outputs(job)[:4] == ["001-a-pear.png", "002-a-pear.png", "003-a-plum.png", "004-a-plum.png"]
    assert outputs(job)[4:] == [
        f"sub/{n:03}-a-{fruit}.png"
        for n, fruit in zip(range(5, 9), ["pear", "pear", "plum", "plum"], strict=True)
    ]
    assert [item.source for item in job.items] == [folder / "a.png"] * 4 + [folder / "sub" / "b.png"] * 4
    assert [item.request.seed for item in job.items] == [0, 1] * 4


def test_a_size_for_a_painting_is_told_with_its_line(folder, options):
    save_matte(folder / "a.png")
    row = PromptRow("a pear", size=128, where="p.csv line 3")
    with pytest.raises(UsageError, match=r"p\.csv line 3"):
        plan_painting([folder], [row], 1, PaintingRequest(""), options)


def test_indices_are_as_wide_as_the_job_needs(options):
    job = plan_generation([PromptRow("p")], 1000, GenerationRequest(""), options)
    assert [job.items[0].target.stem, job.items[-1].target.stem] == ["0001-p", "1000-p"]


def test_relative_and_absolute_output_folders_are_one(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    photo = save_photo(Path("in/a.png"))
    assert outputs(matting([photo], Options(folder))) == ["a-2.png"]


def test_a_row_with_a_matte_is_painted_into_that_one_alone(folder, options):
    for name in ("a.png", "own.png"):
        save_matte(folder / name)
    own = PromptRow("a plum", matte=folder / "own.png", where="p.csv line 3")
    job = plan_painting([folder / "a.png"], [PromptRow("a pear"), own], 1, PaintingRequest(""), options)
    assert [(item.source.name, item.request.prompt) for item in job.items] == [
        ("a.png", "a pear"),
        ("own.png", "a plum"),
    ]
    alone = plan_painting([], [own], 2, PaintingRequest(""), options)
    assert [item.source.name for item in alone.items] == ["own.png", "own.png"]


def test_a_row_without_any_matte_is_told_with_its_line(folder, options):
    save_matte(folder / "own.png")
    rows = [PromptRow("a", matte=folder / "own.png"), PromptRow("b", where="p.csv line 3")]
    with pytest.raises(UsageError, match=r"p\.csv line 3: there is no matte"):
        plan_painting([], rows, 1, PaintingRequest(""), options)


def test_a_matte_is_nothing_to_generate_from(folder, options):
    row = PromptRow("a", matte=folder / "own.png", where="p.csv line 2")
    with pytest.raises(UsageError, match=r"p\.csv line 2: a matte is painted into"):
        plan_generation([row], 1, GenerationRequest(""), options)
