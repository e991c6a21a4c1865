"""From one layer stack to all files that were asked for."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

import numpy as np

from zippo_desktop.errors import UsageError
from zippo_desktop.export.atomic import make_output_dir, open_atomically
from zippo_desktop.export.depth import convert_depth
from zippo_desktop.export.embedded import matte_metadata, select_metadata
from zippo_desktop.export.layer_folder import write_layer_folder
from zippo_desktop.export.openraster import write_openraster
from zippo_desktop.export.pictures import write_avif, write_jpeg, write_webp
from zippo_desktop.export.png import write_png
from zippo_desktop.export.psd import write_psd
from zippo_desktop.export.tiff import write_tiff
from zippo_desktop.export.writing import SUFFIXES, Writing
from zippo_desktop.imaging.bleed import bleed
from zippo_desktop.imaging.compositing import flatten
from zippo_desktop.imaging.layers import LayerStack, Pixels
from zippo_desktop.imaging.matte import quantise

logger = logging.getLogger(__name__)

MATTE_SUFFIX = ".matte.png"
FOREGROUND_SUFFIX = ".foreground.png"


@dataclass(frozen=True)
class Target:
    """Where the results of one item go, and which: `formats` are keys of `SUFFIXES`."""

    directory: Path
    stem: str
    formats: tuple[str, ...]
    with_matte: bool = False
    with_foreground: bool = False

    @property
    def suffixes(self) -> tuple[str, ...]:
        """What follows the stem in the names of the results, in the order they are written."""
        unknown = [name for name in self.formats if name not in SUFFIXES]
        if unknown:
            raise UsageError(f"There is no format {unknown[0]}.", f"Choose from {', '.join(SUFFIXES)}.")
        chosen = [SUFFIXES[name] for name in self.formats]
        if self.with_matte:
            chosen.append(MATTE_SUFFIX)
        if self.with_foreground:
            chosen.append(FOREGROUND_SUFFIX)
        return tuple(dict.fromkeys(chosen))


def planned_paths(target: Target) -> list[Path]:
    """The files and folders that `export` will write, in its order."""
    return [target.directory / f"{target.stem}{suffix}" for suffix in target.suffixes]


def export(
    stack: LayerStack, target: Target, writing: Writing | None = None, source: Path | None = None
) -> list[Path]:
    """Write the results, each whole or not at all, over those that exist; makes the folder.

    `target` says which results, `writing` how. `source` is the photo, whose times they get if they
    are to. Raises ExportError; what was written before it stays.
    """
    writing = writing or Writing()
    make_output_dir(target.directory)
    paths = planned_paths(target)
    stack = convert_depth(stack, writing.depth)
    stack = replace(stack, metadata=select_metadata(stack.metadata, writing.metadata))
    for suffix, path in zip(target.suffixes, paths, strict=True):
        _write(stack, suffix, path, writing)
        if writing.keep_times and source:
            _copy_times(source, path)
    return paths


def _write(stack: LayerStack, suffix: str, path: Path, writing: Writing) -> None:
    if suffix == SUFFIXES["layers"]:
        write_layer_folder(stack, path)
        return
    with open_atomically(path) as file:
        _WRITERS[suffix](stack, file, writing)


def _copy_times(source: Path, path: Path) -> None:
    """Give a file, or a folder and what is in it, the photo's times of access and change."""
    try:
        times = source.stat()
        for written in [*path.glob("*"), path]:
            os.utime(written, ns=(times.st_atime_ns, times.st_mtime_ns))
    except OSError as error:  # the result itself is as it should be
        logger.warning("%s does not get the times of %s: %s.", path, source, error.strerror or error)


def _png(stack: LayerStack, file: BinaryIO, writing: Writing) -> None:
    write_png(_flat(stack, writing), stack.metadata, file)


def _tiff(stack: LayerStack, file: BinaryIO, writing: Writing) -> None:
    write_tiff(_flat(stack, writing), stack.metadata, file)


def _webp(stack: LayerStack, file: BinaryIO, writing: Writing) -> None:
    samples = _flat(_shallow(stack), writing)
    write_webp(samples, stack.metadata, file, writing.quality, is_exact=writing.under_alpha != "scrub")


def _avif(stack: LayerStack, file: BinaryIO, writing: Writing) -> None:
    write_avif(_flat(_shallow(stack), writing), stack.metadata, file, writing.quality)


def _jpeg(stack: LayerStack, file: BinaryIO, writing: Writing) -> None:
    """Over white where the stack has no background: the format knows no transparency."""
    if stack.background is None:
        white = np.full(3, np.iinfo(stack.subject.dtype).max, stack.subject.dtype)
        stack = replace(stack, background=np.broadcast_to(white, stack.subject.shape))
    write_jpeg(flatten(_shallow(stack)), stack.metadata, file, writing.quality)


def _matte(stack: LayerStack, file: BinaryIO, writing: Writing) -> None:
    write_png(quantise(stack.matte, stack.subject.dtype), matte_metadata(stack.metadata), file)


def _foreground(stack: LayerStack, file: BinaryIO, writing: Writing) -> None:
    write_png(_bled(stack).subject, stack.metadata, file)


def _shallow(stack: LayerStack) -> LayerStack:
    """What is seen of the stack with 8 bits for each channel, for formats that have no more."""
    return convert_depth(replace(stack, original=None), "8")


def _flat(stack: LayerStack, writing: Writing) -> Pixels:
    """What is seen of the stack, RGB [H,W,3] over a background, else RGBA [H,W,4]: see `flatten`."""
    if writing.under_alpha == "bleed" and stack.background is None:
        return flatten(_bled(stack), "keep")
    return flatten(stack, "keep" if writing.under_alpha == "keep" else "scrub")


def _bled(stack: LayerStack) -> LayerStack:
    """The subject's colours run on outward, so that nothing of the background is left under alpha 0."""
    return replace(stack, subject=bleed(stack.subject, stack.matte))


_WRITERS: Mapping[str, Callable[[LayerStack, BinaryIO, Writing], None]] = {
    SUFFIXES["png"]: _png,
    SUFFIXES["webp"]: _webp,
    SUFFIXES["avif"]: _avif,
    SUFFIXES["tiff"]: _tiff,
    SUFFIXES["jpeg"]: _jpeg,
    SUFFIXES["psd"]: lambda stack, file, _: write_psd(stack, file),
    SUFFIXES["psb"]: lambda stack, file, _: write_psd(stack, file, is_large=True),
    SUFFIXES["ora"]: lambda stack, file, _: write_openraster(stack, file),
    MATTE_SUFFIX: _matte,
    FOREGROUND_SUFFIX: _foreground,
}
