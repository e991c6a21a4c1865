"""A second compositor, for measuring only: a cut-out into a photo in linear light, with the photo's colours.

It shares no code with training's: Lanczos in linear light, Lab statistics drawn towards the background's
(Reinhard et al. 2001, "Color transfer between images"), a gradient-domain seam (Pérez et al. 2003, "Poisson
image editing"), defocus by a disc. All of them change colours alone, so the placed alpha stays exact:
picture = alpha * foreground + (1 - alpha) * background, in linear light, before the sensor's noise.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

Array = NDArray[np.float32]
Rng = np.random.Generator

SEAM_SHARE, SHADOW_SHARE, DEFOCUS_SHARE, JPEG_SHARE = 0.3, 0.25, 0.3, 0.35
MAX_MEMBRANE = 0.25  # of full light; beyond it, the subject before the sun would look like glass


@dataclass(frozen=True)
class Composite:
    """A picture [H,W,3] and its true matte [H,W], both uint8, and how they were joined."""

    image: NDArray[np.uint8]
    matte: NDArray[np.uint8]
    blend: str


@dataclass(frozen=True)
class Placement:
    """Where a cut-out goes on a canvas, in pixels: its size and its upper left corner."""

    width: int
    height: int
    left: int
    top: int


def compose(cutout: NDArray[np.uint8], background: NDArray[np.uint8], at: Placement, rng: Rng) -> Composite:
    """Compose a cut-out [h,w,4] uint8 straight over a background [H,W,3] uint8 of the canvas's size."""
    behind = to_linear(background.astype(np.float32) / 255)
    blend = []
    if rng.random() < DEFOCUS_SHARE:
        behind = _defocus(behind, rng.uniform(1.0, 4.0))
        blend.append("defocus")
    colour, alpha = place(cutout, at, behind.shape[:2])
    colour = _match_colours(colour, alpha, behind, rng.uniform(0.1, 0.35))
    if rng.random() < SEAM_SHARE:
        colour = _blend_seam(colour, alpha, behind, rng.uniform(0.15, 0.35))
        blend.append("seam")
    if rng.random() < SHADOW_SHARE:
        behind = behind * (1 - _contact_shadow(alpha, rng))[..., None]
        blend.append("shadow")
    alpha = _float32(np.rint(alpha * 255) / 255)  # the picture is made with the very alpha that is written
    joined = alpha[..., None] * colour + (1 - alpha[..., None]) * behind
    image, is_jpeg = _camera(joined, rng)
    return Composite(image, np.rint(alpha * 255).astype(np.uint8), "+".join([*blend, *["jpeg"] * is_jpeg]))


def place(cutout: NDArray[np.uint8], at: Placement, shape: tuple[int, ...]) -> tuple[Array, Array]:
    """Scale a cut-out [h,w,4] onto a canvas: straight linear colour [H,W,3] and alpha [H,W] in 0..1.

    Colour is scaled premultiplied and in linear light. Where alpha is 0, colour means nothing.
    """
    alpha = cutout[..., 3].astype(np.float32) / 255
    linear = to_linear(cutout[..., :3].astype(np.float32) / 255) * alpha[..., None]
    planes = [*np.moveaxis(linear, 2, 0), alpha]
    scaled = np.dstack([_resize(plane, at.width, at.height) for plane in planes])  # [h',w',4]
    canvas = np.zeros((*shape, 4), np.float32)
    canvas[at.top : at.top + at.height, at.left : at.left + at.width] = scaled
    placed = np.clip(canvas[..., 3], 0.0, 1.0)
    straight = canvas[..., :3] / np.maximum(canvas[..., 3:], 1e-3)
    return np.clip(straight, 0.0, 1.0), placed


def to_linear(srgb: NDArray[Any]) -> Array:
    """SRGB to linear light, both 0..1 (IEC 61966-2-1)."""
    return _float32(np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4))


def to_srgb(linear: NDArray[Any]) -> Array:
    """Linear light to sRGB, both 0..1."""
    curve = 1.055 * np.clip(linear, 0.0, 1.0) ** (1 / 2.4) - 0.055
    return _float32(np.where(linear <= 0.0031308, 12.92 * linear, curve))


def crop_to(picture: NDArray[np.uint8], height: int, width: int, rng: Rng) -> NDArray[np.uint8]:
    """A random crop of a photo [H,W,3] in the canvas's shape, scaled to it in linear light."""
    zoom = min(picture.shape[0] / height, picture.shape[1] / width)
    zoom *= rng.uniform(0.6, 1.0) if zoom > 1 else 1.0
    h, w = round(height * zoom), round(width * zoom)
    top, left = (
        int(rng.integers(0, side - cut + 1)) for side, cut in zip(picture.shape, (h, w), strict=False)
    )
    crop = picture[top : top + h, left : left + w]
    linear = to_linear(crop.astype(np.float32) / 255)
    planes = [_resize(plane, width, height) for plane in np.moveaxis(linear, 2, 0)]
    scaled = np.rint(to_srgb(np.clip(np.dstack(planes), 0.0, 1.0)) * 255).astype(np.uint8)
    return scaled[:, ::-1] if rng.random() < 0.5 else scaled


def _resize(plane: Array, width: int, height: int) -> Array:
    """Lanczos to shrink; to enlarge linear, for Lanczos draws black rings round lights in linear light."""
    shrinks = width < plane.shape[1]
    method = Image.Resampling.LANCZOS if shrinks else Image.Resampling.BILINEAR
    return np.asarray(Image.fromarray(plane).resize((width, height), method))


def _match_colours(colour: Array, alpha: Array, behind: Array, strength: float) -> Array:
    """Draw mean and deviation of the subject's Lab towards those of the background, by `strength` (0..1).

    Lightness goes only half the way, and contrast at most by a third either way: a black cat stays black.
    """
    lab, around = (cv2.cvtColor(to_srgb(picture), cv2.COLOR_RGB2LAB) for picture in (colour, behind))
    inside = alpha > 0.5
    if not inside.any():
        return colour
    mean, deviation = lab[inside].mean(axis=0), lab[inside].std(axis=0) + 1e-3
    wanted = around.reshape(-1, 3).mean(axis=0) - mean
    shift = strength * np.clip(wanted, -30, 30) * np.array([0.5, 1.0, 1.0])
    ratio = np.clip(around.reshape(-1, 3).std(axis=0) / deviation, 0.67, 1.5) ** strength
    matched = (lab - mean) * ratio + mean + shift
    matched[..., 0] = np.clip(matched[..., 0], 0, 100)
    return to_linear(np.clip(_float32(cv2.cvtColor(_float32(matched), cv2.COLOR_LAB2RGB)), 0.0, 1.0))


def _blend_seam(colour: Array, alpha: Array, behind: Array, strength: float) -> Array:
    """Add a membrane to the subject's colour that meets the background along its rim, by `strength` (0..1).

    Full strength is Pérez et al.'s seamless cloning: it keeps gradients, and loses the subject's own colour.
    """
    inside = (alpha > 0.5).astype(np.uint8)
    rim = (inside - cv2.erode(inside, np.ones((3, 3), np.uint8))).astype(bool)
    gap = np.clip(behind - colour, -MAX_MEMBRANE, MAX_MEMBRANE)
    return np.clip(colour + strength * membrane(gap, rim), 0.0, 1.0)


def membrane(values: Array, is_known: NDArray[np.bool_]) -> Array:
    """Harmonic interpolation of values [H,W,C] from the known pixels [H,W] to all others.

    Jacobi steps from coarse to fine; the coarsest level starts from the known mean and is solved out.
    """
    height, width = is_known.shape
    known = is_known.astype(np.float32)
    steps = 24 if min(height, width) > 16 else 300
    if min(height, width) > 16:
        size = (width // 2, height // 2)
        weight = cv2.resize(known, size, interpolation=cv2.INTER_AREA)
        small = cv2.resize(values * known[..., None], size, interpolation=cv2.INTER_AREA)
        coarse = membrane(small / np.maximum(weight, 1e-6)[..., None], weight > 0)
        field = _float32(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR))
    else:
        field = np.broadcast_to(values[is_known].mean(axis=0) if is_known.any() else 0.0, values.shape)
    kernel = np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]], np.float32) / 4
    for _ in range(steps):
        smooth = cv2.filter2D(_float32(field), -1, kernel, borderType=cv2.BORDER_REPLICATE)
        field = np.where(is_known[..., None], values, smooth)
    return _float32(field)


def _contact_shadow(alpha: Array, rng: Rng) -> Array:
    """The dark patch where a thing stands, [H,W] in 0..1: an ellipse under its lowest part."""
    height, width = alpha.shape
    rows = np.flatnonzero((alpha > 0.5).any(axis=1))
    if not len(rows):
        return np.zeros_like(alpha)
    bottom = rows[-1]
    foot = np.flatnonzero((alpha[max(0, bottom - (bottom - rows[0]) // 12) : bottom + 1] > 0.5).any(axis=0))
    centre, radius = (foot[0] + foot[-1]) / 2, max(4.0, 0.6 * (foot[-1] - foot[0] + 1))
    y, x = np.mgrid[:height, :width].astype(np.float32)
    distance = np.hypot((x - centre) / radius, (y - bottom) / (0.22 * radius))
    return _float32(rng.uniform(0.35, 0.65) * np.exp(-np.square(distance)))


def _defocus(behind: Array, radius: float) -> Array:
    """A lens's disc of confusion, with a soft rim so that radii need not be whole pixels."""
    half = int(np.ceil(radius)) + 1
    y, x = np.mgrid[-half : half + 1, -half : half + 1]
    disc = np.clip(radius + 0.5 - np.hypot(x, y), 0, 1)
    return _float32(cv2.filter2D(behind, -1, disc / disc.sum(), borderType=cv2.BORDER_REFLECT))


def _camera(linear: Array, rng: Rng) -> tuple[NDArray[np.uint8], bool]:
    """Shot and read noise in linear light, then 8-bit sRGB, for a share through a good JPEG."""
    variance = rng.uniform(0, 4e-4) * np.clip(linear, 0, 1) + rng.uniform(0, 2e-3) ** 2
    noisy = linear + np.sqrt(variance) * rng.standard_normal(linear.shape)
    image = np.rint(to_srgb(np.clip(_float32(noisy), 0.0, 1.0)) * 255).astype(np.uint8)
    if rng.random() >= JPEG_SHARE:
        return image, False
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=int(rng.integers(80, 96)), subsampling=0)
    with Image.open(buffer) as coded:
        return np.asarray(coded.convert("RGB")), True


def _float32(array: Any) -> Array:
    return np.asarray(array, np.float32)
