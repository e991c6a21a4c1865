"""Hostile files through a whole job, in a process of its own that may crash or hang."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.torture.hostile_files import Hostile, make_hostile
from zippo_desktop.batch.job import Options
from zippo_desktop.batch.plan import plan_matting
from zippo_desktop.batch.runner import run_job
from zippo_desktop.engine.fake_session import FakeSession
from zippo_desktop.export.writing import Writing
from zippo_desktop.pipelines.request import MattingRequest

MAX_PIXELS = 4_000_000
MEMORY_BYTES = 12 << 30  # of addresses: a bomb that goes off must not take the computer with it
LEAST_S, S_A_FILE = 60.0, 0.5  # until it counts as a hang


@dataclass(frozen=True)
class Figures:
    """How many files ended how; `faults` are sentences, none if all was well."""

    files: int
    kinds: int
    counts: Counter[str]
    seconds: float
    faults: tuple[str, ...]


def feed(folder: Path, count: int, seed: int) -> Figures:
    """Make so many hostile files in a new folder, do them as a job, and look at the report."""
    photos, out, report_path = folder / "in", folder / "out", folder / "report.json"
    photos.mkdir(parents=True)
    made = make_hostile(photos, count, seed)
    started = time.perf_counter()
    faults = _run(photos, out, report_path, LEAST_S + S_A_FILE * count)
    seconds = time.perf_counter() - started
    results = {} if faults else json.loads(report_path.read_text("ascii"))
    if not faults:
        faults = [*_missing(made, photos, results), *_wrong(made, photos, results)]
        faults += [f"{path} was left" for path in out.rglob("*.part")]
        written = Counter(path for result in results.values() for path in result["outputs"])
        faults += [f"{path!r} was written {times} times" for path, times in written.items() if times > 1]
    counts = Counter(result["status"] for result in results.values())
    return Figures(len(made), len({each.kind for each in made}), counts, seconds, tuple(faults))


def _run(photos: Path, out: Path, report_path: Path, limit_s: float) -> list[str]:
    """What is wrong with how the process ended."""
    command = [sys.executable, "-m", "tests.torture.hostile_run", photos, out, report_path]
    try:
        ended = subprocess.run(
            command, cwd=Path(__file__).parents[2], timeout=limit_s, capture_output=True, check=False
        )
    except subprocess.TimeoutExpired:
        return [f"it hung for {limit_s:.0f} s"]
    if ended.returncode:
        return [f"it ended with {ended.returncode}: {ended.stderr.decode(errors='backslashreplace')[-2000:]}"]
    return []


def _missing(made: Sequence[Hostile], photos: Path, results: dict[str, Any]) -> Iterator[str]:
    """Files that the report does not name, and names in it that nobody has."""
    labels = {label for each in made for label in _labels(each, photos)}
    for each in made:
        if each.fate != "passed over" and not _result(each, photos, results):
            yield f"{each.kind}: {each.name!r} is not in the report"
    for label in results.keys() - labels:
        yield f"{label!r} is in the report, and nobody made it"


def _wrong(made: Sequence[Hostile], photos: Path, results: dict[str, Any]) -> Iterator[str]:
    for each in made:
        result = _result(each, photos, results)
        if result is None:
            continue
        if each.fate in ("done", "failed") and result["status"] != each.fate:
            yield f"{each.kind}: {each.name!r} is {result['status']}, not {each.fate}: {result['message']}"
        if "unexpected error" in result["message"]:
            yield f"{each.kind}: {each.name!r}: {result['message']}"
        if result["status"] == "done" and not all(map(os.path.getsize, result["outputs"])):
            yield f"{each.kind}: {each.name!r} has an empty result"


def _result(each: Hostile, photos: Path, results: dict[str, Any]) -> dict[str, Any] | None:
    return next((results[label] for label in _labels(each, photos) if label in results), None)


def _labels(each: Hostile, photos: Path) -> tuple[str, str]:
    """An item is called by its path in the folder, what never became one by its whole path."""
    return each.name, str(photos / each.name)


def _main(photos: Path, out: Path, report_path: Path) -> None:
    """The process that may crash: the job, and a report that keeps every name as it is."""
    if sys.platform != "win32":
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    writing = Writing(name="{stem} {width}x{height} {date}")  # headers are read before the job, too
    job = plan_matting([photos], MattingRequest(), Options(out, writing=writing, max_pixels=MAX_PIXELS))
    report = run_job(job, FakeSession)
    results = {
        result.label: {
            "status": result.status.value,
            "message": result.message,
            "outputs": [str(path) for path in result.outputs],
        }
        for result in report.results
    }
    report.to_json().encode("utf-8")  # what a person reads takes every name, too
    report_path.write_text(json.dumps(results), encoding="ascii")


if __name__ == "__main__":
    _main(*map(Path, sys.argv[1:]))
