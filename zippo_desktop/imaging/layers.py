"""The result of one item as layers: what every exporter writes and every preview shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8] | NDArray[np.uint16]  # [H,W,3] in the picture's own profile
Matte = NDArray[np.float32]  # [H,W] 0..1


@dataclass(frozen=True)
class Metadata:
    """What travels with the pixels from the photo, or from the request, into the written file."""

    icc_profile: bytes | None = None
    exif: bytes | None = None  # TIFF structure without the orientation tag
    dpi: tuple[float, float] | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)  # generation parameters, for PNG text


@dataclass(frozen=True)
class Layer:
    """One layer: colour [H,W,3], and either a live mask, or none for an opaque layer."""

    name: str
    pixels: Pixels
    mask: Matte | None = None
    is_visible: bool = True
    is_locked: bool = False


@dataclass(frozen=True)
class LayerStack:
    """A subject cut out by its matte, over the picture it came from.

    `subject` is the straight (not premultiplied) colour under the matte, [H,W,3] uint8 or uint16;
    `matte` is [H,W] float32 in 0..1; `original` is the photo, or None for a generated subject.
    """

    subject: Pixels
    matte: Matte
    original: Pixels | None = None
    metadata: Metadata = field(default_factory=Metadata)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        height, width = self.matte.shape
        return width, height

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The layers from bottom to top, as a retoucher would stack them.

        The original is locked and hidden, so the visible result is the cut-out alone;
        the matte lies hidden on top as a grey picture.
        """
        depth = np.iinfo(self.subject.dtype).max
        grey = np.rint(self.matte * depth).astype(self.subject.dtype)
        cutout = Layer("Subject", self.subject, mask=self.matte)
        matte = Layer("Matte", np.repeat(grey[..., None], 3, axis=2), is_visible=False)
        if self.original is None:
            return cutout, matte
        return Layer("Original", self.original, is_visible=False, is_locked=True), cutout, matte
