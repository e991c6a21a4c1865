"""Contact sheets: where each cell lies, what it shows, and that they are written whole."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from zippo_desktop.errors import ExportError
from zippo_desktop.imaging.compositing import checkerboard
from zippo_desktop.training import sheet
from zippo_desktop.training.sheet import CAPTION_PX, GAP_PX

CELL = 40
PAPER = round(float(sheet.PAPER) * 255)


def plain(height: int, width: int, colour: tuple[float, float, float]) -> np.ndarray:
    return np.full((height, width, 3), colour, dtype=np.float32)


def cell_of(page: np.ndarray, row: int, column: int, row_height: int) -> np.ndarray:
    top, left = GAP_PX + row * row_height, GAP_PX + column * (CELL + GAP_PX)
    return page[top : top + CELL, left : left + CELL]


def test_matting_sheet_shows_image_truth_prediction_and_cutout() -> None:
    true = np.zeros((20, 20), dtype=np.float32)
    true[:, 10:] = 1.0
    page = sheet.matting_sheet([(plain(20, 20, (1, 0, 0)), true, 1 - true)], cell_px=CELL)
    assert page.dtype == np.uint8
    assert page.shape == (GAP_PX + CELL + CAPTION_PX + GAP_PX, GAP_PX + 4 * (CELL + GAP_PX), 3)
    image, truth, predicted, cutout = (cell_of(page, 0, column, 0) for column in range(4))
    assert (image == (255, 0, 0)).all()
    assert (truth[:, 30:] == 255).all()
    assert (truth[:, :10] == 0).all()
    assert (predicted[:, 30:] == 0).all()
    assert (cutout[:, :10] == (255, 0, 0)).all()
    board = np.rint(checkerboard(CELL, CELL) * 255)[:, 30:]
    assert (cutout[:, 30:] == board).all()


def test_matting_sheet_has_one_row_a_picture_and_room_for_a_missing_truth() -> None:
    matte = np.ones((8, 8), dtype=np.float32)
    row = (plain(8, 8, (0, 1, 0)), None, matte)
    page = sheet.matting_sheet([row, row, (row[0], matte, matte)], cell_px=CELL)
    assert page.shape[0] == GAP_PX + 3 * (CELL + GAP_PX) + CAPTION_PX  # captions under the first row only
    assert (cell_of(page, 0, 1, 0) == PAPER).all()
    assert (cell_of(page, 0, 3, 0) == (0, 255, 0)).all()


def test_without_any_truth_its_column_falls_away_and_pictures_can_stand_abreast() -> None:
    matte = np.ones((8, 8), dtype=np.float32)
    rows = [(plain(8, 8, colour), None, matte) for colour in ((0, 1, 0), (0, 0, 1), (1, 0, 0))]
    page = sheet.matting_sheet(rows, cell_px=CELL, abreast=2)
    assert page.shape[1] == GAP_PX + 6 * (CELL + GAP_PX)
    assert page.shape[0] == GAP_PX + 2 * (CELL + GAP_PX) + CAPTION_PX
    assert (cell_of(page, 0, 3, 0) == (0, 0, 255)).all()
    assert (cell_of(page, 0, 1, 0) == 255).all()


def test_pictures_keep_their_aspect_ratio() -> None:
    matte = np.ones((10, 20), dtype=np.float32)
    page = sheet.matting_sheet([(plain(100, 200, (0, 0, 1)), matte, matte)], cell_px=CELL)
    image, truth = cell_of(page, 0, 0, 0), cell_of(page, 0, 1, 0)
    for cell in (image, truth):  # 40 x 20 in the middle of 40 x 40
        assert (cell[:10] == PAPER).all()
        assert (cell[30:] == PAPER).all()
    assert (image[10:30] == (0, 0, 255)).all()
    assert (truth[10:30] == 255).all()


def test_very_long_pictures_and_values_out_of_range_fit() -> None:
    page = sheet.matting_sheet([(plain(1, 400, (2, -1, 0)), None, np.full((1, 400), 3, np.float32))], CELL)
    assert (cell_of(page, 0, 0, 0)[19:21] == (255, 0, 0)).all(axis=(1, 2)).any()


def test_hidden_colour_does_not_bleed_into_a_shrunk_cutout() -> None:
    # Checkered alpha over green, hidden red elsewhere: averaging straight colour would let red through.
    matte = (np.indices((80, 80)).sum(axis=0) % 2).astype(np.float32)
    colour = np.where(matte[..., None] > 0, plain(80, 80, (0, 1, 0)), plain(80, 80, (1, 0, 0)))
    page = sheet.rgba_sheet([(colour.astype(np.float32), matte, "")], cell_px=CELL)
    expected = 0.5 * np.array([0, 1, 0]) + 0.5 * checkerboard(CELL, CELL)
    np.testing.assert_allclose(cell_of(page, 0, 0, 0) / 255, expected, atol=0.01)


def test_rgba_sheet_wraps_and_captions() -> None:
    cutout = (plain(16, 16, (0, 0, 1)), np.ones((16, 16), np.float32))
    captioned = [(*cutout, "a red apple"), (*cutout, ""), (*cutout, "x")]
    page = sheet.rgba_sheet(captioned, columns=2, cell_px=CELL)
    row_height = CELL + CAPTION_PX + GAP_PX
    assert page.shape == (GAP_PX + 2 * row_height, GAP_PX + 2 * (CELL + GAP_PX), 3)
    strips = [
        page[GAP_PX + row * row_height + CELL :][:CAPTION_PX, GAP_PX + column * (CELL + GAP_PX) :][:, :CELL]
        for row, column in ((0, 0), (0, 1), (1, 0), (1, 1))
    ]
    assert [bool((strip != PAPER).any()) for strip in strips] == [True, False, True, False]
    assert (cell_of(page, 1, 0, row_height) == (0, 0, 255)).all()
    assert (cell_of(page, 1, 1, row_height) == PAPER).all()  # the last row is short


@pytest.mark.parametrize("caption", ["long " * 60, "line\nbreak\ttab", "ünïcödé 林檎 🍎"])
def test_captions_stay_within_their_cell(caption: str) -> None:
    cutout = (plain(16, 16, (0, 0, 1)), np.ones((16, 16), np.float32))
    page = sheet.rgba_sheet([(*cutout, caption), (*cutout, "")], columns=2, cell_px=CELL)
    assert page.shape[0] == GAP_PX + CELL + CAPTION_PX + GAP_PX
    right_cell = page[GAP_PX + CELL :, GAP_PX + CELL + GAP_PX :]
    assert (right_cell == PAPER).all()


def test_empty_sheets_are_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        sheet.matting_sheet([])
    with pytest.raises(ValueError, match="at least one"):
        sheet.rgba_sheet([])


def test_shrunk_rows_give_the_same_sheet() -> None:
    rng = np.random.default_rng(0)
    row = (rng.random((90, 60, 3), np.float32), None, rng.random((90, 60), np.float32))
    shrunk = sheet.shrink(row, CELL)
    assert shrunk[0].shape == (40, 27, 3)
    assert shrunk[2].shape == (40, 27)
    whole, small = sheet.matting_sheet([row], CELL), sheet.matting_sheet([shrunk], CELL)
    np.testing.assert_array_equal(small[:, : 2 * (CELL + GAP_PX)], whole[:, : 2 * (CELL + GAP_PX)])


def test_save_writes_a_readable_picture_and_leaves_no_part(tmp_path: Path) -> None:
    page = sheet.rgba_sheet([(plain(8, 8, (1, 0, 0)), np.ones((8, 8), np.float32), "apple")], cell_px=CELL)
    path = tmp_path / "deep" / "sheet.png"
    sheet.save(page, path)
    with Image.open(path) as written:
        np.testing.assert_array_equal(np.asarray(written), page)
    assert [entry.name for entry in path.parent.iterdir()] == ["sheet.png"]


def test_save_says_why_it_cannot(tmp_path: Path) -> None:
    page = np.zeros((4, 4, 3), np.uint8)
    with pytest.raises(ExportError, match=r"sheet\.xyz"):
        sheet.save(page, tmp_path / "sheet.xyz")
    (tmp_path / "file").write_text("")
    with pytest.raises(ExportError, match="cannot be written"):
        sheet.save(page, tmp_path / "file" / "sheet.png")


def test_a_comparison_has_the_truth_once_and_each_method_s_matte() -> None:
    mattes = [np.full((8, 8), value, np.float32) for value in (1.0, 0.5, 0.0)]
    row = sheet.shrink_comparison((plain(8, 8, (0, 1, 0)), mattes[0], mattes[1:]), CELL)
    page = sheet.comparison_sheet([row, row], ["model", "peer"], cell_px=CELL)
    assert page.shape[1] == GAP_PX + 4 * (CELL + GAP_PX)
    assert [int(cell_of(page, 0, column, 0)[20, 20, 0]) for column in (1, 2, 3)] == [255, 128, 0]


def test_without_truth_a_comparison_has_cut_outs() -> None:
    one = np.ones((8, 8), np.float32)
    page = sheet.comparison_sheet([(plain(8, 8, (0, 1, 0)), None, [one, one])], ["a", "b"], cell_px=CELL)
    assert page.shape[1] == GAP_PX + 5 * (CELL + GAP_PX)
    assert (cell_of(page, 0, 1, 0) == 255).all()
    assert (cell_of(page, 0, 2, 0) == (0, 255, 0)).all()
