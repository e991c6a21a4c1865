"""The command line on the fake session, inside this process."""

from __future__ import annotations

from dataclasses import replace

import pytest
from typer.testing import CliRunner, Result

from zippo_desktop.batch.stages import STAGES
from zippo_desktop.cli import run
from zippo_desktop.cli.main import app
from zippo_desktop.engine.fake_session import FakeSession
from zippo_desktop.pipelines.confidence import Assessment


@pytest.fixture
def opened(monkeypatch):
    """The arguments of each session that was opened; all of them are fake."""
    arguments = []

    def open_fake(model, engine, provider, on_notice):
        arguments.append((model, engine, provider))
        return FakeSession()

    monkeypatch.setattr(run, "open_session", open_fake)
    return arguments


@pytest.fixture
def doubtful(monkeypatch):
    """The names of photos whose mattes count as uncertain; all others count as certain."""
    names = set()
    finish = STAGES["matting"].finish

    def finish_judged(decoded, inferred, item, parameters):
        is_doubtful = item.source.name in names
        assessment = Assessment(0.1, ("Half of it is soft.",)) if is_doubtful else Assessment(0.99, ())
        return replace(finish(decoded, inferred, item, parameters), assessment=assessment)

    monkeypatch.setitem(STAGES, "matting", replace(STAGES["matting"], finish=finish_judged))
    return names


@pytest.fixture
def zippo(opened):
    """Run the program with these arguments; wide enough that no line is broken."""

    def call(*arguments) -> Result:
        runner = CliRunner(env={"COLUMNS": "200", "TERM": "dumb"})
        return runner.invoke(app, [str(argument) for argument in arguments], catch_exceptions=False)

    return call
