"""Everything that decides the pixels of one item: one frozen request for each task."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class MattingRequest:
    """RGB -> matte. More steps sharpen, a larger ensemble (mean over seeds) steadies."""

    prompt: str = ""
    steps: int = 1
    ensemble: int = 1
    seed: int = 0


@dataclass(frozen=True)
class PaintingRequest:
    """Matte -> RGB: an object painted into a given matte."""

    prompt: str
    negative: str = ""
    steps: int = 20
    guidance: float = 3.0
    seed: int = 0


@dataclass(frozen=True)
class GenerationRequest:
    """Text -> RGB and matte. `size` is the square's side in pixels, None for the model's own."""

    prompt: str
    negative: str = ""
    size: int | None = None
    steps: int = 20
    guidance: float = 3.0
    seed: int = 0


Request = MattingRequest | PaintingRequest | GenerationRequest
