"""Measuring a model's mattes against true ones, next to peers and to baselines that need no network.

The mattes are those that `zippo-desktop matte` would write: same pipeline, same way to native size.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from math import pi, sqrt
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from zippo_desktop.engine.onnx_graphs import thread_count
from zippo_desktop.engine.open_session import open_session
from zippo_desktop.engine.session import ModelSpec, Session
from zippo_desktop.errors import EngineError, InputError, UsageError
from zippo_desktop.imaging.colour import to_srgb
from zippo_desktop.imaging.decode import Photo, decode, decode_matte, is_image_name
from zippo_desktop.pipelines import matting
from zippo_desktop.pipelines.cutting import cut_out
from zippo_desktop.pipelines.request import Edges, MattingRequest, Refinement
from zippo_desktop.training import metrics, sheet
from zippo_desktop.training.evaluation_index import soft_files
from zippo_desktop.training.evaluation_report import ELLIPSE, MODEL, EvaluationReport, ImageEvaluation
from zippo_desktop.training.metrics import Matte
from zippo_desktop.training.peers.kept import KeptMattes
from zippo_desktop.training.peers.open_peers import default_peers_dir, open_peers
from zippo_desktop.training.peers.peer import Peer

DEFAULT_MEAN_AREA = 0.25  # for models whose zippo.json does not say how large their subjects were
SHEET_ROWS = 24

Array = NDArray[np.float32]
OnImage = Callable[[int, int], None]  # done, total
OnNotice = Callable[[str], None]


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
    second_pass: bool = True,
    edges: Edges = "fast",
    refine: Refinement = "none",
    engine: str = "auto",
    provider: str = "auto",
    mean_area: float | None = None,
    limit: int | None = None,
    seed: int = 0,
    sheet_path: Path | None = None,
    peers: Sequence[str] = (),
    peers_dir: Path | None = None,
    on_image: OnImage | None = None,
    on_notice: OnNotice = lambda sentence: None,
) -> EvaluationReport:
    """Score a model's mattes of all images in a folder against the true mattes of the same name.

    `mean_area` is the baseline ellipse's share of the picture; None takes the mean matte of the model's
    training pictures (zippo.json, quality.training_mean_area), else 0.25. `limit` takes the first so many
    by name. `sheet_path` gets a contact sheet of up to 24 images at equal distances in that order.
    `peers` are measured, too (`peers.open_peers.PEERS`); one that is not in `peers_dir` is told to
    `on_notice` and left out, and their mattes are kept there. An `index.csv` beside the images sets the
    soft subjects apart.
    Raises UsageError, InputError (a broken or unpaired file: a mean over fewer images would mislead),
    ModelError, EngineError and ExportError.
    """
    _require_sensible(steps, ensemble, mean_area, limit)
    pairs, soft = find_pairs(images_dir, mattes_dir)[:limit], soft_files(images_dir)
    request = MattingRequest(
        steps=steps,
        ensemble=ensemble,
        seed=seed,
        second_pass=second_pass,
        edges=edges,
        refine=refine,
        check=False,
    )
    peers_dir = peers_dir or default_peers_dir()
    with (
        open_peers(peers, peers_dir, on_notice) as opened,
        closing(open_session(model, engine, provider)) as session,
    ):
        area = training_mean_area(session.spec) if mean_area is None else mean_area
        run = _Run(
            session, request, area, opened, KeptMattes(peers_dir / "mattes"), soft, _Gallery(len(pairs))
        )
        images = []
        for done, pair in enumerate(pairs, start=1):
            images.append(_evaluate_pair(run, pair))
            if on_image is not None:
                on_image(done, len(pairs))
        report = _report(run, images)
    if sheet_path is not None:
        sheet.save(run.gallery.page([MODEL, *report.peers]), sheet_path)
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
        self._rows: list[sheet.ComparisonRow] = []
        self._count = 0
        self._chosen = set(np.linspace(0, total - 1, min(total, SHEET_ROWS)).round().astype(int).tolist())

    def offer(self, image: Array, true: Matte, mattes: Sequence[Matte]) -> None:
        if self._count in self._chosen:
            self._rows.append(sheet.shrink_comparison((image, true, mattes)))
        self._count += 1

    def page(self, methods: Sequence[str]) -> sheet.Sheet:
        """The cut-out of a single method, or the mattes of several side by side."""
        if len(methods) > 1:
            return sheet.comparison_sheet(self._rows, methods)
        return sheet.matting_sheet([(image, true, mattes[0]) for image, true, mattes in self._rows])


@dataclass(frozen=True)
class _Run:
    """What stays the same from image to image."""

    session: Session
    request: MattingRequest
    area: float  # of the ellipse
    peers: Sequence[Peer]
    kept: KeptMattes
    soft: frozenset[str]  # names of images
    gallery: _Gallery


def _evaluate_pair(run: _Run, pair: Pair) -> ImageEvaluation:
    photo, true = decode(pair.image_path), decode_matte(pair.matte_path)  # pixels [H,W,3], true [H,W]
    height, width = photo.pixels.shape[:2]
    if true.shape != (height, width):
        raise InputError(
            f"{pair.matte_path.name} is {true.shape[1]}x{true.shape[0]} pixels, its image {width}x{height}.",
            "A true matte has the size of its image.",
        )
    started, cpu_started = time.perf_counter(), time.process_time()
    predicted = predict(run.session, photo, run.request)  # [H,W]
    cpu_s = {MODEL: time.process_time() - cpu_started}
    seconds = time.perf_counter() - started
    image = to_srgb(photo)
    mattes = {MODEL: predicted}
    for peer in run.peers:
        timed = run.kept.matte(peer, image)
        mattes[peer.name], cpu_s[peer.name] = timed.matte, timed.cpu_s
    run.gallery.offer(image, true, list(mattes.values()))
    mattes |= baselines(height, width, run.area)
    scores = {method: metrics.score(matte, true) for method, matte in mattes.items()}
    name = pair.image_path.name
    return ImageEvaluation(name, width, height, seconds, scores, cpu_s, is_soft=name in run.soft)


def predict(session: Session, photo: Photo, request: MattingRequest) -> Matte:
    """The matte that the program would write for this photo, [H,W]; EngineError if it is not finite."""
    prepared = matting.prepare(photo, session.spec)
    found = matting.infer_photo(session, prepared, request)
    matte = cut_out(photo, matting.native_matte(found, prepared), replace(request, foreground=False)).matte
    if not np.isfinite(matte).all():
        raise EngineError(
            f"The matte of {photo.path.name} is not finite on {session.info.engine}/{session.info.provider}.",
            "Try another --engine or --provider.",
        )
    return matte


def _report(run: _Run, images: Iterable[ImageEvaluation]) -> EvaluationReport:
    session, request = run.session, run.request
    return EvaluationReport(
        model=session.spec.name,
        version=session.spec.version,
        digest=session.spec.digest,
        engine=session.info.engine,
        provider=session.info.provider,
        fallbacks=session.info.fallbacks,
        steps=request.steps,
        ensemble=request.ensemble,
        second_pass=request.second_pass,
        edges=request.edges,
        refine=request.refine,
        seed=request.seed,
        mean_area=run.area,
        peak_memory_mb=_peak_memory_mb(),
        images=tuple(images),
        threads=thread_count(),
        peers={peer.name: peer.version for peer in run.peers},
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
