"""From a photo and its matte to the layers of a cut-out: known regions, sliders and clean colours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from zippo_desktop.imaging.colour import srgb_8_bit
from zippo_desktop.imaging.decode import Photo
from zippo_desktop.imaging.foreground import estimate_foreground
from zippo_desktop.imaging.layers import LayerStack, Matte
from zippo_desktop.imaging.matte_edges import apply_controls
from zippo_desktop.imaging.trimap import Known, enforce, honour
from zippo_desktop.pipelines.request import MattingRequest


def has_matte(photo: Photo, request: MattingRequest) -> bool:
    """Whether the photo's own transparency is to be its matte, so that the network is not asked."""
    return request.alpha == "keep" and photo.alpha is not None


def cut_out(photo: Photo, matte: Matte, request: MattingRequest, known: Known | None = None) -> LayerStack:
    """A photo over itself, cut out by a matte [H,W] of its size, as the request says.

    What a person knows holds to the end: it guides the matte before the sliders, and is exact after them.
    """
    if known is not None:
        matte = honour(matte, known, srgb_8_bit(photo))
    if photo.alpha is not None and request.alpha == "multiply":
        matte = matte * photo.alpha
    matte = apply_controls(matte, request.controls)
    if known is not None:
        matte = enforce(matte, known)
    subject = estimate_foreground(photo.pixels, matte) if request.foreground else photo.pixels
    return LayerStack(subject, matte, photo.pixels, photo.metadata)


def kept_as_it_is(photo: Photo, matte: Matte, parameters: Mapping[str, str]) -> LayerStack:
    """A photo's own pixels under a matte [H,W]: what is made of it when nothing is to become new."""
    metadata = replace(photo.metadata, parameters=parameters)
    return LayerStack(photo.pixels, matte, photo.pixels, metadata)
