"""An item on its way through the stages, and what is known of it so far."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from zippo_desktop.batch.job import Item
from zippo_desktop.export.write import Target
from zippo_desktop.pipelines.confidence import Assessment

T = TypeVar("T")


@dataclass(eq=False)
class Work:
    """What is still to be written of an item, what it is made of so far, and how long that took.

    One thread at a time has it: a decoder's, the session's, an exporter's.
    """

    index: int
    item: Item
    target: Target
    memory_bytes: int = 0  # what its pictures will need at most, as far as its header tells
    decoded: Any = None
    inferred: Any = None
    batch: tuple[int, ...] = ()  # the places of those that went through the network with it
    is_started: bool = False
    is_dropped: bool = False  # a stop came before anything of it was written
    assessment: Assessment | None = None
    outputs: tuple[Path, ...] = ()  # also those that a killed run had written
    told: Mapping[str, str] = field(default_factory=dict)  # what its pipeline adds to its parameters
    message: str = ""  # what went wrong beside its results
    seconds: dict[str, float] = field(default_factory=dict)

    def time(self, stage: str, call: Callable[..., T], *arguments: Any) -> T:
        """Call, and note how long it took."""
        started = time.perf_counter()
        try:
            return call(*arguments)
        finally:
            self.seconds[stage] = time.perf_counter() - started

    def let_go(self) -> None:
        """Give its pictures' memory back."""
        self.decoded = self.inferred = None
