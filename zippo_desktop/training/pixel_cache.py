"""Decoded pictures kept while composing, up to a limit: the least recently used one goes first."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray


class PixelCache:
    """Arrays of bytes by name, together never more than `limit_bytes`."""

    def __init__(self, limit_bytes: int) -> None:
        self.limit_bytes = limit_bytes
        self.held_bytes = 0
        self._kept: OrderedDict[str, NDArray[np.uint8]] = OrderedDict()

    def get(self, key: str, load: Callable[[], NDArray[np.uint8]]) -> NDArray[np.uint8]:
        """What `load` makes for `key`, loaded anew only where it is no longer kept."""
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        pixels = load()
        if pixels.nbytes <= self.limit_bytes:
            self._keep(key, pixels)
        return pixels

    def _keep(self, key: str, pixels: NDArray[np.uint8]) -> None:
        self._kept[key] = pixels
        self.held_bytes += pixels.nbytes
        while self.held_bytes > self.limit_bytes:
            self.held_bytes -= self._kept.popitem(last=False)[1].nbytes
