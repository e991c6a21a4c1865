"""The machine's memory of a job: what was to be done, and one line for each item that ended.

The lines are only ever added to, and each is on the disk before the next item's, so that after a
crash the journal says which outputs are whole.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from zippo_desktop import __version__
from zippo_desktop.batch.job import Item, Job
from zippo_desktop.batch.report import ItemResult
from zippo_desktop.engine.session import ModelSpec, SessionInfo
from zippo_desktop.export.long_paths import reachable

JOURNAL_SCHEMA_VERSION = 1
JOB_NAME, JOURNAL_NAME = "job.json", "journal.jsonl"


def new_job_dir(jobs_dir: Path, job: Job) -> Path:
    """A folder name for a job, from the time and the task, that no other job has. Creates nothing."""
    stem = f"{datetime.now():%Y%m%d-%H%M%S}-{job.task}"
    candidate, number = jobs_dir / stem, 1
    while candidate.exists():
        number += 1
        candidate = jobs_dir / f"{stem}-{number}"
    return candidate


class Journal:
    """An open journal. A disk that cannot take it is told once, in `problem`; the job goes on."""

    def __init__(self, job_dir: Path) -> None:
        self.job_dir = job_dir
        self.problem = ""
        self._file: IO[str] | None = None
        self._early: list[str] = []  # lines of items that ended before the job was begun
        self._run_at, self._started = _now("milliseconds"), time.perf_counter()

    def go_on(self) -> None:
        """Open the journal of a job that was begun before; one that was not waits for `begin`."""
        try:
            if (self.job_dir / JOB_NAME).is_file():
                self._open()
        except OSError as error:
            self._give_up(error)

    def begin(self, job: Job, spec: ModelSpec, info: SessionInfo) -> None:
        """Write the job's snapshot: all that is needed to do the rest of it later, in the same way.

        A job that goes on keeps its first one.
        """
        if self._file is not None:
            return
        snapshot = json.dumps(_snapshot(job, spec, info), indent=1)  # ASCII keeps names that are not UTF-8
        try:
            self.job_dir.mkdir(parents=True, exist_ok=True)
            self._open()  # first: a job without the lines of what was skipped would do that anew
            draft = self.job_dir / (JOB_NAME + ".part")
            draft.write_text(snapshot + "\n", encoding="ascii")
            os.replace(draft, self.job_dir / JOB_NAME)
        except OSError as error:
            self._give_up(error)

    def record(self, index: int, result: ItemResult) -> None:
        """Add the line of the item at `index` in the job; what never became an item is in the snapshot.

        An item that ends before the job is begun, such as a skipped one, is written when it is.
        """
        if index < 0 or self.problem:
            return
        elapsed_s = round(time.perf_counter() - self._started, 3)
        line = _line(index, result) | {"run": self._run_at, "elapsed_s": elapsed_s}
        self._early.append(json.dumps(line) + "\n")
        if self._file is not None:
            self._write()

    def mark(self, index: int, source: Path | None, *, is_begun: bool) -> None:
        """Note that an item's files are about to be written, or that this came to nothing.

        After a kill, what is there of an item with such a mark and no line is the job's own; all else
        belongs to somebody else. A mark need not survive a power failure.
        """
        if self._file is not None:
            line = {"index": index, "is_begun": is_begun, "source": source and _file_state(source)}
            try:
                self._file.write(json.dumps(line) + "\n")
                self._file.flush()
            except OSError as error:
                self._give_up(error)

    def _write(self) -> None:
        """Bring all lines to the disk."""
        if self._file is None:
            return
        try:
            self._file.writelines(self._early)
            self._early.clear()
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            self._give_up(error)

    def close(self) -> None:
        """End writing; a journal that never began has nothing to end."""
        file, self._file = self._file, None
        if file is not None:
            with suppress(OSError):  # every line is on the disk already
                file.close()

    def _open(self) -> None:
        path = self.job_dir / JOURNAL_NAME
        is_cut = path.is_file() and not path.read_bytes().endswith(b"\n") and path.stat().st_size > 0
        self._file = path.open("a", encoding="ascii")
        if is_cut:
            self._file.write("\n")  # what the power failed in stays a line of its own
        self._write()

    def _give_up(self, error: OSError) -> None:
        reason = error.strerror or str(error)
        self.problem = (
            f"The journal in {self.job_dir} cannot be written: {reason}. The job goes on without it."
        )
        self.close()


def _snapshot(job: Job, spec: ModelSpec, info: SessionInfo) -> dict[str, Any]:
    return {
        "schema_version": JOURNAL_SCHEMA_VERSION,
        "program_version": __version__,
        "created_at": _now(),
        "task": job.task,
        "options": _plain(asdict(job.options)),
        "model": {"name": spec.name, "version": spec.version, "digest": spec.digest},
        "engine": info.engine,
        "provider": info.provider,
        "fallbacks": list(info.fallbacks),
        "items": [_item(item) for item in job.items],
        "problems": [asdict(problem) for problem in job.problems],
        "passed_over": job.passed_over,
    }


def _item(item: Item) -> dict[str, Any]:
    return {
        "label": item.label,
        "source": item.source and str(item.source.absolute()),
        "start": item.start and str(item.start.absolute()),
        "trimap": item.trimap and str(item.trimap.absolute()),
        "request": asdict(item.request),
        "target": _plain(asdict(item.target)),
        "uncertain_target": item.uncertain_target and _plain(asdict(item.uncertain_target)),
        "archive": item.archive and str(item.archive.absolute()),
    }


def _line(index: int, result: ItemResult) -> dict[str, Any]:
    return {
        "index": index,
        "label": result.label,
        "status": result.status.value,
        "message": result.message,
        "source": result.source and _file_state(result.source),
        "outputs": [_file_state(path) for path in result.outputs],
        "seconds": sum(result.seconds.values()),
        "stages": dict(result.seconds),
        "parameters": dict(result.parameters),
        "confidence": result.confidence,
        "doubts": list(result.doubts),
        "batch": list(result.batch),
        "ended_at": _now("milliseconds"),
    }


def _file_state(path: Path) -> dict[str, Any]:
    """A file's path, size and time of change: enough to see later whether it is still the same."""
    try:
        status = reachable(path).stat()
    except OSError:
        return {"path": str(path.absolute()), "bytes": None, "mtime_ns": None}
    return {"path": str(path.absolute()), "bytes": status.st_size, "mtime_ns": status.st_mtime_ns}


def _now(precision: str = "seconds") -> str:
    """UTC, ISO 8601."""
    return datetime.now(UTC).isoformat(timespec=precision)


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """Paths to text, absolute; JSON does the rest."""
    return {key: str(value.absolute()) if isinstance(value, Path) else value for key, value in values.items()}
