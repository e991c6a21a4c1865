"""The models there are and could be, Zippo folders and experts alike, as rows to show or to write as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from zippo_desktop.cli.console import error_console, plain
from zippo_desktop.engine.expert_manifest import ExpertManifest
from zippo_desktop.errors import ModelError

_NON_COMMERCIAL = "not for commercial use"
_WIDEST_LICENCE = 40


@dataclass(frozen=True)
class ModelRow:
    """One model; `path` is None for one that is known, but not installed."""

    name: str
    kind: str  # "zippo" or "expert"
    size_bytes: int
    size_px: int
    tasks: tuple[str, ...]
    subjects: tuple[str, ...]
    licence: str
    is_non_commercial: bool
    quality: tuple[dict[str, Any], ...]
    path: Path | None

    @property
    def is_installed(self) -> bool:
        """Whether it can be used now."""
        return self.path is not None


def read_rows() -> list[ModelRow]:
    """Zippo models, installed experts, then known ones; what is broken is told on stderr and left out."""
    from zippo_desktop.engine.expert_store import installed_experts, known_experts

    experts = [
        expert_row(expert.manifest, expert.path)
        for expert in installed_experts(lambda told: error_console().print(plain(told, "red")))
    ]
    installed = [*_zippo_rows(), *experts]
    names = {row.name for row in installed}
    return installed + [expert_row(each, None) for each in known_experts() if each.name not in names]


def expert_row(manifest: ExpertManifest, path: Path | None) -> ModelRow:
    """The row of an expert, of which `path` is the file."""
    return ModelRow(
        name=manifest.name,
        kind="expert",
        size_bytes=manifest.size_bytes or (path.stat().st_size if path else 0),
        size_px=manifest.input.size_px,
        tasks=(manifest.task,),
        subjects=manifest.subjects,
        licence=manifest.licence,
        is_non_commercial=manifest.is_non_commercial,
        quality=tuple(asdict(row) for row in manifest.quality),
        path=path,
    )


def row_lines(rows: Iterable[ModelRow]) -> Iterator[str]:
    """Rows as lines of a table, one each."""
    cells = [
        (
            row.name,
            _size_told(row.size_bytes),
            f"{row.size_px} px",
            ", ".join(row.tasks),
            ", ".join(row.subjects),
            _licence_told(row),
            _quality_told(row),
        )
        for row in rows
    ]
    widths = [max(len(cell) for cell in column) for column in zip(*cells, strict=True)]
    for line in cells:
        yield "  ".join(f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True)).rstrip()


def row_json(row: ModelRow) -> dict[str, Any]:
    """A row as JSON writes it."""
    return asdict(row) | {"path": str(row.path) if row.path else None, "is_installed": row.is_installed}


def _zippo_rows() -> Iterator[ModelRow]:
    from zippo_desktop.engine.model_store import list_models, read_json, read_spec

    for folder in list_models():
        try:
            spec = read_spec(folder)
            matting = (read_json(folder / "zippo.json").get("quality") or {}).get("matting") or {}
        except ModelError as error:
            error_console().print(plain(f"{folder.name}: {error.message}", "red"))
            continue
        yield ModelRow(
            name=folder.name,
            kind="zippo",
            size_bytes=sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()),
            size_px=spec.matting_px,
            tasks=tuple(spec.tasks),
            subjects=("objects",),
            licence=spec.licence,
            is_non_commercial=False,
            quality=_zippo_quality(matting),
            path=folder,
        )


def _zippo_quality(matting: dict[str, Any]) -> tuple[dict[str, Any], ...]:
    """The one row of a Zippo folder's own record: `evaluate` writes it (`quality.matting`)."""
    measures = (matting.get("methods") or {}).get("model")
    if not measures:
        return ()
    images = f"its {matting.get('images')} test composites"
    command = "zippo-desktop evaluate"
    return ({"set": images, "mad": measures["mad"], "iou": measures["iou"], "command": command},)


def _size_told(size_bytes: int) -> str:
    return f"{size_bytes / 1e6:,.0f} MB" if size_bytes else "? MB"


def _licence_told(row: ModelRow) -> str:
    short = row.licence.partition(" (")[0][:_WIDEST_LICENCE]
    return f"{short} ({_NON_COMMERCIAL})" if row.is_non_commercial else short


def _quality_told(row: ModelRow) -> str:
    best = row.quality[0] if row.quality else None
    return f"MAD {best['mad']:.3f}, IoU {best['iou']:.3f} on {best['set']}" if best else ""
