"""A Zippo model and an expert, opened together: one session with one owner."""

from __future__ import annotations

from zippo_desktop.engine.session import AutoSpec, Expert, SessionInfo, ZippoSession


class AutoSession:
    """`Auto` over two sessions, which it owns."""

    def __init__(self, spec: AutoSpec, zippo: ZippoSession, expert: Expert) -> None:
        self._spec, self._zippo, self._expert = spec, zippo, expert
        ours, theirs = zippo.info, expert.info
        fallbacks = tuple(dict.fromkeys((*ours.fallbacks, *theirs.fallbacks)))
        if ours.provider != theirs.provider:
            fallbacks += (f"{expert.spec.name} runs on {theirs.provider}, not on {ours.provider}.",)
        self._info = SessionInfo(ours.engine, ours.provider, fallbacks)

    @property
    def spec(self) -> AutoSpec:
        """The facts of both."""
        return self._spec

    @property
    def info(self) -> SessionInfo:
        """What the Zippo model runs on; where the expert does otherwise, that is told."""
        return self._info

    @property
    def zippo(self) -> ZippoSession:
        """See `Auto.zippo`."""
        return self._zippo

    @property
    def expert(self) -> Expert:
        """See `Auto.expert`."""
        return self._expert

    def close(self) -> None:
        """Close both."""
        try:
            self._expert.close()
        finally:
            self._zippo.close()
