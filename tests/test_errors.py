from __future__ import annotations

from pathlib import Path

from zippo_desktop.errors import InputError, printable


def test_any_name_becomes_one_printable_line() -> None:
    assert printable(Path("Käfer 🐞.png")) == "Käfer 🐞.png"
    assert printable("two\nlines\x1b[31m") == r"two\nlines\x1b[31m"
    assert printable("caf\udce9") == r"caf\udce9"


def test_messages_can_be_printed_whatever_name_they_carry() -> None:
    error = InputError("caf\udce9.png is empty.", "Copy it again.")

    assert str(error) == r"caf\udce9.png is empty. Copy it again."
    assert error.message.encode()
