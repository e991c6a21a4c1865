"""One item of a list: what it is, where it stands, and what became of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from zippo_desktop.batch.job import Item
from zippo_desktop.errors import printable
from zippo_desktop.imaging.layered_formats import LAYERED_SUFFIXES

# Results that show what was made.
_PICTURE_SUFFIXES = (".png", ".webp", ".tif", ".avif", ".jpg", *LAYERED_SUFFIXES)
_DIGITS = re.compile(r"(\d+)")


class State(StrEnum):
    """Where an item stands. What is done with little confidence is to be checked by a person."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    DOUBTFUL = "to check"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(eq=False, slots=True)
class Entry:
    """One item. `path` is None for what is made from a prompt; `item` is its place in the last job.

    `picture` is the file that its thumbnail shows: the photo, and later what became of it.
    """

    path: Path | None
    label: str
    number: int  # in the order of adding
    subfolder: Path = Path()
    picture: Path | None = None
    state: State = State.WAITING
    message: str = ""
    seconds: float | None = None
    confidence: float | None = None
    doubts: tuple[str, ...] = ()
    outputs: tuple[Path, ...] = ()
    progress: float = 0.0  # of the denoising steps, 0..1
    item: Item | None = None

    def wait_for(self, item: Item) -> None:
        """Be an item of a job that begins; what is known of the last one's result stays to be seen."""
        self.item, self.state, self.message, self.progress = item, State.WAITING, "", 0.0
        self.seconds, self.confidence, self.doubts = None, None, ()

    @property
    def name(self) -> str:
        """What stands under its thumbnail."""
        return printable(self.path.name) if self.path else self.label

    @property
    def result(self) -> Path | None:
        """The file that shows what was made, None where there is none that a viewer can open."""
        return next((path for path in self.outputs if _shows_result(path)), None)

    @property
    def told(self) -> str:
        """All that is to say of it, a line each."""
        place = printable(self.path) if self.path else self.label
        state = self.state.value.capitalize()
        if self.seconds is not None:
            state += f" in {self.seconds:.1f} s"
        if self.confidence is not None:
            state += f", confidence {self.confidence:.0%}"
        return "\n".join(filter(None, (place, state, self.message, *self.doubts)))


def by_name(entry: Entry) -> list[str | tuple[int, str]]:
    """A key that sorts names as people read them: picture 2 before picture 10."""
    parts = _DIGITS.split(entry.label.casefold())
    return [(int(part), part) if place % 2 else part for place, part in enumerate(parts)]


def _shows_result(path: Path) -> bool:
    is_part = path.stem.endswith((".matte", ".foreground"))
    return path.suffix.lower() in _PICTURE_SUFFIXES and not is_part
