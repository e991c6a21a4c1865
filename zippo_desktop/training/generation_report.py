"""What an evaluation of the generative tasks measured: each picture, their summary, as table and JSON."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from statistics import fmean, median
from typing import Any

from zippo_desktop.errors import ExportError
from zippo_desktop.imaging.cleanness import Cleanness

FORMAT_VERSION = 1


@dataclass(frozen=True)
class Agreement:
    """How far two mattes agree: IoU at 0.5 and MAD, each in 0..1."""

    iou: float
    mad: float


@dataclass(frozen=True)
class PictureScores:
    """One picture. `then_matte` is the baseline: the same colours over grey, then their matte by matting."""

    name: str  # what it should show
    judged: str  # what the judge holds it for
    prompt: str  # empty for a real view
    seed: int
    seconds: float | None  # of the model, None for what no model made
    clean: Cleanness
    unseen_scene: Agreement  # its matte, and its re-matting over an unseen background
    then_matte: Agreement | None = None  # the baseline's matte, and its re-matting over the same background
    both_mattes: Agreement | None = None  # its matte, and the baseline's
    studio: Agreement | None = None  # painting: its matte, and its re-matting over the studio backdrop
    outside: float | None = None  # painting: see `outside_difference`


@dataclass(frozen=True)
class Diversity:
    """Mean distance between the pictures of one name, over the names."""

    pixels: float
    features: float


@dataclass(frozen=True)
class Row:
    """One method on one task: "model", "4 steps" or, where no model drew, "real views"."""

    method: str
    steps: int | None
    pictures: tuple[PictureScores, ...]
    diversity: Diversity | None = None

    def summary(self) -> dict[str, Any]:
        """Shares and means over the pictures; None for what this row does not have."""
        return {
            "method": self.method,
            "steps": self.steps,
            "pictures": len(self.pictures),
            "clean": self._share(lambda picture: picture.clean.is_clean),
            "one_part": self._share(lambda picture: picture.clean.is_one_part),
            "fair_area": self._share(lambda picture: picture.clean.has_fair_area),
            "clear_of_border": self._share(lambda picture: not picture.clean.touches_border),
            "judge_top1": self._share(lambda picture: picture.judged == picture.name),
            "diversity_pixels": self.diversity.pixels if self.diversity else None,
            "diversity_features": self.diversity.features if self.diversity else None,
            **self._agreement("unseen_scene"),
            **self._agreement("then_matte"),
            **self._agreement("both_mattes"),
            **self._agreement("studio"),
            "outside": _mean(picture.outside for picture in self.pictures),
            "seconds": _median(picture.seconds for picture in self.pictures),
        }

    def _share(self, holds: Callable[[PictureScores], bool]) -> float:
        return fmean(float(holds(picture)) for picture in self.pictures)

    def _agreement(self, kind: str) -> dict[str, float | None]:
        found: list[Agreement] = [a for a in (getattr(picture, kind) for picture in self.pictures) if a]
        return {
            f"{kind}_iou": _mean(agreement.iou for agreement in found),
            f"{kind}_mad": _mean(agreement.mad for agreement in found),
        }


@dataclass(frozen=True)
class GenerationReport:
    """One model's generation and painting next to real views, and how all was run."""

    model: str
    version: str
    digest: str
    engine: str  # really in use
    provider: str  # really in use
    fallbacks: tuple[str, ...]
    names: tuple[str, ...]
    seeds: int
    seed: int
    steps: int
    guidance: float
    judge: str
    judge_digest: str
    generation: tuple[Row, ...]  # the model first, then real views, paraphrases, and the curve over steps
    painting: tuple[Row, ...]  # the model first, then real colours, and one flat colour

    def quality(self) -> dict[str, Any]:
        """What a model's `zippo.json` says: entries `generation` and `painting`."""
        run = {
            "names": len(self.names),
            "seeds": self.seeds,
            "guidance": self.guidance,
            "engine": self.engine,
            "provider": self.provider,
            "judge": self.judge,
        }
        return {
            task: run | {"methods": [_without_none(row.summary()) for row in rows]}
            for task, rows in (("generation", self.generation), ("painting", self.painting))
        }

    def as_dict(self) -> dict[str, Any]:
        """Everything as plain values: the run, the summaries, and each picture's scores."""
        tasks = ("generation", "painting")
        run = {field.name: getattr(self, field.name) for field in fields(self) if field.name not in tasks}
        rows = {
            task: [row.summary() | {"each": [asdict(p) for p in row.pictures]} for row in getattr(self, task)]
            for task in tasks
        }
        return {"format_version": FORMAT_VERSION, **run, **rows}

    def to_json(self, path: Path) -> None:
        """Write `as_dict` to a file, whole or not at all; raises ExportError."""
        unfinished = path.with_name(f".{path.name}.part")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            unfinished.write_text(json.dumps(self.as_dict(), indent=2) + "\n", encoding="utf-8")
            os.replace(unfinished, path)
        except OSError as error:
            raise ExportError(f"The report {path} cannot be written: {error.strerror or error}.") from error

    def table(self) -> str:
        """Lay the summaries out for a terminal or a Markdown code block."""
        generation = [row.summary() for row in self.generation]
        painting = [row.summary() for row in self.painting]
        blocks = (
            ("Generation: clean cut-outs, and what the judge sees", generation, _CLEAN),
            ("Generation: a matte and its re-matting over unseen backgrounds", generation, _REMATTING),
            ("Painting into real mattes", painting, _PAINTING),
        )
        tables = [f"{title}\n{_table(rows, columns)}" for title, rows, columns in blocks]
        return "\n\n".join(["\n".join([self._title(), *self.fallbacks]), *tables, self._verdict()])

    def _title(self) -> str:
        return (
            f"{self.model} {self.version} on {self.engine}/{self.provider}, {len(self.names)} names with "
            f"{self.seeds} seeds each, from {self.seed} on, {self.steps} steps, guidance {self.guidance:g}\n"
            f"judge: {self.judge}"
        )

    def _verdict(self) -> str:
        rows = {row.method: row.summary() for row in self.generation}
        judge = rows[REAL_VIEWS]["judge_top1"]
        lines = [
            f"The judge's own accuracy, on real views that it never saw, is {judge:.1%}: no top-1 says more."
        ]
        model, real = self.generation[0].diversity, rows[REAL_VIEWS]["diversity_features"]
        if model and real:
            lines.append(
                f"Over seeds, pictures of one name differ {model.features / real:.2f} times as much as its "
                "real views do (judge features)."
            )
        return "\n".join(lines)


REAL_VIEWS = "real views"
_CLEAN = (
    ("n", "pictures", "d"),
    ("clean", "clean", ".1%"),
    ("one part", "one_part", ".1%"),
    ("area", "fair_area", ".1%"),
    ("border", "clear_of_border", ".1%"),
    ("top-1", "judge_top1", ".1%"),
    ("div. px", "diversity_pixels", ".3f"),
    ("div. feat", "diversity_features", ".3f"),
    ("s", "seconds", ".2f"),
)
_REMATTING = (
    ("IoU", "unseen_scene_iou", ".3f"),
    ("MAD", "unseen_scene_mad", ".4f"),
    ("then-matte IoU", "then_matte_iou", ".3f"),
    ("MAD", "then_matte_mad", ".4f"),
    ("both IoU", "both_mattes_iou", ".3f"),
    ("MAD", "both_mattes_mad", ".4f"),
)
_PAINTING = (
    ("n", "pictures", "d"),
    ("studio IoU", "studio_iou", ".3f"),
    ("MAD", "studio_mad", ".4f"),
    ("unseen IoU", "unseen_scene_iou", ".3f"),
    ("MAD", "unseen_scene_mad", ".4f"),
    ("outside", "outside", ".4f"),
    ("top-1", "judge_top1", ".1%"),
    ("s", "seconds", ".2f"),
)


def _table(rows: Sequence[dict[str, Any]], columns: Sequence[tuple[str, str, str]]) -> str:
    lines = [["method", *(heading for heading, _, _ in columns)]]
    for row in rows:
        values = ((row[key], form) for _, key, form in columns)
        lines.append([row["method"], *("" if value is None else f"{value:{form}}" for value, form in values)])
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(" ".join(map(str.rjust, line, widths)) for line in lines)


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fmean(known) if known else None


def _median(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return median(known) if known else None


def _without_none(summary: dict[str, Any]) -> dict[str, Any]:
    rounded = {key: round(value, 4) if isinstance(value, float) else value for key, value in summary.items()}
    return {key: value for key, value in rounded.items() if value is not None}
