"""`matte`, `paint` and `generate`: files, exit codes, and what is said."""

import json
import os
import sys

import numpy as np
import pytest
from PIL import Image

from tests.photos import save_matte, save_photo, save_truncated
from zippo_desktop.batch.saved_job import list_jobs, read_job
from zippo_desktop.cli import options as opt
from zippo_desktop.cli import run
from zippo_desktop.engine.fake_session import FakeSession
from zippo_desktop.errors import EngineError, ModelError
from zippo_desktop.paths import jobs_dir, settings_path
from zippo_desktop.pipelines.confidence import UNCERTAIN_BELOW
from zippo_desktop.settings import Settings, save_settings


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "in"


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"


def names(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_a_folder_of_photos_is_cut_out(zippo, folder, out):
    save_photo(folder / "a.jpg")
    save_photo(folder / "sub" / "b.png")
    (folder / "notes.txt").write_text("x")
    result = zippo("matte", folder, "-o", out, "--matte", "--format", "png", "--format", "psd")
    assert result.exit_code == 0
    assert names(out) == ["a.matte.png", "a.png", "a.psd", "sub/b.matte.png", "sub/b.png", "sub/b.psd"]
    assert result.stdout.startswith("2 cut out, 1 other files passed over;")
    assert "fake 1 on fake/cpu" in result.stderr


def test_bad_files_are_a_line_each_and_exit_code_1(zippo, folder, out, tmp_path):
    save_photo(folder / "a.png")
    save_truncated(folder / "b.jpg")
    (folder / "c.jpg").write_text("hello")
    (folder / "d.jpg").touch()
    report_path = tmp_path / "reports" / "r.json"
    result = zippo("matte", folder, folder / "none.png", "-o", out, "--report", report_path)
    assert result.exit_code == 1
    assert names(out) == ["a.png"]
    told = [line for line in result.stderr.splitlines() if line.startswith("Failed: ")]
    for name in ("none.png", "b.jpg", "c.jpg", "d.jpg"):
        assert any(name in line for line in told)
    assert len(told) == 4
    assert "Traceback" not in result.output
    report = json.loads(report_path.read_text("utf-8"))
    assert report["counts"]["failed"] == 4
    assert report["exit_code"] == 1


def test_what_exists_is_skipped_and_told(zippo, folder, out):
    save_photo(folder / "a.png")
    zippo("matte", folder, "-o", out)
    written = (out / "a.png").stat().st_mtime_ns
    result = zippo("matte", folder, "-o", out)
    assert result.exit_code == 0
    assert (out / "a.png").stat().st_mtime_ns == written
    assert "1 skipped" in result.stdout
    assert "--on-existing overwrite" in result.stdout
    zippo("matte", folder, "-o", out, "--on-existing", "overwrite")
    assert (out / "a.png").stat().st_mtime_ns > written
    zippo("matte", folder, "-o", out, "--on-existing", "rename")
    assert names(out) == ["a-2.png", "a.png"]


def test_a_dry_run_lists_and_does_nothing(zippo, opened, folder, out):
    for name in ("a.jpg", "b.png"):
        save_photo(folder / name)
    out.mkdir()
    (out / "b.png").write_text("there")
    result = zippo("matte", folder, "-o", out, "--dry-run", "--format", "psd", "--format", "png")
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        f"a.jpg -> {out / 'a.psd'}",
        f"a.jpg -> {out / 'a.png'}",
        f"b.png -> {out / 'b.psd'}",
    ]
    assert names(out) == ["b.png"]
    assert opened == []
    assert not jobs_dir().exists()


def test_quiet_says_no_more_than_the_provider_and_problems(zippo, folder, out):
    save_photo(folder / "a.png")
    result = zippo("matte", folder, "-o", out, "--quiet")
    assert (result.stdout, result.stderr) == ("", "fake 1 on fake/cpu\n")
    (folder / "b.png").touch()
    assert "b.png is empty" in zippo("matte", folder, "-o", out, "-q").stderr


def test_verbose_says_a_line_for_each_item(zippo, folder, out):
    save_photo(folder / "a.png")
    assert "done: a.png (" in zippo("matte", folder, "-o", out, "--verbose").stderr
    assert "skipped: a.png (its files exist already)" in zippo("matte", folder, "-o", out, "-v").stderr


def test_fallbacks_are_told_even_if_quiet(zippo, folder, out, monkeypatch):
    save_photo(folder / "a.png")
    session = FakeSession(fallbacks=("CUDA was not used: it is missing.",))
    monkeypatch.setattr(run, "open_session", lambda *arguments: session)
    assert "CUDA was not used: it is missing." in zippo("matte", folder, "-o", out, "-q").stderr


@pytest.mark.parametrize(
    "error", [ModelError("It is broken.", "Copy it."), EngineError("None works.", "Copy it.")]
)
def test_an_unusable_model_is_a_sentence_and_exit_code_3(zippo, folder, out, monkeypatch, error):
    def fail(*arguments):
        raise error

    save_photo(folder / "a.png")
    monkeypatch.setattr(run, "open_session", fail)
    result = zippo("matte", folder, "-o", out)
    assert result.exit_code == 3
    assert f"Stopped: {error.message} Copy it." in result.stderr
    assert "1 not done" in result.stdout
    assert not out.exists()


def test_a_model_that_does_not_exist_is_exit_code_3(folder, out, zippo, monkeypatch):
    from zippo_desktop.engine.open_session import open_session

    save_photo(folder / "a.png")
    monkeypatch.setattr(run, "open_session", open_session)
    result = zippo("matte", folder, "-o", out, "--model", "no-such-model")
    assert result.exit_code == 3
    assert "no-such-model" in result.stderr


def test_no_picture_is_exit_code_2(zippo, folder, out):
    folder.mkdir()
    result = zippo("matte", folder, "-o", out)
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: There is no picture in ")


@pytest.mark.parametrize(
    "arguments",
    [
        ("--steps", "0"),
        ("--engine", "magic"),
        ("--provider", "abacus"),
        ("--format", "gif"),
        ("--on-existing", "ask"),
        ("--seed", "-1"),
        ("--no-such-option",),
    ],
)
def test_wrong_options_are_exit_code_2(zippo, opened, folder, out, arguments):
    save_photo(folder / "a.png")
    assert zippo("matte", folder, "-o", out, *arguments).exit_code == 2
    assert opened == []


def test_settings_are_the_defaults_and_options_win(zippo, opened, folder, out):
    save_photo(folder / "a.png")
    save_settings(Settings("mine", "torch", "cpu", ("psd",)), settings_path())
    zippo("matte", folder, "-o", out)
    assert names(out) == ["a.psd"]
    zippo("matte", folder, "-o", out, "--model", "other", "--engine", "onnx", "--format", "png")
    assert names(out) == ["a.png", "a.psd"]
    assert opened == [("mine", "torch", "cpu"), ("other", "onnx", "cpu")]


def test_wrong_and_broken_settings_are_told(zippo, folder, out):
    save_photo(folder / "a.png")
    save_settings(Settings(formats=("gif",)), settings_path())
    result = zippo("matte", folder, "-o", out)
    assert (result.exit_code, "no format 'gif'" in result.stderr) == (2, True)
    settings_path().write_text("{")
    result = zippo("matte", folder, "-o", out)
    assert (result.exit_code, "set aside" in result.stderr) == (0, True)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux takes any byte in a name")
def test_names_that_are_not_utf_8_do_not_break_the_lines(zippo, folder, out, tmp_path):
    folder.mkdir()
    good, bad = os.fsdecode(b"gut\xe9.png"), "b\nd.png"
    save_photo(folder / "a.png").rename(folder / good)
    (folder / bad).touch()
    result = zippo("matte", folder, "-o", out, "-v", "--report", tmp_path / "r.json")
    assert result.exit_code == 1
    assert "done: gut\\udce9.png" in result.stderr
    assert "b\\nd.png is empty" in result.stderr
    assert json.loads((tmp_path / "r.json").read_text("utf-8"))["counts"]["done"] == 1


def test_a_report_that_cannot_be_written_is_told_after_the_work(zippo, folder, out, tmp_path):
    save_photo(folder / "a.png")
    (tmp_path / "file").touch()
    result = zippo("matte", folder, "-o", out, "--report", tmp_path / "file" / "r.json")
    assert result.exit_code == 1
    assert "is a file, so results cannot go into it" in result.stderr
    assert names(out) == ["a.png"]


def test_reports_are_of_the_kind_that_their_names_say(zippo, folder, out, tmp_path):
    save_photo(folder / "a.png")
    page, plain = tmp_path / "r.html", tmp_path / "r.json"
    assert zippo("matte", folder, "-o", out, "--report", page, "--report", plain).exit_code == 0
    assert page.read_text("utf-8").count("data:image/webp;base64,") == 2  # the photo and the cut-out
    assert json.loads(plain.read_text("utf-8"))["counts"]["done"] == 1


def test_a_report_of_no_known_kind_is_told_before_the_work(zippo, opened, folder, out):
    save_photo(folder / "a.png")
    result = zippo("matte", folder, "-o", out, "--report", "r.pdf")
    assert (result.exit_code, "r.pdf is no name for a report" in result.stderr) == (2, True)
    assert opened == []


def test_uncertain_results_go_elsewhere_and_can_fail_the_job(zippo, folder, out, tmp_path, doubtful):
    for name in ("a.png", "sub/b.png", "sub/c.png"):
        save_photo(folder / name)
    doubtful |= {"b.png"}
    arguments = ("matte", folder, "-o", out, "--on-existing", "overwrite")
    told = zippo(*arguments)
    assert (told.exit_code, "3 cut out (1 uncertain)" in told.stdout) == (0, True)
    assert "zippo-desktop jobs report" in told.stdout
    assert zippo(*arguments, "--fail-if-uncertain").exit_code == 1
    assert zippo(*arguments, "--fail-if-uncertain", "--uncertain-below", "0.05").exit_code == 0
    result = zippo(*arguments, "--move-uncertain", tmp_path / "look", "-v")
    assert result.exit_code == 0
    assert names(out) == ["a.png", "sub/c.png"]
    assert names(tmp_path / "look") == ["sub/b.png"]
    assert "uncertain: 10%; Half of it is soft." in result.stderr


def test_the_told_threshold_is_the_one_in_use():
    (option,) = opt.UncertainBelowOption.__metadata__
    assert f"default: {UNCERTAIN_BELOW}]" in option.help


def test_photos_are_moved_only_if_asked(zippo, folder, out):
    save_photo(folder / "a.png")
    save_photo(folder / "sub" / "b.png")
    (folder / "c.png").write_text("no picture")
    zippo("matte", folder, "-o", out / "first")
    assert names(folder) == ["a.png", "c.png", "sub/b.png"]
    zippo("matte", folder, "-o", out / "second", "--move-originals", folder / "done")
    assert names(folder) == ["c.png", "done/a.png", "done/sub/b.png"]
    assert names(out / "second") == ["a.png", "sub/b.png"]


@pytest.mark.parametrize("option", ["--move-uncertain", "--move-originals"])
def test_folders_that_would_mix_are_refused(zippo, opened, folder, out, option):
    save_photo(folder / "a.png")
    for other in (out, folder):
        assert zippo("matte", folder, "-o", out, option, other).exit_code == 2
    assert opened == []


def test_batch_size_and_memory_limit_reach_the_job(zippo, folder, out):
    save_photo(folder / "a.png")
    save_settings(Settings(memory_mb=900), settings_path())
    zippo("matte", folder, "-o", out)
    zippo("matte", folder, "-o", out / "2", "--batch-size", 4, "--memory-limit", 500)
    options = [read_job(job_dir).job.options for job_dir in list_jobs(jobs_dir())]
    assert [(each.batch_size, each.memory_mb) for each in options] == [(0, 900), (4, 500)]


def test_a_bug_is_logged_and_told(zippo, folder, out, monkeypatch, caplog, own_home):
    def fail(*arguments):
        raise ZeroDivisionError("oh")

    save_photo(folder / "a.png")
    monkeypatch.setattr(run, "open_session", fail)
    result = zippo("matte", folder, "-o", out)
    assert result.exit_code == 1
    assert "This is a bug" in result.stderr
    assert "ZeroDivisionError" in next(own_home.rglob("zippo-desktop.log")).read_text()
    caplog.clear()


def test_prompts_become_pictures_with_their_parameters(zippo, out):
    result = zippo("generate", "a red apple", "a chair", "-o", out, "--seed", 7, "--count", 2, "--steps", 2)
    assert result.exit_code == 0
    assert names(out) == ["001-a-red-apple.png", "002-a-red-apple.png", "003-a-chair.png", "004-a-chair.png"]
    picture = Image.open(out / "004-a-chair.png")
    assert (picture.mode, picture.text["prompt"], picture.text["seed"]) == ("RGBA", "a chair", "8")


def test_prompts_come_from_a_table_too(zippo, out, tmp_path):
    table = tmp_path / "p.csv"
    table.write_text("prompt,size,name,steps\na pear,32,pear,1\na plum,,,2\n")
    assert zippo("generate", "a fig", "--prompts", table, "-o", out, "--steps", 1).exit_code == 0
    assert names(out) == ["001-a-fig.png", "003-a-plum.png", "pear.png"]
    assert Image.open(out / "pear.png").size == (32, 32)


def test_a_faulty_table_is_told_before_anything_starts(zippo, opened, out, tmp_path):
    table = tmp_path / "p.csv"
    table.write_text("prompt,steps\na pear,1\na plum,many\n")
    result = zippo("generate", "--prompts", table, "-o", out)
    assert result.exit_code == 2
    assert "line 3: steps 'many'" in result.stderr
    assert opened == []


@pytest.mark.parametrize("arguments", [(), ("  ",)])
def test_no_prompt_is_exit_code_2(zippo, out, arguments):
    result = zippo("generate", *arguments, "-o", out)
    assert result.exit_code == 2
    assert "no prompt" in result.stderr


def test_a_size_that_the_model_cannot_make_is_exit_code_2(zippo, out):
    result = zippo("generate", "a pear", "-o", out, "--size", 100)
    assert result.exit_code == 2
    assert "multiple of 16" in result.stderr
    assert not out.exists()


def test_prompts_with_brackets_are_no_markup(zippo, out):
    result = zippo("generate", "[red]a pear[/nothing]", "-o", out, "-v", "--steps", 1)
    assert "done: [red]a pear[/nothing] (" in result.stderr


def test_mattes_are_painted(zippo, folder, out):
    save_matte(folder / "m.png", 200, 100)
    result = zippo("paint", folder, "-o", out, "--prompt", "a pear", "--steps", 2, "--guidance", 1)
    assert result.exit_code == 0
    alpha = np.asarray(Image.open(out / "001-a-pear.png"))[..., 3]
    assert alpha.shape == (100, 200)
    assert (alpha[:, :100] == 255).all()


def test_a_colour_picture_is_no_matte(zippo, folder, out):
    Image.new("RGB", (40, 30), (200, 30, 30)).save(save_photo(folder / "a.png"))
    result = zippo("paint", folder, "-o", out, "--prompt", "a pear")
    assert result.exit_code == 1
    assert "not a matte" in result.stderr


def test_a_photo_is_painted_over_inside_its_matte(zippo, folder, out):
    photo = save_photo(folder / "photos" / "sub" / "m.png", 200, 100)
    save_matte(folder / "mattes" / "sub" / "m.matte.png", 200, 100)
    arguments = ("paint", folder / "mattes", "--prompt", "a pear", "--image", folder / "photos", "--steps", 4)

    assert zippo(*arguments, "-o", out, "--strength", 0).exit_code == 0
    kept = Image.open(out / "sub" / "001-a-pear.png")
    matte = np.asarray(kept)[..., 3:] > 0
    np.testing.assert_array_equal(np.asarray(kept)[..., :3] * matte, np.asarray(Image.open(photo)) * matte)

    assert zippo(*arguments, "-o", out / "new").exit_code == 0
    painted = Image.open(out / "new" / "sub" / "001-a-pear.png")
    assert painted.text["strength"] == "0.6"
    assert np.abs(np.asarray(painted, np.int16) - np.asarray(kept))[matte[..., 0]].mean() > 5


def test_a_photo_that_does_not_fit_or_is_missing_fails_its_matte_alone(zippo, folder, out):
    for name in ("a", "b", "c"):
        save_matte(folder / "mattes" / f"{name}.png", 200, 100)
    save_photo(folder / "photos" / "a.png", 200, 100)
    save_photo(folder / "photos" / "b.png", 50, 100)
    result = zippo(
        "paint",
        folder / "mattes",
        "-o",
        out,
        "--prompt",
        "a pear",
        "--image",
        folder / "photos",
        "--steps",
        1,
    )
    assert result.exit_code == 1
    assert names(out) == ["001-a-pear.png"]
    assert "different sizes" in result.stderr
    assert "There is no photo for" in result.stderr


def test_a_cut_out_is_varied_with_its_matte(zippo, folder, out):
    folder.mkdir()
    pixels = np.zeros((60, 80, 4), np.uint8)
    pixels[:, :40] = (200, 30, 10, 255)
    Image.fromarray(pixels).save(folder / "asset.png")
    start = ("--from", folder / "asset.png", "--steps", 4)

    assert zippo("generate", "a pear", "-o", out, *start, "--strength", 0).exit_code == 0
    np.testing.assert_array_equal(np.asarray(Image.open(out / "001-a-pear.png")), pixels)

    assert zippo("generate", "a pear", "-o", out / "new", *start, "--strength", 1).exit_code == 0
    assert Image.open(out / "new" / "001-a-pear.png").size == (80, 60)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("generate", "a pear", "--strength", "0.5"), "nothing to start from"),
        (("generate", "a pear", "--from", "nowhere.png"), "nowhere.png does not exist"),
        (("generate", "a pear", "--from", __file__, "--size", "64"), "has its size"),
    ],
)
def test_a_start_that_makes_no_sense_is_exit_code_2(zippo, out, arguments, told):
    result = zippo(*arguments, "-o", out)
    assert result.exit_code == 2
    assert told in result.stderr


def test_an_opaque_picture_cannot_be_varied(zippo, folder, out):
    result = zippo("generate", "a pear", "-o", out, "--from", save_photo(folder / "a.png"), "--steps", 1)
    assert result.exit_code == 1
    assert "not transparent anywhere" in result.stderr
