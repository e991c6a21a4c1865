"""What a running job tells whoever shows it; always in the thread that called `run_job`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

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
    """The network begins with the item at `index` in the job."""

    index: int
    item: Item


@dataclass(frozen=True)
class StepDone:
    """One denoising step of an item is done."""

    index: int
    item: Item
    done: int
    total: int


@dataclass(frozen=True)
class ItemEnded:
    """An item is done, failed or skipped; nothing more comes about it. `index` -1: it never became one."""

    index: int
    result: ItemResult


@dataclass(frozen=True)
class JobPaused:
    """The job rests until its `pause` is cleared; what was being written is written."""


@dataclass(frozen=True)
class JobContinued:
    """The job goes on after a pause."""


@dataclass(frozen=True)
class Preview:
    """What an unfinished picture looks like: [h,w,4] uint8 straight, of the network's size."""

    index: int
    item: Item
    picture: NDArray[np.uint8]


@dataclass(frozen=True)
class Notice:
    """A sentence about the run itself, such as a batch that was made smaller for want of memory."""

    sentence: str


Event = (
    JobStarted
    | SessionOpened
    | ItemStarted
    | StepDone
    | Preview
    | ItemEnded
    | JobPaused
    | JobContinued
    | Notice
)
OnEvent = Callable[[Event], None]
