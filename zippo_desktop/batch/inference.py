"""The network's part: one batch after the other, smaller ones where memory runs out."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from zippo_desktop.batch.control import Control
from zippo_desktop.batch.events import ItemStarted, OnEvent, Preview, StepDone
from zippo_desktop.batch.outcomes import Outcomes
from zippo_desktop.batch.stages import Stages
from zippo_desktop.batch.work import Work
from zippo_desktop.engine.session import Session
from zippo_desktop.errors import Cancelled, EngineError, ModelError, OutOfMemory
from zippo_desktop.pipelines.previews import Rgba

PREVIEW_EVERY_S = 0.25
PREVIEW_REST = 10  # times as long as a preview took, no other is made: they must not slow the job

GPU_BATCH = 8  # what TensorRT's engines are built for at most
_CPU_PROVIDERS = ("cpu", "openvino")


def batch_size_for(provider: str, asked: int) -> int:
    """How many items go through the network together: as asked for, else what pays on the provider."""
    if asked:
        return asked
    return 1 if provider in _CPU_PROVIDERS else GPU_BATCH


class Inference:
    """Runs batches on the session, in its thread. `on_smaller` is told the size that a batch may still have.

    `between` is called after each step of the denoiser; what it raises ends the batch.
    """

    def __init__(
        self,
        session: Session,
        stages: Stages,
        outcomes: Outcomes,
        control: Control,
        on_event: OnEvent,
        between: Callable[[], None],
        on_smaller: Callable[[int], None],
        with_previews: bool,
        size: int,
    ) -> None:
        self._session, self._stages = session, stages
        self._outcomes, self._control, self._on_event = outcomes, control, on_event
        self._between, self._on_smaller = between, on_smaller
        self._with_previews = with_previews
        self._size = size
        self._next_preview = 0.0

    def run(self, batch: Sequence[Work]) -> Iterator[Work]:
        """Bring the network's answer to each item, and give the items that have one.

        Where memory runs out, this batch and all later ones are halved, as often as that can be.
        """
        rest = list(batch)
        while rest:
            part = rest[: self._size]
            if len(part) == 1:
                yield from self._run_alone(part)
            else:
                try:
                    self._run_together(part)
                except (MemoryError, OutOfMemory):
                    self._make_smaller(len(part))
                    continue
                except (Cancelled, ModelError, EngineError):
                    raise
                except Exception:  # one of them is to blame: alone, it fails alone
                    yield from self._run_alone(part)
                else:
                    yield from part
            rest = rest[len(part) :]

    def _run_alone(self, part: Sequence[Work]) -> Iterator[Work]:
        for work in part:
            if self._outcomes.attempt(work, self._run_together, [work]):
                yield work

    def _make_smaller(self, size: int) -> None:
        self._size = size // 2
        self._on_smaller(self._size)
        self._outcomes.notice(
            f"Memory ran out with {size} pictures at a time in the network; going on with {self._size}."
        )

    def _run_together(self, batch: Sequence[Work]) -> None:
        for work in batch:
            if not work.is_started:
                work.is_started = True
                self._on_event(ItemStarted(work.index, work.item))
        started, paused_s = time.perf_counter(), self._control.paused_s
        answers = self._stages.infer(
            self._session,
            [work.decoded for work in batch],
            batch[0].item.request,
            partial(self._step, batch),
            partial(self._preview, batch[0]) if self._with_previews else None,
        )
        seconds = time.perf_counter() - started - (self._control.paused_s - paused_s)
        for work, answer in zip(batch, answers, strict=True):
            work.inferred = answer
            work.batch = tuple(each.index for each in batch)
            work.seconds["infer"] = seconds / len(batch)

    def _step(self, batch: Sequence[Work], done: int, total: int) -> None:
        for work in batch:
            self._on_event(StepDone(work.index, work.item, done, total))
        self._between()

    def _preview(self, work: Work, make: Callable[[], Rgba]) -> None:
        started = time.perf_counter()
        if started < self._next_preview:
            return
        try:
            picture = make()
        except EngineError:  # if the picture itself cannot be made either, that is told
            return
        self._on_event(Preview(work.index, work.item, picture))
        taken = time.perf_counter() - started
        self._next_preview = started + max(PREVIEW_EVERY_S, PREVIEW_REST * taken)
