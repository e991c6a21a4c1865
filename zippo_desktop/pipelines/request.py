"""Everything that decides the pixels of one item: one frozen request for each task."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from zippo_desktop.diffusion.sampler import steps_taken
from zippo_desktop.errors import UsageError
from zippo_desktop.imaging.matte_controls import MatteControls

Edges = Literal["fast", "fine"]
Refinement = Literal["none", "zippo"]
KnownAlpha = Literal["multiply", "keep", "ignore"]


@dataclass(frozen=True)
class MattingRequest:
    """RGB -> matte. An ensemble is the mean over seeds, and over the picture and its mirror image."""

    prompt: str = ""
    steps: int = 1
    ensemble: int = 1
    seed: int = 0
    second_pass: bool = True  # a subject that is small in its frame is looked at again, close up
    check: bool = True  # the mirror image is asked as well: for the confidence, not for the matte
    edges: Edges = "fast"  # "fine" has the network look at the soft edge in tiles
    refine: Refinement = "none"  # "zippo" looks closer at what an expert found
    # What the photo's own transparency is: a factor, the matte itself, nothing.
    alpha: KnownAlpha = "multiply"
    controls: MatteControls = field(default_factory=MatteControls)
    foreground: bool = True  # the background's colour is taken out of the soft edge

    def __post_init__(self) -> None:
        """Raises `UsageError` for a number of steps or members that makes no matte."""
        if self.steps < 1:
            raise UsageError(f"A matte cannot be made in {self.steps} steps.", "One is enough.")
        if self.ensemble < 1:
            raise UsageError(f"An ensemble cannot have {self.ensemble} members.", "Give 1 or more.")


@dataclass(frozen=True)
class PaintingRequest:
    """Matte -> RGB: an object painted into a given matte.

    With a photo to start from, `strength` 0 keeps the photo and 1 paints a new object; None without one.
    """

    prompt: str
    negative: str = ""
    steps: int = 20
    guidance: float = 3.0
    seed: int = 0
    strength: float | None = None


@dataclass(frozen=True)
class GenerationRequest:
    """Text -> RGB and matte. `size` is the square's side in pixels, None for the model's own.

    A picture that is no clean cut-out is made anew from other noise, up to `tries` in all. With a cut-out
    to start from there is one try; `strength` 0 keeps it, 1 makes a new one of its size; None without one.
    """

    prompt: str
    negative: str = ""
    size: int | None = None
    steps: int = 20
    guidance: float = 3.0
    seed: int = 0
    strength: float | None = None
    tries: int = 4

    def __post_init__(self) -> None:
        """Raises `UsageError` for a number of tries that makes no picture."""
        if self.tries < 1:
            raise UsageError(f"A picture cannot be made in {self.tries} tries.", "One is enough.")


Request = MattingRequest | PaintingRequest | GenerationRequest


def keeps_start(request: PaintingRequest | GenerationRequest) -> bool:
    """Whether the strength is too small for a single step, so that what it starts from stays."""
    return request.strength is not None and steps_taken(request.steps, request.strength) == 0
