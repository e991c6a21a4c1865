"""Layer stacks with every kind of pixel: noise in colour, and a matte with empty, soft and full parts."""

from __future__ import annotations

import numpy as np
from PIL import ExifTags, Image

from zippo_desktop.imaging.colour import srgb_profile
from zippo_desktop.imaging.layers import LayerStack, Metadata

HEIGHT, WIDTH = 37, 301  # odd sizes, rows longer than a PackBits run


def exif() -> bytes:
    tags = Image.Exif()
    tags[ExifTags.Base.Make] = "Maker"
    tags[ExifTags.Base.Artist] = "odd"
    return tags.tobytes().removeprefix(b"Exif\0\0")


METADATA = Metadata(
    icc_profile=srgb_profile(),
    exif=exif(),
    dpi=(300.0, 150.0),
    parameters={"prompt": "ein Käfer → 🐞", "seed": "7"},
)


def make_stack(bits: int = 8, has_original: bool = True, metadata: Metadata = METADATA) -> LayerStack:
    rng = np.random.default_rng(bits)
    dtype = np.dtype(f"u{bits // 8}")
    subject, original = rng.integers(0, 2**bits, (2, HEIGHT, WIDTH, 3), dtype=dtype)
    original[:, 100:220] = 2**bits // 3  # long runs
    matte = np.clip(np.linspace(-0.5, 1.5, WIDTH, dtype=np.float32)[None].repeat(HEIGHT, 0), 0, 1)
    matte[::3] = rng.random((len(matte[::3]), WIDTH), np.float32)
    matte[:, :20] = 0
    return LayerStack(subject, matte, original if has_original else None, metadata)
