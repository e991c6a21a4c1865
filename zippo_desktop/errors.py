"""The errors that reach a user, each a sentence and a hint.

ZippoError
├── InputError       one item cannot be read; the others go on
├── ExportError      one item cannot be written; the others go on
├── ModelError       the model cannot be used; the job stops
├── EngineError      the engine or provider cannot be used; the job stops
│   └── OutOfMemory  memory ran out; a smaller attempt may work
└── UsageError       the request itself makes no sense; nothing is started
Cancelled            not an error: the user asked to stop
"""

from __future__ import annotations

import os
from unicodedata import category

_UNPRINTABLE = ("Cc", "Cs", "Zl", "Zp")  # Unicode: controls, surrogates, line and paragraph separators


def printable(text: str | os.PathLike[str]) -> str:
    """One line that any terminal, log and JSON reader takes.

    Control characters, line ends and lone surrogates (a file name's bytes that are not UTF-8)
    become escapes; all other text stays.
    """
    return "".join(ascii(char)[1:-1] if category(char) in _UNPRINTABLE else char for char in os.fspath(text))


class ZippoError(Exception):
    """What happened to which file (`message`), and what to do about it (`hint`).

    The message is made printable here, so any file name may be put into it as it is.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = printable(message)
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class InputError(ZippoError):
    """One input cannot be read or is not what it claims to be."""


class ExportError(ZippoError):
    """One result cannot be written."""


class ModelError(ZippoError):
    """The model folder is missing, incomplete, broken or not trusted."""


class EngineError(ZippoError):
    """No engine or execution provider can run the model as asked."""


class OutOfMemory(EngineError):
    """The engine ran out of memory on this size; a smaller one may fit."""


class UsageError(ZippoError):
    """The options contradict each other or name something that does not exist."""


class Cancelled(Exception):
    """The user asked to stop; whatever was finished stays."""
