"""Edges at native size: `fast` and `fine` against plain stretching and against closed-form matting.

    python benchmarks/edges.py --cutouts data/cutouts --backgrounds data/backgrounds --output edges/
        [--downloads data/peers/downloads] [--model zippo-mini] [--count 4]

Composites of 12 megapixels with known alpha: cut-outs of the test split over test scenes, in linear light,
with a lens's blur and a sensor's noise. A first table starts from a *perfect* small matte, the true one
averaged to what the network would see, a second from the network's own; every method enlarges the same one.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from zippo_desktop.engine.open_session import open_session
from zippo_desktop.engine.session import ModelSpec, ZippoSpec
from zippo_desktop.imaging.boxes import Box, box_of, whole_of
from zippo_desktop.imaging.cleanness import is_clipped
from zippo_desktop.imaging.decode import Photo
from zippo_desktop.imaging.layers import Metadata
from zippo_desktop.imaging.resize import fit_to_network, unfit
from zippo_desktop.pipelines import second_pass
from zippo_desktop.pipelines.matting import NetworkMatte, Prepared, infer_photo, native_matte, prepare
from zippo_desktop.pipelines.request import MattingRequest
from zippo_desktop.training import metrics
from zippo_desktop.training.cutouts import load_rgb, load_rgba, read_backdrops, read_cutouts
from zippo_desktop.training.harmonise import Placement, place, to_linear, to_srgb
from zippo_desktop.training.stamps import SPOILED, STAMPS, WALLPAPERS, read_scenes, read_stamps

Matte = NDArray[np.float32]
Bytes = NDArray[np.uint8]

HEIGHT, WIDTH = 3000, 4000
ENLARGED = 3  # cut-outs are of 320 px: this makes their subjects 300 to 960 px
LENS_SIGMA_PX, NOISE = 0.7, 0.01  # of the picture's blur; of the noise, as a share of white
FEASIBLE_PX, TRIMAP_PX = 512, 17  # for closed-form matting: longer side, and width of the unknown band
SEED, CROP_PX = 5, 160
BACKDROPS, SHOWN = ((0, 0, 0), (255, 255, 255), (255, 0, 0)), ("bilinear", "fast", "fine")
FOLIAGE = ("plant", "bush", "tree", "flower", "palm", "grass", "fern", "leaf", "ivy")


@dataclass(frozen=True)
class Composite:
    """A picture [H,W,3] and its true matte [H,W] in 0..1."""

    kind: str
    image: Bytes
    matte: Matte


def kind_of(caption: str, pack: str) -> str:
    """What a cut-out shows, as far as its edge is concerned."""
    if pack == "fur":
        return "fur"
    if "glass" in caption:
        return "glass"
    return "foliage" if any(word in caption for word in FOLIAGE) else "plain"


def rendered_cutouts(folder: Path, count: int) -> Iterator[tuple[str, Bytes]]:
    """Up to `count` whole, unseen cut-outs [h,w,4] of each kind, at equal distances in their order."""
    kinds: dict[str, list[Path]] = {}
    for cutout in read_cutouts([folder], "test"):
        pack = "fur" if cutout.path.name.startswith("fur") else ""
        if not is_clipped(load_rgba(cutout.path, 320)[..., 3]):
            kinds.setdefault(kind_of(cutout.captions[0], pack), []).append(cutout.path)
    for kind, paths in sorted(kinds.items()):
        for index in np.linspace(0, len(paths) - 1, min(count, len(paths))).round().astype(int):
            yield kind, load_rgba(paths[index], 320)


def drawn_hair(rng: np.random.Generator, side: int = 1200) -> Bytes:
    """A ball of hair [side,side,4] drawn strand by strand at twice the size: exact alpha at native detail."""
    big = 2 * side
    alpha, colour = np.zeros((big, big), np.uint8), np.zeros((big, big, 3), np.uint8)
    base = rng.uniform(40, 200, 3)
    colour[:] = base
    centre, radius = big / 2, big * 0.27
    cv2.circle(alpha, (round(centre), round(centre)), round(radius), 255, -1, cv2.LINE_AA)
    for _ in range(2600):
        angle = rng.uniform(0, 2 * np.pi)
        length, curl = rng.uniform(0.05, 0.6) * radius, rng.normal(0, 0.7)
        along = np.linspace(0, 1, 14)
        direction = angle + curl * along
        steps = np.stack([np.cos(direction), np.sin(direction)], 1) * length / 13
        root = centre + 0.95 * radius * np.array([np.cos(angle), np.sin(angle)])
        points = np.rint((root + np.cumsum(steps, axis=0)) * 16).astype(np.int32)
        shade = np.clip(base * rng.uniform(0.6, 1.4), 0, 255).tolist()
        thickness = int(rng.integers(2, 6))
        cv2.polylines(alpha, [points], False, 255, thickness, cv2.LINE_AA, shift=4)
        cv2.polylines(colour, [points], False, shade, thickness + 4, cv2.LINE_8, shift=4)
    rgba = np.dstack([colour, alpha])
    return np.asarray(cv2.resize(rgba, (side, side), interpolation=cv2.INTER_AREA))


def photographic_stamps(downloads: Path, count: int) -> Iterator[tuple[str, Bytes]]:
    """The largest `count` photographic stamps [h,w,4], soft ones first."""
    stamps = read_stamps(downloads / STAMPS.file)
    stamps.sort(key=lambda stamp: (not stamp.is_soft, -max(stamp.rgba.shape)))
    for stamp in stamps[:count]:
        yield "stamp", stamp.rgba


def compose(kind: str, rgba: Bytes, scene: Bytes, rng: np.random.Generator) -> Composite:
    """A cut-out in a frame of 12 megapixels: mixed in linear light, blurred by the lens, with noise."""
    enlarged = 1 if kind == "drawn hair" else ENLARGED
    height, width = (side * enlarged for side in rgba.shape[:2])
    top, left = (
        round((room - side) * rng.uniform(0.2, 0.8)) for room, side in ((HEIGHT, height), (WIDTH, width))
    )
    picture = _frame(scene, rng)
    box = Box(top, left, top + height, left + width).grown(16, HEIGHT, WIDTH)
    colour, alpha = place(
        rgba, Placement(width, height, left - box.left, top - box.top), (box.height, box.width)
    )
    behind = to_linear(picture[box.slices].astype(np.float32) / 255)
    joined = behind + alpha[..., None] * (colour - behind)
    joined, alpha = (cv2.GaussianBlur(each, (0, 0), LENS_SIGMA_PX) for each in (joined, alpha))
    picture[box.slices] = np.rint(to_srgb(np.clip(joined, 0, 1)) * 255).astype(np.uint8)
    matte = np.zeros((HEIGHT, WIDTH), np.float32)
    matte[box.slices] = np.clip(alpha, 0, 1)
    noise = NOISE * 255 * rng.standard_normal((HEIGHT, WIDTH, 3), np.float32)
    return Composite(kind, np.clip(np.rint(picture + noise), 0, 255).astype(np.uint8), matte)


def _frame(scene: Bytes, rng: np.random.Generator) -> Bytes:
    """The largest crop of a scene in the frame's shape, enlarged, in a mirror as often as not."""
    zoom = min(scene.shape[0] / HEIGHT, scene.shape[1] / WIDTH)
    crop = scene[: round(HEIGHT * zoom), : round(WIDTH * zoom)]
    large = np.asarray(cv2.resize(crop, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC))
    return large[:, ::-1].copy() if rng.random() < 0.5 else large


def composites(given: argparse.Namespace) -> Iterator[Composite]:
    """All pictures of the benchmark, each over another scene."""
    scenes = [
        load_rgb(crop.path, 320)
        for crop in read_backdrops(given.backgrounds, "test")
        if crop.group not in SPOILED
    ]
    subjects = list(rendered_cutouts(given.cutouts, given.count))
    subjects += [("drawn hair", drawn_hair(np.random.default_rng(seed))) for seed in range(given.count)]
    if given.downloads:
        subjects += photographic_stamps(given.downloads, given.count)
        scenes += 8 * list(read_scenes(given.downloads / WALLPAPERS.file).values())
    for index, (kind, rgba) in enumerate(subjects):
        rng = np.random.default_rng([SEED, index])
        yield compose(kind, rgba, scenes[int(rng.integers(len(scenes)))], rng)


def perfect_matte(composite: Composite, spec: ModelSpec) -> NetworkMatte:
    """What a network without fault would find: the true matte, averaged to the pixels it answers with."""
    height, width = composite.matte.shape
    first = _seen(composite.matte, spec)
    box = second_pass.close_up(first, height, width)
    return NetworkMatte(first, None if box is None else _seen(composite.matte[box.slices], spec), box)


def _seen(matte: Matte, spec: ModelSpec) -> Matte:
    fit = fit_to_network(matte[..., None], spec.matting_px, spec.multiple_px, spec.detail)
    answered = fit.detailed if isinstance(spec, ZippoSpec) and spec.has_matte_decoder else fit.image
    return unfit(answered[..., 0], fit)


def stretched(found: NetworkMatte, image: Bytes, interpolation: int) -> Matte:
    """The joined matte enlarged without a look at the photo."""
    size = image.shape[1::-1]
    return np.clip(np.asarray(cv2.resize(_joined(found, image), size, interpolation=interpolation)), 0, 1)


def _joined(found: NetworkMatte, image: Bytes) -> Matte:
    if found.closer is None or found.box is None:
        return found.first
    return second_pass.join(found.first, found.closer, found.box, image)


def closed_form(found: NetworkMatte, image: Bytes) -> Matte:
    """GrabCut from the joined matte, a trimap round its edge, closed-form matting at `FEASIBLE_PX`, Lanczos.

    Rother, Kolmogorov and Blake 2004; Levin, Lischinski and Weiss 2008.
    """
    from pymatting import estimate_alpha_cf

    box = found.box or whole_of(image.shape)
    scale = FEASIBLE_PX / max(box.height, box.width)
    size = round(box.width * scale), round(box.height * scale)
    small = cv2.resize(image[box.slices], size, interpolation=cv2.INTER_AREA)
    rough = cv2.resize(found.closer if found.closer is not None else found.first, size)
    labels = np.where(rough > 0.5, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    labels[rough > 0.95], labels[rough < 0.05] = cv2.GC_FGD, cv2.GC_BGD
    result = np.zeros(image.shape[:2], np.float32)
    if len(np.unique(labels & 1)) < 2:
        return result
    cv2.grabCut(small, labels, None, np.zeros((1, 65)), np.zeros((1, 65)), 3, cv2.GC_INIT_WITH_MASK)
    mask, kernel = (labels & 1).astype(np.uint8), np.ones((TRIMAP_PX, TRIMAP_PX), np.uint8)
    trimap = 0.5 * (cv2.erode(mask, kernel) + cv2.dilate(mask, kernel).astype(np.float64))
    alpha = mask.astype(np.float32)
    if len(np.unique(trimap)) == 3:
        alpha = estimate_alpha_cf(small / 255.0, trimap).astype(np.float32)
    native = cv2.resize(alpha, (box.width, box.height), interpolation=cv2.INTER_LANCZOS4)
    result[box.slices] = np.clip(native, 0, 1)
    return result


METHODS: dict[str, Callable[[NetworkMatte, Prepared], Matte]] = {
    "bilinear": lambda found, prepared: stretched(found, prepared.image, cv2.INTER_LINEAR),
    "Lanczos": lambda found, prepared: stretched(found, prepared.image, cv2.INTER_LANCZOS4),
    "GrabCut + closed form": lambda found, prepared: closed_form(found, prepared.image),
    "fast": native_matte,
    "fine": lambda found, prepared: native_matte(replace(found, edges="fine"), prepared),
}


@dataclass
class Tally:
    """What one method scored: (MAD in the band, Grad, MAD) of each picture by kind, and its seconds."""

    scores: dict[str, list[tuple[float, float, float]]] = field(default_factory=dict)
    cpu_s: float = 0.0


def measure(
    composite: Composite, found: NetworkMatte, prepared: Prepared, tallies: dict[str, Tally]
) -> dict[str, Matte]:
    """Every method's matte of one picture, in the box of its subject, and its scores there."""
    subject = box_of(composite.matte > metrics.SOFT_RANGE[0])
    part = (subject or whole_of(composite.matte.shape)).grown(64, HEIGHT, WIDTH)
    true = composite.matte[part.slices]
    band = metrics.soft_band(true)
    mattes = {}
    for name, method in METHODS.items():
        started = time.process_time()
        matte = method(found, prepared)[part.slices]
        tallies[name].cpu_s += time.process_time() - started
        tallies[name].scores.setdefault(composite.kind, []).append(
            (
                metrics.mean_absolute_difference(matte, true, band),
                metrics.gradient_error(matte, true, band),
                metrics.mean_absolute_difference(matte, true),
            )
        )
        mattes[name] = matte
    return mattes


def print_table(title: str, tallies: dict[str, Tally]) -> None:
    """One row a method: MAD in the band times 1000 / Grad for each kind, and the means over kinds."""
    kinds = sorted(next(iter(tallies.values())).scores)
    print(f"\n**{title}**: MAD in the soft band x 1000 / Grad\n")
    print(f"| method | {' | '.join(kinds)} | mean | MAD x 1000 | CPU s |")
    print("|---" * (len(kinds) + 4) + "|")
    for name, tally in tallies.items():
        means = [np.mean(tally.scores[kind], axis=0) for kind in kinds]
        count = sum(map(len, tally.scores.values()))
        cells = [f"{1000 * band:.0f} / {grad:.1f}" for band, grad, _ in [*means, np.mean(means, axis=0)]]
        mad = 1000 * np.mean(means, axis=0)[2]
        print(f"| {name} | {' | '.join(cells)} | {mad:.1f} | {tally.cpu_s / count:.2f} |")


def save_crops(composite: Composite, mattes: dict[str, Matte], path: Path) -> None:
    """The photo and each cut-out at 200 %, on black, white and red, where the true edge is busiest."""
    subject = box_of(composite.matte > metrics.SOFT_RANGE[0])
    part = (subject or whole_of(composite.matte.shape)).grown(64, HEIGHT, WIDTH)
    image, true = composite.image[part.slices].astype(np.float32), composite.matte[part.slices]
    busy = cv2.blur(((true > 0.02) & (true < 0.98)).astype(np.float32), (CROP_PX, CROP_PX))
    half = CROP_PX // 2
    inner = busy[half : busy.shape[0] - half, half : busy.shape[1] - half]
    top, left = np.unravel_index(int(inner.argmax()), inner.shape)
    window = slice(int(top), int(top) + CROP_PX), slice(int(left), int(left) + CROP_PX)
    rows = []
    for colour in BACKDROPS:
        cells = [image[window]]
        for matte in (*(mattes[name] for name in SHOWN), true):
            alpha = matte[window][..., None]
            cells.append(alpha * image[window] + (1 - alpha) * np.float32(colour))
        rows.append(np.hstack(cells))
    sheet = np.rint(np.clip(np.vstack(rows), 0, 255)).astype(np.uint8)
    twice = cv2.resize(sheet, None, fx=2, fy=2, interpolation=cv2.INTER_NEAREST)
    Image.fromarray(twice).save(path)


def main() -> None:
    """Print both tables and save the crops."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cutouts", type=Path, required=True)
    parser.add_argument("--backgrounds", type=Path, action="append", required=True)
    parser.add_argument("--downloads", type=Path, help="where Tux Paint's stamps and the wallpapers are")
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--model", default="zippo-mini")
    parser.add_argument("--count", type=int, default=4, help="pictures of each kind")
    given = parser.parse_args()
    given.output.mkdir(parents=True, exist_ok=True)
    session = open_session(given.model)
    starts = ("From a perfect small matte", "From the network's matte")
    tables: dict[str, dict[str, Tally]] = {start: {name: Tally() for name in METHODS} for start in starts}
    for index, composite in enumerate(composites(given)):
        prepared = prepare(Photo(Path(composite.kind), composite.image, None, Metadata()), session.spec)
        founds = perfect_matte(composite, session.spec), infer_photo(session, prepared, MattingRequest())
        for start, found in zip(starts, founds, strict=True):
            mattes = measure(composite, found, prepared, tables[start])
            kept = "perfect" if start == starts[0] else "network"
            name = f"{composite.kind}-{index:02}-{kept}.png".replace(" ", "-")
            save_crops(composite, mattes, given.output / name)
    for start, tallies in tables.items():
        print_table(start, tallies)


if __name__ == "__main__":
    main()
