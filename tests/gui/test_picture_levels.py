"""Levels, colours and outlines of pictures, checked sample by sample."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QRect, QRectF
from PySide6.QtGui import QColor, QColorSpace, QImage, QPainter

from zippo_desktop.errors import Cancelled
from zippo_desktop.gui.colour_managed import SRGB, matte_image, samples, screen_copy, screen_image
from zippo_desktop.gui.picture_levels import draw_picture, make_picture
from zippo_desktop.gui.picture_outline import find_outline, outline_segments
from zippo_desktop.imaging.decode import Photo, decode
from zippo_desktop.imaging.layers import Metadata


def photo_of(pixels: np.ndarray, alpha: np.ndarray | None = None, profile: bytes | None = None) -> Photo:
    return Photo(Path("photo"), pixels, alpha, Metadata(icc_profile=profile))


def test_each_level_is_half_of_the_one_before() -> None:
    image = QImage(1001, 600, QImage.Format.Format_RGB32)
    image.fill(QColor(10, 20, 30))
    picture = make_picture(image, threading.Event())
    assert [level.size().toTuple() for level in picture.levels] == [(1001, 600), (501, 300), (251, 150)]
    assert picture.levels[-1].pixelColor(100, 100) == QColor(10, 20, 30)
    assert [picture.level_index(scale) for scale in (2, 1, 0.51, 0.5, 0.3, 0.25, 0.01)] == [
        0,
        0,
        0,
        1,
        1,
        2,
        2,
    ]


def test_hidden_colours_do_not_come_through_smaller_levels() -> None:
    pixels = np.full((600, 600, 3), 255, np.uint8)
    pixels[:, 1::2] = (200, 0, 0)
    alpha = np.zeros((600, 600), np.float32)
    alpha[:, 1::2] = 1
    half = make_picture(screen_image(photo_of(pixels, alpha), SRGB), threading.Event()).levels[1]
    blue, green, red, opacity = samples(half)[100, 100].tolist()
    assert (red, green, blue, opacity) == (100, 0, 0, 128)


def test_making_levels_can_be_cancelled() -> None:
    cancel = threading.Event()
    cancel.set()
    with pytest.raises(Cancelled):
        make_picture(QImage(600, 600, QImage.Format.Format_RGB32), cancel)


def test_16_bit_and_transparency_reach_the_screen() -> None:
    pixels = np.full((40, 50, 3), (65535, 32896, 0), np.uint16)
    alpha = np.full((40, 50), 0.5, np.float32)
    image = screen_image(photo_of(pixels, alpha), SRGB)
    blue, green, red, opacity = samples(image)[39, 49].tolist()
    assert (red, green, blue, opacity) == (128, 64, 0, 128)


def test_a_photo_is_shown_in_the_screens_colours() -> None:
    pixels = np.full((100, 60, 3), (40, 180, 90), np.uint8)
    display_p3 = QColorSpace(QColorSpace.NamedColorSpace.DisplayP3)
    shown = screen_image(photo_of(pixels), display_p3).pixelColor(59, 99)
    expected = SRGB.transformationToColorSpace(display_p3).map(QColor(40, 180, 90))
    assert abs(shown.red() - expected.red()) <= 1
    assert abs(shown.green() - expected.green()) <= 1
    assert shown.red() > 80  # Display P3 is wider: the same green is less pure in it


def test_a_photos_profile_counts() -> None:
    profile = bytes(QColorSpace(QColorSpace.NamedColorSpace.AdobeRgb).iccProfile().data())
    shown = screen_image(photo_of(np.full((8, 8, 3), (100, 160, 100), np.uint8), None, profile), SRGB)
    assert shown.pixelColor(3, 3).red() < 70  # Adobe RGB's green is purer than it looks in numbers


def test_an_image_in_memory_is_shown_in_the_screens_colours() -> None:
    image = QImage(70, 90, QImage.Format.Format_RGBA8888)
    image.fill(QColor(100, 160, 100, 128))
    image.setColorSpace(QColorSpace(QColorSpace.NamedColorSpace.AdobeRgb))
    shown = screen_copy(image, SRGB)
    assert shown.format() == QImage.Format.Format_ARGB32_Premultiplied
    assert shown.pixelColor(60, 80).red() < 70
    assert shown.pixelColor(60, 80).alpha() == 128
    assert image.pixelColor(0, 0).red() == pytest.approx(100, abs=1)


def test_100_percent_shows_the_pixels_themselves(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (300, 400, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "noise.png")
    picture = make_picture(screen_image(decode(tmp_path / "noise.png"), SRGB), threading.Event())
    canvas = QImage(200, 100, QImage.Format.Format_RGB32)
    painter = QPainter(canvas)
    draw_picture(painter, picture, QRectF(-50, -60, 400, 300), QRect(0, 0, 200, 100))
    painter.end()
    assert np.array_equal(samples(canvas)[..., 2::-1], pixels[60:160, 50:250])


def test_a_large_pixel_has_sharp_edges_at_400_percent() -> None:
    pixels = np.zeros((300, 300, 3), np.uint8)
    pixels[10, 10] = 255
    picture = make_picture(screen_image(photo_of(pixels), SRGB), threading.Event())
    canvas = QImage(100, 100, QImage.Format.Format_RGB32)
    painter = QPainter(canvas)
    draw_picture(painter, picture, QRectF(0, 0, 1200, 1200), QRect(0, 0, 100, 100))
    painter.end()
    red = samples(canvas)[..., 2]
    assert (red[40:44, 40:44] == 255).all()
    assert int(red.astype(int).sum()) == 16 * 255


def test_the_outline_lies_between_pixels_where_the_matte_is_one_half() -> None:
    ramp = np.tile(np.array([0, 51, 204, 255], np.uint8), (3, 1))  # 127.5 is half-way between 51 and 204
    segments = outline_segments(ramp)
    assert np.allclose(segments[:, [0, 2]], 2.0)
    assert sorted(segments[:, [1, 3]].ravel().tolist()) == [0.5, 1.5, 1.5, 2.5]


def test_the_outline_of_a_disc_is_as_long_as_its_circle() -> None:
    y, x = np.mgrid[:600, :600] + 0.5
    disc = np.clip(200.5 - np.hypot(x - 300, y - 300), 0, 1).astype(np.float32)
    picture = make_picture(matte_image(disc), threading.Event())
    outline = find_outline(picture, threading.Event())
    for index, level in enumerate(picture.levels):
        segments = np.concatenate([*outline.levels[index].values()]) * (600 / level.width())
        centre = segments.reshape(-1, 2, 2) - 300
        assert np.abs(np.hypot(centre[..., 0], centre[..., 1]) - 200).max() < 1
        steps = centre[:, 0] - centre[:, 1]
        assert np.hypot(steps[:, 0], steps[:, 1]).sum() == pytest.approx(2 * np.pi * 200, rel=0.01)


def test_only_the_outline_that_is_seen_is_drawn() -> None:
    matte = np.zeros((600, 600), np.float32)
    matte[20:580, 20:580] = 1
    outline = find_outline(make_picture(matte_image(matte), threading.Event()), threading.Event())
    assert len(outline.levels[0]) == 8  # of nine tiles: the middle one is subject throughout
    assert len(outline.paths(0, QRectF(0, 0, 200, 200))) == 1
    assert outline.paths(0, QRectF(300, 300, 100, 100)) == []


def test_both_sides_of_a_saddle_are_outlined() -> None:
    saddle = np.array([[255, 0], [0, 255]], np.uint8)
    assert len(outline_segments(saddle)) == 2
