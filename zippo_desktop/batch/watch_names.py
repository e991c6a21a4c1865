"""Where the results of a watched folder's photos go: no two in one place, over all rounds and runs."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from zippo_desktop.batch.job import Item, Options
from zippo_desktop.batch.result_names import ResultNames
from zippo_desktop.batch.scan import real_dir
from zippo_desktop.export.naming import Names, safe_stem
from zippo_desktop.export.write import Target, planned_paths
from zippo_desktop.pipelines.request import MattingRequest


@dataclass(frozen=True)
class Places:
    """Where a photo's results go, and where if they are uncertain; None where that is the same."""

    target: Target
    uncertain: Target | None = None


class WatchNames:
    """The names given out so far, below an output folder, for photos below `root`.

    They are those of `batch.plan.plan_matting`, as far as the order in which photos arrive lets them be.
    """

    def __init__(self, root: Path, options: Options) -> None:
        self._root = root
        self._options = options
        self._naming = ResultNames(options)
        self._names = Names()
        self._places: dict[Path, Places] = {}  # of each photo's latest result
        self._results: set[str] = set()  # every file that was or will be written
        self._neighbours: defaultdict[tuple[Path, str], set[Path]] = defaultdict(set)  # photos of one stem

    def expect(self, sources: Iterable[Path]) -> None:
        """Tell which photos come next, so that a.jpg and a.png get names that do not hang on their order."""
        for source in sources:
            self._neighbours[_place(source)].add(source)

    def take(self, item: Item) -> None:
        """Take over the name that an earlier run gave."""
        if item.source is not None:
            self.expect([item.source])
            self._protect(item.source)
            places = Places(item.target, item.uncertain_target)
            for target in filter(None, (places.target, places.uncertain)):
                self._names.claim(real_dir(target.directory), target.stem, target.suffixes)
            self._note(item.source, places)

    def former(self, source: Path) -> Places | None:
        """The places of a photo's latest result, with today's formats; None if it never had one."""
        places = self._places.get(source)
        if places is None:
            return None
        target, apart = self._new(places.target.directory, places.target.stem), places.uncertain
        folder = self._options.uncertain_dir
        if folder is None:
            return Places(target)
        if apart is None or not apart.directory.is_relative_to(folder):  # it was another folder then
            return self._noted(source, target)
        return Places(target, self._new(apart.directory, apart.stem))

    def next(self, source: Path, index: int, request: MattingRequest, *, avoid_existing: bool) -> Places:
        """Places of its own for the photo's next result, the `index`-th of all."""
        self._protect(source)
        stem = source.stem
        if len(self._neighbours[_place(source)]) > 1:
            stem = f"{stem}-{source.suffix[1:]}"
        stem = self._naming.of(index, safe_stem(stem), request, source)
        return self._noted(
            source, self._claimed(self._options.output_dir, source, stem, avoid_existing=avoid_existing)
        )

    def is_result(self, path: str) -> bool:
        """Whether a file is one of the results, which may lie below the watched folder."""
        return path in self._results

    def _protect(self, source: Path) -> None:
        """No result gets a photo's name."""
        self._names.claim(real_dir(source.parent), source.stem, [source.suffix])

    def _noted(self, source: Path, target: Target) -> Places:
        """The target, and a place of that name among the uncertain results, where no file is replaced."""
        folder = self._options.uncertain_dir
        apart = self._claimed(folder, source, target.stem, avoid_existing=True) if folder else None
        places = Places(target, apart)
        self._note(source, places)
        return places

    def _claimed(self, folder: Path, source: Path, stem: str, *, avoid_existing: bool) -> Target:
        subfolder = source.parent.relative_to(self._root) if self._options.writing.keep_folders else Path()
        directory = folder / subfolder
        suffixes = self._new(directory, stem).suffixes
        free = self._names.claim(real_dir(directory), stem, suffixes, avoid_existing=avoid_existing)
        return self._new(directory, free)

    def _note(self, source: Path, places: Places) -> None:
        self._places[source] = places
        for target in filter(None, (places.target, places.uncertain)):
            self._results |= {os.path.realpath(path) for path in planned_paths(target)}

    def _new(self, directory: Path, stem: str) -> Target:
        writing = self._options.writing
        return Target(directory, stem, writing.formats, writing.with_matte, writing.with_foreground)


def _place(source: Path) -> tuple[Path, str]:
    return source.parent, source.stem.casefold()
