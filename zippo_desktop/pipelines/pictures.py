"""Pictures on their way into and out of the network: layout, range and the scale of their latents."""

from __future__ import annotations

import numpy as np

from zippo_desktop.diffusion.latents import Array
from zippo_desktop.engine.session import ZippoSession
from zippo_desktop.errors import EngineError
from zippo_desktop.imaging.layers import Matte, Pixels


def to_network(pictures: Array) -> Array:
    """Pictures [N,h,w,3] in 0..1 to the network's [N,3,h,w] in -1..1."""
    return np.ascontiguousarray(pictures.transpose(0, 3, 1, 2) * 2 - 1, dtype=np.float32)


def matte_to_network(matte: Matte) -> Array:
    """A matte [h,w] in 0..1 to the grey picture [1,3,h,w] in -1..1 that the VAE knows it as."""
    return to_network(np.repeat(matte[None, :, :, None], 3, axis=3))


def encode_colours(session: ZippoSession, pictures: Array) -> Array:
    """Pictures [N,h,w,3] in 0..1 to latents [N,C,h/f,w/f] of the variance that the UNet knows."""
    return session.encode_images(to_network(pictures)) * np.float32(session.spec.rgb_gain)


def decode_colours(session: ZippoSession, latents: Array) -> Array:
    """The UNet's latents [N,C,h,w] of pictures to [N,h*f,w*f,3] in 0..1; errors as for mattes."""
    return colours_from_network(session.decode_latents(latents / np.float32(session.spec.rgb_gain)))


def encode_matte(session: ZippoSession, matte: Matte) -> Array:
    """A matte [h,w] in 0..1 to the UNet's latents [1,C,h/f,w/f]."""
    return session.encode_images(matte_to_network(matte))


def decode_mattes(session: ZippoSession, latents: Array) -> Array:
    """The UNet's latents [N,C,h,w] of mattes to [N,h*f,w*f] in 0..1; see `mattes_from_network`."""
    return mattes_from_network(session.decode_latents(latents))


def decode_mattes_of(session: ZippoSession, latents: Array, images: Array, features: Array | None) -> Array:
    """The mattes [N,h,w] in 0..1 of the network's detailed pictures [N,3,H,W], which its matte decoder sees.

    They are as large as the pictures then, and without such a decoder as large as the VAE makes them.
    Errors as for `mattes_from_network`.
    """
    mattes = session.decode_mattes(latents, images, features)
    if mattes is None:
        return decode_mattes(session, latents)
    _require_finite(mattes)
    return mattes


def colours_from_network(decoded: Array) -> Array:
    """Decoded pictures [N,3,h,w] about -1..1 to [N,h,w,3] in 0..1, clipped; errors as for mattes."""
    _require_finite(decoded)
    return np.clip(decoded.transpose(0, 2, 3, 1) / 2 + 0.5, 0, 1)


def mattes_from_network(decoded: Array) -> Array:
    """Decoded mattes [N,3,h,w] about -1..1 to [N,h,w] in 0..1: the channels' mean, clipped.

    Raises `EngineError` for an answer that is no number: half precision can overflow on one picture
    and not on another.
    """
    _require_finite(decoded)
    grey: Array = decoded.mean(axis=1, dtype=np.float32)
    return np.clip(grey / 2 + 0.5, 0, 1)


def to_uint8(colours: Array) -> Pixels:
    """Colours in 0..1 to 0..255, rounded."""
    return np.rint(colours * 255).astype(np.uint8)


def _require_finite(decoded: Array) -> None:
    if not np.isfinite(decoded).all():
        raise EngineError("The network answered with numbers that are not finite.", "Try --provider cpu.")
