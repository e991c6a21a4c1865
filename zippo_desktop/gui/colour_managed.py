"""Pictures for the screen: 8 bit, premultiplied, in the screen's colours. To be called in worker threads.

Qt's own conversions hold the interpreter's lock, which would stop the window: they get a few rows at a time.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QByteArray
from PySide6.QtGui import QColorSpace, QImage, QWindow

from zippo_desktop.imaging.colour import is_srgb, srgb_8_bit, to_8_bit
from zippo_desktop.imaging.decode import Photo
from zippo_desktop.imaging.layers import Matte

STRIP_ROWS = 32  # of 6,000 pixels: Qt converts them in 2 ms
_OPAQUE = QImage.Format.Format_RGB32
_PREMULTIPLIED = QImage.Format.Format_ARGB32_Premultiplied
SRGB = QColorSpace(QColorSpace.NamedColorSpace.SRgb)


def screen_space(window: QWindow | None) -> QColorSpace:
    """The colours that a window is shown in, where Qt knows them; else sRGB."""
    space = window.format().colorSpace() if window is not None else SRGB
    return space if space.isValidTarget() else SRGB


def samples(image: QImage) -> NDArray[np.uint8]:
    """The image's own memory, [H,W,4] as blue, green, red, alpha. It must not outlive the image."""
    rows = np.frombuffer(image.bits(), np.uint8)
    return rows.reshape(image.height(), image.width(), 4)


def screen_image(photo: Photo, target: QColorSpace) -> QImage:
    """A decoded photo in the colours of `target`. A profile that Qt cannot read goes by way of sRGB."""
    import cv2

    source = _space_of(photo.metadata.icc_profile)
    pixels = to_8_bit(photo.pixels) if source.isValid() else srgb_8_bit(photo)
    image = _blank(photo.size, _OPAQUE if photo.alpha is None else _PREMULTIPLIED)
    straight = samples(image)
    cv2.cvtColor(pixels, cv2.COLOR_RGB2BGRA, dst=straight)
    _convert(straight, source if source.isValid() else SRGB, target)
    if photo.alpha is not None:
        _premultiply(straight, photo.alpha)
    return image


def screen_copy(image: QImage, target: QColorSpace) -> QImage:
    """An image of any kind in the colours of `target`; one without a colour space counts as sRGB."""
    space = image.colorSpace() if image.colorSpace().isValid() else SRGB
    straight = _blank((image.width(), image.height()), QImage.Format.Format_ARGB32)
    view = samples(straight)
    for top in range(0, image.height(), STRIP_ROWS):
        strip = image.copy(0, top, image.width(), min(STRIP_ROWS, image.height() - top))
        strip.convertTo(QImage.Format.Format_ARGB32)
        view[top : top + STRIP_ROWS] = samples(strip)
    _convert(view, space, target)
    if image.hasAlphaChannel():
        _premultiply(view, None)
    straight.reinterpretAsFormat(_PREMULTIPLIED if image.hasAlphaChannel() else _OPAQUE)
    return straight


def matte_image(matte: Matte) -> QImage:
    """White through a matte [H,W], so that it can stand wherever a cut-out does."""
    image = _blank((matte.shape[1], matte.shape[0]), _PREMULTIPLIED)
    view = samples(image)
    for top in range(0, len(matte), STRIP_ROWS):
        rows = slice(top, top + STRIP_ROWS)
        view[rows] = _levels(matte[rows])[..., None]
    return image


def _blank(size: tuple[int, int], pixel_format: QImage.Format) -> QImage:
    image = QImage(*size, pixel_format)
    if image.isNull():
        raise MemoryError(f"no memory for a picture of {size[0]} x {size[1]} pixels")
    return image


def _space_of(profile: bytes | None) -> QColorSpace:
    if profile is None or is_srgb(profile):
        return SRGB
    return QColorSpace.fromIccProfile(QByteArray(profile))


def _convert(straight: NDArray[np.uint8], source: QColorSpace, target: QColorSpace) -> None:
    """From one colour space to another, in place."""
    if source == target:
        return
    for top in range(0, len(straight), STRIP_ROWS):
        rows = straight[top : top + STRIP_ROWS]
        strip = QImage(rows.shape[1], rows.shape[0], QImage.Format.Format_ARGB32)
        samples(strip)[:] = rows
        strip.setColorSpace(source)
        strip.convertToColorSpace(target)
        rows[:] = samples(strip)


def _premultiply(straight: NDArray[np.uint8], alpha: Matte | None) -> None:
    """Colour times alpha, in place; the alpha is that of `alpha` [H,W], or the samples' own."""
    import cv2

    for top in range(0, len(straight), STRIP_ROWS):
        rows = straight[top : top + STRIP_ROWS]
        if alpha is not None:
            rows[..., 3] = _levels(alpha[top : top + STRIP_ROWS])
        rows[:] = cv2.cvtColor(rows, cv2.COLOR_RGBA2mRGBA)


def _levels(matte: Matte) -> NDArray[np.uint8]:
    return np.rint(np.clip(matte, 0, 1) * np.float32(255)).astype(np.uint8)
