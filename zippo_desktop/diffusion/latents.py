"""The joint latent of a picture and its matte: its slots, its four branches and its noise."""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]


class Branch(IntEnum):
    """The distribution identifier: which half of the joint latent the network denoises, given what.

    The values index the network's learnable embedding (Zippo, arXiv 2403.11077, "distribution
    identifier"), so they are part of the model format and never change.
    """

    RGB_TO_MATTE = 0  # clean RGB, noisy matte -> matte
    MATTE_TO_RGB = 1  # noisy RGB, clean matte -> RGB
    JOINT_RGB = 2  # both noisy -> RGB
    JOINT_MATTE = 3  # both noisy -> matte

    @property
    def targets_matte(self) -> bool:
        """Whether the network's answer belongs to the matte's half."""
        return self in (Branch.RGB_TO_MATTE, Branch.JOINT_MATTE)


def join(rgb: Array, matte: Array) -> Array:
    """Put RGB and matte latents, each [N,C,h,w], into their fixed slots: [N,2C,h,w]."""
    return np.concatenate([rgb, matte], axis=1)


def with_features(joint: Array, features: Array | None, channels: int) -> Array:
    """Append an image encoder's features [N,F,h,w] to [N,2C,h,w]; `channels` zeros for None."""
    if features is None:
        features = np.zeros((len(joint), channels, *joint.shape[2:]), np.float32)
    return np.concatenate([joint, features], axis=1)


def split(joint: Array) -> tuple[Array, Array]:
    """Take [N,2C,h,w] apart into its RGB and matte halves, each [N,C,h,w]."""
    rgb, matte = np.split(joint, 2, axis=1)
    return rgb, matte


def draw_noise(seed: int, shape: tuple[int, ...]) -> Array:
    """Standard normal noise that depends on `seed` and `shape` alone, whatever the engine or device."""
    return np.random.default_rng(seed).standard_normal(shape, dtype=np.float32)
