"""What became of a job, for the person: counts, sentences, timings, the provider really used."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

from zippo_desktop import __version__
from zippo_desktop.batch.job import Options, Task
from zippo_desktop.engine.session import SessionInfo
from zippo_desktop.errors import printable

REPORT_SCHEMA_VERSION = 1


class Status(StrEnum):
    """How an item ended."""

    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"


class ExitCode:
    """What the program's end says to a script."""

    DONE = 0
    SOME_FAILED = 1
    USAGE = 2
    UNUSABLE = 3
    CANCELLED = 130


@dataclass(frozen=True)
class ItemResult:
    """One item's end. `message` is why it failed or was skipped, or what went wrong beside a done one.

    `seconds` has one entry a stage, `index` is the item's place in the job, -1 for what never became one.
    `confidence` is in 0..1, None where nothing was to be judged; `doubts` are its reasons, in sentences.
    `batch` are the places in the job of all that went through the network together with it, itself among
    them; nothing for what never came to the network.
    """

    label: str
    status: Status
    message: str = ""
    source: Path | None = None
    outputs: tuple[Path, ...] = ()
    seconds: Mapping[str, float] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)
    confidence: float | None = None
    doubts: tuple[str, ...] = ()
    batch: tuple[int, ...] = ()
    index: int = -1

    def is_uncertain(self, below: float) -> bool:
        """Whether there is a result that should be looked at."""
        is_judged = self.status is Status.DONE and self.confidence is not None
        return is_judged and self.confidence < below  # type: ignore[operator]


class Model(Protocol):
    """What identifies a model, be it an opened one's `ModelSpec` or what a journal says of it."""

    @property
    def name(self) -> str:
        """The model's name."""
        ...

    @property
    def version(self) -> str:
        """Its version."""
        ...

    @property
    def digest(self) -> str:
        """SHA-256 of its weights, hexadecimal."""
        ...


@dataclass(frozen=True)
class Report:
    """One job's end. `spec` and `info` are None when no model was opened.

    The options say which results are uncertain, and whether that counts as a failure.
    """

    task: Task
    total: int
    results: tuple[ItemResult, ...]
    started_at: str  # UTC, ISO 8601
    seconds: float
    passed_over: int = 0
    spec: Model | None = None
    info: SessionInfo | None = None
    opening_s: float = 0.0
    notes: tuple[str, ...] = ()
    stopped_by: str = ""  # the sentence that stopped the job, if one did
    is_cancelled: bool = False
    uncertain_below: float = Options.uncertain_below
    fails_if_uncertain: bool = False

    @property
    def counts(self) -> dict[str, int]:
        """Items by how they ended; `not_started` are those that a stop left."""
        ended = Counter(result.status for result in self.results)
        counts = {status.value: ended[status] for status in Status}
        return counts | {"not_started": self.total - len(self.results)}

    @property
    def failures(self) -> tuple[ItemResult, ...]:
        """The items that failed, in the job's order."""
        return tuple(result for result in self.results if result.status is Status.FAILED)

    @property
    def uncertain(self) -> tuple[ItemResult, ...]:
        """The results that should be looked at, in the job's order."""
        return tuple(result for result in self.results if result.is_uncertain(self.uncertain_below))

    @property
    def exit_code(self) -> int:
        """3 before 130 before 1: the reason that weighs most."""
        if self.stopped_by:
            return ExitCode.UNUSABLE
        if self.is_cancelled:
            return ExitCode.CANCELLED
        is_short = self.failures or (self.fails_if_uncertain and self.uncertain)
        return ExitCode.SOME_FAILED if is_short else ExitCode.DONE

    @property
    def seconds_by_stage(self) -> dict[str, float]:
        """Time that each stage took, over all items; stages overlap, so the sum may pass `seconds`."""
        sums = Counter({"open": self.opening_s})
        for result in self.results:
            sums.update(result.seconds)
        return {stage: round(seconds, 4) for stage, seconds in sums.items()}

    def to_json(self) -> str:
        """The whole report, for machines; the schema version grows when a field changes its meaning."""
        return json.dumps(self._as_plain(), indent=2, ensure_ascii=False) + "\n"

    def _as_plain(self) -> dict[str, Any]:
        return {
            "schema_version": REPORT_SCHEMA_VERSION,
            "program_version": __version__,
            "task": self.task,
            "started_at": self.started_at,
            "exit_code": self.exit_code,
            "counts": {
                "total": self.total,
                **self.counts,
                "uncertain": len(self.uncertain),
                "passed_over": self.passed_over,
            },
            "uncertain_below": self.uncertain_below,
            "model": self.spec and {key: getattr(self.spec, key) for key in ("name", "version", "digest")},
            "engine": self.info and self.info.engine,
            "provider": self.info and self.info.provider,
            "notes": list(self.notes),
            "stopped_by": self.stopped_by or None,
            "cancelled": self.is_cancelled,
            "seconds": round(self.seconds, 4),
            "seconds_by_stage": self.seconds_by_stage,
            "items": [_result_as_plain(result) for result in self.results],
        }


def _result_as_plain(result: ItemResult) -> dict[str, Any]:
    return {
        "index": result.index,
        "name": printable(result.label),
        "status": result.status.value,
        "message": printable(result.message),
        "source": result.source and printable(result.source),
        "outputs": [printable(path) for path in result.outputs],
        "seconds": {stage: round(seconds, 4) for stage, seconds in result.seconds.items()},
        "parameters": dict(result.parameters),
        "confidence": None if result.confidence is None else round(result.confidence, 4),
        "doubts": [printable(doubt) for doubt in result.doubts],
        "batch": list(result.batch),
    }
