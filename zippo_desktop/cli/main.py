"""The program `zippo-desktop`: its commands, and how their errors reach a person or a script."""

from __future__ import annotations

import functools
import logging
import sys
from collections.abc import Callable
from typing import Annotated, Any

import typer

from zippo_desktop import __version__
from zippo_desktop.cli.commands import (
    data,
    doctor,
    evaluate,
    evaluate_generation,
    evaluate_retention,
    evaluation,
    export,
    generate,
    get_models,
    gui,
    init,
    jobs,
    matte,
    models,
    paint,
    presets,
    train,
    watch,
)
from zippo_desktop.cli.console import error_console, plain, tell_error
from zippo_desktop.errors import Cancelled, EngineError, ModelError, UsageError, ZippoError

logger = logging.getLogger(__name__)

EXIT_CODES = """Exit codes: 0 all done, 1 some items failed, 2 wrong usage, 3 model or engine unusable,
130 stopped with Ctrl-C."""


def as_sentences(command: Callable[..., None]) -> Callable[..., None]:
    """Make a command end with a sentence and an exit code where it would raise."""

    @functools.wraps(command)
    def call(*arguments: Any, **options: Any) -> None:
        try:
            command(*arguments, **options)
        except (typer.Exit, typer.Abort, BrokenPipeError):
            raise
        except Cancelled:
            raise typer.Exit(130) from None
        except ZippoError as error:
            tell_error(error)
            raise typer.Exit(_exit_code(error)) from None
        except Exception as error:
            _log_unexpected(error)
            raise typer.Exit(1) from None

    return call


def _exit_code(error: ZippoError) -> int:
    from zippo_desktop.batch.report import ExitCode

    if isinstance(error, UsageError):
        return ExitCode.USAGE
    return ExitCode.UNUSABLE if isinstance(error, (ModelError, EngineError)) else ExitCode.SOME_FAILED


def _log_unexpected(error: Exception) -> None:
    from zippo_desktop.batch.log import close_log, log_path, open_log

    handler = open_log()
    logger.exception("Unexpected error")
    close_log(handler)
    error_console().print(plain(f"Unexpected error: {type(error).__name__}: {error}"))
    error_console().print(plain(f"This is a bug. The details are in {log_path()}."))


def _show_version(is_asked: bool) -> None:
    if is_asked:
        typer.echo(f"zippo-desktop {__version__}")
        raise typer.Exit


def program(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Cut subjects out of photos, paint into mattes and make transparent images: offline, one model.

    Without a command, the window opens.
    """
    if context.invoked_subcommand is None:
        as_sentences(gui.open_window)([])


app = typer.Typer(
    name="zippo-desktop",
    invoke_without_command=True,
    rich_markup_mode="markdown",
    epilog=EXIT_CODES,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.callback()(program)


def _command(command: Callable[..., None], panel: str, examples: str | None = None) -> None:
    app.command(rich_help_panel=panel, epilog=examples)(as_sentences(command))


def _group(name: str, text: str, commands: dict[str, Callable[..., None]], panel: str) -> None:
    group = typer.Typer(no_args_is_help=True, help=text)
    for command_name, command in commands.items():
        group.command(command_name)(as_sentences(command))
    app.add_typer(group, name=name, rich_help_panel=panel)


_command(gui.gui, "Pictures", gui.EXAMPLES)
_command(matte.matte, "Pictures", matte.EXAMPLES)
_command(paint.paint, "Pictures", paint.EXAMPLES)
_command(generate.generate, "Pictures", generate.EXAMPLES)
_command(watch.watch, "Pictures", watch.EXAMPLES)
_command(init.init, "Making models")
_command(train.train, "Making models")
_command(evaluate.evaluate, "Making models")
_command(evaluate_generation.evaluate_generation, "Making models")
_command(evaluate_retention.evaluate_retention, "Making models")
_group(
    "evaluation",
    "Fetch other methods to measure against, make a test set of photos, compare by eye.",
    {"fetch": evaluation.fetch, "stamps": evaluation.stamps, "compare": evaluation.compare},
    panel="Making models",
)
_command(export.export, "Making models")
_command(doctor.doctor, "This computer")
_group(
    "models",
    "List, describe and verify models, get more of them, take in files of others.",
    {
        "list": models.list_,
        "info": models.info,
        "path": models.path,
        "get": get_models.get,
        "import": get_models.import_,
        "verify": models.verify,
        "remove": models.remove,
    },
    panel="This computer",
)
_command(jobs.resume, "Pictures", jobs.EXAMPLES)
_group(
    "jobs",
    "List, show and forget the jobs that were begun, write their reports.",
    {"list": jobs.list_, "show": jobs.show, "report": jobs.report, "remove": jobs.remove},
    panel="Pictures",
)
_group(
    "presets",
    "Bundles of options by name: list, show, save your own.",
    {"list": presets.list_, "show": presets.show, "save": presets.save},
    panel="Pictures",
)
_group(
    "data",
    "Make pictures to train and test on.",
    {"build": data.build, "compose": data.compose, "emoji": data.emoji, "credits": data.credits},
    panel="Making models",
)


def main() -> None:
    """Run the program; file names that the terminal cannot show are escaped, not fatal."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    app(prog_name="zippo-desktop")
