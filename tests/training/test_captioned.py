"""Captioned pictures without mattes: what is read, what is refused, and how a picture is framed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.training.material import write_captioned
from zippo_desktop.errors import InputError
from zippo_desktop.training.captioned import CaptionedPictures, load_square, read_captioned
from zippo_desktop.training.config import DataConfig
from zippo_desktop.training.unet_batches import check_material


def test_pictures_are_drawn_by_number_with_their_captions_under_white(tmp_path: Path):
    pictures = read_captioned([write_captioned(tmp_path, ["a hill", "a lake", "a wood"])])
    dataset, again = (CaptionedPictures(pictures, 32, seed=0) for _ in range(2))

    items = [dataset[index] for index in range(30)]

    assert {item.caption for item in items} == {"a hill", "a lake", "a wood"}
    for index, item in enumerate(items):
        assert (item.pair.matte == 1).all()
        assert item.pair.image.shape == (32, 32, 3)
        np.testing.assert_array_equal(again[index].pair.image, item.pair.image)
        path = next(picture.path for picture in pictures if picture.caption == item.caption)
        np.testing.assert_array_equal(load_square(path, 32), item.pair.image)


def test_the_middle_of_an_upright_picture_is_taken(tmp_path: Path):
    pixels = np.zeros((20, 60, 3), np.uint8)
    pixels[:, 20:40] = 255
    exif = Image.Exif()
    exif[274] = 6
    Image.fromarray(pixels).save(tmp_path / "tall.png", exif=exif)

    assert (load_square(tmp_path / "tall.png", 10) == 1).all()


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda folder: (folder / "1.txt").unlink(), r"1\.png has no caption"),
        (lambda folder: (folder / "1.txt").write_text(" \n"), r"1\.png has no caption"),
        (lambda folder: (folder / "1.txt").write_bytes(b"\xff\xfe\xff"), r"1\.txt cannot be read"),
        (lambda folder: (folder / "1.png").write_bytes(b"no picture"), r"1\.png"),
        (lambda folder: folder.rename(folder.with_name("moved")), "does not exist"),
        (lambda folder: [path.unlink() for path in folder.glob("*.png")], "holds no images"),
    ],
    ids=["no caption", "empty caption", "no text", "damaged", "no folder", "nothing"],
)
def test_what_is_broken_is_told_at_once(tmp_path: Path, spoil, message: str):
    folder = write_captioned(tmp_path / "captioned", ["a hill", "a lake"])
    data = DataConfig((), (), captioned=(folder,))
    check_material(data)
    spoil(folder)

    with pytest.raises(InputError, match=message):
        check_material(data)
