"""Keeps peers' mattes on disk, with the CPU time they took, so that a new model is scored without them."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image as PillowImage
from PIL import PngImagePlugin

from zippo_desktop.engine.onnx_graphs import thread_count
from zippo_desktop.export.atomic import make_output_dir, open_atomically
from zippo_desktop.training.peers.peer import Image, Matte, Peer, to_bytes


@dataclass(frozen=True)
class TimedMatte:
    """A matte [H,W] in 0..1 at 8 bits, and the CPU seconds that making it took."""

    matte: Matte
    cpu_s: float


class KeptMattes:
    """A folder of mattes for each peer, version and number of threads; a file for each picture's digest."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def matte(self, peer: Peer, image: Image) -> TimedMatte:
        """The peer's matte of a picture, from disk where it is, else made and written.

        Raises EngineError as the peer does, and ExportError.
        """
        path = self._path(peer, image)
        kept = _read(path)
        if kept is None:
            started = peer.cpu_s()
            matte = peer.matte(image)
            kept = TimedMatte(_at_8_bits(matte), peer.cpu_s() - started)
            _write(kept, path)
        return kept

    def _path(self, peer: Peer, image: Image) -> Path:
        pixels = to_bytes(image)
        digest = hashlib.sha256(repr(pixels.shape).encode() + pixels.tobytes()).hexdigest()
        return self._folder / f"{peer.name}-{peer.version}-threads{thread_count()}" / f"{digest[:32]}.png"


def _at_8_bits(matte: Matte) -> Matte:
    return np.rint(matte * 255).astype(np.uint8).astype(np.float32) / np.float32(255)


def _read(path: Path) -> TimedMatte | None:
    """A kept matte; None where there is none, or none that can be read."""
    try:
        with PillowImage.open(path) as picture:
            cpu_s = float(picture.info["cpu_s"])
            return TimedMatte(np.asarray(picture, np.float32) / np.float32(255), cpu_s)
    except (OSError, KeyError, ValueError):
        return None


def _write(kept: TimedMatte, path: Path) -> None:
    make_output_dir(path.parent)
    told = PngImagePlugin.PngInfo()
    told.add_text("cpu_s", repr(kept.cpu_s))
    buffer = io.BytesIO()
    picture = PillowImage.fromarray(np.rint(kept.matte * 255).astype(np.uint8))
    picture.save(buffer, "PNG", pnginfo=told)
    with open_atomically(path) as file:
        file.write(buffer.getvalue())
