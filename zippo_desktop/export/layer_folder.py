"""A folder of numbered PNGs, one for each layer from bottom to top, and an index that says how they stack."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from zippo_desktop.export.atomic import make_folder_atomically, write_through
from zippo_desktop.export.naming import safe_stem
from zippo_desktop.export.png import cutout, encode_png
from zippo_desktop.imaging.layers import Layer, LayerStack

FORMAT_VERSION = 1
INDEX_NAME = "layers.json"


def write_layer_folder(stack: LayerStack, path: Path) -> None:
    """Write every layer at the full size of the picture, whole or not at all. Raises ExportError.

    A layer with a mask becomes a cut-out: straight RGBA, black where the mask is empty.
    """
    files = [
        f"{number:02}-{safe_stem(layer.name.lower())}.png"
        for number, layer in enumerate(stack.layers, start=1)
    ]
    with make_folder_atomically(path) as folder:
        for file, layer in zip(files, stack.layers, strict=True):
            samples = layer.pixels if layer.mask is None else cutout(layer.pixels, layer.mask)
            write_through(folder / file, encode_png(samples, stack.metadata))
        write_through(folder / INDEX_NAME, _index(stack, files))


def _index(stack: LayerStack, files: list[str]) -> bytes:
    width, height = stack.size
    index = {
        "format_version": FORMAT_VERSION,
        "width": width,
        "height": height,
        "bits_per_channel": stack.subject.dtype.itemsize * 8,
        "order": "bottom to top",
        "layers": [_entry(file, layer) for file, layer in zip(files, stack.layers, strict=True)],
    }
    return (json.dumps(index, indent=2, ensure_ascii=False) + "\n").encode()


def _entry(file: str, layer: Layer) -> dict[str, Any]:
    return {
        "file": file,
        "name": layer.name,
        "blend": "normal",
        "opacity": 1.0,
        "visible": layer.is_visible,
        "locked": layer.is_locked,
    }
