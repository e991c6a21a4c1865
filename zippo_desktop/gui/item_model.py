"""The items that a list shows: photos or mattes to do, or the pictures that a job makes from prompts.

A model of its own apart from any widget; the running job's events change it in place.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from enum import IntEnum
from pathlib import Path
from typing import Any

from PySide6.QtCore import (
    QAbstractListModel,
    QMimeData,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    Qt,
    Signal,
    Slot,
)

from zippo_desktop.batch.job import Job
from zippo_desktop.batch.report import ItemResult
from zippo_desktop.batch.scan import Found
from zippo_desktop.errors import printable
from zippo_desktop.gui.dropped import PictureMime
from zippo_desktop.gui.item_entry import Entry, State
from zippo_desktop.gui.thumbnails import ThumbnailCache
from zippo_desktop.pipelines.confidence import UNCERTAIN_BELOW

Index = QModelIndex | QPersistentModelIndex

_MANY_GAPS = 50  # from here on removing run by run is slower than showing the list anew


class ItemRole(IntEnum):
    """What can be asked of an item beside its name; `ENTRY` is all of it at once."""

    ENTRY = Qt.ItemDataRole.UserRole + 1
    PATH = Qt.ItemDataRole.UserRole + 2
    LABEL = Qt.ItemDataRole.UserRole + 3
    STATE = Qt.ItemDataRole.UserRole + 4
    MESSAGE = Qt.ItemDataRole.UserRole + 5
    SECONDS = Qt.ItemDataRole.UserRole + 6
    CONFIDENCE = Qt.ItemDataRole.UserRole + 7
    DOUBTS = Qt.ItemDataRole.UserRole + 8
    OUTPUTS = Qt.ItemDataRole.UserRole + 9
    THUMBNAIL = Qt.ItemDataRole.UserRole + 10


_FIELDS = {
    ItemRole.PATH: "path",
    ItemRole.LABEL: "label",
    ItemRole.STATE: "state",
    ItemRole.MESSAGE: "message",
    ItemRole.SECONDS: "seconds",
    ItemRole.CONFIDENCE: "confidence",
    ItemRole.DOUBTS: "doubts",
    ItemRole.OUTPUTS: "outputs",
}


class ItemModel(QAbstractListModel):
    """The items in the order shown. A file is listed once, whatever ways it is added by."""

    counts_changed = Signal()

    def __init__(self, thumbnails: ThumbnailCache, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.thumbnails = thumbnails
        self._entries: list[Entry] = []
        self._known: set[str] = set()
        self._added = 0
        self._counts: Counter[State] = Counter()
        self._places: dict[Entry, int] | None = None  # made anew when asked for
        self._shown: dict[Path, Entry] = {}  # by the picture of the thumbnail
        self._running: list[Entry | None] = []
        self._thumbnails_dir: Path | None = None
        thumbnails.loaded.connect(self._show_thumbnail)

    # What Qt asks.

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008, N802  Qt's own signature
        """How many items there are."""
        return 0 if parent.isValid() else len(self._entries)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """What a role of an item is."""
        if not index.isValid():
            return None
        entry = self._entries[index.row()]
        if role == ItemRole.ENTRY:
            return entry
        if role == Qt.ItemDataRole.DisplayRole:
            return entry.name
        if role == ItemRole.THUMBNAIL:
            return entry.picture and self.thumbnails.pixmap(entry.picture)
        if role in (Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole):
            return entry.told
        return getattr(entry, _FIELDS[ItemRole(role)]) if role in _FIELDS else None

    def flags(self, index: Index) -> Qt.ItemFlag:
        """Every item can be chosen and dragged out."""
        base = Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemNeverHasChildren
        return base | Qt.ItemFlag.ItemIsDragEnabled if index.isValid() else Qt.ItemFlag.NoItemFlags

    def mimeTypes(self) -> list[str]:  # noqa: N802
        """What is dragged out: files, and the picture itself."""
        return ["text/uri-list", "image/png"]

    def mimeData(self, indexes: Sequence[QModelIndex]) -> QMimeData:  # noqa: N802
        """The finished pictures, or the photo where there is none yet; nothing is read before the drop."""
        entries = [self._entries[index.row()] for index in indexes]
        files = [entry.result or entry.path for entry in entries]
        return PictureMime([path for path in files if path])

    # What the program asks and changes.

    @property
    def entries(self) -> Sequence[Entry]:
        """All items, in the order shown."""
        return self._entries

    @property
    def counts(self) -> Counter[State]:
        """How many items are in each state."""
        return self._counts

    def add(self, found: Iterable[Found]) -> int:
        """Add the pictures that are not listed yet; gives back how many those were."""
        new = []
        for picture in found:
            whole = os.path.abspath(picture.path)
            if whole not in self._known:
                self._known.add(whole)
                path = Path(whole)
                new.append(self._entry(path, printable(picture.label), path, picture.subfolder))
        self._append(new)
        return len(new)

    def clear(self) -> None:
        """Forget all items. No file is touched."""
        self.beginResetModel()
        self._entries, self._known, self._shown = [], set(), {}
        self._running, self._places = [], None
        self._counts.clear()
        self.endResetModel()
        self.counts_changed.emit()

    def remove(self, entries: Iterable[Entry]) -> None:
        """Take items from the list. No file is touched; the running job does them all the same."""
        gone = {entry for entry in entries if self.row_of(entry) is not None}
        rows = sorted(map(self._row, gone))
        runs = _runs(rows)
        if len(runs) > _MANY_GAPS:
            self.beginResetModel()
            self._entries = [entry for entry in self._entries if entry not in gone]
            self._forget(gone)
            self.endResetModel()
        else:
            for first, last in reversed(runs):
                self.beginRemoveRows(QModelIndex(), first, last)
                removed = self._entries[first : last + 1]
                del self._entries[first : last + 1]
                self._forget(removed)
                self.endRemoveRows()
        self.counts_changed.emit()

    def sort_entries(self, key: Callable[[Entry], Any], is_descending: bool = False) -> None:
        """Bring the items into another order; what is chosen stays chosen."""
        self.layoutAboutToBeChanged.emit()
        before = self.persistentIndexList()
        kept = [self._entries[index.row()] for index in before]
        self._entries.sort(key=key, reverse=is_descending)
        self._places = None
        self.changePersistentIndexList(before, [self.index(self._row(entry)) for entry in kept])
        self.layoutChanged.emit()

    def row_of(self, entry: Entry) -> int | None:
        """The row that an item stands in, None once it was removed."""
        if self._places is None:
            self._places = {each: row for row, each in enumerate(self._entries)}
        return self._places.get(entry)

    # What a running job tells.

    def begin_job(self, job: Job, job_dir: Path | None = None) -> None:
        """Know the job's items again among those listed; theirs are the next events.

        `job_dir` is where the job puts small pictures of its results, if it does.
        """
        self.end_job()
        by_path = {str(entry.path): entry for entry in self._entries if entry.path}
        sources = [item.source and os.path.abspath(item.source) for item in job.items]
        self._running = [by_path.get(source) if source else None for source in sources]
        self._prepare(job, job_dir)

    def show_job(self, job: Job, job_dir: Path | None = None) -> None:
        """Show a beginning job's items in place of all others, as for pictures from prompts."""
        self.clear()
        self._append([self._entry(None, item.label, item.start) for item in job.items])
        self._running = list(self._entries)
        self._prepare(job, job_dir)

    def start(self, index: int) -> None:
        """The job's item at `index` is being done."""
        self._change(self._of_job(index), state=State.RUNNING, progress=0.0)

    def step(self, index: int, share: float) -> None:
        """The part of its steps, 0..1, that an item has behind it."""
        self._change(self._of_job(index), progress=share)

    def end(self, index: int, result: ItemResult) -> None:
        """An item is done, failed or skipped."""
        entry = self._of_job(index)
        if entry is None or self.row_of(entry) is None:
            return
        state = State(result.status.value)
        if result.is_uncertain(UNCERTAIN_BELOW):
            state = State.DOUBTFUL
        self._change(
            entry,
            state=state,
            message=result.message,
            seconds=sum(result.seconds.values()) or None,
            confidence=result.confidence,
            doubts=result.doubts,
            outputs=result.outputs or (entry.outputs if state is State.SKIPPED else ()),
        )
        self._show_picture(entry, index)

    def end_unplanned(self, label: str, message: str) -> None:
        """Something that was listed could not become an item of the job, as a file that is gone."""
        whole = Path(os.path.abspath(label))
        entry = next((each for each in self._entries if each.path == whole), None)
        self._change(entry, state=State.FAILED, message=message)

    def end_job(self) -> None:
        """No more events come: what was begun and did not end waits again."""
        for entry in self._running:
            if entry and entry.state is State.RUNNING:
                self._change(entry, state=State.WAITING, progress=0.0)
        self._running = []

    def _prepare(self, job: Job, job_dir: Path | None) -> None:
        for entry, item in zip(self._running, job.items, strict=True):
            if entry:
                entry.wait_for(item)
        if self._entries:  # all at once: one by one ten thousand would be felt
            self._counts = Counter(entry.state for entry in self._entries)
            roles = [int(ItemRole.ENTRY), int(ItemRole.STATE)]
            self.dataChanged.emit(self.index(0), self.index(len(self._entries) - 1), roles)
            self.counts_changed.emit()
        self._thumbnails_dir = job_dir and job_dir / "thumbnails"
        for problem in job.problems:
            self.end_unplanned(problem.label, problem.message)

    def _row(self, entry: Entry) -> int:
        row = self.row_of(entry)
        assert row is not None
        return row

    def _of_job(self, index: int) -> Entry | None:
        return self._running[index] if 0 <= index < len(self._running) else None

    def _entry(self, path: Path | None, label: str, picture: Path | None, subfolder: Path = Path()) -> Entry:
        self._added += 1
        return Entry(path, label, self._added, subfolder, picture)

    def _append(self, new: list[Entry]) -> None:
        if not new:
            return
        first = len(self._entries)
        self.beginInsertRows(QModelIndex(), first, first + len(new) - 1)
        self._entries += new
        self._places = None
        self._shown |= {entry.picture: entry for entry in new if entry.picture}
        self._counts[State.WAITING] += len(new)
        self.endInsertRows()
        self.counts_changed.emit()

    def _forget(self, entries: Iterable[Entry]) -> None:
        for entry in entries:
            self._counts[entry.state] -= 1
            self._known.discard(str(entry.path))
            if entry.picture:
                self._shown.pop(entry.picture, None)
        self._places = None

    def _change(self, entry: Entry | None, **values: Any) -> None:
        """Set an item's fields; it may have been removed from the list since the job began."""
        if entry is None or self.row_of(entry) is None:
            return
        before = entry.state
        for name, value in values.items():
            setattr(entry, name, value)
        roles = [int(ItemRole.ENTRY)]
        if entry.state is not before:
            self._counts[before] -= 1
            self._counts[entry.state] += 1
            roles.append(int(ItemRole.STATE))
            self.counts_changed.emit()
        self._tell(entry, roles)

    def _tell(self, entry: Entry, roles: list[int]) -> None:
        index = self.index(self._row(entry))
        self.dataChanged.emit(index, index, roles)

    def _show_picture(self, entry: Entry, index: int) -> None:
        """Let the thumbnail show what was made: the job's own small picture, else the result itself."""
        small = self._thumbnails_dir and self._thumbnails_dir / f"{index:06}.cutout.webp"
        made = small if small and entry.outputs and small.is_file() else entry.result
        if made is None:
            return
        if entry.picture and entry.picture != entry.path:
            self._shown.pop(entry.picture, None)
        self.thumbnails.forget(made)
        entry.picture = made
        self._shown[made] = entry
        self._tell(entry, [int(ItemRole.THUMBNAIL)])

    @Slot(object)
    def _show_thumbnail(self, path: Path) -> None:
        entry = self._shown.get(path)
        if entry is not None:
            self._tell(entry, [int(ItemRole.THUMBNAIL)])


def _runs(rows: Sequence[int]) -> list[tuple[int, int]]:
    """Sorted numbers as runs of neighbours, each by its first and last."""
    runs: list[tuple[int, int]] = []
    for row in rows:
        if runs and row == runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], row)
        else:
            runs.append((row, row))
    return runs
