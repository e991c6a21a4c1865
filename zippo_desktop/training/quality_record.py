"""Keeping what an evaluation measured with the model itself, where `models list` reads it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from zippo_desktop.engine.expert_manifest import MANIFEST_FILE, ExpertManifest, Quality, manifest_text
from zippo_desktop.engine.expert_store import InstalledExpert
from zippo_desktop.engine.find_spec import AUTO, find_installed
from zippo_desktop.errors import UsageError
from zippo_desktop.training.evaluation_report import MODEL, EvaluationReport
from zippo_desktop.training.model_folder import record_quality

Record = Callable[[EvaluationReport], None]


def open_record(model: str, images_dir: Path, command: str) -> Record:
    """Find where the measurements of `model` are kept, and return what writes a report there.

    A Zippo folder keeps the last evaluation of matting in its `zippo.json`; an expert keeps one row for
    each set of images in its `model.toml`, with the `command` that gave it. Raises `UsageError` for a
    model without a place of its own, and `ModelError` for none at all: before anything is measured.
    """
    if model == AUTO:
        raise UsageError("--record needs one model: 'auto' is two.", "Name a Zippo model or an expert.")
    found = find_installed(model)
    if isinstance(found, Path):
        return lambda report: record_quality(found, {"matting": report.quality()})
    if not found.is_own:
        raise UsageError(
            f"{found.path} is another program's file: nothing is recorded beside it.",
            f"Take it in first: zippo-desktop models import {found.path}",
        )
    return lambda report: _record_row(found, quality_row(report, images_dir, command))


def quality_row(report: EvaluationReport, images_dir: Path, command: str) -> Quality:
    """One row of a manifest: the set's name and count of images, mean MAD and IoU to four digits."""
    means = next(row for row in report.rows() if row["method"] == MODEL)
    return Quality(
        set=f"{_set_name(images_dir)}, {means['images']}",
        mad=round(means["mad_mean"], 4),
        iou=round(means["iou_mean"], 4),
        command=command,
    )


def _record_row(expert: InstalledExpert, row: Quality) -> None:
    """Add the row, in the place of one of the same set."""
    kept = [each for each in expert.manifest.quality if each.set != row.set]
    _rewrite(expert.folder / MANIFEST_FILE, replace(expert.manifest, quality=(*kept, row)))


def _rewrite(path: Path, manifest: ExpertManifest) -> None:
    draft = path.with_suffix(".toml.part")
    draft.write_text(manifest_text(manifest), encoding="utf-8")
    draft.replace(path)


def _set_name(images_dir: Path) -> str:
    """The folder's name; of SET/image, as the program's own sets are laid out, the set's."""
    folder = images_dir.resolve()
    return folder.parent.name if folder.name in ("image", "images") else folder.name
