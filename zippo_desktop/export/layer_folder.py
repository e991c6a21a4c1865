"""A folder of numbered PNGs, one for each layer from bottom to top, and an index that says how they stack."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from zippo_desktop.export.atomic import make_folder_atomically, write_through
from zippo_desktop.export.layer_pictures import layer_picture
from zippo_desktop.export.naming import safe_stem
from zippo_desktop.export.png import encode_png
from zippo_desktop.imaging.layers import Layer, LayerStack

FORMAT_VERSION = 1
INDEX_NAME = "layers.json"


def write_layer_folder(stack: LayerStack, path: Path) -> None:
    """Write every layer, and the matte, at the full size of the picture, whole or not at all.

    A layer with a mask becomes a cut-out: straight RGBA, black where the mask is empty. Raises ExportError.
    """
    layers = [*stack.layers, stack.matte_layer()]
    with make_folder_atomically(path) as folder:
        for number, layer in enumerate(layers, start=1):
            content = encode_png(layer_picture(layer), stack.metadata)
            write_through(folder / _file_name(number, layer), content)
        write_through(folder / INDEX_NAME, _index(stack, layers))


def _file_name(number: int, layer: Layer) -> str:
    return f"{number:02}-{safe_stem(layer.name.lower())}.png"


def _index(stack: LayerStack, layers: Sequence[Layer]) -> bytes:
    width, height = stack.size
    index = {
        "format_version": FORMAT_VERSION,
        "width": width,
        "height": height,
        "bits_per_channel": stack.subject.dtype.itemsize * 8,
        "order": "bottom to top",
        "layers": [_entry(number, layer) for number, layer in enumerate(layers, start=1)],
    }
    return (json.dumps(index, indent=2, ensure_ascii=False) + "\n").encode()


def _entry(number: int, layer: Layer) -> dict[str, Any]:
    return {
        "file": _file_name(number, layer),
        "name": layer.name,
        "blend": "normal",
        "opacity": 1.0,
        "visible": layer.is_visible,
        "locked": layer.is_locked,
    }
