"""MediaPipe's selfie segmentation, in a Python environment of its own, spoken to through a pipe.

MediaPipe wants an older NumPy than the program has. The model knows people only.
"""

from __future__ import annotations

import struct
import subprocess
import sys
from pathlib import Path

import numpy as np

from zippo_desktop.errors import EngineError, InputError
from zippo_desktop.training.peers.peer import Image, Matte, to_bytes

VERSION = "0.10.21"
_HEADER = struct.Struct("<II")
_ANSWER = struct.Struct("<d")
# Reads height, width and RGB bytes; answers with its CPU seconds and one byte of matte a pixel.
_WORKER = """
import os, struct, sys, time
pipe = os.fdopen(os.dup(1), "wb")
os.dup2(2, 1)
import numpy as np
from mediapipe.python.solutions.selfie_segmentation import SelfieSegmentation
network = SelfieSegmentation(model_selection=0)
network.process(np.zeros((256, 256, 3), np.uint8))
while header := sys.stdin.buffer.read(8):
    height, width = struct.unpack("<II", header)
    pixels = sys.stdin.buffer.read(height * width * 3)
    started = time.process_time()
    image = np.frombuffer(pixels, np.uint8).reshape(height, width, 3)
    network.reset()
    mask = np.clip(network.process(image).segmentation_mask, 0, 1)
    seconds = time.process_time() - started
    pipe.write(struct.pack("<d", seconds) + np.rint(mask * 255).astype(np.uint8).tobytes())
    pipe.flush()
"""


class SelfieSegmentation:
    """The general model (256 px), each picture on its own: no smoothing over time."""

    name = "mediapipe"
    version = f"mediapipe-{VERSION}-selfie-general"

    def __init__(self, folder: Path) -> None:
        python = python_of(folder)
        if not python.is_file():
            raise InputError(
                f"The peer mediapipe is not in {folder}.",
                "Fetch it with 'zippo-desktop evaluation fetch mediapipe'.",
            )
        self._cpu_s = 0.0
        self._worker = subprocess.Popen(
            [str(python), "-c", _WORKER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )

    def matte(self, image: Image) -> Matte:
        """See `Peer.matte`."""
        height, width = image.shape[:2]
        try:
            self._send(_HEADER.pack(height, width) + to_bytes(image).tobytes())
            (seconds,) = _ANSWER.unpack(self._receive(_ANSWER.size))
            levels = self._receive(height * width)
        except (OSError, EOFError) as error:
            raise EngineError("MediaPipe's process ended.", "Fetch the peer mediapipe again.") from error
        self._cpu_s += seconds
        return np.frombuffer(levels, np.uint8).reshape(height, width).astype(np.float32) / np.float32(255)

    def cpu_s(self) -> float:
        """See `Peer.cpu_s`: the worker's, without what the pipe takes."""
        return self._cpu_s

    def close(self) -> None:
        """End the worker, which stops when its input does."""
        for pipe in (self._worker.stdin, self._worker.stdout):
            if pipe is not None:
                pipe.close()
        self._worker.wait(timeout=30)

    def _send(self, content: bytes) -> None:
        if self._worker.stdin is None:
            raise EOFError
        self._worker.stdin.write(content)
        self._worker.stdin.flush()

    def _receive(self, count: int) -> bytes:
        content = b"" if self._worker.stdout is None else self._worker.stdout.read(count)
        if len(content) < count:
            raise EOFError
        return content


def python_of(folder: Path) -> Path:
    """The interpreter of the virtual environment in `folder`."""
    return folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
