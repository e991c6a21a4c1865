"""What an evaluation asks of another method: a name, a matte, and a clock that counts its CPU time."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.float32]  # [H,W,3] sRGB in 0..1
Matte = NDArray[np.float32]  # [H,W] in 0..1


class Peer(Protocol):
    """One opened method. `version` names everything that decides its mattes, for keeping them."""

    @property
    def name(self) -> str:
        """The word it is asked for by, and its row in the table."""

    @property
    def version(self) -> str:
        """Package version and settings, without spaces or slashes."""

    def matte(self, image: Image) -> Matte:
        """The matte [H,W] of a picture [H,W,3], at its native size; raises EngineError."""

    def cpu_s(self) -> float:
        """CPU seconds used so far, over all threads; only differences mean something."""

    def close(self) -> None:
        """Free what was opened."""


def to_bytes(image: Image) -> NDArray[np.uint8]:
    """A picture as 8-bit sRGB, contiguous, for methods that take nothing else."""
    return np.ascontiguousarray(np.rint(np.clip(image, 0.0, 1.0) * 255).astype(np.uint8))
