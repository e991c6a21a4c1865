"""File names that every file system takes, and that no two results share."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Sequence
from pathlib import Path

MAX_NAME_BYTES = 255
MAX_STEM_BYTES = 240  # leaves room for "-1234" and ".matte.png"
UNTITLED = "untitled"

_FORBIDDEN = frozenset('<>:"/\\|?*')
_JOINERS = "\u200c\u200d"  # not printable by themselves, but part of Persian words and of many emoji
_DEVICES = frozenset(
    {"con", "prn", "aux", "nul", "conin$", "conout$"}
    | {f"{port}{number}" for port in ("com", "lpt") for number in "0123456789¹²³"}
)


def safe_stem(text: str, limit: int = MAX_STEM_BYTES) -> str:
    """A file stem from a file's stem or a prompt, of at most `limit` bytes of UTF-8.

    Normalised (NFC); white space becomes single spaces; what Windows, macOS or Linux refuse, and bytes
    that are not UTF-8, become "_". Leading and trailing dots and spaces go, as Windows drops or
    hides them; names of Windows devices get a "_" in front.
    """
    spaced = " ".join(unicodedata.normalize("NFC", text).split())
    cleaned = "".join(char if _is_safe(char) else "_" for char in spaced).strip(". ")
    if cleaned.split(".")[0].rstrip().lower() in _DEVICES:
        cleaned = "_" + cleaned
    cut = cleaned.encode()[:limit].decode(errors="ignore").rstrip(". ")
    return cut or UNTITLED


def _is_safe(char: str) -> bool:
    return (char.isprintable() and char not in _FORBIDDEN) or char in _JOINERS


class Names:
    """The file names given out so far in one job, so that no result overwrites another.

    Case and Unicode form do not tell names apart: on many disks they name the same file.
    """

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def claim(
        self, directory: Path, stem: str, suffixes: Sequence[str], *, avoid_existing: bool = False
    ) -> str:
        """Take `stem`, or the first free of "stem-2", "stem-3" ..., for all `suffixes` (".png") at once.

        The answer depends on the order of the claims alone; with `avoid_existing` also on the files
        that are already in the folder.
        """
        number = 1
        while True:
            candidate = stem if number == 1 else f"{stem}-{number}"
            paths = [directory / f"{candidate}{suffix}" for suffix in suffixes]
            keys = {_key(path) for path in paths}
            is_free = self._taken.isdisjoint(keys)
            if is_free and not (avoid_existing and any(os.path.lexists(path) for path in paths)):
                self._taken |= keys
                return candidate
            number += 1


def _key(path: Path) -> str:
    return unicodedata.normalize("NFC", os.path.abspath(path)).casefold()
