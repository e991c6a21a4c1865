"""A finished picture for the clipboard: as PNG with its alpha, as Qt's image, and as the file that it is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QMimeData, QUrl
from PySide6.QtGui import QColorSpace, QImage, QImageReader

from zippo_desktop.errors import InputError
from zippo_desktop.gui.colour_managed import screen_image
from zippo_desktop.imaging.decode import decode
from zippo_desktop.imaging.layered_formats import LAYERED_SUFFIXES


@dataclass(frozen=True)
class Copied:
    """A picture that was read for the clipboard."""

    path: Path
    png: bytes
    image: QImage


def read_picture(path: Path) -> Copied:
    """Read a result for the clipboard; any thread. Raises InputError."""
    image = _read_layered(path) if path.suffix.lower() in LAYERED_SUFFIXES else _read(path)
    return Copied(path, path.read_bytes() if path.suffix.lower() == ".png" else _as_png(image), image)


def _read_layered(path: Path) -> QImage:
    return screen_image(decode(path), QColorSpace(QColorSpace.NamedColorSpace.SRgb))


def _read(path: Path) -> QImage:
    reader = QImageReader(str(path))
    reader.setAllocationLimit(0)  # it is our own result, of whatever size
    image = reader.read()
    if image.isNull():
        raise InputError(f"{path} cannot be copied: {reader.errorString()}.", "Drag the file out instead.")
    return image


def to_mime(copied: Copied) -> QMimeData:
    """What other programs choose from when they paste."""
    mime = QMimeData()
    mime.setData("image/png", QByteArray(copied.png))  # first: programs that know it keep the alpha
    mime.setImageData(copied.image)
    mime.setUrls([QUrl.fromLocalFile(str(copied.path))])
    return mime


def _as_png(image: QImage) -> bytes:
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    image.save(buffer, "PNG")  # type: ignore[call-overload]  # the stub wants bytes
    return bytes(buffer.data().data())
