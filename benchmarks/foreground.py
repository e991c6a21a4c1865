"""The colour under soft edges: ours against none, blur fusion and pymatting's multi-level estimation.

    python benchmarks/foreground.py --cutouts data/cutouts --backgrounds data/backgrounds --output clean/

PSNR over new backgrounds, in the true matte's soft band, on composites of the test split's fur, glass and
other things over scenes and over green, red and blue, with the true matte and with one that was enlarged
from a quarter of the size; then CPU seconds and peak memory at 24 megapixels, each method in a process of
its own. Crops at 200 % before and after, on black, white and red, go to the output folder.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from zippo_desktop.imaging.bleed import bleed
from zippo_desktop.imaging.compositing import over
from zippo_desktop.imaging.foreground import FAINT, OPAQUE, estimate_foreground
from zippo_desktop.imaging.matte import quantise, upsample_guided
from zippo_desktop.imaging.resize import resize
from zippo_desktop.training.cutouts import load_rgb, load_rgba, read_backdrops, read_cutouts
from zippo_desktop.training.metrics import SOFT_RANGE

Array = NDArray[np.float32]
Bytes = NDArray[np.uint8]
Estimate = Callable[[Bytes, Array], Bytes]

SIDE, SEED = 320, 7
SPILLS = {"green": (0.0, 0.8, 0.1), "red": (0.9, 0.05, 0.05), "blue": (0.05, 0.1, 0.9)}
BACKDROPS = ((0, 0, 0), (255, 255, 255), (255, 0, 0))
HEIGHT, WIDTH, HAIRS = 4000, 6000, 900
TILE_PX, TILE_MARGIN_PX = 1500, 96  # of pymatting's full tiling
CROP_PX = 100


@dataclass(frozen=True)
class Composite:
    """A photo [H,W,3], its true matte [H,W] and the true straight colours [H,W,3]."""

    kind: str
    over: str
    photo: Bytes
    matte: Array
    colours: Array


def composites(cutouts: tuple[Path, ...], backgrounds: tuple[Path, ...], count: int) -> Iterator[Composite]:
    """`count` things of each kind, each over a scene and over one of the three colours."""
    rng = np.random.default_rng(SEED)
    found, scenes = read_cutouts(cutouts, "test"), read_backdrops(backgrounds, "test")
    wanted = dict.fromkeys(("fur", "glass", "other"), count)
    for number in rng.permutation(len(found)):
        name = found[number].path.name
        kind = next((kind for kind in ("fur", "glass") if name.startswith(kind)), "other")
        if not wanted[kind]:
            continue
        wanted[kind] -= 1
        rgba = load_rgba(found[number].path, SIDE).astype(np.float32) / 255
        colours, matte = np.ascontiguousarray(rgba[..., :3]), np.ascontiguousarray(rgba[..., 3])
        backdrop = load_rgb(scenes[rng.integers(len(scenes))].path, SIDE).astype(np.float32) / 255
        spill = list(SPILLS)[wanted[kind] % len(SPILLS)]
        for place, behind in (
            ("scene", resize(backdrop, *matte.shape)),
            ("one colour", np.array(SPILLS[spill], np.float32)),
        ):
            photo = over(colours, matte, behind)
            yield Composite(kind, place, quantise(photo, np.uint8), matte, colours)


def enlarged(item: Composite) -> Array:
    """The matte as the program would enlarge it from a quarter of its size: soft where it should not be."""
    small = resize(item.matte, *(side // 4 for side in item.matte.shape))
    return upsample_guided(small, item.photo)


def none(photo: Bytes, matte: Array) -> Bytes:
    """The photo's own colours."""
    return photo


def blur_fusion(photo: Bytes, matte: Array) -> Bytes:
    """Forte and Pitie 2021 (Approximate Fast Foreground Colour Estimation), their two steps, r = 90 and 6."""
    image, alpha = photo.astype(np.float32) / 255, matte[..., None]
    front = back = image
    for radius in (90, 6):
        front, back = _fused(image, front, back, alpha, radius)
    return quantise(front, np.uint8)


def _fused(image: Array, front: Array, back: Array, alpha: Array, radius: int) -> tuple[Array, Array]:
    def mean(values: Array, weight: Array) -> Array:
        total = cv2.blur(values * weight, (radius, radius))
        return total / (cv2.blur(weight, (radius, radius))[..., None] + 1e-5)

    front_mean, back_mean = mean(front, alpha), mean(back, 1 - alpha)
    left = image - alpha * front_mean - (1 - alpha) * back_mean
    return np.clip(front_mean + alpha * left, 0, 1), back_mean


def multi_level(photo: Bytes, matte: Array) -> Bytes:
    """Germer and others 2020, their own program, in tiles over the whole picture."""
    from pymatting.foreground.estimate_foreground_ml import estimate_foreground_ml

    height, width = matte.shape
    result = np.empty_like(photo)
    for top in range(0, height, TILE_PX):
        for left in range(0, width, TILE_PX):
            y, x = max(top - TILE_MARGIN_PX, 0), max(left - TILE_MARGIN_PX, 0)
            part = slice(y, top + TILE_PX + TILE_MARGIN_PX), slice(x, left + TILE_PX + TILE_MARGIN_PX)
            found = estimate_foreground_ml(photo[part].astype(np.float32) / 255, matte[part])
            inner = found[top - y :, left - x :][:TILE_PX, :TILE_PX]
            result[top : top + TILE_PX, left : left + TILE_PX] = quantise(inner, np.uint8)
    return result


METHODS: dict[str, Estimate] = {
    "none": none,
    "blur fusion x2": blur_fusion,
    "pymatting ML": multi_level,
    "ours": estimate_foreground,
}
MEASURED: dict[str, Estimate] = {**METHODS, "bleed": bleed}


def psnr(found: Bytes, matte: Array, item: Composite) -> float:
    """Over any new background, under the matte that is used, in the true matte's soft band."""
    soft = (item.matte > SOFT_RANGE[0]) & (item.matte < SOFT_RANGE[1])
    error = (found[soft].astype(np.float32) / 255 - item.colours[soft]) * matte[soft][:, None]
    return float(-10 * np.log10(max(np.square(error).mean(), 1e-8)))


def print_quality(items: list[Composite]) -> None:
    """Mean PSNR by matte, kind and background."""
    print("| matte | subject | over | n |", " | ".join(METHODS), "|")
    print("|---|---|---|--:|" + "--:|" * len(METHODS))
    for name, matte_of in (("true", lambda item: item.matte), ("enlarged x4", enlarged)):
        mattes = [matte_of(item) for item in items]
        scores = [
            [psnr(method(item.photo, matte), matte, item) for method in METHODS.values()]
            for item, matte in zip(items, mattes, strict=True)
        ]
        for kind, behind in dict.fromkeys((item.kind, item.over) for item in sorted(items, key=_by_kind)):
            rows = [
                row
                for item, row in zip(items, scores, strict=True)
                if (item.kind, item.over) == (kind, behind)
            ]
            means = " | ".join(f"{mean:.1f}" for mean in np.mean(rows, axis=0))
            print(f"| {name} | {kind} | {behind} | {len(rows)} | {means} |")


def _by_kind(item: Composite) -> tuple[str, str]:
    return item.kind, item.over


def large_photo() -> Composite:
    """24 megapixels: a hairy disc with texture and noise over a textured background."""
    rng = np.random.default_rng(SEED)

    def texture(*amounts: tuple[int, float]) -> Array:
        layers = (
            amount * cv2.resize(rng.standard_normal((cells, cells, 3)).astype(np.float32), (WIDTH, HEIGHT))
            for cells, amount in amounts
        )
        return np.sum(list(layers), axis=0)

    colours = np.clip(np.float32([0.55, 0.4, 0.3]) + texture((8, 0.12), (600, 0.06)), 0, 1)
    behind = np.clip(np.float32([0.3, 0.55, 0.4]) + texture((6, 0.2), (80, 0.08)), 0, 1)
    matte = _hair(rng)
    photo = over(colours, matte, behind)
    photo += 0.01 * rng.standard_normal((HEIGHT, WIDTH, 1), np.float32)
    return Composite("hair", "scene", quantise(photo, np.uint8), matte, colours)


def _hair(rng: np.random.Generator) -> Array:
    canvas = np.zeros((HEIGHT, WIDTH), np.uint8)
    centre, radius = np.array([WIDTH / 2, HEIGHT / 2]), HEIGHT / 4
    cv2.circle(canvas, (WIDTH // 2, HEIGHT // 2), int(radius), 255, -1, cv2.LINE_AA)
    along = np.linspace(0, 1, 12)
    for angle in rng.uniform(0, 2 * np.pi, HAIRS):
        turns = angle + rng.uniform(-1, 1) * along
        reach = radius * (0.95 + rng.uniform(0.2, 0.6) * along)
        curve = centre + reach[:, None] * np.stack([np.cos(turns), np.sin(turns)], axis=1)
        shade, thickness = int(rng.integers(120, 255)), int(rng.integers(1, 5))
        cv2.polylines(canvas, [np.int32(curve * 16)], False, shade, thickness, cv2.LINE_AA, 4)
    return cv2.GaussianBlur(canvas.astype(np.float32) / 255, (0, 0), 1.2)


def print_cost(folder: Path) -> None:
    """CPU seconds, peak over what is loaded, and PSNR at 24 megapixels."""
    item, path = large_photo(), folder / "large.npz"
    soft = (item.matte > FAINT) & (item.matte < OPAQUE)
    np.savez(path, photo=item.photo, matte=item.matte, colours=item.colours.astype(np.float16))
    print(f"\n| 24 MP, {soft.mean():.0%} soft | CPU s | peak MiB | PSNR dB |\n|---|--:|--:|--:|")
    for name in MEASURED:
        command = [sys.executable, __file__, "--measure", name, "--frame", str(path)]
        print(subprocess.run(command, check=True, capture_output=True, text=True).stdout, end="", flush=True)
    path.unlink()


def measure(name: str, path: Path) -> None:
    """One row of the table, in this process; compiling and importing are done before the clock starts."""
    cv2.setNumThreads(1)
    frame = np.load(path)
    photo, matte = frame["photo"], frame["matte"]
    method = MEASURED[name]
    method(photo[:64, :64].copy(), np.full((64, 64), 0.5, np.float32))
    before, started = _peak_mib(), time.process_time()
    found = method(photo, matte)
    seconds, peak = time.process_time() - started, _peak_mib() - before
    item = Composite("hair", "scene", photo, matte, frame["colours"].astype(np.float32))
    quality = "" if name == "bleed" else f"{psnr(found, matte, item):.1f}"
    print(f"| {name} | {seconds:.2f} | {peak:.0f} | {quality} |")


def _peak_mib() -> float:
    """Linux's high-water mark of this process; `resource`'s goes on from the process that started it."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def save_crops(items: list[Composite], path: Path) -> None:
    """Before and after at 200 %, each on black, white and red, the photo itself first."""
    rows = []
    for item in items:
        crop = softest(item.matte)
        cells = [item.photo[crop]]
        for colours in (item.photo, estimate_foreground(item.photo, item.matte)):
            cells += [over(colours[crop], item.matte[crop], np.array(c, np.uint8)) for c in BACKDROPS]
        rows.append(np.hstack(cells))
    sheet = np.repeat(np.repeat(np.vstack(rows), 2, axis=0), 2, axis=1)
    Image.fromarray(sheet).save(path)


def softest(matte: Array) -> tuple[slice, slice]:
    """The crop with the most of the soft band in it."""
    soft = ((matte > SOFT_RANGE[0]) & (matte < SOFT_RANGE[1])).astype(np.float32)
    height, width = matte.shape
    counts = cv2.boxFilter(soft, -1, (CROP_PX, CROP_PX), normalize=False, borderType=cv2.BORDER_CONSTANT)
    row, column = np.unravel_index(int(counts.argmax()), counts.shape)
    top = int(np.clip(row - CROP_PX // 2, 0, height - CROP_PX))
    left = int(np.clip(column - CROP_PX // 2, 0, width - CROP_PX))
    return slice(top, top + CROP_PX), slice(left, left + CROP_PX)


def main() -> None:
    """Print both tables and save the crops."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cutouts", type=Path, action="append", default=[])
    parser.add_argument("--backgrounds", type=Path, action="append", default=[])
    parser.add_argument("--output", type=Path)
    parser.add_argument("--count", type=int, default=24)
    parser.add_argument("--measure", choices=list(MEASURED), help=argparse.SUPPRESS)
    parser.add_argument("--frame", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure:
        measure(given.measure, given.frame)
        return
    if not (given.cutouts and given.backgrounds and given.output):
        parser.error("--cutouts, --backgrounds and --output are needed")
    given.output.mkdir(parents=True, exist_ok=True)
    items = list(composites(tuple(given.cutouts), tuple(given.backgrounds), given.count))
    coloured = [item for item in items if item.over != "scene"]
    for kind in ("fur", "glass", "other"):
        shown = [item for item in coloured if item.kind == kind][:6]
        save_crops(shown, given.output / f"{kind}.png")
    print_quality(items)
    print_cost(given.output)


if __name__ == "__main__":
    main()
