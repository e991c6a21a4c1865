"""The first start takes the files of the later ones."""

import subprocess
import sys
from pathlib import Path

import pytest
from PySide6.QtNetwork import QLocalSocket

from zippo_desktop.gui.single_instance import SingleInstance, server_name

ROOT = Path(__file__).parents[2]
HAND_OVER = """
import sys
from pathlib import Path
from PySide6.QtCore import QCoreApplication
from zippo_desktop.gui.single_instance import SingleInstance
app = QCoreApplication([])
print(SingleInstance().hand_over([Path(name) for name in sys.argv[1:]]))
"""


@pytest.fixture
def first(qapp):
    instance = SingleInstance()
    assert instance.listen()
    yield instance
    instance.close()


def test_without_a_first_start_nothing_is_handed_over(qapp):
    assert not SingleInstance().hand_over([Path("a.jpg")])


def test_a_second_start_hands_its_files_over(qtbot, first):
    command = [sys.executable, "-c", HAND_OVER, "a b.jpg", "ü\udcff.jpg"]
    with qtbot.waitSignal(first.files_received, timeout=20_000) as received:
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert received.args[0] == [ROOT / "a b.jpg", ROOT / "ü\udcff.jpg"]
    assert process.communicate()[0] == "True\n"


@pytest.mark.parametrize("message", [b"no json\n", b'{"a": 1}\n', b"[1]\n", b'[""]\n'])
def test_a_message_that_makes_no_sense_is_ignored(qtbot, first, message):
    socket = QLocalSocket()
    socket.connectToServer(server_name())
    with qtbot.assertNotEmitted(first.files_received), qtbot.waitSignal(socket.disconnected):
        socket.write(message)


def test_what_a_crash_left_behind_does_not_keep_the_next_from_listening(qapp):
    crashed = SingleInstance()
    assert crashed.listen()
    path = Path(crashed._server.fullServerName())
    crashed.close()
    if sys.platform != "win32":
        path.touch()
    instance = SingleInstance()
    assert instance.listen()
    instance.close()


def test_every_person_has_a_window_of_their_own(monkeypatch, tmp_path):
    name = server_name()
    monkeypatch.setenv("ZIPPO_DESKTOP_HOME", str(tmp_path / "other"))
    assert server_name() != name
