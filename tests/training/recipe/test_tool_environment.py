import sys
import threading
import time
from pathlib import Path

import pytest

from zippo_desktop.errors import Cancelled
from zippo_desktop.training.recipe import tool_environment
from zippo_desktop.training.recipe.tool_environment import ToolFailure, run_tool


@pytest.fixture
def tool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(tool_environment, "SCRIPTS", tmp_path)

    def run(source: str, limit_s: float = 30, cancel: threading.Event | None = None) -> None:
        (tmp_path / "toy.py").write_text(source, encoding="utf-8")
        run_tool(Path(sys.executable), "toy", ["argument"], limit_s, cancel or threading.Event())

    return run


def test_a_tool_gets_its_arguments(tool, tmp_path: Path):
    tool("import sys, pathlib; pathlib.Path('out.txt').write_text(sys.argv[1])")
    assert (tmp_path / "out.txt").read_text(encoding="utf-8") == "argument"


def test_the_last_words_of_a_failed_tool_are_told(tool):
    with pytest.raises(ToolFailure, match=r"^RuntimeError: the model holds no mesh$"):
        tool("raise RuntimeError('the model holds no mesh')")


def test_a_tool_that_hangs_is_ended(tool):
    begin = time.monotonic()
    with pytest.raises(ToolFailure, match="longer than 0 s"):
        tool("import time; time.sleep(60)", limit_s=0.3)
    assert time.monotonic() - begin < 20


def test_a_cancelled_tool_is_ended(tool):
    cancel = threading.Event()
    cancel.set()
    with pytest.raises(Cancelled):
        tool("import time; time.sleep(60)", cancel=cancel)
