"""A photo of 2, 12, 24 and 50 megapixels, from its small matte to the written file: CPU time and memory.

    OMP_NUM_THREADS=1 python benchmarks/photo.py [--megapixels 24] [--formats png psd]

Every way starts from the same JPEG and the same network-sized matte, in a process of its own that has
loaded its libraries and compiled its kernels before the clock starts. `plain` stretches the matte and
writes Pillow's default PNG; `strong` adds pymatting's foreground in tiles and Pillow's fast setting;
`ours` is the program's own path. Prints Markdown; docs/photo.md has the figures.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIZES = {2: (1632, 1224), 12: (4000, 3000), 24: (6000, 4000), 50: (8688, 5792)}
MATTE_PX = 256  # the longer side of the matte: the network looks twice at 128
TILE_PX, MARGIN_PX = 1500, 96
SAMPLES = Path(__file__).parents[1] / "resources" / "samples"


def make_photo(width: int, height: int, path: Path) -> None:
    """A mosaic of the sample photos with sensor noise, as a camera's JPEG."""
    rng = np.random.default_rng(0)
    files = sorted(path for path in SAMPLES.glob("*.*") if path.suffix in (".jpg", ".png", ".webp"))
    tiles = [np.asarray(Image.open(file).convert("RGB").resize((width // 4, height // 4))) for file in files]
    mosaic = np.vstack(
        [np.hstack([tiles[(4 * row + column) % len(tiles)] for column in range(4)]) for row in range(4)]
    )
    mosaic = np.pad(mosaic, [(0, height - len(mosaic)), (0, width - mosaic.shape[1]), (0, 0)], mode="edge")
    noise = rng.integers(-6, 7, mosaic.shape, dtype=np.int16)
    Image.fromarray(np.clip(mosaic + noise, 0, 255).astype(np.uint8)).save(path, quality=92)


def make_matte(width: int, height: int, path: Path) -> None:
    """An egg with hairs, drawn large and averaged to the network's size."""
    scale = 8 * MATTE_PX / max(width, height)
    large = np.zeros((round(height * scale), round(width * scale)), np.uint8)
    centre = (large.shape[1] // 2, large.shape[0] // 2)
    cv2.ellipse(large, centre, (large.shape[1] // 4, large.shape[0] // 3), 0, 0, 360, 255, -1, cv2.LINE_AA)
    rng = np.random.default_rng(1)
    for angle in rng.uniform(0, 2 * np.pi, 200):
        start = centre + np.array(
            [np.cos(angle) * large.shape[1] / 4.1, np.sin(angle) * large.shape[0] / 3.1]
        )
        end = start + 40 * np.array([np.cos(angle), np.sin(angle)]) + rng.normal(0, 8, 2)
        cv2.line(large, tuple(map(int, start)), tuple(map(int, end)), 255, 1, cv2.LINE_AA)
    small = cv2.resize(large, (large.shape[1] // 8, large.shape[0] // 8), interpolation=cv2.INTER_AREA)
    Image.fromarray(small).save(path)


def stretched(photo: Path, matte: Path) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """The baselines' beginning: Pillow's decoder, and the matte by Lanczos."""
    pixels = np.asarray(Image.open(photo).convert("RGB"))
    small = np.asarray(Image.open(matte), np.float32) / 255
    size = pixels.shape[1], pixels.shape[0]
    return pixels, np.clip(cv2.resize(small, size, interpolation=cv2.INTER_LANCZOS4), 0, 1)


def plain(photo: Path, matte: Path, output: Path, formats: list[str]) -> float:
    """Decode, stretch, Pillow's default PNG."""
    pixels, alpha = stretched(photo, matte)
    rgba = np.dstack([pixels, np.rint(alpha * 255).astype(np.uint8)])
    Image.fromarray(rgba).save(output / "plain.png")
    return soft_share(alpha)


def strong(photo: Path, matte: Path, output: Path, formats: list[str]) -> float:
    """Decode, stretch, pymatting's multi-level foreground in tiles over all, Pillow's fast setting."""
    from pymatting import estimate_foreground_ml

    pixels, alpha = stretched(photo, matte)
    height, width = alpha.shape
    foreground = np.empty_like(pixels)
    for top in range(0, height, TILE_PX):
        for left in range(0, width, TILE_PX):
            rows = slice(max(0, top - MARGIN_PX), min(height, top + TILE_PX + MARGIN_PX))
            columns = slice(max(0, left - MARGIN_PX), min(width, left + TILE_PX + MARGIN_PX))
            tile = estimate_foreground_ml(
                pixels[rows, columns].astype(np.float32) / 255, alpha[rows, columns]
            )
            inner = tile[top - rows.start :, left - columns.start :][:TILE_PX, :TILE_PX]
            foreground[top : top + TILE_PX, left : left + TILE_PX] = np.rint(np.clip(inner, 0, 1) * 255)
    rgba = np.dstack([foreground, np.rint(alpha * 255).astype(np.uint8)])
    Image.fromarray(rgba).save(output / "strong.png", compress_level=6, compress_type=3)
    return soft_share(alpha)


def ours(photo: Path, matte: Path, output: Path, formats: list[str]) -> float:
    """The program's own path, but for the network."""
    from zippo_desktop.export.write import Target, export
    from zippo_desktop.export.writing import Writing
    from zippo_desktop.imaging.colour import srgb_8_bit
    from zippo_desktop.imaging.decode import decode
    from zippo_desktop.imaging.matte import upsample_guided
    from zippo_desktop.pipelines.cutting import cut_out
    from zippo_desktop.pipelines.request import MattingRequest

    decoded = decode(photo)
    small = np.asarray(Image.open(matte), np.float32) / 255
    alpha = upsample_guided(small, srgb_8_bit(decoded))
    stack = cut_out(decoded, alpha, MattingRequest())
    export(stack, Target(output, "ours", tuple(formats), with_matte=False), Writing(tuple(formats)))
    return soft_share(alpha)


WAYS: dict[str, Callable[[Path, Path, Path, list[str]], float]] = {
    "plain": plain,
    "strong": strong,
    "ours": ours,
}


def soft_share(alpha: NDArray[np.float32]) -> float:
    """How many pixels are neither opaque nor transparent at 8 bit."""
    return float(np.mean((alpha > 0.5 / 255) & (alpha < 254.5 / 255)))


def measure(way: str, photo: Path, matte: Path, output: Path, formats: list[str]) -> dict[str, float]:
    """In a fresh process: CPU seconds, and MB at most above what was loaded."""
    warm = Path(tempfile.mkdtemp(dir=output))
    make_photo(640, 480, warm / "warm.jpg")
    make_matte(640, 480, warm / "warm.png")
    WAYS[way](warm / "warm.jpg", warm / "warm.png", warm, formats)
    loaded = int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 1e6
    started = time.process_time()
    soft = WAYS[way](photo, matte, output, formats)
    seconds = time.process_time() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
    return {"cpu_s": seconds, "peak_mb": peak - loaded, "soft": soft}


def run_apart(way: str, photo: Path, matte: Path, output: Path, formats: list[str]) -> dict[str, float]:
    """`measure` in a process of its own."""
    command = [sys.executable, __file__, "--child", way, str(photo), str(matte), str(output), *formats]
    answer = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return dict(json.loads(answer.splitlines()[-1]))


def main() -> None:
    """Print the table, a row for each size and way."""
    if sys.argv[1:2] == ["--child"]:
        way, photo, matte, output, *formats = sys.argv[2:]
        print(json.dumps(measure(way, Path(photo), Path(matte), Path(output), formats)))
        return
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megapixels", type=int, nargs="+", choices=SIZES, default=list(SIZES))
    parser.add_argument("--formats", nargs="+", default=["png", "psd"])
    given = parser.parse_args()
    print("| MP | way | CPU s | to plain | to strong | peak MB | soft pixels |")
    print("|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for megapixels in given.megapixels:
            photo, matte = Path(folder, f"{megapixels}.jpg"), Path(folder, f"{megapixels}.png")
            make_photo(*SIZES[megapixels], photo)
            make_matte(*SIZES[megapixels], matte)
            rows = {way: run_apart(way, photo, matte, Path(folder), []) for way in ("plain", "strong")}
            rows |= {
                f"ours, {kind}": run_apart("ours", photo, matte, Path(folder), [kind])
                for kind in given.formats
            }
            for way, row in rows.items():
                ratios = [row["cpu_s"] / rows[baseline]["cpu_s"] for baseline in ("plain", "strong")]
                print(
                    f"| {megapixels} | {way} | {row['cpu_s']:.2f} | {ratios[0]:.2f} | {ratios[1]:.2f} | "
                    f"{row['peak_mb']:.0f} | {row['soft']:.1%} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
