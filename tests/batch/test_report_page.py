"""The page for people: everything is on it, in the order of doubt, and nothing on it can do any harm."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import tracemalloc
from html.parser import HTMLParser

import numpy as np
import pytest

from zippo_desktop.batch.report import ItemResult, Report, Status
from zippo_desktop.batch.report_page import duration, write_page
from zippo_desktop.batch.thumbnails import cutout_path, photo_path, write_thumbnails
from zippo_desktop.engine.fake_session import FakeSession
from zippo_desktop.errors import ExportError
from zippo_desktop.imaging.layers import LayerStack

_EMPTY = {"meta", "img", "input", "br", "rect"}


class Page(HTMLParser):
    """A page taken apart: cards, addresses, words; it refuses tags that are not closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text
        self.cards: list[dict[str, str | None]] = []
        self.links: list[str] = []
        self.images: list[str] = []
        self.attributes: set[str] = set()
        self.contents: dict[str, str] = {}
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag, attrs):
        facts = dict(attrs)
        self.attributes |= facts.keys()
        if tag not in _EMPTY:
            self._open.append(tag)
        if tag == "article":
            self.cards.append(facts)
        if tag == "a":
            self.links.append(facts["href"])
        if tag == "img":
            self.images.append(facts["src"])

    def handle_startendtag(self, tag, attrs):
        self.attributes |= dict(attrs).keys()

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        if self._open:
            self.contents[self._open[-1]] = self.contents.get(self._open[-1], "") + data


def done(name, index, confidence=None, **others):
    return ItemResult(name, Status.DONE, confidence=confidence, index=index, **others)


def report(*results, **facts):
    return Report("matting", len(results), results, "2026-01-02T03:04:05+00:00", 75.0, **facts)


def written(made, tmp_path, job_dir=None):
    path = tmp_path / "reports" / "r.html"
    write_page(made, job_dir, path)
    return Page(path.read_text("utf-8"))


def test_doubtful_ones_come_first_and_each_once(tmp_path):
    page = written(
        report(
            ItemResult("skipped.jpg", Status.SKIPPED, "its files exist already", index=0),
            done("sure.jpg", 1, 0.9),
            done("unjudged.jpg", 2),
            done("doubtful.jpg", 3, 0.2, doubts=("Half of it is soft.",)),
            ItemResult("failed.jpg", Status.FAILED, "failed.jpg is empty.", index=4),
            uncertain_below=0.5,
        ),
        tmp_path,
    )
    names = [card["data-name"] for card in page.cards]
    assert names == ["failed.jpg", "doubtful.jpg", "sure.jpg", "unjudged.jpg", "skipped.jpg"]
    kinds = [card["data-kind"] for card in page.cards]
    assert kinds == ["failed", "uncertain", "done", "done", "skipped"]
    assert [card["data-place"] for card in page.cards] == ["0", "1", "2", "3", "4"]
    for words in ("failed.jpg is empty.", "Half of it is soft.", "its files exist already", "20%"):
        assert words in page.text


def test_the_head_says_what_ran_where_and_what_went_otherwise(tmp_path):
    session = FakeSession(fallbacks=("CUDA <was> not used.",))
    page = written(
        report(
            done("a", 0),
            spec=session.spec,
            info=session.info,
            notes=session.info.fallbacks,
            stopped_by="The model broke.",
            passed_over=3,
        ),
        tmp_path,
    )
    for words in ("fake 1", "fake/cpu", "1 min 15 s", "3 other files", "CUDA &lt;was&gt; not used."):
        assert words in page.text
    assert "Stopped: The model broke." in page.text


def test_pictures_are_inside_and_missing_ones_are_no_trouble(tmp_path):
    thumbnails_dir = tmp_path / "job" / "thumbnails"
    pixels = np.zeros((20, 30, 3), np.uint8)
    write_thumbnails(thumbnails_dir, 1, LayerStack(pixels, np.ones((20, 30), np.float32)), pixels)
    page = written(report(done("a", 0), done("b", 1)), tmp_path, tmp_path / "job")
    expected = [photo_path(thumbnails_dir, 1), cutout_path(thumbnails_dir, 1)]
    found = [base64.b64decode(source.removeprefix("data:image/webp;base64,")) for source in page.images]
    assert found == [path.read_bytes() for path in expected]


def test_the_page_asks_nothing_of_any_network_and_runs_its_own_script_alone(tmp_path):
    page = written(report(done("a", 0, 0.5)), tmp_path)
    assert not re.search(r"(src|href|url)\s*[=(]\s*['\"]?(https?:|//)", page.text)
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page.text)[1]
    assert policy.startswith("default-src 'none'; img-src data:;")
    for tag in ("style", "script"):
        digest = base64.b64encode(hashlib.sha256(page.contents[tag].encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    assert "style" not in page.attributes  # the policy would not let it count


@pytest.mark.parametrize(
    "name",
    [
        "<script>alert(1)</script>.png",
        "\"><img src=x onerror='alert(1)'>.png",
        "a&lt;b&amp;.png",
        "new\nline\x1b[31m.png",
        "</main></article>.png",
        "🍎 é %2F #? .png",
        os.fsdecode(b"caf\xe9.png") if os.name == "posix" else "café.png",
    ],
)
def test_no_name_is_anything_but_text(tmp_path, name):
    source = tmp_path / "in" / name.replace("/", "_")
    result = done(name, 0, source=source, outputs=(source,), doubts=(name,))
    failed = ItemResult(name, Status.FAILED, f"{name} is empty.", index=1)
    page = written(report(result, failed, notes=(name,)), tmp_path)
    assert len(page.cards) == 2
    assert page.images == []
    assert not {attribute for attribute in page.attributes if attribute.startswith("on")}
    assert page.contents["script"].count("alert") == 0
    assert "\x1b" not in page.text


def test_what_lies_below_the_page_is_addressed_from_there(tmp_path):
    inside, outside = tmp_path / "reports" / "sub" / "a b#1.png", tmp_path / "in" / "ü.jpg"
    page = written(report(done("a", 0, source=outside, outputs=(inside,))), tmp_path)
    assert page.links == [outside.as_uri(), "sub/a%20b%231.png"] * 2


def test_many_items_do_not_fill_the_memory(tmp_path):
    thumbnails_dir = tmp_path / "job" / "thumbnails"
    thumbnails_dir.mkdir(parents=True)
    for index in range(60):
        cutout_path(thumbnails_dir, index).write_bytes(bytes(200_000))
    made = report(*(done(f"{index}.jpg", index) for index in range(60)))
    tracemalloc.start()
    write_page(made, tmp_path / "job", tmp_path / "r.html")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (tmp_path / "r.html").stat().st_size > 15_000_000
    assert peak < 3_000_000


def test_a_page_that_cannot_be_written_is_told_and_the_old_one_stays(tmp_path, monkeypatch):
    path = tmp_path / "r.html"
    path.write_text("old")

    def no_space(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", no_space)
    with pytest.raises(ExportError, match="no room"):
        write_page(report(done("a", 0)), None, path)
    assert path.read_text() == "old"


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(0.42, "0.42 s"), (59.4, "59 s"), (59.6, "1 min 0 s"), (185, "3 min 5 s"), (3599.7, "1 h 0 min")],
)
def test_durations_are_told_as_a_person_would(seconds, told):
    assert duration(seconds) == told
