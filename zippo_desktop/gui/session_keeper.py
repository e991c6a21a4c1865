"""The one opened model of the worker's thread, kept open from one job to the next."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from zippo_desktop.batch.job import Options
from zippo_desktop.batch.kept_session import KeptSession
from zippo_desktop.engine.session import ModelSpec, Session, SessionInfo
from zippo_desktop.errors import ZippoError

OnNotice = Callable[[str], None]
OpenSession = Callable[[str, str, str, OnNotice], Session]


@dataclass(frozen=True)
class ModelChoice:
    """What a session is opened for: the same choice twice is the same session."""

    model: str = Options.model
    engine: str = Options.engine
    provider: str = Options.provider

    @classmethod
    def of(cls, options: Options) -> ModelChoice:
        """The choice of a job."""
        return cls(options.model, options.engine, options.provider)


@dataclass(frozen=True)
class SessionState:
    """How it stands with a choice: open with `spec` and `info`, failed with `problem`, else opening."""

    choice: ModelChoice
    spec: ModelSpec | None = None
    info: SessionInfo | None = None
    problem: str = ""


OnState = Callable[[SessionState], None]


class SessionKeeper:
    """Opens sessions, one at a time; the thread that calls it owns them."""

    def __init__(self, open_session: OpenSession | None = None) -> None:
        self._open_session = open_session or _open_session
        self._choice: ModelChoice | None = None
        self._kept: KeptSession | None = None

    def lend(self, choice: ModelChoice, on_notice: OnNotice, on_state: OnState) -> Session:
        """The session of a choice, opened if it is not. The borrower's `close` leaves it open.

        Another choice's session is closed first: two models need not fit into memory. `on_state` is told of
        the opening and of its end. Raises what `engine.open_session` raises.
        """
        if self._kept is None or choice != self._choice:
            self.close()
            on_state(SessionState(choice))
            try:
                session = self._open_session(choice.model, choice.engine, choice.provider, on_notice)
            except ZippoError as error:
                on_state(SessionState(choice, problem=str(error)))
                raise
            self._choice, self._kept = choice, KeptSession(session)
            on_state(SessionState(choice, session.spec, session.info))
        return self._kept

    def close(self) -> None:
        """Free the model. The next borrower gets a new session, as must be after an engine's failure."""
        kept, self._kept = self._kept, None
        if kept is not None:
            kept.end()


def _open_session(model: str, engine: str, provider: str, on_notice: OnNotice) -> Session:
    from zippo_desktop.engine.open_session import open_session  # not before the window is there

    return open_session(model, engine, provider, on_notice)
