"""What becomes of each item: kept for the report, written to the journal, told to whoever watches."""

from __future__ import annotations

import logging
from collections.abc import Callable
from operator import attrgetter
from typing import Any

from zippo_desktop.batch.events import ItemEnded, Notice, OnEvent
from zippo_desktop.batch.journal import Journal
from zippo_desktop.batch.log import log_path
from zippo_desktop.batch.memory import Memory
from zippo_desktop.batch.report import ItemResult, Status
from zippo_desktop.batch.work import Work
from zippo_desktop.engine.session import ModelSpec, SessionInfo
from zippo_desktop.errors import Cancelled, EngineError, ModelError, OutOfMemory, ZippoError
from zippo_desktop.pipelines.parameters import describe

logger = logging.getLogger(__name__)


class Outcomes:
    """The results of a job so far. `spec` and `info` are of the session, once there is one.

    All in the thread that called `run_job`.
    """

    def __init__(self, on_event: OnEvent, journal: Journal | None, memory: Memory) -> None:
        self._on_event = on_event
        self._journal = journal
        self._memory = memory
        self._results: list[ItemResult] = []
        self._notices: list[str] = []
        self.spec: ModelSpec | None = None
        self.info: SessionInfo | None = None

    @property
    def results(self) -> tuple[ItemResult, ...]:
        """The results so far, in the job's order."""
        return tuple(sorted(self._results, key=attrgetter("index")))

    @property
    def notes(self) -> tuple[str, ...]:
        """What the report is to say of the run: steps down of the engine, notices, the journal's trouble."""
        problem = self._journal.problem if self._journal else ""
        fallbacks = self.info.fallbacks if self.info else ()
        return (*fallbacks, *self._notices, *([problem] if problem else ()))

    def attempt(self, work: Work, call: Callable[..., Any], *arguments: Any) -> bool:
        """Call one stage of one item. Whatever ends the item alone is recorded; the rest is raised."""
        try:
            call(*arguments)
            return True
        except (Cancelled, ModelError):
            raise
        except ZippoError as error:
            if isinstance(error, EngineError) and not isinstance(error, OutOfMemory):
                raise
            message = str(error)
        except MemoryError:
            message = f"{work.item.label} does not fit into memory."
        except Exception as error:
            logger.exception("Unexpected error in %s", work.item.label)
            message = f"{work.item.label}: unexpected error ({type(error).__name__}); see {log_path()}."
        self._end_work(work, Status.FAILED, message)
        return False

    def begin_writing(self, work: Work) -> None:
        """Note that an item's files are about to be written."""
        self._mark(work, is_begun=True)

    def finish(self, work: Work) -> None:
        """Record an item whose files are written, or let go of one that a stop came before."""
        if work.is_dropped:
            self.drop(work)
        else:
            self._end_work(work, Status.DONE, work.message)

    def drop(self, work: Work) -> None:
        """Let go of an item of which nothing was written: it stays to be done."""
        self._memory.release(work)
        self._mark(work, is_begun=False)

    def end(self, result: ItemResult) -> None:
        """Record how an item ended."""
        if self._journal:
            self._journal.record(result.index, result)
        self.tell(result)

    def tell(self, result: ItemResult) -> None:
        """Count and tell a result that the journal has already."""
        self._results.append(result)
        self._on_event(ItemEnded(result.index, result))

    def notice(self, sentence: str) -> None:
        """Tell something about the run itself, now and in the report."""
        self._notices.append(sentence)
        self._on_event(Notice(sentence))

    def _mark(self, work: Work, *, is_begun: bool) -> None:
        if self._journal:
            self._journal.mark(work.index, work.item.source, is_begun=is_begun)

    def _end_work(self, work: Work, status: Status, message: str) -> None:
        work.let_go()  # a folder of bad files must not fill the memory
        self._memory.release(work)
        item, assessed = work.item, work.assessment
        parameters = describe(item.request, self.spec, self.info) if self.spec and self.info else {}
        result = ItemResult(
            label=item.label,
            status=status,
            message=message,
            source=item.source,
            outputs=work.outputs,
            seconds=work.seconds,
            parameters=parameters | dict(work.told),
            confidence=assessed.confidence if assessed else None,
            doubts=assessed.doubts if assessed else (),
            batch=work.batch,
            index=work.index,
        )
        self.end(result)
