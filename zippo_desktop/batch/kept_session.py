"""A session that several jobs use one after the other: opened at the first, closed after the last."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from zippo_desktop.engine.session import ModelSpec, Session, SessionInfo


class KeptSession:
    """A session whose `close` leaves it open for the next job; `end` closes it.

    Beyond what every session has, it has what the kept one's kind has.
    """

    def __init__(self, session: Session) -> None:
        self._session = session

    @property
    def spec(self) -> ModelSpec:
        """As the session's."""
        return self._session.spec

    @property
    def info(self) -> SessionInfo:
        """As the session's."""
        return self._session.info

    def __getattr__(self, name: str) -> Any:
        """As the session's."""
        return getattr(self._session, name)

    def close(self) -> None:
        """Nothing: the job that calls this is not the last."""

    def end(self) -> None:
        """Free the networks."""
        self._session.close()


class SessionKeeper:
    """What opens a session once, and gives the same one ever after."""

    def __init__(self, open_session: Callable[[], Session]) -> None:
        self._open_session = open_session
        self._kept: KeptSession | None = None

    def open(self) -> Session:
        """The session, opened now if it was not before. Raises what opening raises."""
        if self._kept is None:
            self._kept = KeptSession(self._open_session())
        return self._kept

    def close(self) -> None:
        """Close the session, if there is one."""
        if self._kept is not None:
            self._kept.end()
