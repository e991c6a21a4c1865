"""The job of a watched folder: it grows, and remembers which photos it has done, also from run to run.

On the disk it is a job like any other, with snapshot and journal; a new one is begun when it is full or
when the options have changed. Together they are the watch's parts.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from zippo_desktop.batch.arrivals import State
from zippo_desktop.batch.job import Item, Job, OnExisting, Options
from zippo_desktop.batch.journal import JOB_NAME
from zippo_desktop.batch.report import ItemResult, Status
from zippo_desktop.batch.saved_job import Resumption, SavedJob, list_jobs, read_job
from zippo_desktop.batch.watch_names import WatchNames
from zippo_desktop.errors import UsageError
from zippo_desktop.export.atomic import open_atomically
from zippo_desktop.imaging.trimap import find_known
from zippo_desktop.pipelines.request import MattingRequest

PART_ITEMS = 1000  # in one part: each round writes its snapshot anew, and reads through its items


@dataclass(frozen=True)
class Watch:
    """What is watched, and what is done with what arrives.

    `on_changed` says what becomes of the earlier results of a photo that has changed; for all others
    `options.on_existing` holds. Folders are listed every `interval_s` at most.
    """

    watched_dir: Path
    request: MattingRequest
    options: Options
    on_changed: OnExisting = "rename"
    recursive: bool = True
    interval_s: float = 2.0
    settle_s: float = 2.0

    @property
    def root(self) -> Path:
        """The watched folder under its one true name, so that its photos are known again by theirs."""
        return Path(os.path.realpath(self.watched_dir))

    @property
    def result_dirs(self) -> tuple[Path, ...]:
        """The folders that results go to: that for all, and that for uncertain ones if it is another."""
        return tuple(filter(None, (self.options.output_dir, self.options.uncertain_dir)))

    @property
    def key(self) -> str:
        """What tells this pair of folders from any other, whatever links lead to them."""
        pair = f"{self.root}\n{os.path.realpath(self.options.output_dir)}"
        return hashlib.sha256(os.fsencode(pair)).hexdigest()[:8]


@dataclass(frozen=True)
class Round:
    """Some photos to do now: the whole part as a job, and the places in it that are theirs."""

    job: Job
    job_dir: Path
    places: frozenset[int]

    @property
    def resumption(self) -> Resumption:
        """Everything but this round's photos counts as ended."""
        others = set(range(len(self.job.items))) - self.places
        return Resumption({place: _left_alone(place, self.job.items[place]) for place in others})


class WatchJob:
    """The parts of one watch: what was done, under which names, and the part that grows.

    `troubles` says which parts could not be read; what they did may be done again.
    """

    def __init__(self, watch: Watch, jobs_dir: Path) -> None:
        self.troubles: list[str] = []
        self._watch = watch
        self._jobs_dir = jobs_dir
        self._root = watch.root
        apart = watch.options.uncertain_dir
        self._options = replace(
            watch.options,
            output_dir=watch.options.output_dir.absolute(),
            uncertain_dir=apart and apart.absolute(),
        )
        self._names = WatchNames(self._root, self._options)
        self._known: dict[str, State] = {}
        self._done: set[str] = set()  # photos whose latest result is there
        self._earlier = 0  # items in former parts
        self._number, self._job_dir = 0, Path()
        self._items: list[Item] = []
        self._left: dict[str, int] = {}  # planned by a run that died before they were done
        self._read_parts()

    @property
    def job_dir(self) -> Path:
        """The folder of the part that grows."""
        return self._job_dir

    def is_known(self, path: str, state: State) -> bool:
        """Whether a file needs no doing: it was done as it is now, or is a result itself."""
        return self._known.get(path) == state or self._names.is_result(path)

    def note(self, path: str, state: State, result: ItemResult) -> None:
        """Remember how a photo ended. One that was gone is forgotten, for it may come back as it was."""
        is_failed = result.status is Status.FAILED
        if is_failed and not os.path.exists(path):
            self._known.pop(path, None)
        else:
            self._known[path] = state
        (self._done.discard if is_failed else self._done.add)(path)

    def plan(self, paths: Sequence[str]) -> Round:
        """Make items of photos that have settled."""
        if len(self._items) >= PART_ITEMS:
            self._begin_part()
        self._names.expect(map(Path, paths))
        places = frozenset([self._add(path) for path in paths])
        return Round(Job("matting", self._options, tuple(self._items)), self._job_dir, places)

    def save(self) -> None:
        """Write the part's items into its snapshot, if it was begun. Raises `ExportError`."""
        path = self._job_dir / JOB_NAME
        with suppress(FileNotFoundError):
            snapshot: dict[str, Any] = json.loads(path.read_text("ascii"))
            snapshot["items"] = [asdict(item) for item in self._items]  # all their paths are absolute
            with open_atomically(path) as file:
                file.write(json.dumps(snapshot, indent=1, default=os.fspath).encode("ascii") + b"\n")

    def forget_unbegun(self) -> None:
        """Take back the items of a part that was never begun, as there was nothing to do in it."""
        if not (self._job_dir / JOB_NAME).exists():
            self._items.clear()

    def _add(self, path: str) -> int:
        """The place of the photo's item: a new one, or the one that a run that died has left."""
        source, request = Path(path), self._watch.request
        trimap = find_known(source)
        place = self._left.pop(path, None)
        if place is not None:
            self._items[place] = replace(self._items[place], request=request, trimap=trimap)
            return place
        places, is_done = self._names.former(source), path in self._done
        if places is None or (is_done and self._watch.on_changed == "rename"):
            index = self._earlier + len(self._items)
            places = self._names.next(source, index, request, avoid_existing=is_done)
        label = str(source.relative_to(self._root))
        apart = places.uncertain
        self._items.append(Item(label, request, places.target, source, trimap=trimap, uncertain_target=apart))
        return len(self._items) - 1

    def _read_parts(self) -> None:
        """Remember what earlier runs did; the last part goes on if its options are today's."""
        pattern = re.compile(rf".*-watch-{self._watch.key}-(\d+)")
        numbered = [(pattern.fullmatch(folder.name), folder) for folder in list_jobs(self._jobs_dir)]
        saved = None
        for self._number, folder in sorted((int(match[1]), folder) for match, folder in numbered if match):
            try:
                saved = read_job(folder)
            except UsageError as error:
                saved = None
                self.troubles.append(error.message)
            else:
                self._remember(saved)
        if saved is not None and saved.job.options == self._options and len(saved.job.items) < PART_ITEMS:
            self._go_on_with(saved)
        else:
            self._begin_part()

    def _remember(self, saved: SavedJob) -> None:
        """Take over what a part did, in its order; its items that never ended are free to be done anew."""
        for place, item in enumerate(saved.job.items):
            line = saved.lines.get(place)
            if line is None or item.source is None:
                continue
            path, state = str(item.source), _state(line)
            if state is not None:
                self._known[path] = state
            (self._done.discard if line["status"] == Status.FAILED else self._done.add)(path)
            self._names.take(item)
        self._earlier += len(saved.job.items)

    def _go_on_with(self, saved: SavedJob) -> None:
        self._job_dir, self._items = saved.job_dir, list(saved.job.items)
        self._earlier -= len(self._items)
        for place, item in enumerate(self._items):
            if place not in saved.lines and item.source is not None:
                self._left[str(item.source)] = place
                self._names.take(item)

    def _begin_part(self) -> None:
        self._earlier += len(self._items)
        self._items, self._left = [], {}
        self._number += 1
        name = f"{datetime.now():%Y%m%d-%H%M%S}-watch-{self._watch.key}-{self._number}"
        self._job_dir = self._jobs_dir / name


def _left_alone(place: int, item: Item) -> ItemResult:
    return ItemResult(item.label, Status.SKIPPED, "not in this round", item.source, index=place)


def _state(line: Mapping[str, Any]) -> State | None:
    """The photo's state when its line was written, None if it was gone."""
    source = line["source"]
    if not source or source["bytes"] is None:
        return None
    return source["bytes"], source["mtime_ns"]
