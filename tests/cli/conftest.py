"""The command line on the fake session, inside this process."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner, Result

from zippo_desktop.cli import run
from zippo_desktop.cli.main import app
from zippo_desktop.engine.fake_session import FakeSession


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
def zippo(opened):
    """Run the program with these arguments; wide enough that no line is broken."""

    def call(*arguments) -> Result:
        runner = CliRunner(env={"COLUMNS": "200", "TERM": "dumb"})
        return runner.invoke(app, [str(argument) for argument in arguments], catch_exceptions=False)

    return call
