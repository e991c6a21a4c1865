"""Drawings to rasterise: Noto's emoji with CLDR names, and Open Clip Art with its uploaders' titles."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

from zippo_desktop.training.recipe.emoji import FLAGS_GROUP, SKIN_TONES, SYMBOLS_GROUP
from zippo_desktop.training.recipe.works import CLIPART, Work

TOPICS: tuple[str, ...] = (
    "animals",
    "containers",
    "decorations",
    "electronics",
    "food",
    "office",
    "plants",
    "recreation",
)
TOPICS += ("science", "tools", "transportation")
TRADEMARKS = re.compile(
    r"\b(logo|brand|disney|mickey|coca|pepsi|nike|apple mac|windows|linux|tux)\b", re.IGNORECASE
)
MAX_SVG_BYTES = 400_000
_TITLE = "{http://purl.org/dc/elements/1.1/}title"
_SUBJECT = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}li"


def noto(icons_dir: Path, names_file: Path) -> Iterator[Work]:
    """Noto's emoji that are things: no symbols, flags or skin tones."""
    collection = json.loads((icons_dir / "icons.json").read_text(encoding="utf-8"))
    codes = json.loads((icons_dir / "chars.json").read_text(encoding="utf-8"))
    entries = json.loads(names_file.read_text(encoding="utf-8"))
    labels = {entry["hexcode"].lower().replace("-fe0f", ""): entry for entry in entries}
    for code, icon in sorted(codes.items()):
        entry, drawing = labels.get(code.replace("-fe0f", "")), collection["icons"].get(icon)
        if entry and drawing and not drawing.get("hidden") and _is_thing(code, entry):
            width = drawing.get("width", collection.get("width", 16))
            height = drawing.get("height", collection.get("height", 16))
            yield _work(
                "noto",
                entry["label"],
                "emoji",
                "Google",
                "Apache-2.0",
                code,
                tuple(entry.get("tags", ())),
                f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
                f'width="{width}" height="{height}" viewBox="0 0 {width} {height}">{drawing["body"]}</svg>',
            )


def openclipart(folder: Path) -> Iterator[Work]:
    """Open Clip Art's drawings of things that say themselves that they are in the public domain."""
    for topic in TOPICS:
        for path in sorted(folder.rglob(f"svg/{topic}/**/*.svg")):
            if path.stat().st_size <= MAX_SVG_BYTES:
                yield from _clip(path, topic)


def _clip(path: Path, topic: str) -> Iterator[Work]:
    text = path.read_text(encoding="utf-8", errors="replace")
    if "publicdomain" not in text.lower().replace(" ", ""):
        return
    try:
        tree = ElementTree.fromstring(text)
    except ElementTree.ParseError:
        return
    title = " ".join((tree.findtext(f".//{_TITLE}") or "").split()).lower()
    if not re.fullmatch(r"[a-z][a-z' -]{2,40}", title) or TRADEMARKS.search(title):
        return
    tags = tuple(item.text.strip() for item in tree.iter(_SUBJECT) if item.text and item.text.strip())
    model = re.sub(r"[^\w-]+", "-", path.stem)
    yield _work(
        "openclipart", title, topic, "", "public domain (claimed)", f"{topic}-{model}", tags[:5], text
    )


def _is_thing(code: str, entry: dict[str, object]) -> bool:
    return not SKIN_TONES & set(code.split("-")) and entry.get("group", -1) not in (
        SYMBOLS_GROUP,
        FLAGS_GROUP,
        -1,
    )


def _work(
    pack: str,
    name: str,
    category: str,
    creator: str,
    licence: str,
    model: str,
    tags: tuple[str, ...],
    svg: str,
) -> Work:
    return Work(
        source=pack,
        folder=CLIPART,
        kind="drawing",
        name=name,
        category=category,
        creator=creator,
        licence=licence,
        pack=pack,
        model=model,
        views=1,
        tags=tags,
        svg=svg,
    )
