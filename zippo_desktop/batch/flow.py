"""The way of the items: decoded ahead, through the network here, finished and written behind.

The session stays in the calling thread, and so do all events and the journal.
"""

from __future__ import annotations

import os
from collections import deque
from pathlib import Path

from zippo_desktop.batch.batches import Batches
from zippo_desktop.batch.control import Control
from zippo_desktop.batch.events import OnEvent
from zippo_desktop.batch.exports import Exports
from zippo_desktop.batch.filing import file_away, target_for
from zippo_desktop.batch.inference import Inference, batch_size_for
from zippo_desktop.batch.job import Job
from zippo_desktop.batch.memory import Memory, item_bytes
from zippo_desktop.batch.outcomes import Outcomes
from zippo_desktop.batch.stages import STAGES, BatchKey
from zippo_desktop.batch.thumbnails import THUMBNAILS_NAME, write_thumbnails
from zippo_desktop.batch.work import Work
from zippo_desktop.engine.session import Session
from zippo_desktop.export.write import export
from zippo_desktop.imaging.arrange import arrange
from zippo_desktop.imaging.layers import LayerStack
from zippo_desktop.pipelines.parameters import describe

MOST_DECODERS, MOST_EXPORTERS = 8, 16


def decoder_count(cores: int) -> int:
    """Threads that decode: a photo is decoded in a fraction of the time that it takes to be written."""
    return min(max(2, cores // 2), MOST_DECODERS)


def exporter_count(cores: int) -> int:
    """Threads that finish and write; the memory's ceiling keeps them from having too much."""
    return min(max(2, cores), MOST_EXPORTERS)


def core_count() -> int:
    """The cores that this process may use."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return usable or 1


class Flow:
    """One pass of a job's items through an open session."""

    def __init__(
        self,
        job: Job,
        session: Session,
        works: deque[Work],
        *,
        memory: Memory,
        outcomes: Outcomes,
        control: Control,
        on_event: OnEvent,
        job_dir: Path | None,
        with_previews: bool,
    ) -> None:
        self._job, self._session, self._control, self._outcomes = job, session, control, outcomes
        self._stages = STAGES[job.task]
        self._thumbnails_dir = job_dir / THUMBNAILS_NAME if job_dir else None
        size = batch_size_for(session.info.provider, job.options.batch_size)
        exporters = exporter_count(core_count())
        self._most_exports = max(exporters, size)  # enough to keep them busy while the network is
        self._exports = Exports(self._write, exporters, outcomes, control)
        self._batches = Batches(
            works,
            self._measure,
            self._decode,
            self._batch_key,
            size,
            decoder_count(core_count()),
            memory,
            outcomes,
            self._exports,
        )
        self._inference = Inference(
            session,
            self._stages,
            outcomes,
            control,
            on_event,
            self._between_steps,
            self._make_smaller,
            with_previews,
            size,
        )

    def run(self) -> None:
        """Do all items. On every way out, what is being written is completed."""
        try:
            while batch := self._batches.take(self._between_steps):
                self._between_steps()
                for work in self._inference.run(batch):
                    self._outcomes.begin_writing(work)
                    self._exports.add(work)
                self._exports.wait(self._most_exports)
        finally:
            self._batches.close()
            self._exports.close()

    def _between_steps(self) -> None:
        """What the session's thread does whenever it is free: see to the others, then obey the caller."""
        self._exports.settle()
        self._batches.pump()
        self._control.obey(lambda: self._exports.wait(at_most=0))

    def _make_smaller(self, size: int) -> None:
        self._batches.size = size

    def _measure(self, work: Work) -> None:
        work.memory_bytes = item_bytes(work.item, self._job.options)

    def _decode(self, work: Work) -> None:
        work.decoded = work.time(
            "decode", self._stages.decode, work.item, self._session.spec, self._job.options.max_pixels
        )

    def _batch_key(self, work: Work) -> BatchKey:
        return self._stages.batch_key(work.decoded)

    def _write(self, work: Work) -> None:
        layers = work.time("finish", self._finish, work)
        work.let_go()  # the layers hold what is still needed of them
        if self._control.is_cancelled:
            work.is_dropped = True
            return
        options = self._job.options
        confidence = work.assessment.confidence if work.assessment else None
        target = target_for(work.item, work.target, confidence, options.uncertain_below)
        written = work.time("export", export, layers, target, options.writing, work.item.source)
        work.outputs = tuple(dict.fromkeys((*work.outputs, *written)))
        work.item, work.message = file_away(work.item, written)

    def _finish(self, work: Work) -> LayerStack:
        parameters = describe(work.item.request, self._session.spec, self._session.info)
        finished = self._stages.finish(work.decoded, work.inferred, work.item, parameters)
        work.assessment, work.told = finished.assessment, finished.told
        layers = arrange(finished.layers, self._job.options.arrangement)
        if self._thumbnails_dir:
            photo = finished.picture() if finished.picture else None
            write_thumbnails(self._thumbnails_dir, work.index, layers, photo)
        return layers
