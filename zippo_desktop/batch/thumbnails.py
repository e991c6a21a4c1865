"""Small pictures of a job's photos and results, in its folder, for the report and the window.

They are a convenience: nothing that goes wrong with them touches the job.
"""

from __future__ import annotations

import logging
import os
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from zippo_desktop.imaging.colour import srgb_8_bit
from zippo_desktop.imaging.compositing import flatten
from zippo_desktop.imaging.decode import Photo
from zippo_desktop.imaging.layers import LayerStack, Pixels

THUMBNAILS_NAME = "thumbnails"  # the folder's, in the job's
SIDE_PX = 256
_SAMPLES = 4  # looked at for each pixel of a thumbnail, along a side
_WEBP = {"quality": 75, "alpha_quality": 60, "method": 2}  # alpha to 12 levels of 255: half the file

Samples = TypeVar("Samples", bound=NDArray[Any])

logger = logging.getLogger(__name__)


def cutout_path(thumbnails_dir: Path, index: int) -> Path:
    """Where the result's thumbnail is, if there is one: RGBA, or RGB over a background."""
    return thumbnails_dir / f"{index:06}.cutout.webp"


def photo_path(thumbnails_dir: Path, index: int) -> Path:
    """Where the thumbnail of what the item began with is, if there is one: RGB."""
    return thumbnails_dir / f"{index:06}.photo.webp"


def write_thumbnails(
    thumbnails_dir: Path, index: int, layers: LayerStack, photo: NDArray[np.uint8] | None
) -> None:
    """Write what is seen of the layers, and the photo [H,W,3] in sRGB, of at most 256 pixels a side.

    `index` is the item's place in the job. A disk that does not take them is told in the log, once a folder.
    """
    try:
        thumbnails_dir.mkdir(parents=True, exist_ok=True)
        _save(_cutout(layers), cutout_path(thumbnails_dir, index))
        if photo is not None:
            _save(_shrunk(_thinned(photo)), photo_path(thumbnails_dir, index))
    except OSError as error:
        _tell_once(thumbnails_dir, error.strerror or str(error))


def _cutout(layers: LayerStack) -> NDArray[np.uint8]:
    """What is seen of the layers, small and in sRGB: [h,w,4] straight, or [h,w,3] over a background."""
    flat = flatten(_thinned_layers(layers))
    rgb = cast(Pixels, np.ascontiguousarray(flat[..., :3]))
    colour = srgb_8_bit(Photo(Path(), rgb, None, layers.metadata))
    if flat.shape[2] == 3:
        return _shrunk(colour)
    alpha = flat[..., 3:].astype(np.float32) / np.iinfo(flat.dtype).max
    small = _shrunk(np.concatenate([colour * alpha, alpha], axis=-1))  # premultiplied
    small[..., :3] /= np.maximum(small[..., 3:], 1e-6)
    small[..., 3] *= 255
    rgba: NDArray[np.uint8] = np.rint(small).clip(0, 255).astype(np.uint8)
    return rgba


def _thinned_layers(layers: LayerStack) -> LayerStack:
    """What is seen of the layers, with as many pixels as a thumbnail is made of."""
    return LayerStack(
        subject=_thinned(layers.subject),
        matte=_thinned(layers.matte),
        background=None if layers.background is None else _thinned(layers.background),
        shadow=None if layers.shadow is None else _thinned(layers.shadow),
    )


def _thinned(samples: Samples) -> Samples:
    """Every nth pixel of [H,W,...], for averaging all of 24 million would take a tenth of a second."""
    stride = max(1, max(samples.shape[:2]) // (SIDE_PX * _SAMPLES))
    rows, columns = (slice(min(stride, side) // 2, None, stride) for side in samples.shape[:2])
    return np.ascontiguousarray(samples[rows, columns])  # type: ignore[return-value]


def _shrunk(samples: Samples) -> Samples:
    """[h,w,C] averaged to thumbnail size; a smaller picture stays as it is."""
    height, width = samples.shape[:2]
    factor = SIDE_PX / max(height, width)
    if factor >= 1:
        return samples
    size = max(1, round(width * factor)), max(1, round(height * factor))
    return cv2.resize(samples, size, interpolation=cv2.INTER_AREA)  # type: ignore[return-value]


def _save(samples: NDArray[np.uint8], path: Path) -> None:
    """Whole or not at all, but not synced: losing one in a power failure is no harm."""
    unfinished = path.with_suffix(".part")
    Image.fromarray(samples).save(unfinished, "WEBP", **_WEBP)
    os.replace(unfinished, path)


@cache
def _tell_once(thumbnails_dir: Path, reason: str) -> None:
    """Cached, so that the second call with the same words does nothing."""
    logger.warning("The small pictures in %s cannot be written: %s.", thumbnails_dir, reason)
