"""What is read of a picture before it is decoded, also of one that cannot be."""

from __future__ import annotations

import os
import struct
import zlib
from datetime import date
from pathlib import Path

import pytest
from PIL import ExifTags, Image, PngImagePlugin

from tests.photos import save_photo
from zippo_desktop.imaging.header import read_header

DAY = date(2001, 9, 9)


def of_that_day(path):
    os.utime(path, (1_000_000_000, 1_000_000_000))
    return path


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tif"])
def test_the_size_is_the_upright_pictures_and_the_day_that_it_was_taken(tmp_path, suffix):
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = "2020:02:29 12:00:00"
    path = tmp_path / f"a{suffix}"
    Image.new("RGB", (80, 60)).save(path, exif=exif)
    header = read_header(of_that_day(path))
    taken = DAY if suffix == ".tif" else date(2020, 2, 29)  # Pillow writes no such date into a TIFF
    assert (header.width, header.height, header.day) == (60, 80, taken)


def test_without_a_date_it_is_the_files_day(tmp_path):
    header = read_header(of_that_day(save_photo(tmp_path / "a.png", 80, 60)))
    assert (header.width, header.height, header.day) == (80, 60, DAY)


@pytest.mark.parametrize("time_s", [-(2**60), 2**60])
def test_a_time_that_no_calendar_has_is_today(tmp_path, monkeypatch, time_s):
    path = save_photo(tmp_path / "a.png")
    monkeypatch.setattr(Path, "stat", lambda self: os.stat_result((*range(7), 0, time_s, 0)))
    header = read_header(path)
    assert (header.width, header.day) == (80, date.today())


def test_no_picture_is_decoded(tmp_path, monkeypatch):
    path = save_photo(tmp_path / "a.png", 80, 60)
    monkeypatch.setattr(PngImagePlugin.PngImageFile, "load", None)
    assert read_header(path).width == 80


@pytest.mark.parametrize("share", [0.0, 0.2, 0.5, 0.9])
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tif", ".gif", ".bmp", ".avif"])
def test_damage_raises_nothing(tmp_path, suffix, share):
    path = save_photo(tmp_path / f"a{suffix}")
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    assert read_header(of_that_day(path)).day == DAY


def test_a_size_that_no_memory_holds_raises_nothing(tmp_path):
    content = save_photo(tmp_path / "a.png").read_bytes()
    header = b"IHDR" + struct.pack(">II", 2**31 - 1, 2**31 - 1) + content[24:29]
    path = tmp_path / "b.png"
    path.write_bytes(content[:12] + header + struct.pack(">I", zlib.crc32(header)) + content[33:])
    assert read_header(of_that_day(path)).day == DAY
