"""Thumbnails: what they show, how large they are, and that their trouble is nobody's."""

import numpy as np
import pytest
from PIL import Image

from tests.photos import half_white
from zippo_desktop.batch import thumbnails
from zippo_desktop.batch.thumbnails import cutout_path, photo_path, write_thumbnails
from zippo_desktop.imaging.layers import LayerStack


def stack(height, width, **others):
    """Red on the left half under alpha 1, green on the right under alpha 0."""
    subject = np.zeros((height, width, 3), np.uint8)
    subject[:, : width // 2] = (200, 0, 0)
    subject[:, width // 2 :] = (0, 200, 0)
    matte = np.zeros((height, width), np.float32)
    matte[:, : width // 2] = 1
    return LayerStack(subject, matte, **others)


def test_a_large_result_and_its_photo_become_small(tmp_path):
    write_thumbnails(tmp_path, 7, stack(900, 1400), half_white(1400, 900))
    cutout, photo = Image.open(cutout_path(tmp_path, 7)), Image.open(photo_path(tmp_path, 7))
    assert (cutout.mode, cutout.size) == ("RGBA", (256, 165))
    assert (photo.mode, photo.size) == ("RGB", (256, 165))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["000007.cutout.webp", "000007.photo.webp"]
    alpha = np.asarray(cutout)[..., 3]
    assert (alpha[:, :127] == 255).all()
    assert (alpha[:, 129:] == 0).all()
    assert np.abs(np.asarray(photo)[80, (10, 240), 0].astype(int) - (255, 0)).max() < 6


def test_no_colour_from_under_the_transparency_gets_into_the_edge(tmp_path):
    layers = stack(1024, 1026)  # the border falls into the middle of a pixel
    write_thumbnails(tmp_path, 0, layers, None)
    colours = np.asarray(Image.open(cutout_path(tmp_path, 0)))
    seen = colours[colours[..., 3] > 0]
    assert (seen[:, 1] < 30).all()  # lossy, but no green
    assert not photo_path(tmp_path, 0).exists()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_backgrounds_are_seen_and_every_depth_is_shown(tmp_path, dtype):
    full = np.iinfo(dtype).max
    layers = LayerStack(
        subject=np.full((30, 40, 3), (full, 0, 0), dtype),
        matte=np.tile(np.repeat(np.float32([1, 0]), 20), (30, 1)),
        background=np.full((30, 40, 3), (0, 0, full), dtype),
    )
    write_thumbnails(tmp_path, 1, layers, None)
    picture = Image.open(cutout_path(tmp_path, 1))
    assert (picture.mode, picture.size) == ("RGB", (40, 30))  # small ones are not enlarged
    pixels = np.asarray(picture).astype(int)
    assert np.abs(pixels[15, 5] - (255, 0, 0)).max() < 12
    assert np.abs(pixels[15, 35] - (0, 0, 255)).max() < 12


@pytest.mark.parametrize("shape", [(1, 1), (3000, 2), (1, 2500)])
def test_the_oddest_shapes_have_thumbnails(tmp_path, shape):
    layers = LayerStack(np.zeros((*shape, 3), np.uint8), np.ones(shape, np.float32))
    write_thumbnails(tmp_path, 0, layers, np.zeros((*shape, 3), np.uint8))
    size = Image.open(cutout_path(tmp_path, 0)).size
    assert size == Image.open(photo_path(tmp_path, 0)).size
    assert min(size) >= 1
    assert max(size) <= 256


def test_a_disk_that_takes_nothing_is_told_once(tmp_path, caplog):
    (tmp_path / "file").touch()
    thumbnails._tell_once.cache_clear()
    for index in range(3):
        write_thumbnails(tmp_path / "file" / "thumbnails", index, stack(8, 8), None)
    (record,) = caplog.records
    assert "cannot be written" in record.message
    caplog.clear()


def test_a_failed_write_leaves_the_earlier_picture(tmp_path, monkeypatch, caplog):
    write_thumbnails(tmp_path, 0, stack(8, 8), None)
    before = cutout_path(tmp_path, 0).read_bytes()

    def no_space(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", no_space)
    write_thumbnails(tmp_path, 0, stack(20, 20), None)
    assert cutout_path(tmp_path, 0).read_bytes() == before
    caplog.clear()
