"""Results called by a template, across a whole job."""

from __future__ import annotations

import pytest
from PIL import ExifTags, Image

from tests.photos import save_photo
from zippo_desktop.batch.job import Options
from zippo_desktop.batch.plan import plan_generation, plan_matting
from zippo_desktop.batch.prompts import PromptRow
from zippo_desktop.export.write import planned_paths
from zippo_desktop.export.writing import Writing
from zippo_desktop.pipelines.request import GenerationRequest, MattingRequest


def names(job):
    root = job.options.output_dir
    return [path.relative_to(root).as_posix() for item in job.items for path in planned_paths(item.target)]


def matting(tmp_path, template, preset="", **writing):
    options = Options(tmp_path / "out", writing=Writing(name=template, **writing), preset=preset)
    return plan_matting([tmp_path / "in"], MattingRequest(), options)


@pytest.fixture
def photos(tmp_path):
    for name in ("a.jpg", "b.jpg", "sub/a.jpg"):
        save_photo(tmp_path / "in" / name)
    return tmp_path


def test_index_folder_and_preset(photos):
    job = matting(photos, "{preset}-{parent}-{stem}-{index:03}", preset="shop")
    assert names(job) == ["shop-in-a-001.png", "shop-in-b-002.png", "sub/shop-sub-a-003.png"]


def test_equal_names_are_numbered_before_anything_starts(photos):
    assert names(matting(photos, "cut")) == ["cut.png", "cut-2.png", "sub/cut.png"]


def test_folders_can_be_flattened_without_losing_a_photo(photos):
    assert names(matting(photos, None, keep_folders=False)) == ["a.png", "b.png", "a-2.png"]


def test_photos_of_one_stem_stay_apart(tmp_path):
    for name in ("a.jpg", "a.png"):
        save_photo(tmp_path / "in" / name)
    assert names(matting(tmp_path, "{stem} x")) == ["a-jpg x.png", "a-png x.png"]


def test_size_and_day_are_those_of_the_upright_photo(tmp_path):
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = "2021:02:03 04:05:06"
    (tmp_path / "in").mkdir()
    Image.new("RGB", (40, 30)).save(tmp_path / "in" / "a.jpg", exif=exif)
    assert names(matting(tmp_path, "{width}x{height} {date}")) == ["30x40 2021-02-03.png"]


def test_a_damaged_photo_still_gets_a_name_and_is_told_when_it_is_decoded(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.jpg").write_bytes(b"no picture")
    assert names(matting(tmp_path, "{stem} {width}")) == ["a 0.png"]


def test_prompts_and_seeds(tmp_path):
    options = Options(tmp_path, writing=Writing(name="{prompt:5} {seed}"))
    rows = [PromptRow("an apple"), PromptRow("a pear")]
    assert names(plan_generation(rows, 2, GenerationRequest("", seed=5), options)) == [
        "an ap 5.png",
        "an ap 6.png",
        "a pea 5.png",
        "a pea 6.png",
    ]
