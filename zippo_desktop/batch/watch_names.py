"""Where the results of a watched folder's photos go: no two in one place, over all rounds and runs."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from zippo_desktop.batch.claims import Claims
from zippo_desktop.batch.job import Item, Options
from zippo_desktop.batch.result_names import ResultNames
from zippo_desktop.export.naming import safe_stem
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
        self._claims = Claims(options)
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
            self._claims.protect(item.source)
            places = Places(item.target, item.uncertain_target)
            for target in filter(None, (places.target, places.uncertain)):
                self._claims.take(target)
            self._note(item.source, places)

    def former(self, source: Path) -> Places | None:
        """The places of a photo's latest result, with today's formats; None if it never had one."""
        places = self._places.get(source)
        if places is None:
            return None
        target, apart = self._claims.renewed(places.target), places.uncertain
        folder = self._options.uncertain_dir
        if folder is None:
            return Places(target)
        if apart is None or not apart.directory.is_relative_to(folder):  # it was another folder then
            return self._noted(source, target)
        return Places(target, self._claims.renewed(apart))

    def next(self, source: Path, index: int, request: MattingRequest, *, avoid_existing: bool) -> Places:
        """Places of its own for the photo's next result, the `index`-th of all."""
        self._claims.protect(source)
        stem = source.stem
        if len(self._neighbours[_place(source)]) > 1:
            stem = f"{stem}-{source.suffix[1:]}"
        stem = self._naming.of(index, safe_stem(stem), request, source)
        target = self._claims.target(self._subfolder(source), stem, avoid_existing=avoid_existing)
        return self._noted(source, target)

    def is_result(self, path: str) -> bool:
        """Whether a file is one of the results, which may lie below the watched folder."""
        return path in self._results

    def _noted(self, source: Path, target: Target) -> Places:
        """The target, and a place of that name among the uncertain results, where no file is replaced."""
        places = Places(target, self._claims.uncertain_target(self._subfolder(source), target.stem))
        self._note(source, places)
        return places

    def _subfolder(self, source: Path) -> Path:
        return source.parent.relative_to(self._root)

    def _note(self, source: Path, places: Places) -> None:
        self._places[source] = places
        for target in filter(None, (places.target, places.uncertain)):
            self._results |= {os.path.realpath(path) for path in planned_paths(target)}


def _place(source: Path) -> tuple[Path, str]:
    return source.parent, source.stem.casefold()
