"""A job as its folder holds it: read back, with what became of each item, to be shown or gone on with."""

from __future__ import annotations

import dataclasses
import json
import types
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Union, get_args, get_origin, get_type_hints

from filelock import FileLock, Timeout

from zippo_desktop.batch.job import Item, Job, Options, Problem, Task
from zippo_desktop.batch.journal import JOB_NAME, JOURNAL_NAME, JOURNAL_SCHEMA_VERSION
from zippo_desktop.batch.report import ItemResult, Report, Status
from zippo_desktop.engine.session import SessionInfo
from zippo_desktop.errors import UsageError
from zippo_desktop.export.long_paths import reachable
from zippo_desktop.export.write import Target
from zippo_desktop.pipelines.request import GenerationRequest, MattingRequest, PaintingRequest

LOCK_NAME = "lock"
_REQUESTS: Mapping[Task, type[Any]] = {
    "matting": MattingRequest,
    "painting": PaintingRequest,
    "generation": GenerationRequest,
}


@dataclass(frozen=True)
class Resumption:
    """What is known of a job that goes on: items that ended for good, and items whose files are old.

    The items in `redo` are done again over their files, whatever the job's options say of existing ones.
    What is there of an item in `own` is the job's, written just before it was killed, and whole.
    """

    ended: Mapping[int, ItemResult] = field(default_factory=dict)
    redo: frozenset[int] = frozenset()
    own: frozenset[int] = frozenset()
    model_digest: str = ""  # of the model that the job began with


@dataclass(frozen=True)
class SavedModel:
    """The model that a job began with."""

    name: str
    version: str
    digest: str


@dataclass(frozen=True)
class SavedJob:
    """A job and the last line of its journal for each item that has one, by the item's place.

    `begun` has the mark of each item whose files were being written when the job was killed. `seconds` is
    the time that all its runs took together, up to the last item of each. A photo that has been moved to
    its archive is the item's source there.
    """

    job_dir: Path
    job: Job
    created_at: str
    model: SavedModel
    info: SessionInfo
    lines: Mapping[int, Mapping[str, Any]]
    begun: Mapping[int, Mapping[str, Any]]
    seconds: float

    @property
    def counts(self) -> dict[str, int]:
        """How many items are done, failed, skipped and left."""
        counts = dict.fromkeys((*Status, "left"), 0)
        for line in self.lines.values():
            counts[line["status"]] += 1
        return counts | {"left": len(self.job.items) - len(self.lines)}

    def resumption(self, *, retry_failed: bool) -> Resumption:
        """What need not be done again: all that ended, but for changed files and, if asked, failures.

        What was skipped is looked at anew, for the files that it was skipped for may be gone.
        """
        ended: dict[int, ItemResult] = {}
        redo: set[int] = set()
        own: set[int] = set()
        for index, mark in self.begun.items():
            is_same = not mark["source"] or _has_state(mark["source"])
            (own if is_same else redo).add(index)
        for index, line in self.lines.items():
            status = Status(line["status"])
            if status is Status.DONE and not _is_as_it_was(line):
                redo.add(index)
            elif status is Status.DONE or (status is Status.FAILED and not retry_failed):
                ended[index] = _result(index, self.job.items[index], line)
        return Resumption(ended, frozenset(redo), frozenset(own - redo), self.model.digest)

    def report(self) -> Report:
        """What has become of the job so far, over all its runs; with items left, a stopped one's report."""
        options, problems = self.job.options, self.job.problems
        failed = [ItemResult(problem.label, Status.FAILED, problem.message) for problem in problems]
        ended = [_result(index, self.job.items[index], line) for index, line in sorted(self.lines.items())]
        return Report(
            task=self.job.task,
            total=len(self.job.items) + len(problems),
            results=(*failed, *ended),
            started_at=self.created_at,
            seconds=self.seconds,
            passed_over=self.job.passed_over,
            spec=self.model,
            info=self.info,
            notes=self.info.fallbacks,
            is_cancelled=self.counts["left"] > 0,
            uncertain_below=options.uncertain_below,
            fails_if_uncertain=options.fail_if_uncertain,
        )


def list_jobs(jobs_dir: Path) -> list[Path]:
    """The folders of all jobs, the oldest first."""
    return sorted(path.parent for path in jobs_dir.glob(f"*/{JOB_NAME}"))


def find_job(jobs_dir: Path, name: str) -> Path:
    """A job's folder by its name, by its path, or the newest for "last". Raises `UsageError`."""
    known = list_jobs(jobs_dir)
    if name == "last" and known:
        return known[-1]
    for folder in (jobs_dir / name, Path(name)):
        if (folder / JOB_NAME).is_file():
            return folder
    raise UsageError(f"There is no job '{name}'.", "See: zippo-desktop jobs list")


def read_job(job_dir: Path) -> SavedJob:
    """Read a job's snapshot and journal. Raises `UsageError` for what is no job, or of a newer program.

    A line that was cut off, as by a power failure, counts as not written.
    """
    try:
        snapshot = json.loads((job_dir / JOB_NAME).read_text("ascii"))
        if snapshot["schema_version"] > JOURNAL_SCHEMA_VERSION:
            raise UsageError(f"The job {job_dir} was begun by a newer program.", "Update this one.")
        task: Task = snapshot["task"]
        items = tuple(_where_it_is(_item(plain, task)) for plain in snapshot["items"])
        problems = tuple(_revived(Problem, plain) for plain in snapshot.get("problems", ()))
        options = _revived(Options, snapshot["options"])
        job = Job(task, options, items, problems, snapshot.get("passed_over", 0))
        model = _revived(SavedModel, snapshot["model"])
        fallbacks = tuple(snapshot.get("fallbacks", ()))
        info = SessionInfo(snapshot["engine"], snapshot["provider"], fallbacks)
        lines, begun, seconds = _read_journal(job_dir, len(items))
        return SavedJob(job_dir, job, snapshot["created_at"], model, info, lines, begun, seconds)
    except (OSError, LookupError, TypeError, ValueError) as error:
        raise UsageError(f"The job {job_dir} cannot be read: {error!r}.", "Start it anew.") from error


@contextmanager
def job_lock(job_dir: Path) -> Iterator[None]:
    """Keep a job for this program until the block ends, or the program dies. Raises `UsageError`.

    A folder that cannot be written to is not locked: the journal tells of that.
    """
    lock = FileLock(job_dir / LOCK_NAME, timeout=0)
    try:
        job_dir.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout:
        raise UsageError(f"Another program is doing the job {job_dir}.", "Wait for it, or stop it.") from None
    except OSError:
        pass
    try:
        yield
    finally:
        lock.release()
        with suppress(OSError):  # nothing is left of a job that had nothing to do
            if not (job_dir / JOB_NAME).exists():
                (job_dir / LOCK_NAME).unlink()
                job_dir.rmdir()


_Lines = dict[int, dict[str, Any]]


def _read_journal(job_dir: Path, count: int) -> tuple[_Lines, _Lines, float]:
    """The last line of each of the job's items, the marks of those begun since, and the runs' seconds."""
    lines: _Lines = {}
    begun: _Lines = {}
    took: dict[str, float] = {}
    for line in _lines(job_dir):
        index = line["index"]
        if not 0 <= index < count:
            continue
        begun.pop(index, None)
        if "status" in line:
            lines[index] = line
            took[line.get("run", "")] = line.get("elapsed_s", 0.0)
        elif line["is_begun"]:
            begun[index] = line
    return lines, begun, sum(took.values())


def _lines(job_dir: Path) -> Iterator[dict[str, Any]]:
    path = job_dir / JOURNAL_NAME
    if not path.is_file():
        return
    for line in path.read_text("ascii").splitlines():
        with suppress(ValueError):
            yield json.loads(line)


def _is_as_it_was(line: Mapping[str, Any]) -> bool:
    """Whether the photo and all results of a finished item are still the files that they were."""
    states = [*line["outputs"], *([line["source"]] if line["source"] else [])]
    return all(_has_state(state) for state in states)


def _has_state(state: Mapping[str, Any]) -> bool:
    try:
        status = reachable(Path(state["path"])).stat()
    except OSError:
        return False
    return (status.st_size, status.st_mtime_ns) == (state["bytes"], state["mtime_ns"])


def _result(index: int, item: Item, line: Mapping[str, Any]) -> ItemResult:
    """A line as the result that it was made of; the program's first lines had less in them."""
    return ItemResult(
        label=item.label,
        status=Status(line["status"]),
        message=line["message"],
        source=Path(line["source"]["path"]) if line["source"] else item.source,
        outputs=tuple(Path(state["path"]) for state in line["outputs"]),
        seconds=line["stages"] if "stages" in line else {"all": line["seconds"]},
        parameters=line.get("parameters", {}),
        confidence=line.get("confidence"),
        doubts=tuple(line.get("doubts", ())),
        batch=tuple(line.get("batch", ())),
        index=index,
    )


def _where_it_is(item: Item) -> Item:
    """The item with its photo in the archive, if it was moved there, be it by a run that died right after."""
    if item.source and item.archive and not reachable(item.source).exists():
        return replace(item, source=item.archive) if reachable(item.archive).exists() else item
    return item


def _item(plain: Mapping[str, Any], task: Task) -> Item:
    return Item(
        label=plain["label"],
        request=_revived(_REQUESTS[task], plain["request"]),
        target=_revived(Target, plain["target"]),
        source=_path(plain["source"]),
        start=_path(plain["start"]),
        trimap=_path(plain.get("trimap")),
        uncertain_target=_revived(Target | None, plain.get("uncertain_target")),
        archive=_path(plain.get("archive")),
    )


def _path(text: str | None) -> Path | None:
    return None if text is None else Path(text)


def _revived(hint: Any, plain: Any) -> Any:
    """A value of the type `hint` from what JSON made of it; what a dataclass does not know is left out."""
    if dataclasses.is_dataclass(hint):
        hints = get_type_hints(hint)
        known = {name: _revived(hints[name], value) for name, value in plain.items() if name in hints}
        return hint(**known)  # type: ignore[operator]
    if get_origin(hint) in (Union, types.UnionType):
        kinds = [kind for kind in get_args(hint) if kind is not types.NoneType]
        return None if plain is None else _revived(kinds[0], plain)
    if get_origin(hint) is tuple:
        return tuple(_revived(get_args(hint)[0], value) for value in plain)
    return Path(plain) if hint is Path else plain
