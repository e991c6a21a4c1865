from __future__ import annotations

from pathlib import Path

import pytest

from zippo_desktop.errors import InputError, printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("café 日本\u3000語 🍎\u200d", "café 日本\u3000語 🍎\u200d"),
        (Path("Käfer 🐞.png"), "Käfer 🐞.png"),
        ("a\nb\tc\x1b[31m", "a\\nb\\tc\\x1b[31m"),
        ("caf\udce9", "caf\\udce9"),
        ("a\u2028b", "a\\u2028b"),
    ],
)
def test_any_name_becomes_one_line_for_any_terminal(text: str | Path, shown: str) -> None:
    assert printable(text) == shown
    assert printable(text).encode()


def test_messages_can_be_printed_whatever_name_they_carry() -> None:
    error = InputError("caf\udce9.png is empty.", "Copy it again.")

    assert str(error) == r"caf\udce9.png is empty. Copy it again."
    assert error.message.encode()
