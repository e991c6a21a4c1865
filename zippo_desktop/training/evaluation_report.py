"""What an evaluation measured: each image's scores, their summary, and both as table and JSON."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from statistics import fmean, median
from typing import Any

from zippo_desktop.errors import ExportError
from zippo_desktop.training.metrics import MatteScores

FORMAT_VERSION = 1
MODEL = "model"  # the method that is evaluated, among the baselines
ELLIPSE = "ellipse"
MEASURES = tuple(field.name for field in fields(MatteScores))
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

    def rows(self) -> list[dict[str, Any]]:
        """Summarise each method in one row, the model first.

        Keys: `method`, `images`, `MEASURE_mean` and `MEASURE_median` for each of `MEASURES`,
        `iou_below_half` (count of images), `seconds_mean` and `seconds_median` (None for baselines).
        """
        return [self._row(method) for method in self.images[0].scores]

    @property
    def mad_to_ellipse(self) -> float:
        """The model's mean MAD as a multiple of the centred ellipse's; below 1 is better than no network."""
        mean_mad = {row["method"]: row["mad_mean"] for row in self.rows()}
        return float(mean_mad[MODEL] / mean_mad[ELLIPSE]) if mean_mad[ELLIPSE] else float("inf")

    def quality(self) -> dict[str, Any]:
        """What a model's `zippo.json` says of this evaluation: how it was run, and each method's means."""
        means = {
            row["method"]: {key.removesuffix("_mean"): row[key] for key in row if key.endswith("_mean")}
            | {"iou_below_half": row["iou_below_half"]}
            for row in self.rows()
        }
        return {
            "images": len(self.images),
            "steps": self.steps,
            "ensemble": self.ensemble,
            "engine": self.engine,
            "provider": self.provider,
            "mad_to_ellipse": round(self.mad_to_ellipse, 4),
            "methods": _rounded(means),
        }

    def as_dict(self) -> dict[str, Any]:
        """Everything as plain values: the run, the summary (`rows`), and each image's scores."""
        images = asdict(self)["images"]
        run = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "images"}
        return {"format_version": FORMAT_VERSION, **run, "summary": self.rows(), "images": images}

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
        lines = [_headings(), *(line for row in self.rows() for line in _lines(row))]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        table = [" ".join(map(str.rjust, line, widths)) for line in lines]
        return "\n".join([self._title(), *self.fallbacks, "", *table, "", self._verdict()])

    def _row(self, method: str) -> dict[str, Any]:
        scores = [image.scores[method] for image in self.images]
        row: dict[str, Any] = {"method": method, "images": len(scores)}
        for measure in MEASURES:
            values = [getattr(score, measure) for score in scores]
            row |= {f"{measure}_mean": fmean(values), f"{measure}_median": median(values)}
        seconds = [image.seconds for image in self.images] if method == MODEL else []
        return row | {
            "iou_below_half": sum(score.iou < 0.5 for score in scores),
            "seconds_mean": fmean(seconds) if seconds else None,
            "seconds_median": median(seconds) if seconds else None,
        }

    def _title(self) -> str:
        row = self.rows()[0]
        memory = "" if self.peak_memory_mb is None else f", {self.peak_memory_mb:.0f} MB of memory at most"
        return (
            f"{self.model} {self.version} on {self.engine}/{self.provider}, steps {self.steps}, "
            f"ensemble {self.ensemble}, seed {self.seed}\n{row['images']} images at native size, "
            f"{row['seconds_mean']:.3f} s each (median {row['seconds_median']:.3f}){memory}"
        )

    def _verdict(self) -> str:
        return (
            f"The model's mean MAD is {self.mad_to_ellipse:.2f} times that of a centred ellipse\n"
            f"over {self.mean_area:.0%} of the picture."
        )


def _headings() -> list[str]:
    return ["method", "", *(heading for heading, _ in _HEADINGS.values()), "IoU < 0.5"]


def _lines(row: Mapping[str, Any]) -> list[list[str]]:
    """Two lines a method, the median under the mean: all fits into 80 columns."""
    means, medians = (
        [f"{row[f'{measure}_{kind}']:.{digits}f}" for measure, (_, digits) in _HEADINGS.items()]
        for kind in ("mean", "median")
    )
    return [[row["method"], "mean", *means, str(row["iou_below_half"])], ["", "median", *medians, ""]]


def _rounded(value: Any) -> Any:
    """Floats to four digits after the point, through dictionaries."""
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    return round(value, 4) if isinstance(value, float) else value
