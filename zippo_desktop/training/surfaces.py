"""Subjects that look as photographed: rendered ones are smoother, and softer, than what lies around them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from zippo_desktop.training.optics import blur
from zippo_desktop.training.placement import Array, Rng

TEXTURED, SHARPENED = 0.3, 0.5
LIFT = 0.05  # keeps the darkest parts of a texture from counting for much


def vary_surface(colour: Array, matte: Array, draw_texture: Callable[[], Array], rng: Rng) -> Array:
    """Some subjects get a texture's fine light and shade, some are sharpened, some are left.

    `colour` [S,S,3] is premultiplied by `matte` [S,S], and so is the answer. `draw_texture` gives a picture
    [S,S,3], and is called where one is used.
    """
    if rng.random() < TEXTURED:
        colour = _with_texture(colour, matte, draw_texture(), rng.uniform(0.1, 0.5))
    if rng.random() < SHARPENED:
        colour = _sharpened(colour, matte, rng.uniform(0.5, 1.5), rng.uniform(0.3, 1.5))
    return colour


def _with_texture(colour: Array, matte: Array, texture: Array, strength: float) -> Array:
    return np.minimum(colour * grain(texture, strength), matte[..., None])


def grain(texture: Array, strength: float) -> Array:
    """What to multiply a colour by, [S,S,1], for it to have the fine light and shade of a picture [S,S,3]."""
    grey = texture.mean(axis=2)
    detail = (grey + LIFT) / (blur(grey, len(grey) / 16) + LIFT)
    return (np.clip(detail, 0.4, 2.0) ** np.float32(strength))[..., None]


def _sharpened(colour: Array, matte: Array, radius: float, amount: float) -> Array:
    """Unsharp masking of the straight colour, at which no edge is seen: `radius` in pixels of 256 a side."""
    sigma = radius * len(matte) / 256
    soft = blur(colour, sigma) / np.maximum(blur(matte, sigma), 1e-3)[..., None]
    alpha = matte[..., None]
    return np.clip(colour + np.float32(amount) * (colour - soft * alpha), 0.0, alpha)
