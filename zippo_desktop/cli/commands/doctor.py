"""`zippo-desktop doctor`: what this computer has, what would be used, why, and whether it works."""

from __future__ import annotations

import platform
import sys
from importlib.metadata import PackageNotFoundError, version

import typer

from zippo_desktop import __version__
from zippo_desktop.cli import options as opt
from zippo_desktop.cli.console import output_console, plain

PACKAGES = (
    "numpy",
    "pillow",
    "opencv-python-headless",
    "imagecodecs",
    "tifffile",
    "pi-heif",
    "rawpy",
    "onnxruntime",
    "onnxruntime-gpu",
    "onnxruntime-directml",
    "torch",
    "diffusers",
    "transformers",
    "tokenizers",
)


def doctor(
    model: opt.ModelOption = None, engine: opt.EngineOption = None, provider: opt.ProviderOption = None
) -> None:
    """Show versions and providers, what would be used and why, and try it on one picture.

    Exit code 3 if no engine works as asked, or if its answer is wrong.
    """
    from zippo_desktop.paths import cache_dir, jobs_dir, log_dir, models_dir, presets_dir, settings_path
    from zippo_desktop.settings import load_settings

    _say(f"Zippo Desktop {__version__}, Python {platform.python_version()}, {platform.platform()}")
    _say("")
    for name in PACKAGES:
        _fact(name, _version(name))
    _fact("NVIDIA GPU", _gpu())
    _fact("providers built in", _built_in())
    _say("")
    for name, path in {
        "settings": settings_path(),
        "models": models_dir(),
        "presets": presets_dir(),
        "jobs": jobs_dir(),
        "cache": cache_dir(),
        "logs": log_dir(),
    }.items():
        _fact(name, str(path))
    _say("")
    settings, problems = load_settings(settings_path())
    for problem in problems:
        _say(problem)
    _try(model or settings.model, engine or settings.engine, provider or settings.provider)


def _try(model: str, engine: str, provider: str) -> None:
    """Open the model as a job would, say what it got, and test it."""
    from contextlib import closing

    from zippo_desktop.batch.report import ExitCode
    from zippo_desktop.engine.open_session import open_session
    from zippo_desktop.engine.self_test import run_self_test

    _fact("asked for", f"{model}, engine {engine}, provider {provider}")
    with closing(open_session(model, engine, provider, on_notice=_say)) as session:
        for fallback in session.info.fallbacks:
            _fact("fallback", fallback)
        _fact(
            "in use",
            f"{session.spec.name} {session.spec.version} on {session.info.engine}/{session.info.provider}",
        )
        test = run_self_test(session)
    _fact("self-test", f"{'passed' if test.has_passed else 'FAILED'}. {test.sentence}")
    raise typer.Exit(ExitCode.DONE if test.has_passed else ExitCode.UNUSABLE)


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _gpu() -> str:
    from zippo_desktop.engine.providers import nvidia_gpu

    gpu = nvidia_gpu()
    return f"{gpu.name}, driver {gpu.driver}" if gpu else "none found"


def _built_in() -> str:
    """The providers of the installed build; whether the hardware is there is another matter."""
    from zippo_desktop.engine.providers import built_in
    from zippo_desktop.errors import EngineError

    try:
        return ", ".join(built_in())
    except EngineError as error:
        return f"nothing. {error}"


def _fact(name: str, fact: str) -> None:
    _say(f"{name + ':':<24}{fact}")


def _say(line: str) -> None:
    output_console().print(plain(line))
    sys.stdout.flush()
