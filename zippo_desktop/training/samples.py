"""Sample sheets drawn while a network trains: unseen pairs through the real pipelines, averaged weights."""

from __future__ import annotations

from pathlib import Path

from zippo_desktop.engine.session import ZippoSession
from zippo_desktop.pipelines import generation, matting, painting
from zippo_desktop.pipelines.request import GenerationRequest, MattingRequest, PaintingRequest
from zippo_desktop.training.pairs import PairSource
from zippo_desktop.training.sheet import matting_sheet, rgba_sheet, save

COUNT = 8
STEPS = 12


def write_samples(
    session: ZippoSession, scenes: PairSource, studios: PairSource, run_dir: Path, step: int
) -> None:
    """Write a matting sheet and a sheet of painted and generated objects for `step` into `run_dir`."""
    pairs = [scenes.scene(index).pair for index in range(COUNT)]
    if scenes.photos:
        pairs += [scenes.photo(index).pair for index in range(COUNT)]
    rows = [(pair.image, pair.matte, matting.infer(session, pair.image, MattingRequest())) for pair in pairs]
    save(matting_sheet(rows), run_dir / f"matting-{step:06}.png")
    cutouts = []
    for index in range(COUNT):
        item = studios.studio(index)
        painted = painting.infer(
            session, item.pair.matte, PaintingRequest(item.caption, steps=STEPS, seed=index)
        )
        cutouts.append((painted, item.pair.matte, f"paint: {item.caption}"))
    for index in range(COUNT):
        caption = studios.studio(index).caption
        request = GenerationRequest(caption, steps=STEPS, seed=index, tries=1)
        picture = generation.infer(session, request)
        cutouts.append((picture[..., :3], picture[..., 3], f"generate: {caption}"))
    save(rgba_sheet(cutouts, columns=COUNT), run_dir / f"objects-{step:06}.png")
