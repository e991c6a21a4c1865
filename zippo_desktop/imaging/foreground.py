"""The colour of the subject alone, with the background's taken out, where the matte is soft.

The multi-level estimation of Germer, Uelwer, Conrad and Harmeling (arXiv 2006.14970), solved for the
soft pixels alone. Coarse levels are solved for the whole picture, so that each pixel knows its
surroundings; the two finest reach a few pixels only, and are solved in tiles without seams.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from zippo_desktop.imaging.boxes import Box
from zippo_desktop.imaging.layers import Matte, Pixels
from zippo_desktop.imaging.matte import quantise

Array = NDArray[np.float32]
Places = NDArray[np.intp]

UNSEEN = np.float32(0.5 / 255)  # what is fainter rounds to nothing
# Between these a matte is soft. What is fainter gets its colour from the levels above alone.
FAINT, OPAQUE = np.float32(0.015), np.float32(0.99)
NO_WEIGHT = np.float32(1e-4)  # so that there is a mean colour even of what is not seen at all
REGULARISATION = np.float32(1e-5)  # the paper's: how far colours follow each other where alpha is flat
COARSE_SWEEPS, HALF_SWEEPS, FULL_SWEEPS = 8, 4, 3  # many are cheap on small levels
SHRINK = 4  # from the photo to the finest level that is solved as a whole
TILE_PX = 256  # a multiple of SHRINK, like the margin
MARGIN_PX = 32  # a sweep reaches 2 pixels, enlarging 1: 2 * 3 + 1 + 2 * (2 * 4 + 1) = 25


@dataclass(frozen=True)
class _SoftPixels:
    """Half of a level's soft pixels, like a chessboard's white or black fields: no two are neighbours.

    `here` [n] and `neighbours` [4,n] are places in a flattened plane; `weights` [4,n] sum to 1.
    """

    here: Places
    neighbours: Places
    weights: Array
    alpha: Array
    gain: Array

    def mean(self, plane: Array) -> Array:
        """The neighbours' weighted mean [n] of a flattened plane."""
        mean = np.zeros_like(self.alpha)
        for places, weights in zip(self.neighbours, self.weights, strict=True):
            mean += plane[places] * weights
        return mean


def estimate_foreground(pixels: Pixels, matte: Matte) -> Pixels:
    """The subject's straight colours [H,W,3] under a matte [H,W], of the photo's type and in its profile.

    Where the matte is below half a step of 8 bits, or from 0.99 on, the photo's own pixels stay.
    Nothing is shared between calls, so that any number of threads may make them.
    """
    tiles = [tile for tile in _tiles(*matte.shape) if _is_mixed(matte[tile.slices]).any()]
    if not tiles:
        return pixels
    coarse = _solve_coarse(*_sampled(pixels, matte))
    foreground = pixels.copy()
    for tile in tiles:
        mixed = _is_mixed(matte[tile.slices])
        foreground[tile.slices][mixed] = _solve_tile(pixels, matte, coarse, tile)[mixed]
    return foreground


def _is_mixed(alpha: Matte) -> NDArray[np.bool_]:
    return (alpha >= UNSEEN) & (alpha < OPAQUE)


def _tiles(height: int, width: int) -> Iterator[Box]:
    """A grid that begins at multiples of SHRINK, as halving needs it."""
    for top in range(0, height, TILE_PX):
        for left in range(0, width, TILE_PX):
            yield Box(top, left, min(top + TILE_PX, height), min(left + TILE_PX, width))


def _sampled(pixels: Pixels, matte: Matte) -> tuple[Array, Matte]:
    """Picture [3,h,w] in 0..1 and matte [h,w]: every SHRINK-th pixel, from the middle of what it stands for.

    Averaged ones would mix the two colours into one that neither side has.
    """
    middle = SHRINK // 2 - 1
    rows, columns = (np.minimum(np.arange(0, side, SHRINK) + middle, side - 1) for side in matte.shape)
    places = np.ix_(rows, columns)
    return _planes(pixels[places]), matte[places]


def _solve_coarse(image: Array, alpha: Matte) -> Array:
    """Colours [6,h,w], the foreground's then the background's, of a whole picture [3,h,w].

    Starts from one mean colour each, and doubles the size until it is the picture's own.
    """
    weights = np.stack([alpha, 1 - alpha])[:, None] + NO_WEIGHT
    colours: Array = ((image * weights).sum((2, 3)) / weights.sum((2, 3))).reshape(6, 1, 1)
    levels = [(image, alpha)]
    while max(alpha.shape) > 1:
        image, alpha = image[:, ::2, ::2], alpha[::2, ::2]
        levels.append((image, alpha))
    for image, alpha in reversed(levels):
        colours = _refined(colours, image, alpha, COARSE_SWEEPS)
    return colours


def _solve_tile(pixels: Pixels, matte: Matte, coarse: Array, tile: Box) -> Pixels:
    """The foreground [h,w,3] in one tile, from the colours [6,H/4,W/4] of the whole picture."""
    grown = tile.grown(MARGIN_PX, *matte.shape)
    rows = slice(grown.top // SHRINK, -(-grown.bottom // SHRINK))
    columns = slice(grown.left // SHRINK, -(-grown.right // SHRINK))
    image, alpha = _cut(pixels, matte, grown)
    colours = _refined(coarse[:, rows, columns], _halved(image), _halved(alpha), HALF_SWEEPS)
    colours = _refined(colours, image, alpha, FULL_SWEEPS)
    top, left = tile.top - grown.top, tile.left - grown.left
    inner = colours[:3, top : top + tile.height, left : left + tile.width]
    return quantise(inner.transpose(1, 2, 0), pixels.dtype)


def _cut(pixels: Pixels, matte: Matte, box: Box) -> tuple[Array, Matte]:
    """A part of the picture as planes [3,h,w] in 0..1, and of the matte; edges repeated to whole blocks."""
    padding = (0, -box.height % SHRINK), (0, -box.width % SHRINK)
    alpha = np.pad(matte[box.slices], padding, mode="edge")
    return np.pad(_planes(pixels[box.slices]), ((0, 0), *padding), mode="edge"), alpha


def _planes(pixels: Pixels) -> Array:
    """Pixels [h,w,3] as planes [3,h,w] in 0..1."""
    planes = pixels.transpose(2, 0, 1).astype(np.float32, order="C")
    planes /= np.iinfo(pixels.dtype).max
    return planes


def _halved(planes: Array) -> Array:
    """Planes [...,h,w] of even sides at half the size, each pixel the mean of four."""
    return _resized(planes, planes.shape[-2] // 2, planes.shape[-1] // 2, cv2.INTER_AREA)


def _resized(planes: Array, height: int, width: int, interpolation: int) -> Array:
    resized = np.empty((*planes.shape[:-2], height, width), np.float32)
    targets = resized.reshape(-1, height, width)
    for source, target in zip(planes.reshape(-1, *planes.shape[-2:]), targets, strict=True):
        target[:] = cv2.resize(source, (width, height), interpolation=interpolation)
    return resized


def _refined(colours: Array, image: Array, alpha: Matte, sweeps: int) -> Array:
    """Colours [6,h',w'] of the level above at the size of `image` [3,h,w], and made to agree with it.

    Gauss-Seidel sweeps over the soft pixels, each channel by itself. What is wholly subject or wholly
    background has the picture's own colour, which leads the others.
    """
    colours = _resized(colours, alpha.shape[0], alpha.shape[1], cv2.INTER_LINEAR)
    np.copyto(colours[:3], image, where=alpha >= OPAQUE)
    np.copyto(colours[3:], image, where=alpha <= FAINT)
    halves = _soft_pixels(alpha)
    for channel, plane in enumerate(image):
        front, back = colours[channel].ravel(), colours[channel + 3].ravel()  # views
        observed = [plane.ravel()[half.here] for half in halves]
        for _ in range(sweeps):
            for half, seen in zip(halves, observed, strict=True):
                _solve(half, seen, front, back)
    return colours


def _solve(half: _SoftPixels, seen: Array, front: Array, back: Array) -> None:
    """Set both colours of these pixels, in flattened planes of one channel, to the best for their neighbours.

    The paper's system of 2 x 2 equations for each pixel in closed form: the neighbours' means, and what
    these leave of the colour seen, shared out between the two.
    """
    front_mean, back_mean = half.mean(front), half.mean(back)
    left = (seen - half.alpha * front_mean - (1 - half.alpha) * back_mean) * half.gain
    front[half.here] = np.clip(front_mean + half.alpha * left, 0, 1)
    back[half.here] = np.clip(back_mean + (1 - half.alpha) * left, 0, 1)


def _soft_pixels(alpha: Matte) -> list[_SoftPixels]:
    """The soft pixels' equations, in two halves; neighbours beyond the border are the pixel itself."""
    height, width = alpha.shape
    rows, columns = np.nonzero((alpha > FAINT) & (alpha < OPAQUE))
    is_white, plane = (rows + columns) % 2 == 0, alpha.ravel()
    halves = []
    for y, x in ((rows[is_white], columns[is_white]), (rows[~is_white], columns[~is_white])):
        here = y * width + x
        up, down = here - width * (y > 0), here + width * (y < height - 1)
        neighbours = np.stack([up, down, here - (x > 0), here + (x < width - 1)])
        own = plane[here]
        weights = np.abs(plane[neighbours] - own) + REGULARISATION
        total = weights.sum(axis=0)
        gain = 1 / (own**2 + (1 - own) ** 2 + total)
        halves.append(_SoftPixels(here, neighbours, weights / total, own, gain))
    return halves
