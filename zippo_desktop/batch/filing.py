"""Where an item's files go in the end: uncertain results to their own folder, the photo to its archive."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from zippo_desktop.batch.job import Item
from zippo_desktop.errors import ExportError
from zippo_desktop.export.long_paths import reachable
from zippo_desktop.export.moving import move_file
from zippo_desktop.export.write import Target, planned_paths

logger = logging.getLogger(__name__)


def target_for(item: Item, left: Target, confidence: float | None, uncertain_below: float) -> Target:
    """Where to write what is `left` of an item: among the uncertain results, if it is one and they are apart.

    Chosen before the first byte is written, so no result is ever moved, nor half of one.
    """
    apart = item.uncertain_target
    if apart is None or confidence is None or confidence >= uncertain_below:
        return left
    return replace(left, directory=apart.directory, stem=apart.stem)


def file_away(item: Item, written: Sequence[Path]) -> tuple[Item, str]:
    """Once an item's results are written: remove those that they replace, and archive the photo.

    Gives the item with its photo where it is now, and a sentence about what went wrong, or "". A photo
    that cannot be moved stays, and the item is done all the same.
    """
    _remove_replaced(item, written)
    source, archive = item.source, item.archive
    if source is None or archive is None or source == archive:
        return item, ""
    trouble = _moved(source, archive)
    if trouble:
        logger.warning("%s", trouble)
        return item, trouble
    return replace(item, source=archive), ""


def _remove_replaced(item: Item, written: Sequence[Path]) -> None:
    """A photo that has changed may be uncertain now and was not before: its former result is not to stay.

    A result is written only where there was none in either place, or where it may replace the former.
    """
    if item.uncertain_target is None:
        return
    pairs = zip(planned_paths(item.target), planned_paths(item.uncertain_target), strict=True)
    for usual, apart in pairs:
        if apart in written:
            _remove(usual)
        elif usual in written:
            _remove(apart)


def _remove(path: Path) -> None:
    path = reachable(path)
    try:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    except OSError as error:
        logger.warning("%s is out of date, but cannot be removed: %s.", path, error.strerror or error)


def _moved(source: Path, archive: Path) -> str:
    """Move a photo; a sentence where it stays."""
    reason = "it is a link"  # the link alone would be moved, and might lead nowhere then
    try:
        if not reachable(source).is_symlink():
            move_file(source, archive)
            return ""
    except ExportError as error:
        reason = str(error).rstrip(".")
    except OSError as error:
        reason = error.strerror or str(error)
    return f"The photo {source} was not moved to {archive}: {reason}."
