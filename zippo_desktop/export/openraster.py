"""OpenRaster: a zip of one PNG for each layer and how they stack, for Krita, GIMP and others.

The format knows no masks: a masked layer is a cut-out, and the matte a hidden grey layer on top.
"""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from typing import BinaryIO, cast
from xml.etree import ElementTree

from zippo_desktop.export.layer_pictures import layer_picture, preview
from zippo_desktop.export.png import write_png
from zippo_desktop.imaging.compositing import flatten
from zippo_desktop.imaging.layers import Layer, LayerStack, Metadata, Pixels

_VERSION = "0.0.6"  # of the OpenRaster specification
_MIME_TYPE = "image/openraster"
_THUMBNAIL_PX = 256


def write_openraster(stack: LayerStack, file: BinaryIO) -> None:
    """Write the layers of `stack`, its matte, what is seen of it, and a preview; one PNG at a time."""
    layers = [*stack.layers, stack.matte_layer()]
    colour = Metadata(stack.metadata.icc_profile, dpi=stack.metadata.dpi)
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(_entry("mimetype"), _MIME_TYPE)  # first, where programs look for what a file is
        archive.writestr(_entry("stack.xml"), _description(stack, layers))
        for number, layer in enumerate(layers, start=1):
            _add_png(archive, _file_name(number), layer_picture(layer), colour)
        _add_png(archive, "mergedimage.png", flatten(stack), stack.metadata)
        _add_png(archive, "Thumbnails/thumbnail.png", preview(stack, _THUMBNAIL_PX), colour)


def _add_png(archive: zipfile.ZipFile, name: str, samples: Pixels, metadata: Metadata) -> None:
    entry = _entry(name)
    entry.file_size = samples.nbytes  # about: it decides how long a length the archive provides for
    with archive.open(entry, "w") as file:
        write_png(samples, metadata, cast(BinaryIO, file))


def _entry(name: str) -> zipfile.ZipInfo:
    """A file that is stored as it is, and of no date: the same picture gives the same archive."""
    entry = zipfile.ZipInfo(name)
    entry.external_attr = 0o644 << 16  # without it an unpacked file may not be read
    return entry


def _file_name(number: int) -> str:
    return f"data/layer{number:02}.png"


def _description(stack: LayerStack, layers: Sequence[Layer]) -> bytes:
    """stack.xml, which lists the layers from top to bottom."""
    width, height = stack.size
    image = ElementTree.Element("image", version=_VERSION, w=str(width), h=str(height))
    if stack.metadata.dpi:
        across, down = (max(1, round(value)) for value in stack.metadata.dpi)
        image.set("xres", str(across))
        image.set("yres", str(down))
    pile = ElementTree.SubElement(image, "stack")
    for number, layer in reversed(list(enumerate(layers, start=1))):
        entry = ElementTree.SubElement(pile, "layer", name=layer.name, src=_file_name(number), x="0", y="0")
        entry.set("opacity", "1.0")
        entry.set("visibility", "visible" if layer.is_visible else "hidden")
        entry.set("composite-op", "svg:src-over")
        if layer.is_locked:
            entry.set("edit-locked", "true")
    ElementTree.indent(image)
    return bytes(ElementTree.tostring(image, encoding="UTF-8", xml_declaration=True))
