"""Measuring generation and painting: clean cut-outs, prompts, diversity, agreement with its matting.

Pictures are those that `zippo-desktop generate --tries 1` and `paint` would make. Real views go through the
same measures as if a model had made them: the best that can be reached, whatever judge and matting are worth.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from zippo_desktop.engine.open_session import open_session
from zippo_desktop.engine.session import zippo_of
from zippo_desktop.errors import InputError, UsageError
from zippo_desktop.imaging.backdrop import add_backdrop, remove_backdrop
from zippo_desktop.pipelines.request import GenerationRequest
from zippo_desktop.training import sheet
from zippo_desktop.training.composites import studio
from zippo_desktop.training.cutouts import read_backdrops
from zippo_desktop.training.generation_report import REAL_VIEWS, GenerationReport, Row
from zippo_desktop.training.judge import open_judge
from zippo_desktop.training.kept_pictures import KeptPictures
from zippo_desktop.training.named_views import (
    NamedViews,
    PromptFor,
    choose_names,
    load_view,
    paraphrases,
)
from zippo_desktop.training.picture_bench import Bench, Drawn, OnPicture, Progress, seeds_of

Array = NDArray[np.float32]

SHEET_PICTURES = 64
SHEET_COLUMNS = 8
SHEET_CELL_PX = 144


@dataclass(frozen=True)
class GenerationPlan:
    """What is made: `names` by `seeds` pictures of each task, and a curve over steps for the first seed."""

    names: int = 50
    seeds: int = 4
    steps: int = GenerationRequest.steps
    curve: tuple[int, ...] = (4, 8, 50)
    seed: int = 0


def evaluate_generation(
    model: str | Path,
    cutouts: Sequence[Path],
    backgrounds: Sequence[Path],
    output_dir: Path,
    plan: GenerationPlan | None = None,
    *,
    engine: str = "auto",
    provider: str = "auto",
    judge_dir: Path | None = None,
    judge_encoder: Path | None = None,
    on_picture: OnPicture | None = None,
) -> GenerationReport:
    """Make, judge and re-matte pictures of training names; sheets go to `output_dir`, and so do the pictures.

    A second call with the same model takes the pictures that are there. `judge_dir` keeps the judge
    (None: in `output_dir`), `judge_encoder` holds its published features (see `open_judge`). Raises
    UsageError, InputError, ModelError, EngineError and ExportError.
    """
    plan = plan or GenerationPlan()
    _require_sensible(plan)
    names = choose_names(cutouts, plan.names)
    unseen = read_backdrops(backgrounds, "test")
    if not unseen:
        raise InputError("The backgrounds hold none of the test split.", "Give more, or other ones.")
    judge = open_judge(names, judge_dir or output_dir / "judge", judge_encoder)
    with closing(open_session(model, engine, provider)) as opened:
        session = zippo_of(opened)
        pictures = KeptPictures(output_dir / "pictures", session)
        others = paraphrases(names, cutouts)
        total = len(names) * (2 * plan.seeds + 1 + len(_other_steps(plan))) + len(others)
        bench = Bench(session, judge, unseen, plan.steps, plan.seed, pictures, Progress(total, on_picture))
        generated, generation_rows = _measure_generation(bench, plan, names, others)
        painted, painting_rows = _measure_painting(bench, plan, names)
    for file_name, drawn in (("generated.png", generated), ("painted.png", painted)):
        sheet.save(_sheet(drawn, plan.seed), output_dir / file_name)
    return GenerationReport(
        model=session.spec.name,
        version=session.spec.version,
        digest=session.spec.digest,
        engine=session.info.engine,
        provider=session.info.provider,
        fallbacks=session.info.fallbacks,
        names=judge.names,
        seeds=plan.seeds,
        seed=plan.seed,
        steps=plan.steps,
        guidance=GenerationRequest.guidance,
        judge=judge.kind,
        judge_digest=judge.digest,
        generation=tuple(generation_rows),
        painting=tuple(painting_rows),
    )


def _measure_generation(
    bench: Bench, plan: GenerationPlan, names: Sequence[NamedViews], others: Sequence[PromptFor]
) -> tuple[list[Drawn], list[Row]]:
    """The model's pictures, one try each, and the rows: model, real views, paraphrases, tries, curve."""
    prompts = [PromptFor(views.name, views.name) for views in names]
    generated = bench.generate(prompts, plan.seeds, plan.steps)
    scores = bench.score(generated)
    rows = [Row("model", plan.steps, scores, bench.diversity(generated))]
    real = [drawn for views in names for drawn in _real_views(bench, views, views.unseen)]
    unseen = [
        replace(drawn, seed=number) for number, drawn in enumerate(real)
    ]  # each over its own background
    several = [
        drawn
        for views in names
        for drawn in _real_views(bench, views, (views.unseen + views.known)[: plan.seeds])
    ]
    rows.append(Row(REAL_VIEWS, None, bench.score(unseen), bench.diversity(several)))
    if others:
        rows.append(Row("paraphrases", plan.steps, bench.score(bench.generate(others, 1, plan.steps))))
    tries = GenerationRequest.tries
    several_tries = bench.generate(prompts, 1, plan.steps, tries)
    rows.append(Row(f"up to {tries} tries", plan.steps, bench.score(several_tries)))
    curve = {plan.steps: scores[:: plan.seeds]}  # the first seed of each name
    for steps in _other_steps(plan):
        curve[steps] = bench.score(bench.generate(prompts, 1, steps))
    rows += [Row(f"{steps} steps", steps, curve[steps]) for steps in sorted(curve)]
    return generated, rows


def _measure_painting(
    bench: Bench, plan: GenerationPlan, names: Sequence[NamedViews]
) -> tuple[list[Drawn], list[Row]]:
    """The model's pictures, and the rows: model, real colours, one flat colour."""
    real = []
    for index, views in enumerate(names):
        seeds = seeds_of(plan.seed, index, plan.seeds)
        paths = [views.unseen[place % len(views.unseen)] for place in range(len(seeds))]
        shown = _real_views(bench, views, paths)
        real += [replace(drawn, seed=seed) for drawn, seed in zip(shown, seeds, strict=True)]
    painted = bench.paint(real)
    flat = [replace(drawn, cutout=_flattened(drawn.cutout)) for drawn in real]
    by_method = {"model": painted, "real colours": real, "one flat colour": flat}
    rows = [
        Row(method, bench.steps if drawn is painted else None, bench.score(drawn, is_painting=True))
        for method, drawn in by_method.items()
    ]
    return painted, rows


def _real_views(bench: Bench, views: NamedViews, paths: Sequence[Path]) -> Iterator[Drawn]:
    """Views of one name, framed as the generative branches were taught."""
    for place, path in enumerate(paths):
        name_seed = list(views.name.encode())
        rng = np.random.default_rng([bench.seed, 3, place, *name_seed])
        pair = studio(load_view(path), bench.session.spec.size_px, rng)
        yield Drawn(np.dstack([pair.image, pair.matte]), views.name)


def _flattened(cutout: Array) -> Array:
    """The cut-out's silhouette in its own mean colour: what the matte alone gives away."""
    colours, matte = remove_backdrop(cutout[..., :3], cutout[..., 3]), np.ascontiguousarray(cutout[..., 3])
    mean = (colours * matte[..., None]).sum(axis=(0, 1)) / max(float(matte.sum()), 1e-6)
    flat = np.broadcast_to(mean.astype(np.float32), colours.shape)
    return np.dstack([add_backdrop(flat, matte), matte])


def _other_steps(plan: GenerationPlan) -> list[int]:
    return sorted(set(plan.curve) - {plan.steps})


def _sheet(drawn: Sequence[Drawn], seed: int) -> sheet.Sheet:
    """Up to 64 pictures, drawn blindly, on a checkerboard with their prompts."""
    chosen = np.random.default_rng([seed, 4]).permutation(len(drawn))[:SHEET_PICTURES]
    rows = []
    for each in (drawn[index] for index in chosen):
        matte = np.ascontiguousarray(each.cutout[..., 3])
        rows.append((remove_backdrop(each.cutout[..., :3], matte), matte, each.prompt))
    return sheet.rgba_sheet(rows, columns=SHEET_COLUMNS, cell_px=SHEET_CELL_PX)


def _require_sensible(plan: GenerationPlan) -> None:
    if plan.names < 2 or min(plan.seeds, plan.steps, *plan.curve, 1) < 1 or plan.seed < 0:
        raise UsageError(
            "The evaluation wants two names or more; seeds and steps are whole numbers from 1 up.",
            "The usual plan is 50 names, 4 seeds and 20 steps.",
        )
