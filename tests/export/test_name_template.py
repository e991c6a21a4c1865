"""Names of results from templates."""

from __future__ import annotations

from datetime import date

import pytest

from zippo_desktop.errors import UsageError
from zippo_desktop.export.name_template import FIELDS, parse_template

VALUES = {
    "stem": "IMG_01",
    "parent": "Wedding",
    "preset": "retouch-psd",
    "prompt": "a very long prompt, with commas",
    "index": 7,
    "width": 6000,
    "height": 4000,
    "seed": 42,
    "date": date(2024, 5, 6),
}


@pytest.mark.parametrize(
    ("template", "name"),
    [
        ("{stem}", "IMG_01"),
        ("{parent} {stem}_{index:04}", "Wedding IMG_01_0007"),
        ("{date} {preset}", "2024-05-06 retouch-psd"),
        ("{date:%d.%m.%y}", "06.05.24"),
        ("{prompt:11}-{seed}", "a very long-42"),
        ("{prompt:7}|", "a very_"),  # no Windows disk takes the bar; no space is left at the cut
        ("{width}x{height}", "6000x4000"),
        ("{{{stem}}}", "{IMG_01}"),
        ("con", "_con"),
        ("{stem}...", "IMG_01"),
    ],
)
def test_names(template, name):
    assert parse_template(template).fill(VALUES) == name


def test_missing_values_leave_nothing():
    assert parse_template("{stem}-{width}").fill({"stem": "a"}) == "a-"


def test_long_names_are_cut_to_what_every_disk_takes():
    name = parse_template("{prompt}").fill({"prompt": "ä" * 400})
    assert len(f"{name}.matte.png".encode()) <= 255


@pytest.mark.parametrize(
    ("template", "told"),
    [
        ("{name}", "asks for {name}"),
        ("{stem.real}", "asks for {stem.real}"),
        ("{index:x}", '"x" is no format'),
        ("{prompt:abc}", '"abc" is no format'),
        ("{stem!r}", '"r" is no format'),
        ("{stem", "cannot be read"),
        ("{}", "asks for {}"),
        ("{parent}/{stem}", "holds a folder"),
        ("..\\{stem}", "holds a folder"),
        (" ", "is empty"),
    ],
)
def test_what_makes_no_sense_is_told(template, told):
    with pytest.raises(UsageError) as caught:
        parse_template(template)
    assert told in caught.value.message


def test_every_field_can_be_asked_for():
    template = parse_template(" ".join(f"{{{name}}}" for name in FIELDS))
    assert template.fields == set(FIELDS) == set(VALUES)
