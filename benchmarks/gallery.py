"""The pictures in docs/: every sample photo's matte and cut-out, and painted and generated objects.

    python benchmarks/gallery.py --output docs/images [--model MODEL] [--pairs data/composed256]

With `--pairs`, a folder of image/ and matte/, also 64 of its mattes at equal distances.
Nothing is chosen: all samples, the prompts of resources/samples/prompts.txt and both mattes, one seed.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from zippo_desktop.batch.prompts import read_prompts
from zippo_desktop.engine.open_session import open_session
from zippo_desktop.engine.session import ZippoSession
from zippo_desktop.imaging.colour import to_srgb
from zippo_desktop.imaging.decode import decode, decode_matte, is_image_name
from zippo_desktop.imaging.layers import LayerStack
from zippo_desktop.paths import resource_dir
from zippo_desktop.pipelines import generation, painting
from zippo_desktop.pipelines.request import GenerationRequest, MattingRequest, PaintingRequest
from zippo_desktop.training.evaluate import find_pairs, predict
from zippo_desktop.training.sheet import Cutout, matting_sheet, rgba_sheet, save, shrink

SEED = 7
SHEET_PAIRS, SMALL_CELL_PX = 64, 88
PAINT_PROMPTS = ("a red apple", "a wooden chair", "grey furry creature", "a glass vase")


def sample_rows(session: ZippoSession) -> list[tuple[np.ndarray, None, np.ndarray]]:
    """Every sample photo and its matte at native size, scaled to a sheet's cell."""
    rows = []
    for path in sorted(filter(is_image_name, (resource_dir() / "samples").iterdir())):
        photo = decode(path)
        rows.append(shrink((to_srgb(photo), None, predict(session, photo, MattingRequest()))))
    return rows


def paired_rows(session: ZippoSession, folder: Path) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Sixty-four pictures of an evaluation set with their true and found mattes."""
    pairs = find_pairs(folder / "image", folder / "matte")
    rows = []
    for index in np.linspace(0, len(pairs) - 1, min(len(pairs), SHEET_PAIRS)).round().astype(int):
        photo, true = decode(pairs[index].image_path), decode_matte(pairs[index].matte_path)
        matte = predict(session, photo, MattingRequest())
        rows.append(shrink((to_srgb(photo), true, matte), SMALL_CELL_PX))
    return rows


def generated(session: ZippoSession) -> list[Cutout]:
    """One picture for each of the sample prompts."""
    rows = read_prompts(resource_dir() / "samples" / "prompts.txt", recursive=False)
    return [
        _cell(
            generation.finish(generation.infer(session, GenerationRequest(row.prompt, seed=SEED)), {}),
            row.prompt,
        )
        for row in rows
    ]


def painted(session: ZippoSession) -> list[Cutout]:
    """Each of the bundled mattes, filled after each of a few prompts."""
    cells = []
    for path in sorted((resource_dir() / "mattes").glob("*.png")):
        matte = decode_matte(path)
        for prompt in PAINT_PROMPTS:
            colours = painting.infer(session, matte, PaintingRequest(prompt, seed=SEED))
            cells.append(_cell(painting.finish(colours, matte, {}), prompt))
    return cells


def _cell(stack: LayerStack, caption: str) -> Cutout:
    return np.asarray(stack.subject, np.float32) / 255, stack.matte, caption


def main() -> None:
    """Write samples.png, generated.png and painted.png."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--model", default="zippo-mini")
    parser.add_argument("--pairs", type=Path)
    given = parser.parse_args()
    session = open_session(given.model)
    given.output.mkdir(parents=True, exist_ok=True)
    save(matting_sheet(sample_rows(session), abreast=2), given.output / "samples.png")
    if given.pairs:
        rows = paired_rows(session, given.pairs)
        save(matting_sheet(rows, SMALL_CELL_PX, abreast=4), given.output / "matting-64.png")
    save(rgba_sheet(generated(session)), given.output / "generated.png")
    save(rgba_sheet(painted(session)), given.output / "painted.png")


if __name__ == "__main__":
    main()
