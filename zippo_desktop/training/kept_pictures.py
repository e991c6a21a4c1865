"""Pictures that a model made, kept as PNG so that a stopped evaluation goes on where it was."""

from __future__ import annotations

import hashlib
import io
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from zippo_desktop.engine.session import ZippoSession
from zippo_desktop.errors import ExportError
from zippo_desktop.pipelines.request import GenerationRequest, PaintingRequest

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Made:
    """A picture [h,w,4] in 0..1 (colours over the grey backdrop, then the matte), and what it took."""

    cutout: Array
    seconds: float


class KeptPictures:
    """Makes what is not in `folder` yet. All pictures are rounded to 8 bits, kept ones and new ones alike."""

    def __init__(self, folder: Path, session: ZippoSession) -> None:
        self._folder = folder
        self._model = f"{session.spec.digest} {session.info.engine} {session.info.provider}"

    def get(
        self,
        request: GenerationRequest | PaintingRequest,
        make: Callable[[], Array],
        matte: Array | None = None,
    ) -> Made:
        """The picture of a request (and, for painting, its matte); `make` is called if there is none.

        Raises ExportError if it cannot be kept.
        """
        key = f"{self._model} {request!r}".encode() + (b"" if matte is None else matte.tobytes())
        path = self._folder / f"{hashlib.sha256(key).hexdigest()[:24]}.png"
        if not path.is_file():
            started = time.perf_counter()
            cutout = make()
            _write(path, cutout, time.perf_counter() - started)
        return _read(path)


def _write(path: Path, cutout: Array, seconds: float) -> None:
    told = PngInfo()
    told.add_text("seconds", f"{seconds:.4f}")
    buffer = io.BytesIO()
    Image.fromarray(np.rint(cutout * 255).astype(np.uint8)).save(buffer, format="PNG", pnginfo=told)
    unfinished = path.with_suffix(".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished.write_bytes(buffer.getvalue())
        os.replace(unfinished, path)
    except OSError as error:
        raise ExportError(f"{path} cannot be written: {error.strerror or error}.") from error


def _read(path: Path) -> Made:
    with Image.open(path) as image:
        image.load()
        seconds = float(image.info["seconds"])
        return Made(np.asarray(image, np.float32) / np.float32(255), seconds)
