"""The frame of the result: cropped to the subject, on a canvas, scaled. It moves planes and paints nothing.

However much is asked for, each plane is resampled once.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from zippo_desktop.errors import InputError
from zippo_desktop.imaging.arrangement import MAX_PIXELS, Margin
from zippo_desktop.imaging.boxes import Box, subject_box, whole_of
from zippo_desktop.imaging.layers import LayerStack, Matte, Pixels

MAX_ENLARGEMENT = 32

_UNSEEN_WEIGHT = np.float32(1 / 1024)  # of a colour under alpha 0, which counts only among its like
_KERNEL_REACH_PX = 2  # cubic interpolation looks as far


@dataclass(frozen=True)
class Frame:
    """A result of `width` x `height` pixels: the photo's `part`, scaled, lies at `place` in it.

    `place` may stick out of the result; where it leaves room, there is no photo.
    """

    width: int
    height: int
    part: Box
    place: Box

    @property
    def is_scaled(self) -> bool:
        """Whether pixels are resampled, not only moved."""
        return (self.part.width, self.part.height) != (self.place.width, self.place.height)

    @property
    def is_enlarged(self) -> bool:
        """Whether it is scaled up; both sides are, or none."""
        return self.place.width > self.part.width or self.place.height > self.part.height

    @property
    def is_filled(self) -> bool:
        """Whether the photo leaves no room."""
        whole = whole_of((self.height, self.width))
        return self.place.within(whole) == whole


def crop_box(subject: Box, margin: Margin, aspect: float | None = None) -> Box:
    """The subject's box with its margin, grown about its middle to `aspect` = width / height.

    It never cuts the subject, and may reach beyond the photo. The margin leaves no extra room for a shadow.
    """
    longer = max(subject.width, subject.height)
    room = round(margin.amount * longer if margin.is_share else margin.amount)
    box = Box(subject.top - room, subject.left - room, subject.bottom + room, subject.right + room)
    if aspect is None:
        return box
    width = max(box.width, round(box.height * aspect))
    height = max(box.height, round(box.width / aspect))
    left, top = box.left - (width - box.width) // 2, box.top - (height - box.height) // 2
    return Box(top, left, top + height, left + width)


def choose_frame(
    matte: Matte,
    *,
    margin: Margin | None = None,
    aspect: float | None = None,
    canvas: tuple[int, int] | None = None,
    subject_share: float = 0.85,
    long_edge_px: int | None = None,
) -> Frame:
    """Where the photo of a matte [H,W] lies in a result that is cropped, placed and scaled, in this order.

    With a `margin` only the crop's part of the photo is kept. On a `canvas` (width, height) the subject's
    box is centred and takes `subject_share` of the side that binds: it is also scaled up beyond the
    photo's own pixels, to `MAX_ENLARGEMENT` times. `long_edge_px` only scales down. Without a
    subject the whole photo is one. Positions are rounded to whole pixels of the result.

    Raises InputError where the result has more than `MAX_PIXELS`.
    """
    photo = whole_of(matte.shape)
    subject = subject_box(matte) if margin or canvas else None
    crop = photo if margin is None or subject is None else crop_box(subject, margin, aspect)
    subject = subject or photo
    scale, across, down = 1.0, -float(crop.left), -float(crop.top)
    width, height = crop.width, crop.height
    if canvas is not None:
        width, height = canvas
        scale = min(subject_share * min(width / subject.width, height / subject.height), MAX_ENLARGEMENT)
        across = (width - scale * (subject.left + subject.right)) / 2
        down = (height - scale * (subject.top + subject.bottom)) / 2
    shrink = min(1.0, (long_edge_px or math.inf) / max(width, height))
    final_width, final_height = (max(1, round(side * shrink)) for side in (width, height))
    _check_size(final_width, final_height)
    wide, high = final_width / width, final_height / height
    kept = photo.within(crop)
    left, right, place_left, place_right = _seen(
        kept.left, kept.right, scale * wide, across * wide, final_width
    )
    top, bottom, place_top, place_bottom = _seen(
        kept.top, kept.bottom, scale * high, down * high, final_height
    )
    place = Box(place_top, place_left, place_bottom, place_right)
    return Frame(final_width, final_height, Box(top, left, bottom, right), place)


def _check_size(width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        message = f"The frame would have {width} x {height} pixels."
        raise InputError(message, "Ask for a smaller margin, canvas or long edge, or a less extreme aspect.")


def _seen(first: int, last: int, scale: float, offset: float, length: int) -> tuple[int, int, int, int]:
    """Which pixels `first` to `last` of the photo are seen in 0..`length`, and where that is in it."""
    first = max(first, math.floor(-offset / scale) - _KERNEL_REACH_PX)
    last = min(last, math.ceil((length - offset) / scale) + _KERNEL_REACH_PX)
    place_first = round(first * scale + offset)
    return first, last, place_first, max(place_first + 1, round(last * scale + offset))


def reframe(stack: LayerStack, frame: Frame) -> LayerStack:
    """All planes of a stack in a frame; the same stack back where that changes nothing.

    Averaged when smaller, cubic when larger, and clipped to the range. Colour under the matte is resampled
    premultiplied. Beyond the photo matte and shadow are 0, the original is masked off, and colours
    repeat the photo's edge.
    """
    whole = whole_of(stack.matte.shape)
    if frame.part == frame.place == whole and (frame.width, frame.height) == stack.size:
        return stack
    subject = _reframe_subject(stack, frame)
    original = stack.original
    if original is not None:
        is_shared = original is stack.subject and not frame.is_scaled
        original = subject if is_shared else _reframe_colour(original, frame)
    return replace(
        stack,
        subject=subject,
        matte=_reframe_soft(stack.matte, frame),
        original=original,
        background=None if stack.background is None else _reframe_colour(stack.background, frame),
        shadow=None if stack.shadow is None else _reframe_soft(stack.shadow, frame),
        original_mask=None if original is None else _reframe_mask(stack.original_mask, frame),
    )


def _reframe_soft(plane: Matte, frame: Frame) -> Matte:
    part = plane[frame.part.slices]
    soft = np.clip(_scaled(part, frame), 0, 1)
    if frame.is_enlarged:  # outside a corner two negative weights make a positive one
        linear = _scaled(part, frame, cv2.INTER_LINEAR)
        soft[linear <= 0] = 0
        soft[linear >= 1] = 1
    return _on_canvas(soft, frame, cv2.BORDER_CONSTANT)


def _reframe_colour(pixels: Pixels, frame: Frame) -> Pixels:
    return _on_canvas(_scaled(pixels[frame.part.slices], frame), frame, cv2.BORDER_REPLICATE)


def _reframe_mask(mask: Matte | None, frame: Frame) -> Matte | None:
    if mask is not None:
        return _reframe_soft(mask, frame)
    if frame.is_filled:
        return None
    is_there = np.zeros((frame.height, frame.width), np.float32)
    is_there[frame.place.within(whole_of(is_there.shape)).slices] = 1
    return is_there


def _reframe_subject(stack: LayerStack, frame: Frame) -> Pixels:
    """The subject's colour, weighted by its matte while it is scaled, one channel at a time.

    So what lies next to the subject, be it black or green, never mixes into its edge. Where all that is
    mixed is unseen, all counts alike. Cubic weights may be negative, so that the colour of a faint
    edge is taken from linear ones.
    """
    if not frame.is_scaled:
        return _reframe_colour(stack.subject, frame)
    colour = stack.subject[frame.part.slices]
    weights = stack.matte[frame.part.slices] + _UNSEEN_WEIGHT
    is_larger = frame.is_enlarged
    total = _scaled(weights, frame)
    linear_total = _scaled(weights, frame, cv2.INTER_LINEAR) if is_larger else total
    is_faint = total < 0.5
    result = np.empty((frame.place.height, frame.place.width, 3), colour.dtype)
    for channel in range(3):
        weighted = np.asarray(cv2.multiply(weights, cv2.extractChannel(colour, channel), dtype=cv2.CV_32F))
        plane = _scaled(weighted, frame)
        np.divide(plane, total, out=plane, where=~is_faint if is_larger else True)
        if is_larger:
            linear = _scaled(weighted, frame, cv2.INTER_LINEAR)
            np.divide(linear, linear_total, out=plane, where=is_faint)
        np.clip(plane, 0, np.iinfo(colour.dtype).max, out=plane)
        result[..., channel] = np.rint(plane, out=plane)
    return _on_canvas(result, frame, cv2.BORDER_REPLICATE)


def _scaled(plane: NDArray, frame: Frame, enlarging: int = cv2.INTER_CUBIC) -> NDArray:  # type: ignore[type-arg]
    """A part's plane [h,w] or [h,w,3] at the size of its place, of its own type."""
    if not frame.is_scaled:
        return plane
    interpolation = enlarging if frame.is_enlarged else cv2.INTER_AREA
    return np.asarray(cv2.resize(plane, (frame.place.width, frame.place.height), interpolation=interpolation))


def _on_canvas(plane: NDArray, frame: Frame, border: int) -> NDArray:  # type: ignore[type-arg]
    """A plane of the place's size, cut and continued to the frame's."""
    place = frame.place
    inside = place.within(whole_of((frame.height, frame.width)))
    seen = plane[inside.moved(-place.top, -place.left).slices]
    room = inside.top, frame.height - inside.bottom, inside.left, frame.width - inside.right
    return np.ascontiguousarray(cv2.copyMakeBorder(seen, *room, border))
