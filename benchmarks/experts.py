"""What an expert and a Zippo model are worth together, against the truth: refined, and chosen between.

    OMP_NUM_THREADS=1 python benchmarks/experts.py data/stamps --expert NAME|DIR [--model NAME] [--limit 60]

The set is a folder with image/ and matte/, files of the same names. Printed for each way: mean and median
MAD, mean IoU, in how many photos it is better or worse than the expert alone, and CPU seconds a photo; then,
for each photo, how sure either model is, and how right.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from zippo_desktop.engine.auto_session import AutoSession
from zippo_desktop.engine.find_spec import auto_spec, find_spec
from zippo_desktop.engine.open_session import open_expert, open_zippo
from zippo_desktop.engine.session import ExpertSpec, ZippoSpec
from zippo_desktop.errors import UsageError
from zippo_desktop.imaging.decode import decode, decode_matte
from zippo_desktop.imaging.layers import Matte
from zippo_desktop.pipelines import experts
from zippo_desktop.pipelines.matting import NetworkMatte, Prepared, native_matte, prepare
from zippo_desktop.pipelines.request import MattingRequest
from zippo_desktop.pipelines.views import look
from zippo_desktop.training.metrics import intersection_over_union, mean_absolute_difference

STARTS = ((4, 0.25), (2, 0.5), (1, 1.0))  # steps and strength of the refining
SAME = 1e-4  # of MAD


@dataclass
class Way:
    """How one way of making mattes did, photo by photo."""

    mads: list[float] = field(default_factory=list)
    ious: list[float] = field(default_factory=list)
    cpu_s: list[float] = field(default_factory=list)

    def add(self, matte: Matte, true: Matte, cpu_s: float) -> None:
        """Score the matte [H,W] of one photo."""
        self.mads.append(mean_absolute_difference(matte, true))
        self.ious.append(intersection_over_union(matte, true))
        self.cpu_s.append(cpu_s)

    def line(self, name: str, alone: Way) -> str:
        """Its row of the table."""
        change = np.array(self.mads) - np.array(alone.mads)
        return (
            f"{name:<34}{np.mean(self.mads):8.4f}{np.median(self.mads):8.4f}{np.mean(self.ious):8.4f}"
            f"{np.sum(change < -SAME):8d}{np.sum(change > SAME):8d}{np.mean(self.cpu_s):8.2f}"
        )


def main() -> None:
    """Measure every way on the same photos; the expert looks at each once."""
    given = _arguments()
    zippo, expert = find_spec(given.model), find_spec(given.expert)
    if not isinstance(zippo, ZippoSpec) or not isinstance(expert, ExpertSpec):
        raise UsageError("A Zippo model and an expert are wanted.")
    spec = auto_spec(zippo, [expert])
    ways: dict[str, Way] = {}
    remarks: list[str] = []
    with closing(AutoSession(spec, open_zippo(zippo), open_expert(expert))) as session:
        for path in sorted((given.folder / "image").iterdir())[: given.limit]:
            true = decode_matte(given.folder / "matte" / path.name)
            remarks.append(_measure(session, prepare(decode(path), zippo), true, ways))
    columns = "".join(f"{name:>8}" for name in ("MAD", "median", "IoU", "better", "worse", "CPU s"))
    print(f"{len(remarks):3d} photos{'':24}{columns}")
    for name, way in ways.items():
        print(way.line(name, ways["expert"]))
    for remark in remarks:
        print(remark)


def _measure(session: AutoSession, photo: Prepared, true: Matte, ways: dict[str, Way]) -> str:
    request = MattingRequest()
    ours, theirs = session.zippo, session.expert
    again = experts._prepared_anew(theirs, photo)

    def add(name: str, cpu_s: float, found: NetworkMatte) -> None:
        ways.setdefault(name, Way()).add(native_matte(found, photo), true, cpu_s)

    first, quick_s = _timed(lambda: look(ours, [photo], request)[0])
    second, slow_s = _timed(lambda: look(theirs, [again], request)[0])
    add("zippo", quick_s, first)
    add("expert", slow_s, second)
    add("expert, first look alone", slow_s, replace(second, closer=None, box=None))
    for steps, strength in STARTS:
        experts.FEWEST_STEPS, experts.STRENGTH = steps, strength
        refined, more_s = _timed(lambda: experts._refined(theirs, second, again, request, None))
        add(f"refined, {steps} steps, {strength}", slow_s + more_s, refined)
    sure, surer = experts._confidence(first), experts._confidence(second)
    is_asked = sure < experts.UNCERTAIN_BELOW
    taken_s = quick_s + slow_s * is_asked
    add("auto: the surer where unsure", taken_s, second if is_asked and surer > sure else first)
    add("auto: the expert where unsure", taken_s, second if is_asked else first)
    best = min((ways["zippo"], ways["expert"]), key=lambda way: way.mads[-1])
    add("the better of the two, by the truth", quick_s + slow_s, first if best is ways["zippo"] else second)
    return [
        f"confidence {sure:.2f} {surer:.2f}, MAD {ways['zippo'].mads[-1]:.4f} {ways['expert'].mads[-1]:.4f}"
    ]


def _timed(call: Callable[[], NetworkMatte]) -> tuple[NetworkMatte, float]:
    started = time.process_time()
    return call(), time.process_time() - started


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--expert", required=True)
    parser.add_argument("--model", default="zippo-mini")
    parser.add_argument("--limit", type=int)
    return parser.parse_args()


if __name__ == "__main__":
    main()
