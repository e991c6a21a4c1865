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
    xmp: bytes | None = None  # the packet's XML, without its orientation
    iptc: bytes | None = None  # IPTC-IIM records, as Photoshop's resource 1028 holds them
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
    """A subject cut out by its matte, and what lies beneath it.

    `subject` is the straight (not premultiplied) colour under the matte, [H,W,3] uint8 or uint16;
    `matte` is [H,W] float32 in 0..1. `original` is the photo, None for a generated subject, and
    `original_mask` [H,W] says where it is on a canvas larger than it (None: everywhere).
    `background` [H,W,3] is opaque, None for transparency; `shadow` [H,W] is the opacity of a black
    layer between background and subject. All pixels are of one type and in one profile.
    """

    subject: Pixels
    matte: Matte
    original: Pixels | None = None
    metadata: Metadata = field(default_factory=Metadata)
    background: Pixels | None = None
    shadow: Matte | None = None
    original_mask: Matte | None = None

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        height, width = self.matte.shape
        return width, height

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The layers from bottom to top, as a retoucher would stack them.

        The original is locked and hidden, so what is seen is the subject over its new background,
        or over transparency. The matte is the subject's mask, and no layer of its own.
        """
        layers = []
        if self.original is not None:
            layers.append(Layer("Original", self.original, self.original_mask, False, is_locked=True))
        if self.background is not None:
            layers.append(Layer("Background", self.background))
        if self.shadow is not None:
            black = np.broadcast_to(np.zeros((), self.subject.dtype), self.subject.shape)
            layers.append(Layer("Shadow", black, self.shadow))
        return *layers, Layer("Subject", self.subject, self.matte)

    def matte_layer(self) -> Layer:
        """The matte as a hidden grey layer on top, for formats that know neither masks nor extra channels."""
        depth = np.iinfo(self.subject.dtype).max
        grey = np.rint(self.matte * depth).astype(self.subject.dtype)
        return Layer("Matte", np.broadcast_to(grey[..., None], self.subject.shape), is_visible=False)
