"""Look options and presets on the command line."""

from __future__ import annotations

import json

import pytest
from PIL import Image

from tests.photos import save_photo
from zippo_desktop.cli.look_options import Format
from zippo_desktop.cli.options import MAX_MEGAPIXELS
from zippo_desktop.export.write import SUFFIXES
from zippo_desktop.imaging.decode import MAX_PIXELS
from zippo_desktop.looks.options import LOOK_OPTIONS


@pytest.fixture
def photo(tmp_path):
    return save_photo(tmp_path / "in" / "a.png")


def test_every_option_is_in_the_help(zippo):
    told = zippo("matte", "--help").stdout
    for option in LOOK_OPTIONS:
        assert f"--{option.name}" in told
    told = zippo("generate", "--help").stdout
    assert "--canvas" in told
    assert "--edges" not in told


def test_list_tells_names_and_purposes_and_marks_ones_own(zippo):
    assert zippo("presets", "save", "mine", "--edges", "fine", "--description", "For me").exit_code == 0
    lines = zippo("presets", "list").stdout.splitlines()
    assert any(line.startswith("  retouch-psd") and "PSD" in line for line in lines)
    assert any(line.startswith("* mine") and line.endswith("For me") for line in lines)


def test_show_prints_what_was_saved_on_top_of_another(zippo):
    zippo("presets", "save", "shop", "--preset", "marketplace-white-2000", "--no-matte", "--quality", "80")
    lines = zippo("presets", "show", "shop").stdout.splitlines()
    assert 'canvas = "2000x2000"' in lines
    assert "quality = 80" in lines
    assert "matte = false" in lines


def test_saving_over_ones_own_is_asked_for(zippo):
    zippo("presets", "save", "mine", "--edges", "fine")
    result = zippo("presets", "save", "mine", "--edges", "fast")
    assert (result.exit_code, "exists" in result.stderr) == (2, True)
    assert zippo("presets", "save", "mine", "--edges", "fast", "--overwrite").exit_code == 0


def test_preset_decides_and_the_hand_wins(zippo, photo, tmp_path):
    out = tmp_path / "out"
    result = zippo("matte", photo, "-o", out, "--preset", "marketplace-white-2000", "--canvas", "300x200")
    assert result.exit_code == 0
    with Image.open(out / "a.jpg") as picture:
        assert picture.size == (300, 200)
        assert picture.getpixel((0, 0)) == (255, 255, 255)


def test_switches_of_a_preset_can_be_taken_back(zippo, photo, tmp_path):
    zippo("presets", "save", "both", "--matte", "--foreground-file")
    out = tmp_path / "out"
    zippo("matte", photo, "-o", out, "--preset", "both", "--no-matte")
    assert sorted(path.name for path in out.iterdir()) == ["a.foreground.png", "a.png"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--preset", "shop"), "no preset 'shop'"),
        (("--canvas", "big"), '"big" is no canvas'),
        (("--background", "whte"), '"whte" is no background'),
        (("--quality", "0"), "quality cannot be 0"),
        (("--expand", "1000"), "expand_px is 1000.0"),
        (("--trimap", "none.png"), "none.png does not exist"),
    ],
)
def test_what_makes_no_sense_is_told_before_anything_starts(zippo, opened, photo, tmp_path, arguments, told):
    result = zippo("matte", photo, "-o", tmp_path / "out", *arguments)
    assert (result.exit_code, told in result.stderr) == (2, True)
    assert opened == []


def test_a_preset_of_mattes_serves_generation_as_far_as_it_goes(zippo, tmp_path):
    out = tmp_path / "out"
    result = zippo("generate", "an apple", "-o", out, "--preset", "retouch-psd")
    assert result.exit_code == 0
    assert [path.suffix for path in out.iterdir()] == [".psd"]


def test_a_trimap_beside_the_photo_holds(zippo, photo, tmp_path):
    trimap = Image.new("L", Image.open(photo).size, 128)
    trimap.paste(255, (0, 0, 9, 9))
    trimap.paste(0, (20, 20, 30, 30))
    trimap.save(photo.with_name("a.trimap.png"))
    out = tmp_path / "out"
    assert zippo("matte", photo.parent, "-o", out, "--feather", "5").exit_code == 0
    alpha = Image.open(out / "a.png").getchannel("A")
    assert alpha.crop((0, 0, 9, 9)).getextrema() == (255, 255)
    assert alpha.crop((20, 20, 30, 30)).getextrema() == (0, 0)
    assert [path.name for path in out.iterdir()] == ["a.png"]


def test_one_trimap_for_many_photos_is_refused(zippo, photo, tmp_path):
    save_photo(photo.with_name("b.png"))
    trimap = save_photo(tmp_path / "t.png")
    result = zippo("matte", photo.parent, "-o", tmp_path / "out", "--trimap", trimap)
    assert (result.exit_code, "one trimap for 2 photos" in result.stderr) == (2, True)


def test_a_too_large_photo_fails_alone_and_the_limit_is_told(zippo, photo, tmp_path):
    Image.new("RGB", (1100, 1000)).save(photo.with_name("big.png"))
    report = tmp_path / "report.json"
    result = zippo("matte", photo.parent, "-o", tmp_path / "out", "--max-megapixels", "1", "--report", report)
    assert result.exit_code == 1
    statuses = {item["name"]: item["status"] for item in json.loads(report.read_text())["items"]}
    assert statuses == {"a.png": "done", "big.png": "failed"}
    assert "--max-megapixels" in result.stderr


def test_what_the_command_line_says_again_is_what_the_program_knows():
    """It starts without the exporters and decoders, and so has their names and limits of its own."""
    assert [str(kind) for kind in Format] == list(SUFFIXES)
    assert MAX_MEGAPIXELS * 1_000_000 == MAX_PIXELS
