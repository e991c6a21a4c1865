"""Start Zippo Desktop from its source tree: `python3 run.py ARGUMENTS`; or its tests: `python3 run.py test`.

The first start makes a private environment in `.venv` and installs the locked requirements of `packaging/`
into it; later ones start at once. Needs nothing but Python's standard library.
"""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import importlib.util
import json
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

ROOT = Path(__file__).resolve().parent
PYTHON_VERSIONS = ((3, 11), (3, 12))
RUNTIMES = ("cpu", "cuda", "directml")  # the builds of ONNX Runtime: packaging/requirements-NAME.txt
RUNTIME_VARIABLE = "ZIPPO_DESKTOP_RUNTIME"
IN_PARALLEL = ("-n", "auto", "--dist", "worksteal")  # tests/conftest.py says how many; `-n 0` for one process
FOUNDATION = ("root", "interpreter", "runtime", "requirements")  # if one changes, .venv is made anew
SETUP_FAILED = 3
NVIDIA_TRACES = (  # of a loaded driver: on Linux, on Windows' Linux, on Windows
    "/proc/driver/nvidia/version",
    "/usr/lib/wsl/lib/libcuda.so.1",
    r"%SystemRoot%\System32\nvcuda.dll",
)

# The system libraries that Qt loads on Linux, and the Debian packages that hold them; the last ones
# are for real windows only, but are asked for together with the others.
QT_LIBRARIES = {
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
    "libX11.so.6": "libx11-6",
    "libdbus-1.so.3": "libdbus-1-3",
    "libfontconfig.so.1": "libfontconfig1",
    "libfreetype.so.6": "libfreetype6",
    "libgthread-2.0.so.0": "libglib2.0-0",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libzstd.so.1": "libzstd1",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-randr.so.0": "libxcb-randr0",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libxcb-xkb.so.1": "libxcb-xkb1",
}


class SetupError(Exception):
    """The environment cannot be made; the message says why and what to do."""


def main(arguments: Sequence[str]) -> int:
    """Prepare the environment, then become the program or its tests; returns the exit code."""
    is_test = list(arguments[:1]) == ["test"]
    environment = Environment(ROOT)
    try:
        environment.prepare(with_tests=is_test)
        if is_test:
            require_qt_libraries(environment.python)
    except SetupError as error:
        print(f"run.py: {error}", file=sys.stderr)
        return SETUP_FAILED
    except KeyboardInterrupt:
        print("\nrun.py: stopped; the next start completes the installation.", file=sys.stderr)
        return 130
    if is_test:
        os.chdir(ROOT)
        return hand_over([environment.python, "-m", "pytest", *IN_PARALLEL, *arguments[1:]])
    # -P: the folder of photos that the user stands in must never provide modules.
    return hand_over([environment.python, "-P", "-m", "zippo_desktop", *arguments])


class Environment:
    """The private environment of one source tree, with a stamp that says what is completely installed."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.venv_dir = root / ".venv"
        self.python = self.venv_dir / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
        self.stamp_path = self.venv_dir / "zippo-desktop.json"

    def prepare(self, with_tests: bool) -> None:
        """Install whatever is missing; concurrent first starts wait for one another."""
        if self.is_complete(with_tests):
            return
        try:
            with exclusive_lock(self.root / ".venv.lock"):
                if not self.is_complete(with_tests):
                    self.install(with_tests)
        except OSError as error:
            message = f"the private environment {self.venv_dir} cannot be made: {error}."
            raise SetupError(f"{message} The folder must be writable, with about 3 GB free.") from error

    def is_complete(self, with_tests: bool) -> bool:
        """Whether all that is wanted is on the stamp, with unchanged requirements."""
        return self.wanted(self.runtime(), with_tests).items() <= self.stamp().items()

    def wanted(self, runtime: str, with_tests: bool) -> dict[str, str]:
        """What the stamp must say."""
        wanted = {
            "root": str(self.root),
            "interpreter": os.path.realpath(self.python),
            "runtime": runtime,
            "requirements": digest(self.requirements(runtime)),
            "project": digest(self.root / "pyproject.toml"),
        }
        return {**wanted, "tests": digest(self.requirements("dev"))} if with_tests else wanted

    def runtime(self) -> str:
        """ONNX Runtime's build: the one asked for, else the one already here, else what the machine has."""
        asked = os.environ.get(RUNTIME_VARIABLE, "")
        if asked and asked not in RUNTIMES:
            raise SetupError(f"{RUNTIME_VARIABLE} is {asked!r}; it can be {', '.join(RUNTIMES)}.")
        return asked or self.stamp().get("runtime") or ("cuda" if has_nvidia_driver() else "cpu")

    def requirements(self, name: str) -> Path:
        """The locked requirements with one build of ONNX Runtime, or those of the tests ("dev")."""
        return self.root / "packaging" / f"requirements-{name}.txt"

    def stamp(self) -> dict[str, str]:
        """What has been completely installed; empty while nothing or only a part of it has."""
        try:
            return dict(json.loads(self.stamp_path.read_text("utf-8")))
        except (OSError, ValueError, TypeError):
            return {}

    def install(self, with_tests: bool) -> None:
        """Install what differs from the stamp, which is away meanwhile: an interruption starts over."""
        done, runtime = self.stamp(), self.runtime()
        wanted = self.wanted(runtime, with_tests)
        self.stamp_path.unlink(missing_ok=True)
        if any(done.get(key) != wanted[key] for key in FOUNDATION):
            done = {}
            make_venv(self.venv_dir)
            self.pip("--requirement", str(self.requirements(runtime)))
            wanted = self.wanted(runtime, with_tests)  # now with an interpreter
        if done.get("tests") != wanted.get("tests") and with_tests:
            self.pip("--requirement", str(self.requirements("dev")))
        if done.get("project") != wanted["project"]:
            self.pip("--no-deps", "--no-build-isolation", "--editable", str(self.root))
        self.write_stamp({**done, **wanted})

    def write_stamp(self, stamp: dict[str, str]) -> None:
        """Replace the stamp in one step."""
        temporary = self.stamp_path.with_suffix(".tmp")
        temporary.write_text(json.dumps(stamp, indent=1), "utf-8")
        temporary.replace(self.stamp_path)

    def pip(self, *arguments: str) -> None:
        """Run `pip install`, which reads the user's own pip configuration."""
        command = [str(self.python), "-m", "pip", "install", "--disable-pip-version-check", *arguments]
        if run_visibly(command) != 0:
            message = "pip could not install the requirements; its own message stands above."
            raise SetupError(f"{message} The same command tries again.")


def make_venv(venv_dir: Path) -> None:
    """Make an empty virtual environment with pip, in place of whatever was there."""
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    if sys.version_info[:2] not in PYTHON_VERSIONS:
        names = [f"python{major}.{minor}" for major, minor in PYTHON_VERSIONS]
        found = next(filter(shutil.which, names), names[-1])
        message = f"Zippo Desktop needs Python 3.11 or 3.12, and this is {version} ({sys.executable})."
        raise SetupError(f"{message} Start it with: {found} run.py ...")
    if importlib.util.find_spec("venv") is None or importlib.util.find_spec("ensurepip") is None:
        message = f"Python {version} comes without its `venv` or `ensurepip` module here."
        raise SetupError(f"{message} On Debian and Ubuntu: sudo apt install python{version}-venv")
    say(f"Preparing the private environment in {venv_dir} (once; a few minutes) ...")
    if run_visibly([sys.executable, "-m", "venv", "--clear", str(venv_dir)]) != 0:
        raise SetupError(f"Python could not make the environment {venv_dir}; its message stands above.")


def has_nvidia_driver() -> bool:
    """Whether an NVIDIA driver is loaded, on a machine that ONNX Runtime's CUDA build exists for."""
    paths = [Path(os.path.expandvars(trace)) for trace in NVIDIA_TRACES]
    return platform.machine() in ("x86_64", "AMD64") and any(path.exists() for path in paths)


def require_qt_libraries(python: Path) -> None:
    """Raise a SetupError with the command that installs them if Qt lacks libraries of the system."""
    if not sys.platform.startswith("linux"):
        return
    probe = subprocess.run([python, "-c", "import PySide6.QtWidgets"], capture_output=True, text=True)
    first = re.search(r"(\S+\.so[.\d]*): cannot open shared object file", probe.stderr)
    if probe.returncode != 0 and first:
        missing = [name for name in QT_LIBRARIES if not can_load(name)]
        raise SetupError(missing_libraries_sentence(sorted({first[1], *missing})))


def can_load(library: str) -> bool:
    """Whether the system's loader finds and loads a shared library."""
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def missing_libraries_sentence(libraries: Sequence[str]) -> str:
    """Name the missing libraries, and the one command that installs them on this system."""
    sudo = "" if os.geteuid() == 0 else "sudo "
    sentence = f"Qt needs system libraries that are missing here: {', '.join(libraries)}."
    packages = sorted({QT_LIBRARIES[name] for name in libraries if name in QT_LIBRARIES})
    if shutil.which("apt-get") and packages:
        return f"{sentence} Install them with: {sudo}apt-get install -y {' '.join(packages)}"
    for manager in ("dnf", "zypper"):
        if shutil.which(manager):
            names = " ".join(f"'{name}()(64bit)'" for name in libraries)
            return f"{sentence} Install them with: {sudo}{manager} install {names}"
    return f"{sentence} Install the packages of your distribution that hold them."


@contextlib.contextmanager
def exclusive_lock(path: Path) -> Iterator[None]:
    """Wait until no other start installs, then keep the others waiting."""
    with path.open("w") as file:
        # pip inherits the lock: should this process be killed, the next start still waits for pip's end.
        os.set_inheritable(file.fileno(), True)
        if not try_lock(file, wait=False):
            say("Another start is preparing the environment; waiting for it ...")
            while not try_lock(file, wait=True):
                pass
        yield


def try_lock(file: IO[str], wait: bool) -> bool:
    """Lock an open file until it is closed; without `wait` (on Windows, after 10 s) False if it is taken."""
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def digest(path: Path) -> str:
    """The SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def say(text: str) -> None:
    """Tell the user; standard output belongs to the program."""
    print(text, file=sys.stderr, flush=True)


def run_visibly(command: Sequence[str]) -> int:
    """Run a command with its output on standard error; returns its exit code."""
    return subprocess.run(command, stdout=sys.stderr, close_fds=False).returncode


def hand_over(command: Sequence[str | Path]) -> int:
    """Become the command, or where that is not possible, wait for it; returns its exit code."""
    words = [str(word) for word in command]
    if os.name != "nt":
        os.execv(words[0], words)
    process = subprocess.Popen(words)
    while True:
        with contextlib.suppress(KeyboardInterrupt):  # the program got it too, and ends by itself
            return process.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
