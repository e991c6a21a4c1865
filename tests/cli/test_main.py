"""The program as a whole: help that answers, light imports, errors as sentences."""

import os
import subprocess
import sys

import pytest

from zippo_desktop import __version__
from zippo_desktop.cli.main import as_sentences
from zippo_desktop.errors import (
    Cancelled,
    EngineError,
    ExportError,
    InputError,
    ModelError,
    OutOfMemory,
    UsageError,
)

COMMANDS = ["matte", "paint", "generate", "models", "init", "train", "evaluate", "export", "doctor", "data"]


def test_help_names_every_command(zippo):
    result = zippo("--help")
    assert result.exit_code == 0
    for command in COMMANDS:
        assert f" {command} " in result.stdout
    assert "130" in result.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(zippo, command):
    result = zippo(command, "--help")
    assert result.exit_code == 0
    assert "Usage: " in result.stdout


@pytest.mark.parametrize("command", ["matte", "paint", "generate"])
def test_the_help_of_the_three_tasks_has_examples_and_all_common_options(zippo, command):
    text = zippo(command, "--help").stdout
    assert f"zippo-desktop {command} " in text
    for option in (
        "--output", "--model", "--engine", "--provider", "--format", "--recursive", "--no-recursive",
        "--on-existing", "--report", "--dry-run", "--quiet", "--verbose",
    ):  # fmt: skip
        assert option in text


def test_the_version_is_told(zippo):
    assert zippo("--version").stdout == f"zippo-desktop {__version__}\n"


def test_the_shell_completes_commands_and_names_of_models(own_home):
    for name in ("mine", "other"):
        (own_home / "models" / name).mkdir(parents=True)
        (own_home / "models" / name / "zippo.json").touch()

    def complete(line):
        words = line.split(" ")
        asked = {"_ZIPPO_DESKTOP_COMPLETE": "complete_bash", "COMP_CWORD": str(len(words) - 1)}
        environment = os.environ | asked | {"COMP_WORDS": line}
        command = [sys.executable, "-m", "zippo_desktop"]
        return subprocess.run(command, env=environment, capture_output=True, text=True).stdout.split()

    assert complete("zippo-desktop gen") == ["generate"]
    assert complete("zippo-desktop models info mi") == ["mine"]
    assert complete("zippo-desktop matte --model o") == ["other"]


def test_help_loads_no_network_library():
    code = (
        "import sys\n"
        "from zippo_desktop.cli.main import main\n"
        "try:\n    main()\n"
        "except SystemExit: pass\n"
        "heavy = {'torch', 'onnxruntime', 'diffusers', 'transformers', 'PySide6', 'cv2', 'PIL'}\n"
        "print('LOADED', sorted(heavy & set(sys.modules)))\n"
    )
    command = [sys.executable, "-c", code, "matte", "--help"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "LOADED []"


def test_python_dash_m_is_the_program():
    done = subprocess.run(
        [sys.executable, "-m", "zippo_desktop", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout == f"zippo-desktop {__version__}\n"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InputError("It is empty."), 1),
        (ExportError("It is full."), 1),
        (UsageError("It makes no sense."), 2),
        (ModelError("It is broken."), 3),
        (EngineError("It is missing."), 3),
        (OutOfMemory("It is too large."), 3),
    ],
)
def test_errors_are_sentences_with_their_exit_codes(capsys, error, code):
    error.hint = "Try another."

    @as_sentences
    def command():
        raise error

    with pytest.raises(Exception) as caught:  # noqa: PT011  # typer's Exit is a RuntimeError
        command()
    assert caught.value.exit_code == code
    assert capsys.readouterr().err == f"Error: {error.message}\nTry another.\n"


def test_cancelled_is_130_and_silent(capsys):
    @as_sentences
    def command():
        raise Cancelled

    with pytest.raises(Exception) as caught:  # noqa: PT011
        command()
    assert caught.value.exit_code == 130
    assert capsys.readouterr().err == ""
