"""How results are written, whatever the format: depth, quality, hidden colour, metadata and file times."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from zippo_desktop.errors import UsageError
from zippo_desktop.export.name_template import parse_template

Depth = Literal["photo", "8", "16"]
UnderAlpha = Literal["scrub", "bleed", "keep"]
KeptMetadata = Literal["all", "no-location", "none"]

SUFFIXES = {
    "png": ".png",
    "webp": ".webp",
    "avif": ".avif",
    "tiff": ".tif",
    "jpeg": ".jpg",
    "psd": ".psd",
    "psb": ".psb",
    "ora": ".ora",
    "layers": ".layers",  # a folder
}


@dataclass(frozen=True)
class Writing:
    """Options of every exporter; a format that cannot do what is asked does what its own module says."""

    formats: tuple[str, ...] = ("png",)
    with_matte: bool = False  # NAME.matte.png, too
    with_foreground: bool = False  # NAME.foreground.png, too: the clean colours without transparency
    depth: Depth = "photo"  # bits for each channel: as the photo has, or 8, or 16
    quality: int = 90  # of JPEG, WebP and AVIF, 1..100; 100 is lossless for WebP
    under_alpha: UnderAlpha = "scrub"  # colour where alpha is 0: black, the subject's bled outward, as it was
    metadata: KeptMetadata = "all"  # "none" keeps the colour profile and the resolution alone
    keep_times: bool = False  # the result gets the photo's time of change
    name: str | None = None  # a template for the results' names; None: as the photo, or index and prompt
    keep_folders: bool = True  # sub-folders of the input are kept in the output

    def __post_init__(self) -> None:
        """Raises `UsageError` for a quality that there is none of, and for a name that makes no sense."""
        if self.name is not None:
            parse_template(self.name)
        if not 1 <= self.quality <= 100:
            raise UsageError(f"The quality cannot be {self.quality}.", "Give 1 to 100.")
