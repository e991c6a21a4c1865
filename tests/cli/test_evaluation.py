"""`evaluation fetch`, `stamps` and `compare`, and the peers of `evaluate`: arguments and sentences."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from zippo_desktop.engine.fake_session import FakeSession
from zippo_desktop.paths import cache_dir
from zippo_desktop.training import compare, stamps
from zippo_desktop.training import evaluate as evaluating
from zippo_desktop.training.peers import fetch


@pytest.fixture
def photos(tmp_path):
    """A folder of two photos and a note."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in ("a.png", "b.png"):
        pixels = np.random.default_rng(0).integers(0, 255, (48, 64, 3), np.uint8)
        Image.fromarray(pixels).save(folder / name)
    (folder / "notes.txt").write_text("no photo")
    return folder


def test_compare_writes_a_sheet_and_tells_what_was_left_out(zippo, photos, tmp_path, monkeypatch):
    monkeypatch.setattr(compare, "open_session", lambda *given: FakeSession())
    (photos / "broken.jpg").write_bytes(b"no picture")
    sheet = tmp_path / "sheet.png"
    result = zippo("evaluation", "compare", photos, "--sheet", sheet, "--peer", "grabcut", "--peer", "isnet")
    assert result.exit_code == 0
    assert "Wrote 2 photos" in result.stdout
    assert "broken.jpg" in result.stderr
    assert "zippo-desktop evaluation fetch isnet" in result.stderr
    with Image.open(sheet) as page:
        assert page.size[0] == 6 + 5 * 198  # the image, and matte and cut-out of two methods


def test_compare_without_a_readable_photo_fails(zippo, tmp_path, monkeypatch):
    monkeypatch.setattr(compare, "open_session", lambda *given: FakeSession())
    result = zippo("evaluation", "compare", tmp_path / "none.jpg", "--sheet", tmp_path / "sheet.png")
    assert result.exit_code == 1
    assert "None of the photos can be read" in result.stderr


def test_a_peer_of_no_known_name_is_wrong_use(zippo, photos, monkeypatch):
    monkeypatch.setattr(evaluating, "open_session", lambda *given: FakeSession())
    for kind in ("image", "matte"):
        (photos / kind).mkdir()
        Image.new("L", (16, 16)).save(photos / kind / "a.png")
    result = zippo("evaluate", photos / "image", photos / "matte", "--peer", "rembg")
    assert result.exit_code == 2
    assert "Known are grabcut, isnet, mediapipe" in result.stderr


def test_fetch_goes_to_the_cache_unless_told(zippo, tmp_path, monkeypatch):
    fetched = []
    monkeypatch.setitem(fetch.FETCHED, "isnet", fetched.append)
    assert zippo("evaluation", "fetch", "isnet").exit_code == 0
    assert zippo("evaluation", "fetch", "isnet", "--peers-dir", tmp_path).exit_code == 0
    assert fetched == [cache_dir() / "peers", tmp_path]
    assert zippo("evaluation", "fetch", "rembg").exit_code == 2


def test_stamps_hands_over_its_arguments(zippo, tmp_path, monkeypatch):
    given = []
    monkeypatch.setattr(stamps, "write_stamp_set", lambda *arguments: given.append(arguments) or 7)
    result = zippo("evaluation", "stamps", "-o", tmp_path / "set", "--count", 9, "--seed", 4)
    assert result.exit_code == 0
    assert "Wrote 7 pictures" in result.stdout
    assert given == [(tmp_path / "set", cache_dir() / "peers" / "downloads", [], 9, 4)]
