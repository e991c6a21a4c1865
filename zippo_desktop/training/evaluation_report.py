"""What an evaluation measured: each image's scores, their summary, and both as table and JSON."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from statistics import fmean, median
from typing import Any

from zippo_desktop.errors import ExportError
from zippo_desktop.training.metrics import MatteScores

FORMAT_VERSION = 1
MODEL = "model"  # the method that is evaluated, among the baselines
ELLIPSE = "ellipse"
MEASURES = tuple(each.name for each in fields(MatteScores))
_HEADINGS = {  # name and digits after the point
    "sad": ("SAD [k]", 3),
    "mse": ("MSE", 4),
    "mad": ("MAD", 4),
    "grad": ("Grad [k]", 3),
    "conn": ("Conn [k]", 3),
    "iou": ("IoU", 3),
    "band_mad": ("band MAD", 4),
}


@dataclass(frozen=True)
class ImageEvaluation:
    """One image's scores by method, and what its matte took."""

    name: str
    width: int
    height: int
    seconds: float  # inference and upsampling to native size; no decoding, no scoring
    scores: Mapping[str, MatteScores]
    cpu_s: Mapping[str, float] = field(default_factory=dict)  # CPU seconds by method, of all threads
    is_soft: bool = False  # of fur, hair, foliage or glass, as the set's index says


@dataclass(frozen=True)
class EvaluationReport:
    """One model on one set of images, next to the baselines, and how it was run."""

    model: str
    version: str
    digest: str
    engine: str  # really in use
    provider: str  # really in use
    fallbacks: tuple[str, ...]
    steps: int
    ensemble: int
    seed: int
    mean_area: float  # of the ellipse, as a share of the picture
    peak_memory_mb: float | None  # of the whole process; None where the system does not tell
    images: tuple[ImageEvaluation, ...]
    threads: int = 0  # of networks on the CPU; 0 is one for each core
    peers: Mapping[str, str] = field(default_factory=dict)  # name and version
    second_pass: bool = False
    edges: str = "fast"
    refine: str = "none"

    def rows(self, soft_only: bool = False) -> list[dict[str, Any]]:
        """Summarise each method in one row, the model first, over all images or the soft ones.

        Keys: `method`, `images`, `MEASURE_mean` and `MEASURE_median` for each of `MEASURES`,
        `iou_below_half` (count of images), `cpu_s_mean` and `cpu_s_median` (None where not measured),
        `seconds_mean` and `seconds_median` (None but for the model). No rows where no image is soft.
        """
        images = [image for image in self.images if image.is_soft or not soft_only]
        return [_row(method, images) for method in self.images[0].scores] if images else []

    @property
    def cpu_to_peers(self) -> dict[str, float]:
        """The model's mean CPU time a photo as a share of each peer's."""
        times = {row["method"]: row["cpu_s_mean"] for row in self.rows()}
        return {name: times[MODEL] / times[name] for name in self.peers if times.get(MODEL) and times[name]}

    @property
    def mad_to_ellipse(self) -> float:
        """The model's mean MAD as a multiple of the centred ellipse's; below 1 is better than no network."""
        mean_mad = {row["method"]: row["mad_mean"] for row in self.rows()}
        return float(mean_mad[MODEL] / mean_mad[ELLIPSE]) if mean_mad[ELLIPSE] else float("inf")

    def quality(self) -> dict[str, Any]:
        """What a model's `zippo.json` says of this evaluation: how it was run, and each method's means."""
        soft = _means(self.rows(soft_only=True))
        return {
            "images": len(self.images),
            "steps": self.steps,
            "ensemble": self.ensemble,
            "second_pass": self.second_pass,
            "edges": self.edges,
            "engine": self.engine,
            "provider": self.provider,
            "mad_to_ellipse": round(self.mad_to_ellipse, 4),
            "methods": _rounded(_means(self.rows())),
            **({"soft_images": sum(each.is_soft for each in self.images)} if soft else {}),
            **({"soft": _rounded(soft)} if soft else {}),
        }

    def as_dict(self) -> dict[str, Any]:
        """Everything as plain values: the run, the summary (`rows`), and each image's scores."""
        images = asdict(self)["images"]
        run = {each.name: getattr(self, each.name) for each in fields(self) if each.name != "images"}
        return {
            "format_version": FORMAT_VERSION,
            **run,
            "summary": self.rows(),
            "soft_summary": self.rows(soft_only=True),
            "images": images,
        }

    def to_json(self, path: Path) -> None:
        """Write `as_dict` to a file, whole or not at all; raises ExportError."""
        unfinished = path.with_name(f".{path.name}.part")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            unfinished.write_text(json.dumps(self.as_dict(), indent=2) + "\n", encoding="utf-8")
            os.replace(unfinished, path)
        except OSError as error:
            raise ExportError(
                f"The evaluation {path} cannot be written: {error.strerror or error}."
            ) from error

    def table(self) -> str:
        """Lay the summary out for a terminal or a Markdown code block."""
        soft = self.rows(soft_only=True)
        count = sum(image.is_soft for image in self.images)
        heading = f"The {count} images of fur, hair, foliage and glass alone:"
        apart = ["", heading, "", *_table(soft)] if soft else []
        table = _table(self.rows())
        return "\n".join([self._title(), *self.fallbacks, "", *table, *apart, "", self._verdict()])

    def _title(self) -> str:
        row = self.rows()[0]
        memory = "" if self.peak_memory_mb is None else f", {self.peak_memory_mb:.0f} MB of memory at most"
        passes = "a second pass" if self.second_pass else "one pass"
        return (
            f"{self.model} {self.version} on {self.engine}/{self.provider}, steps {self.steps}, "
            f"ensemble {self.ensemble}, {passes}, edges {self.edges}, seed {self.seed}\n"
            f"{row['images']} images at native size, "
            f"{row['seconds_mean']:.3f} s each (median {row['seconds_median']:.3f}){memory}"
        )

    def _verdict(self) -> str:
        verdict = (
            f"The model's mean MAD is {self.mad_to_ellipse:.2f} times that of a centred ellipse\n"
            f"over {self.mean_area:.0%} of the picture."
        )
        shares = [f"{share:.2f} of {name}'s" for name, share in self.cpu_to_peers.items()]
        return f"{verdict}\nIts CPU time a photo is {', '.join(shares)}." if shares else verdict


def _row(method: str, images: Sequence[ImageEvaluation]) -> dict[str, Any]:
    scores = [image.scores[method] for image in images]
    row: dict[str, Any] = {"method": method, "images": len(scores)}
    for measure in MEASURES:
        values = [getattr(score, measure) for score in scores]
        row |= {f"{measure}_mean": fmean(values), f"{measure}_median": median(values)}
    row["iou_below_half"] = sum(score.iou < 0.5 for score in scores)
    cpu_s = [image.cpu_s[method] for image in images if method in image.cpu_s]
    seconds = [image.seconds for image in images] if method == MODEL else []
    for name, values in (("cpu_s", cpu_s), ("seconds", seconds)):
        row[f"{name}_mean"] = fmean(values) if values else None
        row[f"{name}_median"] = median(values) if values else None
    return row


def _means(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Each method's means, under the measures' bare names, and its count of wrong subjects."""
    return {
        row["method"]: {key.removesuffix("_mean"): row[key] for key in row if key.endswith("_mean")}
        | {"iou_below_half": row["iou_below_half"]}
        for row in rows
    }


def _table(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Right-aligned lines, headings first; a column of CPU time where there is any."""
    is_timed = any(row["cpu_s_mean"] is not None for row in rows)
    headings = ["method", "", *(heading for heading, _ in _HEADINGS.values()), "IoU < 0.5"]
    lines = [headings + ["CPU s"] * is_timed]
    lines += [line[: len(lines[0])] for row in rows for line in _lines(row)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return [" ".join(map(str.rjust, line, widths)) for line in lines]


def _lines(row: Mapping[str, Any]) -> list[list[str]]:
    """Two lines a method, the median under the mean: without CPU time all fits into 80 columns."""
    means, medians = (
        [f"{row[f'{measure}_{kind}']:.{digits}f}" for measure, (_, digits) in _HEADINGS.items()]
        for kind in ("mean", "median")
    )
    mean_cpu, median_cpu = (
        "" if row[f"cpu_s_{kind}"] is None else f"{row[f'cpu_s_{kind}']:.3f}" for kind in ("mean", "median")
    )
    return [
        [row["method"], "mean", *means, str(row["iou_below_half"]), mean_cpu],
        ["", "median", *medians, "", median_cpu],
    ]


def _rounded(value: Any) -> Any:
    """Floats to four digits after the point, through dictionaries."""
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    return round(value, 4) if isinstance(value, float) else value
