"""Turns the Fluent emoji of npm's `@lobehub/fluent-emoji-3d` into a cut-out set with CLDR captions.

The pictures are Microsoft's (MIT); names come from npm's `emojibase-data` (MIT, from Unicode CLDR).
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from zippo_desktop.errors import InputError
from zippo_desktop.training.new_folder import check_new_folder

SKIN_TONES = {"1f3fb", "1f3fc", "1f3fd", "1f3fe", "1f3ff"}
SYMBOLS_GROUP, FLAGS_GROUP = 8, 9  # arrows, signs and flags: no objects
COLUMNS = ("file", "name", "category", "creator", "licence", "pack", "model", "view", "tags")


@dataclass(frozen=True)
class _Emoji:
    code: str
    label: str
    group: int
    tags: tuple[str, ...]


def build_emoji_set(pictures_dir: Path, data_file: Path, output_dir: Path) -> int:
    """Write one WebP for each object emoji, and `manifest.csv`; return how many.

    `pictures_dir` holds `<code points>.webp` (RGBA, 256 px), `data_file` is emojibase's
    `en/data.json`. Emoji with a skin tone, symbols and flags are left out.
    Raises UsageError if `output_dir` holds anything already.
    """
    check_new_folder(output_dir)
    emojis = _read_emojis(data_file)
    output_dir.mkdir(parents=True, exist_ok=True)
    rows = []
    for emoji, picture in _pictures(pictures_dir, emojis):
        name = f"emoji_{emoji.code}_0.webp"
        with Image.open(picture) as image:
            image.convert("RGBA").save(output_dir / name, quality=95, method=4, exact=False)
        rows.append(_row(name, emoji))
    with (output_dir / "manifest.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    return len(rows)


def _read_emojis(data_file: Path) -> dict[str, _Emoji]:
    try:
        entries = json.loads(data_file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{data_file} is not emojibase's data.json ({error}).") from error
    emojis = {}
    for entry in entries:
        code = _bare_code(entry["hexcode"])
        emojis[code] = _Emoji(code, entry["label"], entry.get("group", -1), tuple(entry.get("tags", ())))
    return emojis


def _pictures(pictures_dir: Path, emojis: dict[str, _Emoji]) -> Iterator[tuple[_Emoji, Path]]:
    for picture in sorted(pictures_dir.glob("*.webp")):
        code = _bare_code(picture.stem)
        emoji = emojis.get(code)
        if emoji is None or SKIN_TONES & set(code.split("-")):
            continue
        if emoji.group not in (SYMBOLS_GROUP, FLAGS_GROUP, -1):
            yield emoji, picture


def _bare_code(code: str) -> str:
    """Code points in lower case, without the emoji presentation selector and leading zeros."""
    points = [point.lstrip("0") for point in code.lower().split("-")]
    return "-".join(point for point in points if point != "fe0f")


def _row(name: str, emoji: _Emoji) -> dict[str, str]:
    return {
        "file": name,
        "name": emoji.label,
        "category": "emoji",
        "creator": "Microsoft",
        "licence": "MIT",
        "pack": "fluent-emoji-3d",
        "model": emoji.code,
        "view": "0",
        "tags": "|".join(emoji.tags),
    }
