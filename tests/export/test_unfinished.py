"""What killed programs leave behind goes; what a living one is writing stays."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from zippo_desktop.export import unfinished as module
from zippo_desktop.export.atomic import make_folder_atomically, make_output_dir, open_atomically

DIES = """
import os, signal, sys
from pathlib import Path
from zippo_desktop.export.atomic import make_folder_atomically, open_atomically
out = Path(sys.argv[1])
with open_atomically(out / "a.png") as file, make_folder_atomically(out / "b.layers") as folder:
    file.write(b"half")
    file.flush()
    (folder / "1.png").touch()
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture(autouse=True)
def _as_in_a_new_run(monkeypatch):
    monkeypatch.setattr(module, "_swept", set())


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="Windows has no SIGKILL")
def test_what_a_killed_program_left_goes_with_the_first_writing(tmp_path):
    died = subprocess.run([sys.executable, "-c", DIES, tmp_path], cwd=Path(__file__).parents[2])
    assert died.returncode == -signal.SIGKILL
    assert len(os.listdir(tmp_path)) == 2
    (tmp_path / ".zippo-ffffff-of-another-computer.part").touch()
    (tmp_path / "photo.jpg.part").touch()
    make_output_dir(tmp_path)
    assert sorted(os.listdir(tmp_path)) == [".zippo-ffffff-of-another-computer.part", "photo.jpg.part"]


def test_what_is_being_written_stays(tmp_path):
    with open_atomically(tmp_path / "a.png") as file, make_folder_atomically(tmp_path / "b.layers") as folder:
        file.write(b"whole")
        (folder / "1.png").touch()
        module.sweep(tmp_path)
    assert (tmp_path / "a.png").read_bytes() == b"whole"
    assert (tmp_path / "b.layers" / "1.png").exists()
    assert sorted(os.listdir(tmp_path)) == ["a.png", "b.layers"]


@pytest.mark.skipif(module.fcntl is None, reason="Windows has no such locks")
def test_a_draft_that_was_swept_before_it_was_locked_is_made_again(tmp_path):
    made = []

    def make(draft):
        draft.touch()
        made.append(draft)
        if len(made) == 1:
            real = module._lock

            def swept_first(path, **options):
                module._lock = real
                descriptor = real(path)
                path.unlink()
                return descriptor

            module._lock = swept_first

    with module.unfinished(tmp_path / "a.png", make) as draft:
        assert draft.exists()
    assert len(made) == 2


def test_a_folder_that_is_not_there_is_no_trouble(tmp_path):
    module.sweep(tmp_path / "none")
