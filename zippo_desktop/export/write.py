"""From one layer stack to all files that were asked for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from zippo_desktop.errors import UsageError
from zippo_desktop.export.atomic import make_output_dir, open_atomically
from zippo_desktop.export.layer_folder import write_layer_folder
from zippo_desktop.export.png import cutout, encode_png
from zippo_desktop.export.psd import write_psd
from zippo_desktop.imaging.layers import LayerStack, Metadata
from zippo_desktop.imaging.matte import quantise

SUFFIXES = {"png": ".png", "psd": ".psd", "layers": ".layers"}  # the last one names a folder
MATTE_SUFFIX = ".matte.png"


@dataclass(frozen=True)
class Target:
    """Where the results of one item go, and which: `formats` are keys of `SUFFIXES`."""

    directory: Path
    stem: str
    formats: tuple[str, ...]
    with_matte: bool

    @property
    def suffixes(self) -> tuple[str, ...]:
        """What follows the stem in the names of the results, in the order they are written."""
        unknown = [name for name in self.formats if name not in SUFFIXES]
        if unknown:
            raise UsageError(f"There is no format {unknown[0]}.", f"Choose from {', '.join(SUFFIXES)}.")
        chosen = dict.fromkeys(SUFFIXES[name] for name in self.formats)
        return (*chosen, MATTE_SUFFIX) if self.with_matte else tuple(chosen)


def planned_paths(target: Target) -> list[Path]:
    """The files and folders that `export` will write, in its order."""
    return [target.directory / f"{target.stem}{suffix}" for suffix in target.suffixes]


def export(stack: LayerStack, target: Target) -> list[Path]:
    """Write the results, each whole or not at all, over those that exist; makes the folder.

    Raises ExportError; what was written before it stays.
    """
    make_output_dir(target.directory)
    paths = planned_paths(target)
    for suffix, path in zip(target.suffixes, paths, strict=True):
        _write(stack, suffix, path)
    return paths


def _write(stack: LayerStack, suffix: str, path: Path) -> None:
    if suffix == SUFFIXES["layers"]:
        write_layer_folder(stack, path)
        return
    with open_atomically(path) as file:
        if suffix == SUFFIXES["psd"]:
            write_psd(stack, file)
        elif suffix == MATTE_SUFFIX:
            # Neither the photo's RGB profile nor its EXIF are true of a grey picture of opacity.
            metadata = Metadata(dpi=stack.metadata.dpi)
            file.write(encode_png(quantise(stack.matte, stack.subject.dtype), metadata))
        else:
            file.write(encode_png(cutout(stack.subject, stack.matte), stack.metadata))
