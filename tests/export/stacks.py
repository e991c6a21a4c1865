"""Layer stacks with every kind of pixel: noise in colour, and a matte with empty, soft and full parts."""

from __future__ import annotations

from dataclasses import replace

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
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"/></x:xmpmeta>'
IPTC = b"\x1c\x02\x50\x00\x03odd"  # by-line


def make_stack(bits: int = 8, has_original: bool = True, metadata: Metadata = METADATA) -> LayerStack:
    rng = np.random.default_rng(bits)
    dtype = np.dtype(f"u{bits // 8}")
    subject, original = rng.integers(0, 2**bits, (2, HEIGHT, WIDTH, 3), dtype=dtype)
    original[:, 100:220] = 2**bits // 3  # long runs
    matte = np.clip(np.linspace(-0.5, 1.5, WIDTH, dtype=np.float32)[None].repeat(HEIGHT, 0), 0, 1)
    matte[::3] = rng.random((len(matte[::3]), WIDTH), np.float32)
    matte[:, :20] = 0
    return LayerStack(subject, matte, original if has_original else None, metadata)


def make_full_stack(bits: int = 8, has_background: bool = True) -> LayerStack:
    """With a shadow, an original smaller than its canvas, XMP, IPTC, and a new background if wanted."""
    stack = make_stack(bits)
    columns = np.linspace(0, 2**bits - 1, WIDTH).astype(stack.subject.dtype)
    background = np.broadcast_to(columns[None, :, None], stack.subject.shape).copy()
    background[..., 1] = 2**bits - 1 - background[..., 1]
    shadow = np.zeros((HEIGHT, WIDTH), np.float32)
    shadow[10:30, 50:200] = np.linspace(0, 0.5, 150, dtype=np.float32)
    original_mask = np.zeros((HEIGHT, WIDTH), np.float32)
    original_mask[3:-3, 30:-30] = 1
    return replace(
        stack,
        metadata=replace(METADATA, xmp=XMP, iptc=IPTC),
        background=background if has_background else None,
        shadow=shadow,
        original_mask=original_mask,
    )
