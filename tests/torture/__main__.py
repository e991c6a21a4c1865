"""The long form of the torture test: kill rounds, then hostile files. Ends with 1 if anything was wrong."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tests.torture import hostile_run, kill_rounds


def main() -> None:
    """Do what the arguments say, and tell what happened."""
    parser = argparse.ArgumentParser(prog="python -m tests.torture", description=__doc__)
    parser.add_argument("--rounds", type=int, default=50, help="kills, 0 for none (default: 50)")
    parser.add_argument("--photos", type=int, default=200, help="photos in the job (default: 200)")
    parser.add_argument("--files", type=int, default=1000, help="hostile files, 0 for none (default: 1000)")
    parser.add_argument(
        "--seed", type=int, default=0, help="another one, other moments and files (default: 0)"
    )
    asked = parser.parse_args()
    faults: list[str] = []
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        if asked.rounds:
            faults += _kill(Path(folder) / "kills", asked)
        if asked.files:
            faults += _feed(Path(folder) / "hostile", asked)
    for fault in faults:
        _say(f"FAULT: {fault}")
    sys.exit(1 if faults else 0)


def _kill(folder: Path, asked: argparse.Namespace) -> tuple[str, ...]:
    figures = kill_rounds.run_rounds(folder, asked.rounds, asked.photos, asked.seed)
    left = " ".join(map(str, figures.left_after))
    _say(f"{figures.killed} of {figures.rounds} rounds were killed, over a job of {asked.photos} photos;")
    _say(f"photos left after each: {left};")
    _say(f"{figures.leftovers} unfinished files were left between rounds; {figures.seconds:.1f} s.")
    return figures.faults


def _feed(folder: Path, asked: argparse.Namespace) -> tuple[str, ...]:
    figures = hostile_run.feed(folder, asked.files, asked.seed)
    ended = ", ".join(f"{count} {status}" for status, count in sorted(figures.counts.items()))
    _say(f"{figures.files} hostile files of {figures.kinds} kinds: {ended}; {figures.seconds:.1f} s.")
    return figures.faults


def _say(text: str) -> None:
    sys.stdout.write(text.encode("ascii", "backslashreplace").decode() + "\n")


if __name__ == "__main__":
    main()
