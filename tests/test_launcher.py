"""run.py with pip and venv replaced: what it installs when, and what it says when it cannot."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

import run

ROOT = Path(run.__file__).parent
LOCKS = ("cpu", "cuda", "directml", "dev")


class FakeCommands:
    """Stands in for `venv` and `pip`: records what was run, makes the environment, and fails on demand."""

    def __init__(self) -> None:
        self.steps: list[str] = []
        self.before: dict[str, Callable[[], int | None]] = {}  # by step; may return an exit code, or raise

    def __call__(self, command: Sequence[str]) -> int:
        step = self.name(command)
        self.steps.append(step)
        if step == "venv":
            self.clear(Path(command[-1]))
        return self.before.get(step, lambda: 0)() or 0

    @staticmethod
    def name(command: Sequence[str]) -> str:
        if "venv" in command:
            assert "--clear" in command
            return "venv"
        assert list(command[1:4]) == ["-m", "pip", "install"]
        return "project" if "--editable" in command else Path(command[-1]).stem

    @staticmethod
    def clear(venv_dir: Path) -> None:
        for path in [path for path in venv_dir.rglob("*") if path.is_file()]:
            path.unlink()
        python = run.Environment(venv_dir.parent).python
        python.parent.mkdir(parents=True, exist_ok=True)
        python.touch()

    def take_steps(self) -> list[str]:
        steps, self.steps = self.steps, []
        return steps


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> FakeCommands:
    fake = FakeCommands()
    monkeypatch.setattr(run, "run_visibly", fake)
    monkeypatch.setattr(run, "has_nvidia_driver", lambda: False)
    monkeypatch.delenv(run.RUNTIME_VARIABLE, raising=False)
    return fake


@pytest.fixture
def environment(tmp_path: Path) -> run.Environment:
    (tmp_path / "packaging").mkdir()
    for name in LOCKS:
        (tmp_path / "packaging" / f"requirements-{name}.txt").write_text(f"{name}==1\n")
    (tmp_path / "pyproject.toml").write_text("[project]\n")
    return run.Environment(tmp_path)


def test_the_first_start_installs_and_later_ones_do_nothing(
    commands: FakeCommands, environment: run.Environment
) -> None:
    environment.prepare(with_tests=False)
    assert commands.take_steps() == ["venv", "requirements-cpu", "project"]
    environment.prepare(with_tests=False)
    assert commands.take_steps() == []


def test_tests_add_their_own_requirements_once(commands: FakeCommands, environment: run.Environment) -> None:
    environment.prepare(with_tests=False)
    commands.take_steps()
    environment.prepare(with_tests=True)
    assert commands.take_steps() == ["requirements-dev"]
    environment.prepare(with_tests=False)
    environment.prepare(with_tests=True)
    assert commands.take_steps() == []


@pytest.mark.parametrize("step", ["venv", "requirements-cpu", "project"])
def test_an_interrupted_installation_is_noticed_and_completed(
    commands: FakeCommands, environment: run.Environment, step: str
) -> None:
    commands.before[step] = interrupt
    with pytest.raises(KeyboardInterrupt):
        environment.prepare(with_tests=False)
    assert not environment.is_complete(with_tests=False)
    commands.before.clear()
    commands.take_steps()
    environment.prepare(with_tests=False)
    assert commands.take_steps() == ["venv", "requirements-cpu", "project"]
    assert environment.is_complete(with_tests=False)


def test_an_interrupted_addition_makes_everything_anew(
    commands: FakeCommands, environment: run.Environment
) -> None:
    environment.prepare(with_tests=False)
    commands.before["requirements-dev"] = interrupt
    with pytest.raises(KeyboardInterrupt):
        environment.prepare(with_tests=True)
    commands.before.clear()
    commands.take_steps()
    environment.prepare(with_tests=False)
    assert commands.take_steps() == ["venv", "requirements-cpu", "project"]


def interrupt() -> int:
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("changed", "steps"),
    [
        ("packaging/requirements-cpu.txt", ["venv", "requirements-cpu", "requirements-dev", "project"]),
        ("packaging/requirements-dev.txt", ["requirements-dev"]),
        ("packaging/requirements-cuda.txt", []),
        ("pyproject.toml", ["project"]),
        (".venv/zippo-desktop.json", ["venv", "requirements-cpu", "requirements-dev", "project"]),
        ("python", ["venv", "requirements-cpu", "requirements-dev", "project"]),
    ],
)
def test_a_change_installs_what_depends_on_it(
    commands: FakeCommands, environment: run.Environment, changed: str, steps: list[str], tmp_path: Path
) -> None:
    environment.prepare(with_tests=True)
    commands.take_steps()
    if changed == "python":  # the system's Python moved on, and the link leads elsewhere
        environment.python.unlink()
        environment.python.symlink_to(sys.executable)
    else:
        (tmp_path / changed).write_text("changed")
    environment.prepare(with_tests=True)
    assert commands.take_steps() == steps


def test_a_moved_tree_gets_a_new_environment(
    commands: FakeCommands, environment: run.Environment, tmp_path: Path
) -> None:
    environment.prepare(with_tests=False)
    commands.take_steps()
    moved = tmp_path.parent / f"{tmp_path.name} moved"
    tmp_path.rename(moved)
    run.Environment(moved).prepare(with_tests=False)
    assert commands.take_steps()[0] == "venv"


def test_concurrent_first_starts_install_once(
    commands: FakeCommands, environment: run.Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    another_waits = threading.Event()
    monkeypatch.setattr(run, "say", lambda text: another_waits.set() if "waiting" in text else None)
    commands.before["requirements-cpu"] = lambda: not another_waits.wait(30)
    starts = [threading.Thread(target=environment.prepare, args=(False,)) for _ in range(2)]
    for start in starts:
        start.start()
    for start in starts:
        start.join(60)
    assert commands.take_steps() == ["venv", "requirements-cpu", "project"]


def test_the_cuda_build_is_for_nvidia_drivers_only(
    commands: FakeCommands, environment: run.Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "has_nvidia_driver", lambda: True)
    environment.prepare(with_tests=False)
    assert commands.take_steps() == ["venv", "requirements-cuda", "project"]
    monkeypatch.setattr(run, "has_nvidia_driver", lambda: False)
    environment.prepare(with_tests=False)
    assert commands.take_steps() == []  # a driver that is away for once changes nothing


def test_another_build_can_be_asked_for_and_stays(
    commands: FakeCommands, environment: run.Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment.prepare(with_tests=False)
    commands.take_steps()
    monkeypatch.setenv(run.RUNTIME_VARIABLE, "directml")
    environment.prepare(with_tests=False)
    assert commands.take_steps() == ["venv", "requirements-directml", "project"]
    monkeypatch.delenv(run.RUNTIME_VARIABLE)
    environment.prepare(with_tests=False)
    assert commands.take_steps() == []


def test_an_unknown_build_is_refused(
    commands: FakeCommands, environment: run.Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(run.RUNTIME_VARIABLE, "rocm")
    with pytest.raises(run.SetupError, match="'rocm'; it can be cpu, cuda, directml"):
        environment.prepare(with_tests=False)
    assert commands.steps == []


@pytest.mark.parametrize(
    ("machine", "has_trace", "expected"),
    [("x86_64", True, True), ("AMD64", True, True), ("x86_64", False, False), ("aarch64", True, False)],
)
def test_the_nvidia_probe(
    machine: str, has_trace: bool, expected: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run.platform, "machine", lambda: machine)
    monkeypatch.setattr(run, "NVIDIA_TRACES", ("/nowhere/version", str(tmp_path / "version")))
    if has_trace:
        (tmp_path / "version").touch()
    assert run.has_nvidia_driver() is expected


def test_a_pip_failure_is_one_sentence_and_a_retry(
    commands: FakeCommands,
    environment: run.Environment,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(run, "ROOT", environment.root)
    monkeypatch.setattr(run, "hand_over", lambda command: 0)
    commands.before["requirements-cpu"] = lambda: 1
    assert run.main(["matte"]) == run.SETUP_FAILED
    assert "run.py: pip could not install the requirements" in capsys.readouterr().err
    commands.before.clear()
    assert run.main(["matte"]) == 0


def test_an_unwritable_folder_is_one_sentence(commands: FakeCommands, environment: run.Environment) -> None:
    (environment.root / ".venv.lock").mkdir()
    with pytest.raises(run.SetupError, match=r"cannot be made: .* must be writable"):
        environment.prepare(with_tests=False)


def test_an_unsupported_python_is_refused_before_anything_is_made(
    commands: FakeCommands, environment: run.Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "PYTHON_VERSIONS", ((2, 6), (2, 7)))
    monkeypatch.setattr(run.shutil, "which", lambda name: None)
    with pytest.raises(run.SetupError, match=r"and this is 3\.\d+ \(.*Start it with: python2\.7 run\.py"):
        environment.prepare(with_tests=False)
    assert commands.steps == []


def test_a_missing_venv_module_is_named_with_its_package(
    commands: FakeCommands, environment: run.Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run.importlib.util, "find_spec", lambda name: None if name == "ensurepip" else name)
    with pytest.raises(run.SetupError, match=r"apt install python3\.\d+-venv"):
        environment.prepare(with_tests=False)


def test_the_program_gets_the_arguments_and_the_tests_get_theirs(
    commands: FakeCommands, environment: run.Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    handed_over: list[list] = []
    monkeypatch.setattr(run, "ROOT", environment.root)
    monkeypatch.setattr(run, "hand_over", lambda command: handed_over.append(list(command)) or 5)
    monkeypatch.setattr(run, "require_qt_libraries", lambda python: None)
    monkeypatch.chdir(environment.root.parent)
    assert run.main(["matte", "test", "-o", "out"]) == 5
    assert Path.cwd() == environment.root.parent
    assert run.main(["test", "-k", "matte"]) == 5
    assert Path.cwd() == environment.root
    python = environment.python
    assert handed_over == [
        [python, "-P", "-m", "zippo_desktop", "matte", "test", "-o", "out"],
        [python, "-m", "pytest", *run.IN_PARALLEL, "-k", "matte"],
    ]


def test_the_exit_code_is_passed_on() -> None:
    source = "import sys, run; sys.exit(run.hand_over([sys.executable, '-c', 'raise SystemExit(7)']))"
    assert subprocess.run([sys.executable, "-c", source], cwd=ROOT).returncode == 7


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Qt brings its libraries along elsewhere")
class TestQtLibraries:
    def probe(self, monkeypatch: pytest.MonkeyPatch, stderr: str, missing: set[str], tools: set[str]) -> None:
        result = subprocess.CompletedProcess([], 1 if stderr else 0, "", stderr)
        monkeypatch.setattr(run.subprocess, "run", lambda *args, **kwargs: result)
        monkeypatch.setattr(run, "can_load", lambda name: name not in missing)
        monkeypatch.setattr(run.shutil, "which", lambda name: name if name in tools else None)
        monkeypatch.setattr(run.os, "geteuid", lambda: 1000)
        run.require_qt_libraries(Path("python"))

    def test_all_missing_ones_are_named_with_one_command(self, monkeypatch: pytest.MonkeyPatch) -> None:
        stderr = "ImportError: libEGL.so.1: cannot open shared object file: No such file or directory"
        with pytest.raises(run.SetupError) as caught:
            self.probe(monkeypatch, stderr, {"libEGL.so.1", "libxkbcommon.so.0"}, {"apt-get"})
        assert "libEGL.so.1, libxkbcommon.so.0." in str(caught.value)
        assert str(caught.value).endswith(": sudo apt-get install -y libegl1 libxkbcommon0")

    def test_fedora_installs_by_the_librarys_name(self, monkeypatch: pytest.MonkeyPatch) -> None:
        stderr = "ImportError: libnew.so.2: cannot open shared object file: No such file or directory"
        with pytest.raises(run.SetupError, match=r"sudo dnf install 'libnew\.so\.2\(\)\(64bit\)'$"):
            self.probe(monkeypatch, stderr, set(), {"dnf"})

    def test_other_failures_are_left_to_the_tests_themselves(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.probe(monkeypatch, "ModuleNotFoundError: No module named 'PySide6'", set(), {"apt-get"})

    def test_nothing_is_said_where_qt_loads(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.probe(monkeypatch, "", {"libxcb-cursor.so.0"}, {"apt-get"})


def test_the_stamp_is_readable_and_complete(commands: FakeCommands, environment: run.Environment) -> None:
    environment.prepare(with_tests=True)
    stamp = json.loads(environment.stamp_path.read_text())
    assert stamp["runtime"] == "cpu"
    assert stamp == environment.wanted("cpu", with_tests=True)
