"""A job against its parts: overlap of the stages, the real network in batches, memory over a long job.

    python benchmarks/batch.py overlap              # stages that sleep: throughput against the slowest one
    python benchmarks/batch.py photos [--count 40]  # the bundled model: a serial loop against the job
    python benchmarks/batch.py memory [--count 500] # resident memory at item 50 and at the last

Every way of `photos` and `memory` runs in a process of its own. Prints Markdown; docs/batch.md has the
figures. On a shared machine the CPU seconds are what to compare, not the seconds on the clock.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image

from zippo_desktop.batch import flow
from zippo_desktop.batch.events import Event, ItemEnded
from zippo_desktop.batch.job import Job, Options
from zippo_desktop.batch.plan import plan_matting
from zippo_desktop.batch.runner import run_job
from zippo_desktop.batch.stages import STAGES
from zippo_desktop.engine.fake_session import FakeSession
from zippo_desktop.engine.open_session import open_session
from zippo_desktop.engine.session import Session
from zippo_desktop.export.write import export
from zippo_desktop.pipelines.request import MattingRequest

SAMPLES = Path(__file__).parents[1] / "resources" / "samples"
SLOW_S, QUICK_S = 0.2, 0.02  # a stage that holds the others up, and one that does not
WARM_ITEMS = 50  # after so many, everything that a job keeps has been made


def make_photos(folder: Path, count: int, width: int, height: int) -> None:
    """The sample photos enlarged, with sensor noise, as a camera's JPEGs; each file another picture."""
    files = sorted(path for path in SAMPLES.glob("*.*") if path.suffix in (".jpg", ".png", ".webp"))
    rng = np.random.default_rng(0)
    for number in range(count):
        small = np.asarray(Image.open(files[number % len(files)]).convert("RGB"))
        large = cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC).astype(np.int16)
        noisy = large + rng.integers(-6, 7, large.shape, dtype=np.int16)
        photo = Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8))
        photo.save(folder / f"{number:04}.jpg", quality=92)


def planned(folder: Path, output: Path, batch_size: int = 0) -> Job:
    """A cut-out of every photo of the folder, as PNG."""
    return plan_matting([folder], MattingRequest(), Options(output, batch_size=batch_size))


class SleepingStages:
    """Stages of small photos that take a wanted time without work, and so without a core."""

    def __init__(self, seconds: dict[str, float]) -> None:
        self._seconds = seconds
        self._stages, self._export = STAGES["matting"], export

    def __enter__(self) -> FakeSession:
        decode = self._slowed("decode", self._stages.decode)
        STAGES["matting"] = replace(self._stages, decode=decode)  # type: ignore[index]
        flow.export = self._slowed("export", self._export)  # type: ignore[attr-defined]
        return FakeSession(delay_s=self._seconds["network"])

    def __exit__(self, *error: object) -> None:
        STAGES["matting"] = self._stages  # type: ignore[index]
        flow.export = self._export  # type: ignore[attr-defined]

    def _slowed(self, stage: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def slowed(*arguments: Any) -> Any:
            time.sleep(self._seconds[stage])
            return call(*arguments)

        return slowed


def overlap(count: int) -> None:
    """Items a second of a job whose one stage is slow, against that stage's threads alone, never idle."""
    cores = flow.core_count()
    threads = {"decode": flow.decoder_count(cores), "network": 1, "export": flow.exporter_count(cores)}
    parts = {"decode": ("decode",), "network": ("infer",), "export": ("finish", "export")}
    print("| slowest stage | its threads | items/s it allows | items/s | share | one after the other |")
    print("|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        photos = Path(name, "in")
        photos.mkdir()
        make_photos(photos, count, 160, 120)
        for slowest in threads:
            each = dict.fromkeys(threads, QUICK_S)
            each[slowest] = SLOW_S * threads[slowest] / 2  # however many threads, it stays the slowest
            job = planned(photos, Path(name, slowest))
            job = replace(job, items=tuple(_with_one_pass(item) for item in job.items))
            with SleepingStages(each) as session:
                report = run_job(job, partial(_given, session))
            taken = report.seconds_by_stage  # the little that the stages really do is in it
            allowed = count * threads[slowest] / sum(taken[part] for part in parts[slowest])
            rate, serial = count / report.seconds, count / sum(taken.values())
            print(
                f"| {slowest} | {threads[slowest]} | {allowed:.2f} | {rate:.2f} | {rate / allowed:.2f} | "
                f"{serial:.2f} |",
                flush=True,
            )


def _given(session: Session) -> Session:
    return session


def _with_one_pass(item: Any) -> Any:
    """One call of the network for each photo, so that its time is known."""
    return replace(item, request=replace(item.request, second_pass=False, check=False))


def serial(job: Job, session: Session) -> None:
    """The same stages, one after the other in one thread."""
    stages = STAGES[job.task]
    for item in job.items:
        decoded = stages.decode(item, session.spec, job.options.max_pixels)
        answers = stages.infer(session, [decoded], item.request, lambda done, total: None, None)
        finished = stages.finish(decoded, answers[0], item, {})
        export(finished.layers, item.target, job.options.writing, item.source)


def measure_photos(way: str, photos: Path, output: Path) -> dict[str, float]:
    """In a fresh process: seconds, CPU seconds, the shares of the cores that it had and wanted, and peak MB.

    `way` is "serial" or the size of the job's batches.
    """
    session = open_session("zippo-mini", provider="cpu")
    warm_up = planned(photos, output / "warm")
    serial(replace(warm_up, items=warm_up.items[:1]), session)
    job = planned(photos, output / way, 0 if way == "serial" else int(way))
    started, cpu_started, wanted_before = time.perf_counter(), time.process_time(), wanted_s()
    wanted_after = 0.0

    def listen(event: Event) -> None:
        nonlocal wanted_after
        if isinstance(event, ItemEnded):
            wanted_after = wanted_s()  # while all threads are there

    if way == "serial":
        serial(job, session)
        wanted_after = wanted_s()
    elif (report := run_job(job, lambda: session, listen)).exit_code != 0:
        raise RuntimeError(report.failures[0].message)
    seconds, cpu_s = time.perf_counter() - started, time.process_time() - cpu_started
    all_s = seconds * flow.core_count()
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
    wanted = (wanted_after - wanted_before) / all_s
    return {"s": seconds, "cpu_s": cpu_s, "busy": cpu_s / all_s, "wanted": wanted, "peak_mb": peak_mb}


def wanted_s() -> float:
    """Seconds that this process's threads have run, or waited for a core that others had (Linux)."""
    stats = [path.read_text().split() for path in Path("/proc/self/task").glob("*/schedstat")]
    return sum(int(ran) + int(waited) for ran, waited, _ in stats) / 1e9


def photos_table(count: int, ways: list[str]) -> None:
    """A serial loop and jobs of several batch sizes over the same photos; clock and CPU are to the first."""
    print(f"{count} photos of 12 megapixels, {flow.core_count()} cores")
    print()
    print("| way | s a photo | CPU s a photo | cores had | cores wanted | clock | CPU | peak MB |")
    print("|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        photos = Path(name, "in")
        photos.mkdir()
        make_photos(photos, count, 4000, 3000)
        rows = {way: run_apart("photos", way, str(photos), name) for way in ways}
    for way, row in rows.items():
        ratios = [row[key] / rows[ways[0]][key] for key in ("s", "cpu_s")]
        print(
            f"| {way if way == 'serial' else f'job, batches of {way}'} | {row['s'] / count:.2f} | "
            f"{row['cpu_s'] / count:.2f} | {row['busy']:.0%} | {row['wanted']:.0%} | {ratios[0]:.2f} | "
            f"{ratios[1]:.2f} | {row['peak_mb']:.0f} |"
        )


def measure_memory(kind: str, photos: Path, output: Path) -> dict[str, float]:
    """In a fresh process: resident MB after `WARM_ITEMS` small photos and after the last of a job."""
    resident: list[float] = []

    def listen(event: Event) -> None:
        if isinstance(event, ItemEnded):
            resident.append(
                int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 1e6
            )

    session = FakeSession() if kind == "fake" else open_session("zippo-mini", provider="cpu")
    report = run_job(planned(photos, output / kind), lambda: session, listen, job_dir=output / f"{kind}-job")
    if report.exit_code != 0:
        raise RuntimeError(report.failures[0].message)
    return {
        "early_mb": resident[WARM_ITEMS - 1],
        "late_mb": resident[-1],
        "threads": threading.active_count(),
    }


def memory_table(count: int, kinds: list[str]) -> None:
    """Resident memory early and late in one long job."""
    print(f"| session | photos | MB at {WARM_ITEMS} | MB at {count} | growth |")
    print("|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        photos = Path(name, "in")
        photos.mkdir()
        make_photos(photos, count, 640, 480)
        for kind in kinds:
            row = run_apart("memory", kind, str(photos), name)
            growth = row["late_mb"] / row["early_mb"] - 1
            print(f"| {kind} | {count} | {row['early_mb']:.1f} | {row['late_mb']:.1f} | {growth:+.1%} |")


MEASURES = {"photos": measure_photos, "memory": measure_memory}


def run_apart(what: str, way: str, photos: str, output: str) -> dict[str, float]:
    """A measure in a process of its own."""
    command = [sys.executable, __file__, "--child", what, way, photos, output]
    answer = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return dict(json.loads(answer.splitlines()[-1]))


def main() -> None:
    """Print the table of one of the three measures."""
    if sys.argv[1:2] == ["--child"]:
        _, _, what, way, photos, output = sys.argv
        print(json.dumps(MEASURES[what](way, Path(photos), Path(output))))
        return
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["overlap", "photos", "memory"])
    parser.add_argument("--count", type=int, help="photos; by default 60, 40 and 500")
    parser.add_argument("--sessions", nargs="+", choices=["fake", "real"], default=["fake", "real"])
    parser.add_argument(
        "--ways", nargs="+", default=["serial", "1", "4", "8"], help="serial, or sizes of batches"
    )
    given = parser.parse_args()
    if given.what == "overlap":
        overlap(given.count or 60)
    elif given.what == "photos":
        photos_table(given.count or 40, given.ways)
    else:
        memory_table(given.count or 500, given.sessions)


if __name__ == "__main__":
    main()
