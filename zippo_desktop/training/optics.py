"""What light, lens, sensor and file do to a composed scene: shadows, matched light, blur, noise, JPEG."""

from __future__ import annotations

import cv2
import numpy as np

from zippo_desktop.training.placement import Array, Rng, float32

MATTE_FLOOR = 0.05  # of the frame: a subject below it tells too little of its light


def cast_shadow(matte: Array, rng: Rng) -> Array:
    """A soft cast shadow [S,S,1] in 0..1: the matte [S,S] moved, blurred and weakened."""
    size = len(matte)
    dx, dy = rng.uniform(-0.1, 0.1) * size, rng.uniform(0.0, 0.12) * size
    moved = float32(cv2.warpAffine(matte, np.array([[1, 0, dx], [0, 1, dy]], np.float32), (size, size)))
    return blur(moved, rng.uniform(1.0, 5.0) * size / 128)[..., None] * np.float32(rng.uniform(0.2, 0.65))


def contact_shadow(matte: Array, rng: Rng) -> Array:
    """A flat, soft ellipse [S,S,1] in 0..1 on the ground under the subject's lowest part."""
    size = len(matte)
    rows, columns = np.flatnonzero((matte > 0.5).any(axis=1)), np.flatnonzero((matte > 0.5).any(axis=0))
    if not len(rows):
        return np.zeros((size, size, 1), np.float32)
    y, x = np.ogrid[:size, :size]
    width = 0.5 * (columns[-1] - columns[0] + 1) * rng.uniform(0.7, 1.1)
    squares = ((x - columns.mean()) / width) ** 2 + ((y - rows[-1]) / (width * rng.uniform(0.1, 0.3))) ** 2
    ellipse = np.clip(2.0 - 2.0 * np.sqrt(squares), 0.0, 1.0).astype(np.float32)
    return blur(ellipse, rng.uniform(0.5, 2.5) * size / 128)[..., None] * np.float32(rng.uniform(0.3, 0.8))


def match_light(colour: Array, matte: Array, canvas: Array, rng: Rng) -> Array:
    """Draw the subject's mean and contrast in each channel towards the background's.

    `colour` [S,S,3] is premultiplied by `matte` [S,S], and so is the answer. Without this the network
    would learn to tell subjects by their foreign light.
    """
    if matte.mean() < MATTE_FLOOR:
        return colour
    weight = matte[..., None] / matte.sum()
    straight = colour / np.maximum(matte, 1e-3)[..., None]
    mean = (straight * weight).sum(axis=(0, 1))
    deviation = np.sqrt((weight * (straight - mean) ** 2).sum(axis=(0, 1)))
    share = rng.uniform(0.3, 0.9)
    gain = 1 + share * (np.clip(canvas.std(axis=(0, 1)) / (deviation + 1e-3), 0.6, 1.6) - 1)
    shift = share * (canvas.mean(axis=(0, 1)) - mean)
    matched = np.clip((straight - mean) * gain + mean + shift, 0.0, 1.0)
    return (matched * matte[..., None]).astype(np.float32)


def motion_blur(image: Array, length: float, angle: float) -> Array:
    """Average [S,S] or [S,S,C] along a line of `length` pixels at `angle` (radians)."""
    side = 2 * int(np.ceil(length / 2)) + 1
    kernel = np.zeros((side, side), np.float32)
    reach = 0.5 * length * np.array([np.cos(angle), np.sin(angle)])
    ends = [tuple(np.rint((side // 2 + sign * reach) * 16).astype(int).tolist()) for sign in (-1, 1)]
    cv2.line(kernel, ends[0], ends[1], 1.0, lineType=cv2.LINE_8, shift=4)
    return float32(cv2.filter2D(image, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REPLICATE))


def camera(image: Array, matte: Array, rng: Rng, is_varied: bool = False) -> tuple[Array, Array]:
    """What lens, sensor and file do to the picture; blur reaches the matte too, the rest does not.

    With `is_varied` more pictures are soft all over, as small ones are, and some sharpened.
    """
    size = len(matte)
    if is_varied:
        image, matte = _refocus(image, matte, rng)
    if rng.random() < 0.2:
        sigma = rng.uniform(0.3, 0.9) * size / 128
        image, matte = blur(image, sigma), blur(matte, sigma)
    gain = rng.uniform(0.75, 1.25) * rng.uniform(0.94, 1.06, 3)
    exposed = np.clip(image * gain, 0.0, 1.0) ** rng.uniform(0.75, 1.35)
    if rng.random() < 0.4:
        exposed = exposed + rng.standard_normal(image.shape) * rng.uniform(0.005, 0.04)
    image = np.clip(exposed, 0.0, 1.0).astype(np.float32)
    if rng.random() < 0.3:
        image = _jpeg(image, int(rng.integers(40, 95)))
    return image, np.clip(matte, 0.0, 1.0)


def _refocus(image: Array, matte: Array, rng: Rng) -> tuple[Array, Array]:
    unit, kind = len(matte) / 256, rng.random()
    if kind < 0.2:
        sigma = rng.uniform(0.8, 2.8) * unit
        return blur(image, sigma), blur(matte, sigma)
    if kind < 0.5:
        amount = np.float32(rng.uniform(0.3, 1.5))
        image = np.clip(image + amount * (image - blur(image, rng.uniform(0.5, 1.5) * unit)), 0.0, 1.0)
    return image, matte


def blur(image: Array, sigma: float) -> Array:
    """A Gaussian blur of [S,S] or [S,S,C]; `sigma` in pixels."""
    return float32(cv2.GaussianBlur(image, (0, 0), float(sigma)))


def _jpeg(image: Array, quality: int) -> Array:
    pixels = np.rint(image * 255).astype(np.uint8)
    coded = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return float32(cv2.imdecode(coded, cv2.IMREAD_COLOR)) / np.float32(255)
