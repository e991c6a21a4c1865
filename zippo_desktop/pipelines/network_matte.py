"""A photo as a network takes it, and what the network found in it, at the network's size."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zippo_desktop.engine.session import ModelSpec
from zippo_desktop.imaging.boxes import Box
from zippo_desktop.imaging.colour import srgb_8_bit
from zippo_desktop.imaging.decode import Photo
from zippo_desktop.imaging.layers import Matte
from zippo_desktop.imaging.resize import Fit, Picture, fit_to_network, stretch_to_network
from zippo_desktop.pipelines.request import Edges


@dataclass(frozen=True)
class Prepared:
    """What the network needs of a photo: its sRGB picture [H,W,3] at 8 bit, and that at its own size."""

    image: NDArray[np.uint8]
    fit: Fit


@dataclass(frozen=True)
class NetworkMatte:
    """What the network found, and how it is to become a matte of the photo's size.

    `first` [h,w] is of the whole photo. `closer` [h',w'] is that of the subject's `box` in the photo's
    pixels, and None where no second look was taken, or where it contradicted the first. `sketch` is what
    counts of the two as the latents alone say it (see `passes.Answer`). What speaks for them is in 0..1, and
    None where there was nothing to compare with: the overlap with what the network found in the mirror
    image, and that of the first matte with the closer look, also of one that was dropped. Where several
    models had a say, `model_used` names whose matte it is, and `remark` says why.
    """

    first: Matte
    closer: Matte | None = None
    box: Box | None = None
    edges: Edges = "fast"
    mirror_agreement: float | None = None
    scale_agreement: float | None = None
    model_used: str = ""
    remark: str = ""
    sketch: Matte | None = None

    @property
    def counted(self) -> Matte:
        """The matte that shows the subject best: the closer one if there is one."""
        return self.first if self.closer is None else self.closer


def prepare(photo: Photo, spec: ModelSpec) -> Prepared:
    """The photo as the network wants it: sRGB, whole and small. Any thread."""
    image = srgb_8_bit(photo)
    return Prepared(image, fit(image, spec))


def fit(image: Picture, spec: ModelSpec, is_closer: bool = False) -> Fit:
    """An sRGB picture [H,W,3] at the network's size, and in the detail that an image encoder sees.

    A crop round the subject, for a closer look, has a size of its own.
    """
    side = spec.closer_px if is_closer else spec.matting_px
    if spec.is_stretched:
        return stretch_to_network(image, side)
    return fit_to_network(image, side, spec.multiple_px, spec.detail)
