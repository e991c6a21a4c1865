"""Measuring a model's mattes against true ones, next to baselines that need no network.

The mattes are those that `zippo-desktop matte` would write: same pipeline, same way to native size.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass
from math import pi, sqrt
from pathlib import Path

import numpy as np

from zippo_desktop.engine.open_session import open_session
from zippo_desktop.engine.session import ModelSpec, Session
from zippo_desktop.errors import EngineError, InputError, UsageError
from zippo_desktop.imaging.colour import to_srgb
from zippo_desktop.imaging.decode import Photo, decode, decode_matte, is_image_name
from zippo_desktop.pipelines import matting
from zippo_desktop.pipelines.request import MattingRequest
from zippo_desktop.training import metrics, sheet
from zippo_desktop.training.evaluation_report import ELLIPSE, MODEL, EvaluationReport, ImageEvaluation
from zippo_desktop.training.metrics import Matte

DEFAULT_MEAN_AREA = 0.25  # for models whose zippo.json does not say how large their subjects were
SHEET_ROWS = 24

OnImage = Callable[[int, int], None]  # done, total


@dataclass(frozen=True)
class Pair:
    """An image and its true matte."""

    image_path: Path
    matte_path: Path


def evaluate(
    model: str | Path,
    images_dir: Path,
    mattes_dir: Path,
    *,
    steps: int = 1,
    ensemble: int = 1,
    engine: str = "auto",
    provider: str = "auto",
    mean_area: float | None = None,
    limit: int | None = None,
    seed: int = 0,
    sheet_path: Path | None = None,
    on_image: OnImage | None = None,
) -> EvaluationReport:
    """Score a model's mattes of all images in a folder against the true mattes of the same name.

    `mean_area` is the baseline ellipse's share of the picture; None takes the mean matte of the model's
    training pictures (zippo.json, quality.training_mean_area), else 0.25. `limit` takes the first so many
    by name. `sheet_path` gets a contact sheet of up to 24 images at equal distances in that order.
    Raises UsageError, InputError (a broken or unpaired file: a mean over fewer images would mislead),
    ModelError, EngineError and ExportError.
    """
    _require_sensible(steps, ensemble, mean_area, limit)
    pairs = find_pairs(images_dir, mattes_dir)[:limit]
    request = MattingRequest(steps=steps, ensemble=ensemble, seed=seed)
    with closing(open_session(model, engine, provider)) as session:
        area = training_mean_area(session.spec) if mean_area is None else mean_area
        gallery = _Gallery(total=len(pairs))
        images = []
        for done, pair in enumerate(pairs, start=1):
            images.append(_evaluate_pair(session, pair, request, area, gallery))
            if on_image is not None:
                on_image(done, len(pairs))
        report = _report(session, request, area, images)
    if sheet_path is not None:
        sheet.save(sheet.matting_sheet(gallery.rows), sheet_path)
    return report


def find_pairs(images_dir: Path, mattes_dir: Path) -> list[Pair]:
    """Pair the images of two folders by name without suffix, in the order of names.

    Raises UsageError for a missing folder, InputError for an empty one, two files of one name, or
    a file without a partner.
    """
    images, mattes = _images_by_stem(images_dir), _images_by_stem(mattes_dir)
    _require_partners(images, mattes, f"have no true matte of the same name in {mattes_dir}")
    _require_partners(mattes, images, f"have no image of the same name in {images_dir}")
    return [Pair(path, mattes[stem]) for stem, path in sorted(images.items())]


def training_mean_area(spec: ModelSpec) -> float:
    """Read the mean matte of the model's training pictures from its zippo.json; 0.25 where not told."""
    try:
        described = json.loads((spec.model_dir / "zippo.json").read_text(encoding="utf-8"))
        return float(described["quality"]["training_mean_area"])
    except (OSError, ValueError, KeyError, TypeError):
        return DEFAULT_MEAN_AREA


def baselines(height: int, width: int, mean_area: float) -> dict[str, Matte]:
    """Mattes [H,W] that look at no pixel: nothing, everything, and a centred ellipse of the mean area."""
    return {
        "all 0": np.zeros((height, width), dtype=np.float32),
        "all 1": np.ones((height, width), dtype=np.float32),
        ELLIPSE: centred_ellipse(height, width, mean_area),
    }


def centred_ellipse(height: int, width: int, area: float) -> Matte:
    """A hard-edged ellipse with the picture's aspect ratio over a share `area` (0..1) of it, [H,W].

    Above pi/4 the picture's borders cut it off.
    """
    radius = sqrt(area / pi)  # in a picture of sides 1
    y = (np.arange(height, dtype=np.float32) + 0.5) / height - 0.5
    x = (np.arange(width, dtype=np.float32) + 0.5) / width - 0.5
    return (np.hypot(y[:, None], x[None, :]) <= radius).astype(np.float32)


class _Gallery:
    """Thumbnails of some images at equal distances: enough to look at, little to hold."""

    def __init__(self, total: int) -> None:
        self.rows: list[sheet.MattingRow] = []
        self._count = 0
        self._chosen = set(np.linspace(0, total - 1, min(total, SHEET_ROWS)).round().astype(int).tolist())

    def offer(self, row: sheet.MattingRow) -> None:
        if self._count in self._chosen:
            self.rows.append(sheet.shrink(row))
        self._count += 1


def _evaluate_pair(
    session: Session, pair: Pair, request: MattingRequest, area: float, gallery: _Gallery
) -> ImageEvaluation:
    photo, true = decode(pair.image_path), decode_matte(pair.matte_path)  # pixels [H,W,3], true [H,W]
    height, width = photo.pixels.shape[:2]
    if true.shape != (height, width):
        raise InputError(
            f"{pair.matte_path.name} is {true.shape[1]}x{true.shape[0]} pixels, its image {width}x{height}.",
            "A true matte has the size of its image.",
        )
    started = time.perf_counter()
    predicted = _predict(session, photo, request)  # [H,W]
    seconds = time.perf_counter() - started
    gallery.offer((to_srgb(photo), true, predicted))
    methods = {MODEL: predicted, **baselines(height, width, area)}
    scores = {method: metrics.score(matte, true) for method, matte in methods.items()}
    return ImageEvaluation(pair.image_path.name, width, height, seconds, scores)


def _predict(session: Session, photo: Photo, request: MattingRequest) -> Matte:
    """The matte that the program would write for this photo, [H,W]."""
    matte = matting.finish(matting.infer(session, to_srgb(photo), request), photo).matte
    if not np.isfinite(matte).all():
        raise EngineError(
            f"The matte of {photo.path.name} is not finite on {session.info.engine}/{session.info.provider}.",
            "Try another --engine or --provider.",
        )
    return matte


def _report(
    session: Session, request: MattingRequest, area: float, images: Iterable[ImageEvaluation]
) -> EvaluationReport:
    return EvaluationReport(
        model=session.spec.name,
        version=session.spec.version,
        digest=session.spec.digest,
        engine=session.info.engine,
        provider=session.info.provider,
        fallbacks=session.info.fallbacks,
        steps=request.steps,
        ensemble=request.ensemble,
        seed=request.seed,
        mean_area=area,
        peak_memory_mb=_peak_memory_mb(),
        images=tuple(images),
    )


def _images_by_stem(folder: Path) -> dict[str, Path]:
    if not folder.is_dir():
        raise UsageError(f"The folder {folder} does not exist.")
    try:
        paths = sorted(path for path in folder.iterdir() if path.is_file() and is_image_name(path))
    except OSError as error:
        raise InputError(f"The folder {folder} cannot be read: {error.strerror or error}.") from error
    if not paths:
        raise InputError(f"The folder {folder} holds no images.")
    by_stem: dict[str, Path] = {}
    for path in paths:
        if path.stem in by_stem:
            raise InputError(
                f"{by_stem[path.stem].name} and {path.name} in {folder} have one name.", "Keep one."
            )
        by_stem[path.stem] = path
    return by_stem


def _require_partners(paths: dict[str, Path], partners: dict[str, Path], complaint: str) -> None:
    alone = [path.name for stem, path in paths.items() if stem not in partners]
    if alone:
        shown = ", ".join(alone[:5]) + (", ..." if len(alone) > 5 else "")
        raise InputError(f"{len(alone)} of {len(paths)} files {complaint}: {shown}.")


def _require_sensible(steps: int, ensemble: int, mean_area: float | None, limit: int | None) -> None:
    if min(steps, ensemble, 1 if limit is None else limit) < 1:
        raise UsageError("Steps, ensemble and limit are whole numbers from 1 up.")
    if mean_area is not None and not 0.0 < mean_area <= 1.0:
        raise UsageError(
            f"A mean area of {mean_area} is no share of a picture.", "Give one above 0, up to 1."
        )


def _peak_memory_mb() -> float | None:
    """The process's largest resident size so far, in MB; None on Windows, which has no getrusage."""
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return float(peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6)  # macOS counts bytes
