"""The locked requirements, and a wheel that is really built and installed."""

from __future__ import annotations

import re
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LOCKS = sorted((ROOT / "packaging").glob("requirements-*.txt"))
PROBE = """
from zippo_desktop import paths
print(paths.__file__)
for path in sorted(paths.resource_dir().rglob("*")):
    if path.is_file():
        print(path.relative_to(paths.resource_dir()).as_posix())
"""


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_a_lock_holds_exact_pins_only(lock: Path) -> None:
    for line in lock.read_text("utf-8").splitlines():
        assert re.fullmatch(r"[a-z0-9.-]+==[0-9][0-9a-z.]*( ; .+)?", line), line


@pytest.mark.parametrize(
    ("lock", "build"),
    [("cpu", "onnxruntime"), ("cuda", "onnxruntime-gpu"), ("directml", "onnxruntime-directml")],
)
def test_a_lock_holds_one_build_of_onnx_runtime(lock: str, build: str) -> None:
    pins = (ROOT / "packaging" / f"requirements-{lock}.txt").read_text("utf-8")
    assert re.findall(r"^(onnxruntime[\w-]*)==", pins, re.MULTILINE) == [build]


def test_the_locks_cover_every_declared_dependency() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    names = {re.split(r"[^\w.-]", text)[0].lower() for text in wanted}
    pins = [(ROOT / "packaging" / f"requirements-{lock}.txt").read_text("utf-8") for lock in ("cpu", "dev")]
    assert names <= set(re.findall(r"^([\w.-]+)==", "".join(pins), re.MULTILINE))


@pytest.mark.slow
def test_a_wheel_installed_elsewhere_finds_its_resources(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    wheel = next(tmp_path.glob("*.whl"))
    python = tmp_path / "venv" / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    subprocess.run([python, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", wheel], check=True)

    # The libraries come from this environment, as a path line: its own editable install is not followed.
    libraries = sysconfig.get_path("purelib")
    site = subprocess.check_output(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], text=True
    )
    (Path(site.strip()) / "libraries.pth").write_text(libraries + "\n", "utf-8")
    module, *resources = subprocess.check_output([python, "-c", PROBE], cwd=tmp_path, text=True).splitlines()

    assert Path(module).is_relative_to(tmp_path)
    assert resources == resources_of_the_tree()
    assert any(name.endswith("entry_points.txt") for name in zipfile.ZipFile(wheel).namelist())


def resources_of_the_tree() -> list[str]:
    """The files of the source tree's resources, as paths below that folder."""
    folder = ROOT / "resources"
    return [path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*")) if path.is_file()]
