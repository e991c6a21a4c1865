"""Contact sheets: what a network does, as one picture that a person can look at.

Training writes them as it goes, evaluation and the model card show them. Cells are square; pictures keep
their aspect ratio on neutral grey.
"""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from zippo_desktop.errors import ExportError
from zippo_desktop.imaging.compositing import checkerboard

Array = NDArray[np.float32]
Sheet = NDArray[np.uint8]  # [H,W,3] sRGB
MattingRow = tuple[Array, Array | None, Array]  # image [H,W,3], true matte [H,W] or None, predicted [H,W]
# image [H,W,3], true matte [H,W] or None, each method's matte [H,W]
ComparisonRow = tuple[Array, Array | None, Sequence[Array]]
Cutout = tuple[Array, Array, str]  # straight colour [H,W,3], matte [H,W], caption

CELL_PX = 192
GAP_PX = 6
CAPTION_PX = 18
PAPER = np.float32(0.22)  # neutral and darker than mid-grey: black, white and soft mattes all stand out
MATTING_COLUMNS = ("image", "true matte", "predicted matte", "cut-out")


def matting_sheet(rows: Sequence[MattingRow], cell_px: int = CELL_PX, abreast: int = 1) -> Sheet:
    """Lay out image, true matte, predicted matte and cut-out on a checkerboard, `abreast` pictures in a line.

    Arrays are float32 in 0..1; those of one row may differ in size but not in aspect ratio. A missing true
    matte leaves its cell empty; where none has one, the column falls away. Raises ValueError for no rows.
    """
    has_truth = any(true is not None for _, true, _ in rows)
    cells = [cell for row in rows for cell in _matting_cells(row, cell_px, has_truth)]
    names = [name for name in MATTING_COLUMNS if has_truth or name != "true matte"] * abreast
    captions = [*names, *[""] * (len(cells) - len(names))]
    return _lay_out(cells, captions, columns=len(names), cell_px=cell_px)


def comparison_sheet(rows: Sequence[ComparisonRow], methods: Sequence[str], cell_px: int = CELL_PX) -> Sheet:
    """Lay out the image, the true matte where there is one, and each method's matte under its name.

    Without any truth each method has its cut-out on a checkerboard as well: the eye must judge.
    Raises ValueError for no rows.
    """
    has_truth = any(true is not None for _, true, _ in rows)
    cells = []
    for image, true, mattes in rows:
        cells.append(_picture_cell(image, cell_px))
        if has_truth:
            cells.append(_blank(cell_px) if true is None else _picture_cell(_grey(true), cell_px))
        for matte in mattes:
            cells.append(_picture_cell(_grey(matte), cell_px))
            if not has_truth:
                cells.append(_cutout_cell(image, matte, cell_px))
    names = [name for method in methods for name in [method, *[""] * (not has_truth)]]
    captions = ["image", *["true matte"] * has_truth, *names]
    return _lay_out(cells, captions + [""] * (len(cells) - len(captions)), len(captions), cell_px)


def rgba_sheet(cutouts: Sequence[Cutout], columns: int = 4, cell_px: int = CELL_PX) -> Sheet:
    """Lay out cut-outs on a checkerboard, each with its caption below (cut short where too long).

    Colour is straight and float32 in 0..1. Raises ValueError for no cut-outs.
    """
    cells = [_cutout_cell(colour, matte, cell_px) for colour, matte, _ in cutouts]
    captions = [caption for _, _, caption in cutouts]
    return _lay_out(cells, captions, columns=min(columns, len(cells)), cell_px=cell_px)


def shrink(row: MattingRow, cell_px: int = CELL_PX) -> MattingRow:
    """Scale a row to what its cells will show, so that a long run can hold its pictures."""
    image, true, predicted = row
    return _fit(image, cell_px), None if true is None else _fit(true, cell_px), _fit(predicted, cell_px)


def shrink_comparison(row: ComparisonRow, cell_px: int = CELL_PX) -> ComparisonRow:
    """As `shrink`, for a row of several methods."""
    image, true, mattes = row
    small = None if true is None else _fit(true, cell_px)
    return _fit(image, cell_px), small, [_fit(matte, cell_px) for matte in mattes]


def save(sheet: Sheet, path: Path) -> None:
    """Write a sheet; the suffix says the format. Whole or not at all; raises ExportError."""
    buffer = io.BytesIO()
    try:
        Image.fromarray(sheet).save(buffer, format=Image.registered_extensions()[path.suffix.lower()])
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_name(f".{path.name}.part")
        unfinished.write_bytes(buffer.getvalue())
        os.replace(unfinished, path)
    except KeyError:
        raise ExportError(f"{path.name}: no picture format has this suffix.", "Use .png or .webp.") from None
    except OSError as error:
        raise ExportError(f"The sheet {path} cannot be written: {error.strerror or error}.") from error


def _matting_cells(row: MattingRow, cell_px: int, has_truth: bool) -> list[Array]:
    image, true, predicted = row
    cells = [_picture_cell(image, cell_px)]
    if has_truth:
        cells.append(_blank(cell_px) if true is None else _picture_cell(_grey(true), cell_px))
    return [*cells, _picture_cell(_grey(predicted), cell_px), _cutout_cell(image, predicted, cell_px)]


def _grey(matte: Array) -> Array:
    return np.repeat(matte[..., None], 3, axis=2)


def _blank(cell_px: int) -> Array:
    return np.full((cell_px, cell_px, 3), PAPER, dtype=np.float32)


def _picture_cell(picture: Array, cell_px: int) -> Array:
    return _centre(_fit(picture, cell_px), cell_px)


def _cutout_cell(colour: Array, matte: Array, cell_px: int) -> Array:
    """Composite at the cell's size, from premultiplied colour, so that no hidden colour bleeds in."""
    height, width = colour.shape[:2]
    if matte.shape != (height, width):
        matte = np.asarray(cv2.resize(matte, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)
    cutout = _fit(np.dstack([colour * matte[..., None], matte]), cell_px)  # [h,w,4] premultiplied
    board = checkerboard(*cutout.shape[:2])
    return _centre(cutout[..., :3] + board * (1.0 - cutout[..., 3:]), cell_px)


def _fit(picture: Array, cell_px: int) -> Array:
    """Scale the longer side to the cell: averaged when smaller, linear when larger."""
    height, width = picture.shape[:2]
    factor = cell_px / max(height, width)
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    interpolation = cv2.INTER_AREA if factor < 1.0 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(picture, size, interpolation=interpolation), dtype=np.float32)


def _centre(picture: Array, cell_px: int) -> Array:
    height, width = picture.shape[:2]
    cell = _blank(cell_px)
    top, left = (cell_px - height) // 2, (cell_px - width) // 2
    cell[top : top + height, left : left + width] = picture
    return cell


def _lay_out(cells: Sequence[Array], captions: Sequence[str], columns: int, cell_px: int) -> Sheet:
    """Put cells on a page row by row; a row that has captions carries them in a strip below."""
    if not cells:
        raise ValueError("a sheet wants at least one picture")
    rows = [(cells[i : i + columns], captions[i : i + columns]) for i in range(0, len(cells), columns)]
    strips = [_row_strip(row, texts, columns, cell_px) for row, texts in rows]
    border = np.full((GAP_PX, strips[0].shape[1], 3), round(float(PAPER) * 255), dtype=np.uint8)
    return np.concatenate([border, *strips])


def _row_strip(cells: Sequence[Array], captions: Sequence[str], columns: int, cell_px: int) -> Sheet:
    height = cell_px + (CAPTION_PX if any(captions) else 0) + GAP_PX
    strip = np.full((height, GAP_PX + columns * (cell_px + GAP_PX), 3), PAPER, dtype=np.float32)
    lefts = [GAP_PX + index * (cell_px + GAP_PX) for index in range(columns)]
    for cell, left in zip(cells, lefts, strict=False):  # the last row may be short
        strip[:cell_px, left : left + cell_px] = cell
    page = Image.fromarray(np.rint(np.clip(strip, 0.0, 1.0) * 255).astype(np.uint8))
    draw, font = ImageDraw.Draw(page), ImageFont.load_default(size=12)
    for caption, left in zip(captions, lefts, strict=False):
        draw.text((left, cell_px + 2), _shorten(caption, font, cell_px), fill=(235, 235, 235), font=font)
    return np.asarray(page)


def _shorten(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width_px: int) -> str:
    """Cut a caption to the width of its cell, at one line."""
    text = " ".join(text.split())
    if font.getlength(text) <= width_px:
        return text
    while text and font.getlength(text + "...") > width_px:
        text = text[:-1]
    return text + "..."
