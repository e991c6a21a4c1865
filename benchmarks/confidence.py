"""Whether the confidence of a matte tells the good from the bad: against the truth, signal by signal.

    OMP_NUM_THREADS=1 python benchmarks/confidence.py data/composed256 data/stamps [--model NAME] [--cost]

Each set is a folder with image/ and matte/, files of the same names. Printed for each signal: Spearman's
correlation with the IoU, the chance that a failure has less of it than another photo (AUROC), and how many
of all failures are among the tenth of the photos that have least. `--cost` prints the CPU time as well.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from zippo_desktop.engine.open_session import open_session
from zippo_desktop.engine.session import Session
from zippo_desktop.imaging.decode import Photo, decode, decode_matte
from zippo_desktop.imaging.layers import Matte, Metadata
from zippo_desktop.pipelines.confidence import (
    MIRROR,
    SCALE,
    SOFT,
    TOUCHING,
    UNCERTAIN_BELOW,
    Assessment,
    assess,
    signals_of,
)
from zippo_desktop.pipelines.matting import NetworkMatte, infer_photos, native_matte, prepare
from zippo_desktop.pipelines.request import MattingRequest
from zippo_desktop.training.metrics import intersection_over_union

Array = NDArray[np.float64]

WRONG, POOR = 0.5, 0.8  # IoU below which a matte shows another subject, or much too much or little of it
LEAST_SHARE = 0.1
BINS = (0.0, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
BATCH = 8
COSTS = {1: (1224, 816), 24: (6000, 4000)}  # megapixels
REPEATS = 9


@dataclass(frozen=True)
class Judged:
    """A photo's matte, judged without the truth and with it."""

    found: NetworkMatte
    matte: Matte
    assessment: Assessment
    iou: float


def judge_set(session: Session, folder: Path) -> list[Judged]:
    """All photos of a set, in batches as a job takes them."""
    paths = sorted((folder / "image").iterdir())
    judged = []
    for start in range(0, len(paths), BATCH):
        batch = paths[start : start + BATCH]
        prepared = [prepare(decode(path), session.spec) for path in batch]
        for path, each, found in zip(
            batch, prepared, infer_photos(session, prepared, MattingRequest()), strict=True
        ):
            matte = native_matte(found, each)
            iou = intersection_over_union(matte, decode_matte(folder / "matte" / path.name))
            judged.append(Judged(found, matte, assess(found, matte), iou))
    return judged


def boundary_sharpness(matte: Matte) -> float:
    """The negative soft area by the length of the outline, both in pixels of a matte [h,w]."""
    inside = (matte > 0.5).astype(np.int8)
    outline = np.abs(np.diff(inside, axis=0)).sum() + np.abs(np.diff(inside, axis=1)).sum()
    return -float((4 * matte * (1 - matte)).sum() / (outline + 1))


def border_free(matte: Matte) -> float:
    """The negative share of the frame's border that is subject, by a matte [H,W]."""
    border = np.concatenate([matte[0], matte[-1], matte[:, 0], matte[:, -1]])
    return -float(np.mean(border >= 0.5))


def largest_share(matte: Matte) -> float:
    """The largest part's share of the subject, by a matte [H,W]; 0 for none."""
    areas = cv2.connectedComponentsWithStats((matte >= 0.5).astype(np.uint8))[2][1:, cv2.CC_STAT_AREA]
    return float(areas.max() / areas.sum()) if len(areas) else 0.0


def mean_without(left_out: str, photo: Judged) -> float:
    """The confidence that there would be without one signal."""
    return float(np.mean([value for name, value in signals_of(photo.found).items() if name != left_out]))


SIGNALS: dict[str, Callable[[Judged], float]] = {
    "**confidence**": lambda photo: photo.assessment.confidence,
    "mirror image": lambda photo: signals_of(photo.found)[MIRROR],
    "closer look, where taken": lambda photo: signals_of(photo.found).get(SCALE, np.nan),
    "soft area by area": lambda photo: signals_of(photo.found)[SOFT],
    "soft area by outline": lambda photo: boundary_sharpness(photo.found.counted),
    "subject off the border": lambda photo: border_free(photo.matte),
    "share of the largest part": lambda photo: largest_share(photo.matte),
    "without the closer look": lambda photo: mean_without(SCALE, photo),
    "without the mirror image": lambda photo: mean_without(MIRROR, photo),
}


def ranks(values: Array) -> Array:
    """1 for the least; the mean rank for equal ones."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(counts) - (counts - 1) / 2)[inverse])


def auroc(values: Array, is_bad: NDArray[np.bool_]) -> float:
    """The chance that a bad one has a lower value than a good one, ties by half (Mann and Whitney 1947)."""
    bad, good = int(is_bad.sum()), int((~is_bad).sum())
    if not bad or not good:
        return float("nan")
    return 1 - float((ranks(values)[is_bad].sum() - bad * (bad + 1) / 2) / (bad * good))


def caught(values: Array, is_bad: NDArray[np.bool_]) -> str:
    """How many of all bad ones are among the tenth with the least value."""
    least = np.argsort(values, kind="stable")[: round(LEAST_SHARE * len(values))]
    return f"{is_bad[least].sum()} of {is_bad.sum()}"


def print_signals(judged: Sequence[Judged]) -> None:
    """A row for each signal."""
    print(f"| signal | photos | Spearman | AUROC {WRONG} | AUROC {POOR} | found {WRONG} | found {POOR} |")
    print("|---|---|---|---|---|---|---|")
    for name, signal in SIGNALS.items():
        values = np.array([signal(photo) for photo in judged])
        iou = np.array([photo.iou for photo in judged])[~np.isnan(values)]
        values = values[~np.isnan(values)]
        correlation = np.corrcoef(ranks(values), ranks(iou))[0, 1]
        areas = [f"{auroc(values, iou < limit):.3f}" for limit in (WRONG, POOR)]
        counts = [caught(values, iou < limit) for limit in (WRONG, POOR)]
        print("|", " | ".join([name, str(len(values)), f"{correlation:.3f}", *areas, *counts]), "|")


def print_bins(judged: Sequence[Judged]) -> None:
    """What a confidence means, and what is uncertain."""
    confidence = np.array([photo.assessment.confidence for photo in judged])
    iou = np.array([photo.iou for photo in judged])
    print(f"\n| confidence | photos | mean confidence | mean IoU | below {WRONG} | below {POOR} |")
    print("|---|---|---|---|---|---|")
    for low, high in pairwise(BINS):
        here = (confidence >= low) & (confidence < (high if high < 1 else 2))
        if here.any():
            print(
                f"| {low:.1f} to {high:.1f} | {here.sum()} | {confidence[here].mean():.2f} | "
                f"{iou[here].mean():.2f} | {(iou[here] < WRONG).sum()} | {(iou[here] < POOR).sum()} |"
            )
    uncertain = confidence < UNCERTAIN_BELOW
    print(
        f"\nUncertain, below {UNCERTAIN_BELOW}: {uncertain.mean():.0%} of the photos. Of these, "
        f"{np.mean(iou[uncertain] < POOR):.0%} have an IoU below {POOR}; they are "
        f"{np.sum(uncertain & (iou < WRONG))} of {np.sum(iou < WRONG)} photos below {WRONG} "
        f"and {np.sum(uncertain & (iou < POOR))} of {np.sum(iou < POOR)} below {POOR}. "
        f"{np.mean([TOUCHING in photo.assessment.doubts for photo in judged]):.0%} touch the frame."
    )


def cpu_ms(call: Callable[[], object]) -> float:
    """The median CPU time of a call."""
    call()
    taken = []
    for _ in range(REPEATS):
        started = time.process_time()
        call()
        taken.append(time.process_time() - started)
    return 1000 * float(np.median(taken))


def costs_of(session: Session, photo: Photo) -> list[str]:
    """The cells of a row: which looks were taken, and the CPU time of each stage."""

    def infer(request: MattingRequest) -> NetworkMatte:
        return infer_photos(session, [prepare(photo, session.spec)], request)[0]

    found, prepared = infer(MattingRequest()), prepare(photo, session.spec)
    matte = native_matte(found, prepared)
    times = [
        cpu_ms(lambda: infer(MattingRequest(check=False))),
        cpu_ms(lambda: infer(MattingRequest())),
        cpu_ms(lambda: native_matte(found, prepared)),
        cpu_ms(lambda: assess(found, matte)),
    ]
    return ["1" if found.closer is None else "2", *(f"{each:.1f}" for each in times)]


def print_cost(session: Session, path: Path) -> None:
    """What confidence costs for one photo, enlarged to each size."""
    print("\n| MP | looks | prepared and inferred, ms | with the mirror image | to native size | assessed |")
    print("|---|---|---|---|---|---|")
    picture = decode(path).pixels
    for megapixels, size in COSTS.items():
        pixels = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_CUBIC), np.uint8)
        row = costs_of(session, Photo(path, pixels, None, Metadata()))
        print(f"| {megapixels} |", " | ".join(row), "|")


def main() -> None:
    """Print the tables of each set."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sets", type=Path, nargs="+")
    parser.add_argument("--model", default="zippo-mini")
    parser.add_argument("--cost", action="store_true")
    given = parser.parse_args()
    session = open_session(given.model)
    for folder in given.sets:
        judged = judge_set(session, folder)
        print(f"\n## {folder.name}: {len(judged)} photos, {session.spec.name} {session.spec.version}\n")
        print_signals(judged)
        print_bins(judged)
    if given.cost:
        for folder in given.sets:
            print_cost(session, min((folder / "image").iterdir()))


if __name__ == "__main__":
    main()
