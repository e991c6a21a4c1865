"""The whole recipe: fetch the packages, list the works, make what is not there yet, write the manifests."""

from __future__ import annotations

import base64
import os
import re
import shutil
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from zippo_desktop.errors import Cancelled, ExportError, InputError
from zippo_desktop.export.atomic import make_folder_atomically, make_output_dir, open_atomically
from zippo_desktop.training.packages import Package, unpack
from zippo_desktop.training.recipe import drawings, sources, works
from zippo_desktop.training.recipe.catalogue import read_models
from zippo_desktop.training.recipe.emoji import build_emoji_set
from zippo_desktop.training.recipe.make import SCRATCH, Workshop, threads_for
from zippo_desktop.training.recipe.photographs import build_photographs
from zippo_desktop.training.recipe.record import Made, Record
from zippo_desktop.training.recipe.tool_environment import ToolFailure, install_tools
from zippo_desktop.training.recipe.works import Work

DEFAULT_PARTS = ("objects", "glass", "fur", "foliage", "noto", "emoji", "panoramas", "photographs", "rooms")
EXTRA_PARTS = ("openclipart",)
STUDIO_LIGHTS = "*/datafiles/studiolights/world/*.exr"


@dataclass(frozen=True)
class BuildOptions:
    """What to build. `views` and `limit` (works of each part) are for trials; None means all."""

    output: Path
    parts: tuple[str, ...] = DEFAULT_PARTS
    views: int | None = None
    limit: int | None = None
    jobs: int = 1
    seed: int = 1


@dataclass(frozen=True)
class Step:
    """One thing that happened: a work done or failed (`message` says why), with what is left of its part."""

    part: str
    label: str
    done: int
    failed: int
    total: int
    message: str = ""

    def __str__(self) -> str:
        count = f"{self.part} {self.done + self.failed}/{self.total}"
        if self.message:
            return f"{count}: {self.label} failed: {self.message}"
        return f"{count}{f' ({self.failed} failed)' if self.failed else ''}: {self.label}"


@dataclass
class BuildReport:
    """What a run did; `dropped` counts frames of the whole set by reason."""

    made: int = 0
    already: int = 0
    failed: int = 0
    seconds: float = 0.0
    dropped: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        lost = ", ".join(f"{count} {reason}" for reason, count in sorted(self.dropped.items()) if count)
        return (
            f"{self.made} made, {self.already} there already, {self.failed} failed; {self.seconds:.0f} s. "
            f"Frames left out of the whole set: {lost or 'none'}."
        )


Notify = Callable[[Step | str], None]


def build(options: BuildOptions, notify: Notify, cancel: threading.Event) -> BuildReport:
    """Bring the data folder up to what the options ask for; what is there and whole is not made again.

    Raises InputError for a package that cannot be had, EngineError where the tools cannot be installed,
    and Cancelled, with the manifests written, once `cancel` is set.
    """
    begin = time.monotonic()
    make_output_dir(options.output)
    shutil.rmtree(options.output / SCRATCH, ignore_errors=True)  # of a run that was killed
    stock = _Stock(options.output, notify)
    record = Record(options.output)
    report = BuildReport()
    try:
        for part in options.parts:
            if part in _WHOLE_SETS:
                _build_whole(part, stock, options, report)
            else:
                _build_part(part, stock, options, record, report, notify, cancel)
    finally:
        report.dropped = record.write_manifests()
        report.seconds = time.monotonic() - begin
    return report


class _Stock:
    """Packages and tools, each fetched when first asked for."""

    def __init__(self, output: Path, notify: Notify) -> None:
        self._output, self._notify = output, notify
        self._downloads = output / "downloads"

    def package(self, source: Package) -> Path:
        """The unpacked package."""
        folder = self._output / ".work" / "packages"
        if not (folder / source.file).is_dir():
            self._notify(f"Fetching {source.label}.")
        return unpack(source, self._downloads, folder)

    def python(self) -> Path:
        """The interpreter that has Blender's module."""
        if not (self._output / ".tools" / "complete.txt").is_file():
            self._notify("Installing Blender's Python module and the SVG renderer.")
        return install_tools((self._output / ".tools").resolve(), self._downloads.resolve())

    def panoramas(self) -> list[Path]:
        """The panoramas of @pmndrs/assets, taken out of their modules, and Blender's studio lights."""
        package = self.package(sources.PANORAMAS)
        folder = self._output / ".work" / "panoramas"
        make_output_dir(folder)
        for module in sorted(package.glob("package/hdri/*.exr.js")):
            path = folder / f"pmndrs_{module.name.removesuffix('.js')}"
            if not path.is_file():
                with open_atomically(path) as file:
                    file.write(_embedded(module))
        tools = self.python().parents[1]
        lights = sorted(path for path in tools.rglob("*.exr") if path.match(STUDIO_LIGHTS))
        return [path.resolve() for path in [*sorted(folder.glob("*.exr")), *lights]]


def _embedded(module: Path) -> bytes:
    """The file that a module of @pmndrs/assets holds as a data URL."""
    found = re.search(r"base64,([A-Za-z0-9+/=]+)", module.read_text(encoding="ascii"))
    if found is None:
        raise InputError(f"{module} holds no embedded file.")
    return base64.b64decode(found[1])


def _works(part: str, stock: _Stock, options: BuildOptions) -> Iterator[Work]:
    views = options.views
    if part == "foliage":
        return works.foliage(views)
    if part == "panoramas":
        return works.panoramas(stock.panoramas(), views)
    if part == "noto":
        names = stock.package(sources.EMOJI_NAMES) / "package/en/data.json"
        return drawings.noto(stock.package(sources.NOTO) / "package", names)
    if part == "openclipart":
        return drawings.openclipart(stock.package(sources.OPENCLIPART))
    models = read_models(stock.package(sources.FURNITURE).resolve())
    if part == "rooms":
        return works.rooms(models, views, options.seed)
    makers = {"objects": works.objects, "glass": works.glass, "fur": works.fur}
    return makers[part](models, views)


def _build_part(
    part: str,
    stock: _Stock,
    options: BuildOptions,
    record: Record,
    report: BuildReport,
    notify: Notify,
    cancel: threading.Event,
) -> None:
    wanted = _spread(list(_works(part, stock, options)), options.limit)
    workshop = Workshop(
        options.output.resolve(),
        stock.python(),
        tuple(stock.panoramas()) if part not in ("noto", "openclipart") else (),
        options.seed,
        threads_for(options.jobs),
    )
    left = [
        work for work in wanted if not record.is_made(f"{work.folder}/{work.key}", workshop.settings_of(work))
    ]
    report.already += len(wanted) - len(left)
    done = failed = 0
    for work, outcome in _made(left, workshop, options.jobs, cancel):
        if isinstance(outcome, Made):
            record.add(outcome)
            done += 1
        else:
            failed += 1
        message = "" if isinstance(outcome, Made) else f"{outcome}"
        notify(Step(part, f"{work.name} ({work.key})", done, failed, len(left), message))
    report.made += done
    report.failed += failed


def _spread(every: list[Work], limit: int | None) -> list[Work]:
    """At most `limit` of the works, taken evenly, so that a trial sees all kinds."""
    if limit is None or limit >= len(every):
        return every
    return [every[place * len(every) // limit] for place in range(limit)]


def _made(
    left: list[Work], workshop: Workshop, jobs: int, cancel: threading.Event
) -> Iterator[tuple[Work, Made | Exception]]:
    """Each work with what was made of it, or with the failure that concerns it alone, as they end."""
    waiting = iter(left)
    running: dict[Future[Made], Work] = {}
    with ThreadPoolExecutor(jobs) as pool:
        try:
            while True:
                for work in islice(waiting, jobs - len(running)):
                    running[pool.submit(workshop.make, work, cancel)] = work
                if not running:
                    return
                for future in wait(running, timeout=0.5, return_when=FIRST_COMPLETED).done:
                    yield running.pop(future), _outcome(future)
                if cancel.is_set():
                    raise Cancelled
        except BaseException:
            cancel.set()
            raise


def _outcome(future: Future[Made]) -> Made | Exception:
    """The result, or the error if it is one of this work: the others go on."""
    error = future.exception()
    if error is None:
        return future.result()
    if isinstance(error, (ToolFailure, InputError, ExportError, KeyError, OSError)):
        return error
    raise error


def _build_whole(part: str, stock: _Stock, options: BuildOptions, report: BuildReport) -> None:
    """A set that is made in one go, since it takes but a minute."""
    source, make = _WHOLE_SETS[part]
    mark = options.output / ".work" / f"{part}.txt"
    wanted = f"{source.label} {options.limit}"
    target = options.output / part
    is_there = mark.is_file() and mark.read_text(encoding="utf-8") == wanted
    if is_there and (target / "manifest.csv").is_file():
        report.already += 1
        return
    with make_folder_atomically(target) as unfinished:
        report.made += make(stock, options, unfinished)
    mark.write_text(wanted, encoding="utf-8")


def _emoji(stock: _Stock, options: BuildOptions, target: Path) -> int:
    names = stock.package(sources.EMOJI_NAMES) / "package/en/data.json"
    pictures = stock.package(sources.EMOJI) / "package/assets"
    if options.limit:
        pictures = _some(pictures, options.output / ".work" / "emoji", options.limit)
    return build_emoji_set(pictures, names, target)


def _photographs(stock: _Stock, options: BuildOptions, target: Path) -> int:
    unpacked = stock.package(sources.PHOTOGRAPHS)
    return build_photographs(sources.PHOTOGRAPHS, unpacked, target, options.limit)


_WHOLE_SETS: dict[str, tuple[Package, Callable[[_Stock, BuildOptions, Path], int]]] = {
    "emoji": (sources.EMOJI, _emoji),
    "photographs": (sources.PHOTOGRAPHS, _photographs),
}


def _some(pictures: Path, folder: Path, count: int) -> Path:
    """A folder with `count` of the pictures, taken evenly."""
    every = sorted(pictures.glob("1f*.webp"))
    with make_folder_atomically(folder) as unfinished:
        for place in range(min(count, len(every))):
            path = every[place * len(every) // count]
            os.link(path, unfinished / path.name)
    return folder
