"""The files that a job's results go to: no two items share one, and none takes a photo's name."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from zippo_desktop.batch.job import Options
from zippo_desktop.batch.scan import Found, real_dir
from zippo_desktop.export.naming import Names
from zippo_desktop.export.write import Target


class Claims:
    """Targets below the output folder that share no file with one another, nor with any source."""

    def __init__(self, options: Options, sources: Iterable[Path] = ()) -> None:
        self._options = options
        self._names = Names()
        self._suffixes = self._new(Path(), "").suffixes
        for source in sources:
            self.protect(source)

    def protect(self, source: Path) -> None:
        """No result gets a photo's name."""
        self._names.claim(real_dir(source.parent), source.stem, [source.suffix])

    def take(self, target: Target) -> None:
        """Take over a target that was given before."""
        self._names.claim(real_dir(target.directory), target.stem, target.suffixes)

    def target(self, subfolder: Path, stem: str, *, avoid_existing: bool = False) -> Target:
        """The target with this stem, or with a number behind it where the stem is taken.

        With `avoid_existing`, or where the job renames, files that are there already take it, too.
        """
        avoid_existing = avoid_existing or self._options.on_existing == "rename"
        return self._claimed(self._options.output_dir, subfolder, stem, avoid_existing)

    def uncertain_target(self, subfolder: Path, stem: str) -> Target | None:
        """The same below the folder of uncertain results, if there is one, where no file is replaced."""
        folder = self._options.uncertain_dir
        return self._claimed(folder, subfolder, stem, avoid_existing=True) if folder else None

    def archive(self, photo: Found) -> Path | None:
        """Where a photo itself is to go, if anywhere: its own name, or one with a number behind it."""
        if self._options.originals_dir is None:
            return None
        directory, suffix = self._options.originals_dir / photo.subfolder, photo.path.suffix
        stem = self._names.claim(real_dir(directory), photo.path.stem, [suffix], avoid_existing=True)
        return directory / f"{stem}{suffix}"

    def renewed(self, target: Target) -> Target:
        """A target that was given before, with the formats of these options."""
        return self._new(target.directory, target.stem)

    def _claimed(self, folder: Path, subfolder: Path, stem: str, avoid_existing: bool) -> Target:
        directory = folder / subfolder if self._options.writing.keep_folders else folder
        claimed = self._names.claim(real_dir(directory), stem, self._suffixes, avoid_existing=avoid_existing)
        return self._new(directory, claimed)

    def _new(self, directory: Path, stem: str) -> Target:
        writing = self._options.writing
        return Target(directory, stem, writing.formats, writing.with_matte, writing.with_foreground)
