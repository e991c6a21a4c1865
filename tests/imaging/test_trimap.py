from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from tests.imaging.files import png_bytes
from zippo_desktop.errors import InputError
from zippo_desktop.imaging.matte_controls import MatteControls
from zippo_desktop.imaging.matte_edges import apply_controls
from zippo_desktop.imaging.trimap import (
    REACH,
    Known,
    enforce,
    find_known,
    honour,
    photo_is_mask,
    read_known,
)

RNG = np.random.default_rng(0)
SIDE = 160
FUR, GRASS = np.float32([0.55, 0.35, 0.25]), np.float32([0.3, 0.5, 0.3])


def save(path: Path, samples: NDArray, **options: object) -> Path:
    Image.fromarray(samples).save(path, **options)
    return path


def letters(known: Known) -> list[str]:
    """One line for each row: k keeps, e erases, . is unknown."""
    assert not (known.keep & known.erase).any()
    return ["".join(row) for row in np.where(known.keep, "k", np.where(known.erase, "e", "."))]


class Scene:
    """A soft disc of fur on grass, and a network's matte that misses the disc's right half."""

    def __init__(self) -> None:
        y, x = np.ogrid[:SIDE, :SIDE]
        wobble = 3 * np.sin(np.arctan2(y - 80, x - 80) * 12)
        self.inward = 50 + wobble - np.hypot(y - 80, x - 80)
        self.truth = np.clip(self.inward / 4 + 0.5, 0, 1).astype(np.float32)
        alpha = self.truth[..., None]
        noise = RNG.normal(0, 0.03, (SIDE, SIDE, 3))
        self.guide = np.rint(np.clip(alpha * FUR + (1 - alpha) * GRASS + noise, 0, 1) * 255).astype(np.uint8)
        self.network = (self.truth * np.clip((90 - x) / 10, 0, 1)).astype(np.float32)

    def known(self, band_px: float = 8) -> Known:
        """A trimap with an unknown band along the edge."""
        return Known(self.inward > band_px, self.inward < -band_px)

    def error(self, matte: NDArray[np.float32], where: NDArray[np.bool_]) -> float:
        return float(np.abs(matte - self.truth)[where].mean())


SCENE = Scene()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.trimap.png", True),
        ("A.MASK.PNG", True),
        ("ö.x.mask.png", True),
        (".mask.png", False),
        ("mask.png", False),
        ("a.mask.jpg", False),
        ("amask.png", False),
        ("a.png", False),
    ],
)
def test_masks_are_told_by_their_names(name: str, expected: bool) -> None:
    assert photo_is_mask(Path("folder") / name) is expected


def test_a_trimap_beside_the_photo_is_found_before_a_mask(tmp_path: Path) -> None:
    photo = tmp_path / "a.b.jpg"
    photo.touch()
    assert find_known(photo) is None

    mask, trimap = tmp_path / "a.b.mask.png", tmp_path / "a.b.trimap.png"
    mask.touch()
    assert find_known(photo) == mask
    trimap.touch()
    assert find_known(photo) == trimap


def test_a_given_folder_is_searched_by_the_photos_name_and_a_given_file_is_taken(tmp_path: Path) -> None:
    photo = tmp_path / "a.jpg"
    folder = tmp_path / "masks"
    folder.mkdir()
    photo.touch()
    (tmp_path / "a.mask.png").touch()
    assert find_known(photo, folder) is None

    for name in ("a.jpg", "a.png", "a.mask.png", "a.trimap.png"):  # each goes before the last
        (folder / name).touch()
        assert find_known(photo, folder) == folder / name
    assert find_known(photo, folder / "a.png") == folder / "a.png"
    with pytest.raises(InputError, match=r"none\.png does not exist"):
        find_known(photo, folder / "none.png")


def test_a_photo_is_not_its_own_trimap(tmp_path: Path) -> None:
    photo = tmp_path / "a.png"
    photo.touch()

    assert find_known(photo, tmp_path) is None


def test_a_photo_whose_name_leaves_no_room_for_its_trimaps_has_none(tmp_path):
    assert find_known(tmp_path / f"{'n' * 251}.png") is None


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_grey_trimap_is_known_at_its_ends(tmp_path: Path, dtype: type) -> None:
    levels = np.array([[0, 4, 8, 128, 247, 251, 255]]) * (257 if dtype == np.uint16 else 1)
    path = tmp_path / "t.png"
    path.write_bytes(png_bytes(levels.astype(dtype)[..., None]))

    assert letters(read_known(path, (7, 1))) == ["ee...kk"]


def test_a_coloured_mask_is_known_where_it_is_green_or_red(tmp_path: Path) -> None:
    colours = [
        *((0, 255, 0), (0, 128, 0), (80, 200, 90), (255, 0, 0), (200, 40, 40)),
        *((255, 255, 255), (0, 0, 0), (128, 128, 128), (255, 255, 0), (255, 165, 0), (0, 0, 255), (0, 60, 0)),
    ]
    path = save(tmp_path / "t.png", np.uint8([colours]))

    assert letters(read_known(path, (len(colours), 1))) == ["kkkee......."]


def test_what_is_transparent_is_unknown(tmp_path: Path) -> None:
    grey = np.uint8([[[255, 255], [255, 128], [255, 127], [0, 0], [0, 255], [90, 255]]])
    colour = np.uint8([[[0, 255, 0, 255], [0, 255, 0, 0], [255, 0, 0, 255], [9, 0, 200, 0]]])

    assert letters(read_known(save(tmp_path / "g.png", grey), (6, 1))) == ["kk..e."]
    assert letters(read_known(save(tmp_path / "c.png", colour), (4, 1))) == ["k.e."]


def test_all_of_a_trimap_may_be_known_or_nothing(tmp_path: Path) -> None:
    full = save(tmp_path / "full.png", np.uint8([[255, 0], [0, 0]]))
    empty = save(tmp_path / "empty.png", np.zeros((2, 2, 4), np.uint8))

    assert letters(read_known(full, (2, 2))) == ["ke", "ee"]
    assert letters(read_known(empty, (2, 2))) == ["..", ".."]


def test_a_picture_that_is_no_mask_is_refused(tmp_path: Path) -> None:
    path = save(tmp_path / "t.png", np.full((4, 4, 3), (90, 120, 240), np.uint8))

    with pytest.raises(InputError, match=r"t\.png is neither a trimap nor a mask"):
        read_known(path, (4, 4))


def test_the_masks_own_orientation_is_applied(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # stored turned: the top is at the left
    path = save(tmp_path / "t.png", np.uint8([[255, 90, 90], [255, 90, 0]]), exif=exif)

    assert letters(read_known(path, (2, 3))) == ["kk", "..", "e."]


@pytest.mark.parametrize("size", [(8, 7), (6, 9), (5, 4), (13, 12), (3, 4), (200, 150)])
def test_a_wrong_size_names_both(tmp_path: Path, size: tuple[int, int]) -> None:
    path = save(tmp_path / "t.png", np.zeros((9, 12), np.uint8))

    with pytest.raises(InputError) as caught:
        read_known(path, size)
    assert "t.png has 12 x 9 pixels" in caught.value.message
    assert f"its photo {size[0]} x {size[1]}" in caught.value.message


def test_a_turned_trimap_gets_a_hint_of_its_own(tmp_path: Path) -> None:
    path = save(tmp_path / "t.png", np.zeros((9, 12), np.uint8))

    with pytest.raises(InputError, match="upright"):
        read_known(path, (9, 12))


def test_a_smaller_trimap_is_enlarged_but_not_where_both_kinds_touch(tmp_path: Path) -> None:
    small = np.uint8([[255, 255, 0, 0], [255, 255, 0, 0], [90, 90, 90, 90], [0, 0, 0, 0]])
    path = save(tmp_path / "t.png", small)

    assert letters(read_known(path, (8, 8))) == ["kk....ee"] * 4 + ["........"] * 2 + ["eeeeeeee"] * 2
    near = read_known(path, (11, 10))  # 2.75 and 2.5 times
    assert near.keep.shape == (10, 11)
    assert near.keep[0, 0]
    assert near.erase[-1].all()


def test_enforcing_is_exact_and_changes_nothing_else() -> None:
    matte = RNG.random((30, 40), np.float32)
    given = matte.copy()
    known = Known(matte > 0.8, matte < 0.2)
    result = enforce(matte, known)

    assert (result[known.keep] == 1).all()
    assert (result[known.erase] == 0).all()
    unknown = ~(known.keep | known.erase)
    np.testing.assert_array_equal(result[unknown], given[unknown])
    np.testing.assert_array_equal(matte, given)


@pytest.mark.parametrize("has_guide", [False, True])
@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (40, 1), (33, 47)])
@pytest.mark.parametrize("kind", ["keep", "erase", "both", "none", "mixed"])
def test_known_regions_are_exact_and_the_rest_stays_in_range(
    kind: str, shape: tuple[int, int], has_guide: bool
) -> None:
    matte = RNG.random(shape, np.float32)
    given = matte.copy()
    chance = RNG.random(shape)
    everywhere, nowhere = np.ones(shape, np.bool_), np.zeros(shape, np.bool_)
    known = {
        "keep": Known(everywhere, nowhere),
        "erase": Known(nowhere, everywhere),
        "both": Known(chance < 0.5, chance >= 0.5),
        "none": Known(nowhere, nowhere),
        "mixed": Known(chance < 0.2, chance > 0.8),
    }[kind]
    result = honour(matte, known, RNG.integers(0, 256, (*shape, 3), np.uint8) if has_guide else None)

    assert result.dtype == np.float32
    assert np.isfinite(result).all()
    assert 0 <= result.min() <= result.max() <= 1
    assert (result[known.keep] == 1).all()
    assert (result[known.erase] == 0).all()
    np.testing.assert_array_equal(matte, given)


def test_where_the_network_agrees_nothing_changes() -> None:
    result = honour(SCENE.truth, SCENE.known(), SCENE.guide)

    np.testing.assert_array_equal(result, enforce(SCENE.truth, SCENE.known()))


def test_a_missed_half_is_found_between_the_known_regions() -> None:
    known = SCENE.known()
    band = ~(known.keep | known.erase) & (np.arange(SIDE) > 95)
    hard = SCENE.error(enforce(SCENE.network, known), band)
    blind = SCENE.error(honour(SCENE.network, known), band)
    guided = SCENE.error(honour(SCENE.network, known, SCENE.guide), band)

    assert blind < 0.6 * hard
    assert guided < 0.25 * hard
    assert guided < 0.6 * blind


def test_the_half_that_was_right_stays_as_right() -> None:
    known = SCENE.known()
    band = ~(known.keep | known.erase) & (np.arange(SIDE) < 60)
    result = honour(SCENE.network, known, SCENE.guide)

    assert SCENE.error(result, band) < 0.02


def test_a_stroke_is_carried_on_in_its_own_colour_and_not_over_the_edge() -> None:
    stroke = np.zeros((SIDE, SIDE), np.bool_)
    stroke[50:110, 110:118] = True
    known = Known(stroke, np.zeros_like(stroke))
    result = honour(SCENE.network, known, SCENE.guide)

    beside = np.zeros_like(stroke)
    beside[60:100, 104:126] = True
    beside &= ~stroke & (SCENE.inward > 3)
    assert SCENE.network[beside].mean() < 0.1
    assert result[beside].mean() > 0.9
    assert result[SCENE.inward < -3].mean() < 0.002


@pytest.mark.parametrize("has_guide", [False, True])
def test_there_is_no_seam_round_a_known_region(has_guide: bool) -> None:
    """In a flat colour nothing but distance can tell how far the correction goes."""
    y, x = np.ogrid[:400, :400]
    blob = np.hypot(y - 200, x - 200) < 40
    matte = np.full((400, 400), 0.3, np.float32)
    guide = np.full((400, 400, 3), 90, np.uint8) if has_guide else None
    result = honour(matte, Known(blob, np.zeros_like(blob)), guide)

    row = result[200, 200:]
    assert np.abs(np.diff(row)).max() < 0.1  # a hard override's seam is of 0.7
    assert (np.diff(row) < 1e-5).all()
    np.testing.assert_array_equal(row[int(40 + REACH * 400) + 2 :], np.float32(0.3))


def test_a_small_error_leaves_no_seam_either() -> None:
    blob = np.zeros((200, 200), np.bool_)
    blob[:, :100] = True
    matte = np.full((200, 200), 0.9, np.float32)
    result = honour(matte, Known(blob, np.zeros_like(blob)), np.full((200, 200, 3), 90, np.uint8))

    assert result[100, 100] > 0.99
    assert result[100, 199] == np.float32(0.9)


def test_a_large_photo_is_corrected_as_well_as_a_small_one() -> None:
    scale = 13  # 2080 px: the correction is fitted on a smaller picture
    size = (SIDE * scale, SIDE * scale)

    def large(values: NDArray) -> NDArray:
        return cv2.resize(values, size, interpolation=cv2.INTER_LINEAR)

    inward, truth = large(SCENE.inward), large(SCENE.truth)
    known = Known(inward > 5, inward < -5)
    band = ~(known.keep | known.erase) & (np.arange(size[0]) > 95 * scale)
    hard = enforce(large(SCENE.network), known)
    result = honour(large(SCENE.network), known, large(SCENE.guide))

    assert np.abs(result - truth)[band].mean() < 0.3 * np.abs(hard - truth)[band].mean()


def test_controls_between_honouring_and_enforcing_leave_the_known_regions_exact() -> None:
    known = SCENE.known()
    controls = MatteControls(
        keep_largest=True, fill_holes_px=100, expand_px=-9.5, contrast=-0.5, feather_px=12
    )
    result = enforce(apply_controls(honour(SCENE.network, known, SCENE.guide), controls), known)

    assert (result[known.keep] == 1).all()
    assert (result[known.erase] == 0).all()
