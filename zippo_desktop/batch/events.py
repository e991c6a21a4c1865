"""What a running job tells whoever shows it; always in the thread that called `run_job`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from zippo_desktop.batch.job import Item
from zippo_desktop.batch.report import ItemResult
from zippo_desktop.engine.session import ModelSpec, SessionInfo


@dataclass(frozen=True)
class JobStarted:
    """The job begins; `total` counts all items, the ones to skip among them."""

    total: int


@dataclass(frozen=True)
class SessionOpened:
    """The model is loaded; `info` says what it really runs on."""

    spec: ModelSpec
    info: SessionInfo


@dataclass(frozen=True)
class ItemStarted:
    """The network begins with an item."""

    item: Item


@dataclass(frozen=True)
class StepDone:
    """One denoising step of an item is done."""

    item: Item
    done: int
    total: int


@dataclass(frozen=True)
class ItemEnded:
    """An item is done, failed or skipped; nothing more comes about it."""

    result: ItemResult


Event = JobStarted | SessionOpened | ItemStarted | StepDone | ItemEnded
OnEvent = Callable[[Event], None]
