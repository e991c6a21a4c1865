"""Photos with mattes: what is read, what is refused, and that every view of one holds its subject."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.training.material import write_material, write_photos
from zippo_desktop.errors import InputError, ZippoError
from zippo_desktop.training import photos
from zippo_desktop.training.config import DataConfig
from zippo_desktop.training.cutouts import split_of
from zippo_desktop.training.pairs import PairDataset, PairSource
from zippo_desktop.training.photos import load_photo, read_photos, view
from zippo_desktop.training.unet_batches import check_material

NAMES = tuple(f"shot {index}" for index in range(40))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty photos; tests that change them write a folder of their own."""
    return write_photos(tmp_path_factory.mktemp("photos"), NAMES)


def test_each_photo_is_in_one_split_by_its_name(folder: Path):
    train, test = (read_photos([folder], split) for split in ("train", "test"))

    assert len(train) + len(test) == len(NAMES)
    assert 0 < len(test) < 12
    assert {split_of(f"photo {photo.image_path.stem}") for photo in test} == {"test"}


def test_a_set_that_is_all_held_out_is_told(tmp_path: Path):
    held_out = next(name for name in NAMES if split_of(f"photo {name}") == "test")
    write_photos(tmp_path, [held_out])

    with pytest.raises(InputError, match="No photos for the train set"):
        read_photos([tmp_path], "train")


def test_a_caption_is_optional(tmp_path: Path):
    write_photos(tmp_path, ["one", "two"])
    (tmp_path / "image" / "two.txt").write_text(" a white disc\n", encoding="utf-8")

    assert [photo.caption for photo in read_photos([tmp_path])] == ["", "a white disc"]


def test_a_photo_is_read_as_the_program_reads_it(tmp_path: Path):
    write_photos(tmp_path, ["turned"])
    matte = np.zeros((40, 20), np.uint16)
    matte[:20] = 65535
    Image.fromarray(matte).save(tmp_path / "matte" / "turned.png")
    stored = np.zeros((20, 40, 3), np.uint8)
    stored[:, 20:] = 255  # a quarter turn to the left puts the right half on top
    exif = Image.Exif()
    exif[274] = 8
    Image.fromarray(stored).save(tmp_path / "image" / "turned.png", exif=exif)

    pixels = load_photo(read_photos([tmp_path])[0], 20)

    assert pixels.shape == (20, 10, 4)
    assert pixels.dtype == np.uint8
    assert (pixels[:10] == 255).all()
    assert (pixels[10:] == 0).all()


@pytest.mark.parametrize("shape", [(60, 90), (90, 60), (64, 64)])
def test_every_view_holds_the_subject_and_follows_it(shape: tuple[int, int]):
    pixels = np.zeros((*shape, 4), np.uint8)
    pixels[10:24, 30:50] = 255  # picture and matte alike, so that each view can be checked against itself
    pixels[0] = (0, 0, 40, 0)

    views = [view(pixels, 48, np.random.default_rng(seed)) for seed in range(200)]

    areas = np.array([pair.matte.mean() for pair in views])
    assert all(pair.image.shape == (48, 48, 3) and pair.matte.shape == (48, 48) for pair in views)
    assert all(pair.image.dtype == pair.matte.dtype == np.float32 for pair in views)
    assert areas.min() > 0.5 * 14 * 20 / max(shape) ** 2
    assert areas.max() > 5 * areas.min()
    for pair in views:
        assert 0 <= pair.image.min() <= pair.image.max() <= 1
        assert np.corrcoef(pair.image[..., 0].ravel(), pair.matte.ravel())[0, 1] > 0.8


def test_a_whole_view_is_continued_by_its_edge_as_the_program_does(monkeypatch):
    monkeypatch.setattr(photos, "WHOLE_SHARE", 1.0)
    monkeypatch.setattr(photos, "CAMERA_SHARE", 0.0)
    pixels = np.zeros((20, 40, 4), np.uint8)
    pixels[-1] = 255

    pair = view(pixels, 40, np.random.default_rng(0))

    assert (pair.image[:19] == 0).all()
    assert (pair.image[19:] == 1).all()
    assert (pair.matte[19:] == 1).all()


def test_a_photo_without_a_subject_is_a_pair_too():
    pair = view(np.full((30, 50, 4), (90, 90, 90, 0), np.uint8), 32, np.random.default_rng(0))

    assert pair.matte.shape == (32, 32)
    assert not pair.matte.any()


def test_photos_are_their_share_of_the_scenes(folder: Path, tmp_path: Path):
    data = replace(write_material(tmp_path), photos=(folder,))
    dataset = PairDataset(PairSource(data, "train"), studio_share=0.25, photo_share=0.5)

    items = [dataset[index] for index in range(400)]

    assert sum(item.is_studio for item in items) == pytest.approx(100, abs=3)
    assert sum(item.is_photo for item in items) == pytest.approx(150, abs=3)
    assert not any(item.is_studio and item.is_photo for item in items)
    again = PairDataset(PairSource(data, "train"), studio_share=0.25, photo_share=0.5)
    number = next(index for index, item in enumerate(items) if item.is_photo)
    np.testing.assert_array_equal(again[number].pair.image, items[number].pair.image)


def test_without_photos_each_pair_number_is_what_it_was(folder: Path, tmp_path: Path):
    data = write_material(tmp_path)
    plain, mixed = (PairSource(one, "train") for one in (data, replace(data, photos=(folder,))))

    np.testing.assert_array_equal(plain.scene(5).pair.image, mixed.scene(5).pair.image)


def break_matte(folder: Path, pixels: np.ndarray) -> None:
    Image.fromarray(pixels).save(folder / "matte" / "shot 1.png")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda folder: (folder / "matte" / "shot 1.png").unlink(), r"1 of 3 files have no true matte"),
        (lambda folder: (folder / "image" / "shot 1.png").unlink(), r"1 of 3 files have no image"),
        (lambda folder: break_matte(folder, np.zeros((60, 91), np.uint8)), r"shot 1.png is 91x60 .* 90x60"),
        (lambda folder: break_matte(folder, np.eye(90, 270, dtype=np.uint8).reshape(90, 90, 3)), "colour"),
        (lambda folder: (folder / "image" / "shot 1.png").write_bytes(b"no picture"), r"shot 1.png"),
        (lambda folder: (folder / "image" / "shot 1.txt").write_bytes(b"\xff\xfe\xff"), r"shot 1.txt"),
        (lambda folder: (folder / "matte").rename(folder / "mattes"), r"matte does not exist"),
    ],
    ids=["no matte", "no image", "another size", "colour", "damaged", "caption", "no folder"],
)
@pytest.mark.parametrize("workers", [0, 3])
def test_what_is_broken_is_told_at_once(tmp_path: Path, spoil, message: str, workers: int):
    data = DataConfig((), (), workers=workers, photos=(write_photos(tmp_path, NAMES[:3]),))
    check_material(data)
    spoil(tmp_path)

    with pytest.raises(ZippoError, match=message):
        check_material(data)


def test_every_file_is_checked_by_one_of_the_processes(tmp_path: Path):
    data = DataConfig((), (), photos=(write_photos(tmp_path, NAMES[:3]),))
    (tmp_path / "image" / "shot 1.png").write_bytes(b"no picture")

    check_material(data, process=0, processes=2)
    with pytest.raises(InputError, match="shot 1"):
        check_material(data, process=1, processes=2)
