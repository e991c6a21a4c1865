"""One job, killed again and again at random moments, and gone on with each time.

After each kill every result that can be seen must be whole, and none that was seen before may have
been written again; in the end all must equal those of a run that nobody disturbed.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from zippo_desktop.batch.job import Options
from zippo_desktop.batch.journal import JOB_NAME, JOURNAL_NAME, Journal
from zippo_desktop.batch.plan import plan_matting
from zippo_desktop.batch.runner import run_job
from zippo_desktop.batch.saved_job import job_lock, read_job
from zippo_desktop.engine.fake_session import FakeSession
from zippo_desktop.export.writing import Writing
from zippo_desktop.pipelines.request import MattingRequest

WRITING = Writing(
    ("png", "layers"), with_matte=True
)  # files, and folders, which no system renames in one step
# A kill may fall right before one of these; a photo's results take so many of them.
_MARKED = ((os, "replace"), (os, "rename"), (os, "fsync"), (os, "mkdir"), (Journal, "record"))
CALLS_PER_PHOTO = 18

Contents = dict[str, bytes]


@dataclass(frozen=True)
class Figures:
    """What happened in the rounds; `faults` are sentences, none if all was well."""

    rounds: int
    killed: int
    left_after: tuple[int, ...]  # photos without a result after each round
    leftovers: int  # unfinished files that kills left, and later rounds took away
    seconds: float
    faults: tuple[str, ...]


def run_rounds(folder: Path, rounds: int, photos: int, seed: int) -> Figures:
    """Do a job of so many photos in a new folder, and kill it so many times. Needs `os.fork`."""
    started, random_ = time.perf_counter(), random.Random(seed)
    save_photos(folder / "in", photos, random_)
    _in_child(lambda: _begin(folder / "in", folder / "whole", folder / "whole-job"))
    whole_s = time.perf_counter() - started
    expected = contents(folder / "whole")
    out, job_dir = folder / "out", folder / "job"
    killed, leftovers, left_after, faults = 0, 0, [], []
    seen: dict[str, tuple[int, int]] = {}
    for number in range(rounds):
        left = photos - sum(name.endswith(".matte.png") for name in seen)
        share = max(1, left / (rounds - number))
        killed += _one_round(folder, random_, share, whole_s * share / photos)
        faults += _faults(out, expected, seen, f"round {number + 1}")
        seen = identities(out)
        left_after.append(photos - sum(name.endswith(".matte.png") for name in seen))
        leftovers += len(list(out.rglob("*.part"))) if out.is_dir() else 0
    _in_child(lambda: _begin_or_go_on(folder / "in", out, job_dir))
    faults += _faults(out, expected, seen, "the end")
    faults += _faults_at_the_end(folder, expected)
    seconds = time.perf_counter() - started
    return Figures(rounds, killed, tuple(left_after), leftovers, seconds, tuple(faults))


def save_photos(folder: Path, count: int, random_: random.Random) -> None:
    """Small photos of many sizes, each with a bright subject of its own."""
    folder.mkdir(parents=True)
    for number in range(count):
        pixels = np.full((random_.randint(40, 90), random_.randint(40, 90), 3), 10 + number % 90, np.uint8)
        pixels[10 : 20 + number % 20, 10:30] = 200 + number % 50
        Image.fromarray(pixels).save(folder / f"{number:04}.png")


def contents(folder: Path) -> Contents:
    """All finished files below a folder, by their path in it."""
    return {name: (folder / name).read_bytes() for name in identities(folder)}


def identities(folder: Path) -> dict[str, tuple[int, int]]:
    """Inode and time of change of each finished file: another of either, and it was written again."""
    paths = [path for path in folder.rglob("*") if path.is_file()]
    visible = [
        path for path in paths if not any(part.startswith(".") for part in path.relative_to(folder).parts)
    ]
    states = [(path, path.stat()) for path in visible]
    return {str(path.relative_to(folder)): (state.st_ino, state.st_mtime_ns) for path, state in states}


def _one_round(folder: Path, random_: random.Random, share: float, share_s: float) -> bool:
    """Go on with the job until it is killed, by the clock or right before a system call; whether it was."""
    after_calls = random_.randrange(int(2 * share * CALLS_PER_PHOTO) + 1) if random_.random() < 0.5 else None
    pid = _fork(lambda: _begin_or_go_on(folder / "in", folder / "out", folder / "job", after_calls))
    if after_calls is None:
        time.sleep(random_.uniform(0, 2 * share_s))
        os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    return os.WIFSIGNALED(status)


def _begin(photos: Path, out: Path, job_dir: Path) -> None:
    job = plan_matting([photos], MattingRequest(), Options(out, writing=WRITING))
    run_job(job, FakeSession, job_dir=job_dir)


def _begin_or_go_on(photos: Path, out: Path, job_dir: Path, after_calls: int | None = None) -> None:
    if after_calls is not None:
        _die_after(after_calls)
    if not (job_dir / JOB_NAME).exists():
        _begin(photos, out, job_dir)
        return
    saved = read_job(job_dir)
    with job_lock(job_dir):
        run_job(saved.job, FakeSession, job_dir=job_dir, resumption=saved.resumption(retry_failed=False))


def _die_after(calls: int) -> None:
    """Let this process be killed right before one of the marked calls, after so many others."""
    counting, left = threading.Lock(), [calls]

    def dying(call: Callable[..., object]) -> Callable[..., object]:
        def counted(*arguments: object, **options: object) -> object:
            with counting:
                left[0] -= 1
                if left[0] < 0:
                    os.kill(os.getpid(), signal.SIGKILL)
            return call(*arguments, **options)

        return counted

    for owner, name in _MARKED:
        setattr(owner, name, dying(getattr(owner, name)))


def _fork(work: Callable[[], None]) -> int:
    """The number of a child that does the work and ends. Only in a process without threads."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            work()
            code = 0
        except BaseException as error:
            sys.stderr.write(f"{type(error).__name__}: {error}\n")
        finally:
            os._exit(code)
    return pid


def _in_child(work: Callable[[], None]) -> None:
    _, status = os.waitpid(_fork(work), 0)
    if status:
        raise RuntimeError("A run that nobody disturbed has failed.")


def _faults(out: Path, expected: Contents, seen: dict[str, tuple[int, int]], when: str) -> list[str]:
    """What is wrong with the results as a person sees them now."""
    now = identities(out)
    faults = [
        f"{when}: {name} is not whole" for name in now if (out / name).read_bytes() != expected.get(name, b"")
    ]
    faults += [f"{when}: {name} was written again" for name in seen if now.get(name) != seen[name]]
    return faults


def _faults_at_the_end(folder: Path, expected: Contents) -> list[str]:
    """Results that are missing, unfinished files that are left, and what the journal tells."""
    faults = [f"{name} is missing" for name in expected.keys() - contents(folder / "out").keys()]
    faults += [f"{path} was left" for place in ("out", "job") for path in (folder / place).rglob("*.part")]
    lines = [line for line in (folder / "job" / JOURNAL_NAME).read_text("ascii").splitlines() if line]
    whole = [json.loads(line) for line in lines if line.endswith("}") and "status" in line]
    faults += [f"failed: {line['message']}" for line in whole if line["status"] == "failed"]
    times = Counter(line["index"] for line in whole if line["status"] == "done")
    faults += [f"item {index} was done {count} times" for index, count in times.items() if count > 1]
    left = read_job(folder / "job").counts["left"]
    return [*faults, f"{left} items have no line in the journal"] if left else faults
