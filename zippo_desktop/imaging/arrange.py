"""Surrounding the subject as asked: frame, canvas, size, background and shadow."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import cast

from zippo_desktop.imaging.arrangement import (
    BLUR,
    Arrangement,
    Colour,
    ShadowKind,
    aspect_of,
    background_of,
    canvas_of,
    margin_of,
)
from zippo_desktop.imaging.background import (
    blurred_background,
    colour_background,
    image_background,
)
from zippo_desktop.imaging.framing import choose_frame, reframe
from zippo_desktop.imaging.layers import LayerStack, Pixels
from zippo_desktop.imaging.shadow import cast_shadow


def arrange(stack: LayerStack, arrangement: Arrangement) -> LayerStack:
    """Crop, place and scale a stack, then lay background and shadow under its subject.

    Background and shadow are made for the final frame, so a crop leaves them no room of their own and
    cuts a shadow that is longer than its margin. They replace what the stack had. With nothing asked
    for, or nothing changed, the same stack comes back.

    Raises InputError for a background that cannot be read or blurred, and for a frame that is too large.
    """
    margin, canvas = margin_of(arrangement.crop), canvas_of(arrangement.canvas)
    if margin or canvas or arrangement.long_edge_px:
        frame = choose_frame(
            stack.matte,
            margin=margin,
            aspect=aspect_of(arrangement.aspect),
            canvas=canvas,
            subject_share=arrangement.subject_share,
            long_edge_px=arrangement.long_edge_px,
        )
        stack = reframe(stack, frame)
    if arrangement.background is not None:
        stack = replace(stack, background=_made_background(stack, arrangement))
    if arrangement.shadow is not None:
        shadow = cast_shadow(
            stack.matte,
            cast(ShadowKind, arrangement.shadow),
            opacity=arrangement.shadow_opacity,
            blur=arrangement.shadow_blur,
            distance=arrangement.shadow_distance,
            angle=arrangement.shadow_angle,
        )
        stack = replace(stack, shadow=shadow)
    return stack


def _made_background(stack: LayerStack, arrangement: Arrangement) -> Pixels:
    background = background_of(arrangement.background)
    if background == BLUR:
        return blurred_background(stack, arrangement.background_blur)
    if isinstance(background, Path):
        return image_background(stack, background)
    return colour_background(stack, cast(Colour, background))
