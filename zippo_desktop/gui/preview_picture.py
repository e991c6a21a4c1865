"""One photo with the present settings, small enough to be made at once: plain functions, no threads."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PySide6.QtGui import QColorSpace, QImage

from zippo_desktop.imaging.arrangement import Arrangement, canvas_of, margin_of
from zippo_desktop.imaging.decode import Photo
from zippo_desktop.imaging.layers import LayerStack, Pixels
from zippo_desktop.imaging.matte_controls import MatteControls
from zippo_desktop.imaging.trimap import Known
from zippo_desktop.pipelines.matting import NetworkMatte, Prepared
from zippo_desktop.pipelines.request import MattingRequest

PREVIEW_PX = 1600  # the longer side: more than most viewers have, and a tenth of a camera's pixels


@dataclass(frozen=True)
class SmallPhoto:
    """A photo made smaller by the factor `scale`, and what is known of its matte."""

    photo: Photo
    scale: float
    known: Known | None = None


def read_small(path: Path, max_pixels: int) -> SmallPhoto:
    """Decode a photo and its trimap, if it has one, and shrink both. Raises InputError."""
    from zippo_desktop.imaging.decode import decode
    from zippo_desktop.imaging.trimap import find_known, read_known

    photo = decode(path, max_pixels)
    trimap = find_known(path)
    known = read_known(trimap, photo.size) if trimap else None
    return shrink(photo, known)


def shrink(photo: Photo, known: Known | None = None) -> SmallPhoto:
    """The photo at 8 bit, its longer side at most `PREVIEW_PX`."""
    from zippo_desktop.imaging.colour import to_8_bit
    from zippo_desktop.imaging.matte import quantise
    from zippo_desktop.imaging.resize import resize, resize_picture

    pixels = to_8_bit(photo.pixels)
    scale = min(1.0, PREVIEW_PX / max(photo.size))
    if scale == 1:
        return SmallPhoto(replace(photo, pixels=pixels), scale, known)
    width, height = (max(1, round(side * scale)) for side in photo.size)
    smaller = quantise(resize_picture(pixels, height, width), np.uint8)
    alpha = None if photo.alpha is None else resize(photo.alpha, height, width)
    if known is not None:  # a pixel is known where all of it is
        keep, erase = (resize(flags.astype(np.float32), height, width) for flags in (known.keep, known.erase))
        known = Known(keep == 1, erase == 1)
    return SmallPhoto(replace(photo, pixels=smaller, alpha=alpha), scale, known)


def finish(
    small: SmallPhoto,
    looked: tuple[Prepared, NetworkMatte] | None,
    request: MattingRequest,
    arrangement: Arrangement,
) -> LayerStack:
    """What a job would make of the photo, at the preview's size: `looked` is None where it has its matte."""
    from zippo_desktop.imaging.arrange import arrange
    from zippo_desktop.pipelines.cutting import cut_out
    from zippo_desktop.pipelines.matting import native_matte

    if looked is None:
        matte = small.photo.alpha
        assert matte is not None
    else:
        prepared, found = looked
        matte = native_matte(replace(found, edges=request.edges), prepared)
    request = replace(request, controls=scaled_controls(request.controls, small.scale))
    layers = cut_out(small.photo, matte, request, small.known)
    return arrange(layers, scaled_arrangement(arrangement, small.scale))


def scaled_controls(controls: MatteControls, scale: float) -> MatteControls:
    """The same sliders for a photo of another size."""
    return replace(
        controls,
        fill_holes_px=round(controls.fill_holes_px * scale**2),
        expand_px=controls.expand_px * scale,
        feather_px=controls.feather_px * scale,
    )


def scaled_arrangement(arrangement: Arrangement, scale: float) -> Arrangement:
    """The same surroundings for a photo of another size; a canvas is no larger than a preview."""
    margin, canvas = margin_of(arrangement.crop), canvas_of(arrangement.canvas)
    if margin and not margin.is_share:
        arrangement = replace(arrangement, crop=f"{margin.amount * scale:.2f}px")
    if canvas and max(canvas) > PREVIEW_PX:
        width, height = (max(1, side * PREVIEW_PX // max(canvas)) for side in canvas)
        arrangement = replace(arrangement, canvas=f"{width}x{height}")
    return arrangement


def to_image(stack: LayerStack) -> QImage:
    """What is seen of a stack of 8 bit, in its own profile."""
    from zippo_desktop.imaging.compositing import flatten

    image = image_of(flatten(stack))
    profile = stack.metadata.icc_profile
    space = QColorSpace.fromIccProfile(profile) if profile else QColorSpace()
    image.setColorSpace(space if space.isValid() else QColorSpace(QColorSpace.NamedColorSpace.SRgb))
    return image


def image_of(pixels: Pixels) -> QImage:
    """A picture [H,W,3] or straight [H,W,4] uint8, copied."""
    whole = np.ascontiguousarray(pixels)
    height, width, channels = whole.shape
    kind = QImage.Format.Format_RGB888 if channels == 3 else QImage.Format.Format_RGBA8888
    return QImage(whole.data, width, height, channels * width, kind).copy()
