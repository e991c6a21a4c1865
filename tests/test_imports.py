"""The import rules of docs/ARCHITECTURE.md, checked on the source and on the running program."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = "zippo_desktop"
RANKS = {
    "": 0,  # the package itself, which holds the version
    "errors": 0,
    "paths": 0,
    "imaging": 1,
    "diffusion": 1,
    "engine": 2,
    "export": 2,
    "pipelines": 3,
    "settings": 4,
    "looks": 4,
    "batch": 4,
    "cli": 5,
    "gui": 5,
    "training": 5,
    "__main__": 6,
}
QT = {"PySide6", "shiboken6"}
NETWORKS = {"torch", "diffusers", "transformers", "optimum", "accelerate", "onnx", "onnxruntime"}
# What --help and a run on ONNX Runtime alone start from, and what these must not load to begin with.
LIGHT_STARTS = {
    "zippo_desktop.__main__": NETWORKS | QT,
    "zippo_desktop.batch.runner": NETWORKS | QT,
    "zippo_desktop.engine.open_session": NETWORKS | QT,
    "zippo_desktop.engine.onnx_session": (NETWORKS - {"onnxruntime"}) | QT,
}


@dataclass(frozen=True)
class Import:
    """One import of `name` (absolute); lazy if it runs inside a function, or for type checkers only."""

    name: str
    line: int
    is_lazy: bool
    is_in_function: bool

    @property
    def library(self) -> str:
        return self.name.partition(".")[0]


@dataclass(frozen=True)
class Module:
    """One module of the program: its absolute name and its source."""

    name: str
    source: str = ""
    is_package: bool = False

    @cached_property
    def imports(self) -> list[Import]:
        """All imports, with `from x import y` as x.y, for y may be a module."""
        return [
            Import(name, getattr(node, "lineno", 0), is_lazy, is_in_function)
            for node, is_lazy, is_in_function in walk(ast.parse(self.source))
            for name in self._imported_names(node)
        ]

    def _imported_names(self, node: ast.AST) -> list[str]:
        if isinstance(node, ast.Import):
            return [alias.name for alias in node.names]
        if isinstance(node, ast.ImportFrom):
            folder = self.name.split(".") if self.is_package else self.name.split(".")[:-1]
            base = folder[: len(folder) - node.level + 1] if node.level else []
            prefix = [*base, node.module] if node.module else base
            return [".".join([*prefix, alias.name]) for alias in node.names]
        if isinstance(node, ast.Call) and re.search(r"import_module|__import__", ast.unparse(node.func)):
            return [name.value for name in node.args[:1] if isinstance(name, ast.Constant)]
        return []


def walk(node: ast.AST, is_lazy: bool = False, is_in_function: bool = False) -> Iterator[tuple]:
    """Every node below, with whether it is lazy and whether it is inside a function."""
    for child in ast.iter_child_nodes(node):
        inside = is_in_function or isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        is_typing = isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test)
        yield child, is_lazy or inside, inside
        yield from walk(child, is_lazy or inside or is_typing, inside)


def read_program() -> dict[str, Module]:
    """All modules of the program by name."""
    modules = []
    for path in sorted((ROOT / PACKAGE).rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        is_package = parts[-1] == "__init__"
        name = ".".join(parts[:-1] if is_package else parts)
        modules.append(Module(name, path.read_text("utf-8"), is_package))
    return {module.name: module for module in modules}


def part_of(name: str) -> str:
    """The part of the package that a module belongs to, as in RANKS."""
    part = name.removeprefix(PACKAGE).removeprefix(".").partition(".")[0]
    return "" if part == "__version__" else part


def violations(module: Module) -> list[str]:
    """Every import of a module that the rules forbid, as a sentence."""
    here = part_of(module.name)
    found = []
    for item in module.imports:
        place = f"{module.name}:{item.line} imports {item.name}"
        if item.library in QT and here != "gui":
            found.append(f"{place}, but only gui may")
        if item.library in NETWORKS and here not in ("engine", "training"):
            found.append(f"{place}, but only engine and training may")
        if item.library == PACKAGE and not may_import(module.name, item):
            found.append(f"{place}, which is not below {here}")
    return found


def may_import(importer: str, item: Import) -> bool:
    """Whether the ranks allow this import of one module of the program by another."""
    here, there = part_of(importer), part_of(item.name)
    if here == there:
        return True
    if here == "export":
        return there in ("", "errors", "paths", "imaging")
    if importer.startswith(f"{PACKAGE}.cli.commands.") and there in ("gui", "training"):
        return item.is_in_function
    return RANKS[there] < RANKS[here]


def loaded_at_import(start: str, program: dict[str, Module]) -> dict[str, str]:
    """Each foreign library that importing `start` loads at once, with the modules on the way to it."""
    ways = {start: start}
    libraries: dict[str, str] = {}
    waiting = [start]
    while waiting:
        name = waiting.pop(0)
        for item in program[name].imports:
            if item.is_lazy:
                continue
            libraries.setdefault(item.library, ways[name])
            for step in {*with_parents(item.name)} & program.keys() - ways.keys():
                ways[step] = f"{ways[name]} > {step}"
                waiting.append(step)
    return libraries


def with_parents(name: str) -> list[str]:
    """a.b.c as a, a.b and a.b.c: importing one imports them all."""
    parts = name.split(".")
    return [".".join(parts[:count]) for count in range(1, len(parts) + 1)]


PROGRAM = read_program()


@pytest.mark.parametrize("name", PROGRAM)
def test_a_module_keeps_the_rules(name: str) -> None:
    assert violations(PROGRAM[name]) == []


def test_every_module_has_a_rank() -> None:
    assert {part_of(name) for name in PROGRAM} <= set(RANKS)


@pytest.mark.parametrize("start", LIGHT_STARTS)
def test_light_starts_load_no_heavy_library(start: str) -> None:
    loaded = loaded_at_import(start, PROGRAM)
    assert {library: loaded[library] for library in LIGHT_STARTS[start] & loaded.keys()} == {}


def test_help_loads_neither_networks_nor_qt() -> None:
    command = [sys.executable, "-X", "importtime", "-m", PACKAGE, "--help"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = {line.rpartition("|")[2].strip().partition(".")[0] for line in result.stderr.splitlines()}
    assert PACKAGE in loaded
    assert loaded & (NETWORKS | QT) == set()
    assert "matte" in result.stdout


def test_every_library_in_use_is_a_declared_dependency() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = [requirement for extra in project["optional-dependencies"].values() for requirement in extra]
    declared = {normal_name(requirement) for requirement in [*project["dependencies"], *extras]}
    users = {item.library: module.name for module in PROGRAM.values() for item in module.imports}
    for library in users.keys() - set(sys.stdlib_module_names) - {PACKAGE}:
        providers = packages_distributions().get(library, [library])
        assert declared & {normal_name(name) for name in providers}, f"{users[library]} imports {library}"


def normal_name(requirement: str) -> str:
    """The distribution that a requirement names, as package indexes write it."""
    return re.sub(r"[-_.]+", "-", re.match(r"[\w.-]+", requirement)[0]).lower()


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("imaging.matte", "import zippo_desktop.engine.session"),
        ("imaging.matte", "from zippo_desktop.diffusion import latents"),
        ("imaging.matte", "from ..diffusion import latents"),
        ("diffusion.latents", "from zippo_desktop.imaging.layers import Layer"),
        ("export.png", "from zippo_desktop.diffusion.latents import join"),
        ("export.png", "from zippo_desktop.engine.session import Session"),
        ("engine.session", "from zippo_desktop import export"),
        ("errors", "from zippo_desktop import imaging"),
        ("settings", "def load(): from zippo_desktop.batch import job"),
        ("batch.runner", "from zippo_desktop.cli.progress import Progress"),
        ("cli.main", "def start(): from zippo_desktop.training import train"),
        ("cli.commands.train", "from zippo_desktop.training import train"),
        ("training.train", "def start(): from zippo_desktop.cli import main"),
        ("batch.runner", "from PySide6.QtCore import QThread"),
        ("engine.session", "if TYPE_CHECKING: import PySide6"),
        ("pipelines.matting", "def infer(): import torch"),
        ("batch.runner", "importlib.import_module('onnxruntime')"),
    ],
)
def test_a_forbidden_import_is_found(name: str, source: str) -> None:
    assert len(violations(Module(f"{PACKAGE}.{name}", source))) == 1


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("engine.session", "from zippo_desktop.diffusion.latents import Array"),
        ("engine.session", "from .providers import choose"),
        ("engine.zippo_unet", "import torch"),
        ("export.png", "from zippo_desktop.imaging.layers import LayerStack"),
        ("cli.main", "from zippo_desktop import __version__"),
        ("cli.commands.train", "def train(): from zippo_desktop.training.train import train"),
        ("gui.app", "from PySide6.QtWidgets import QApplication"),
        ("__main__", "from zippo_desktop.cli.main import main"),
    ],
)
def test_an_allowed_import_is_let_through(name: str, source: str) -> None:
    assert violations(Module(f"{PACKAGE}.{name}", source)) == []


def test_the_way_to_a_heavy_library_is_found() -> None:
    modules = [
        Module("zippo_desktop", is_package=True),
        Module("zippo_desktop.engine", "from .torch_session import TorchSession", is_package=True),
        Module("zippo_desktop.engine.open_session", "def load(): import diffusers"),
        Module("zippo_desktop.engine.torch_session", "try:\n import torch\nexcept ImportError: pass"),
        Module("zippo_desktop.batch.runner", "from zippo_desktop.engine.open_session import open_session"),
    ]
    loaded = loaded_at_import("zippo_desktop.batch.runner", {module.name: module for module in modules})
    assert set(loaded) == {"zippo_desktop", "torch"}
    assert loaded["torch"].startswith("zippo_desktop.batch.runner > ")
    assert loaded["torch"].endswith(" > zippo_desktop.engine.torch_session")
