"""A job's report as one HTML page for people: it holds its pictures, and asks nothing of any network."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Iterator
from datetime import datetime
from html import escape
from pathlib import Path
from urllib.parse import quote

from zippo_desktop import __version__
from zippo_desktop.batch.report import ItemResult, Report, Status
from zippo_desktop.batch.thumbnails import THUMBNAILS_NAME, cutout_path, photo_path
from zippo_desktop.errors import printable
from zippo_desktop.export.atomic import make_output_dir, open_atomically
from zippo_desktop.paths import resource_dir

_TITLES = {"matting": "Cut-outs", "painting": "Paintings", "generation": "Generated pictures"}
_BEGAN_WITH = {"matting": "photo", "painting": "photo", "generation": "start"}
_SOURCES = {"matting": "photo", "painting": "matte", "generation": "start"}
_SHARE_WIDTH = 100  # of the little bar, in its own units


def write_page(report: Report, job_dir: Path | None, path: Path) -> None:
    """Write the page, over one that exists; the job's folder holds the pictures. Raises ExportError.

    It is written card by card, so that ten thousand items do not fill the memory.
    """
    make_output_dir(path.parent)
    with open_atomically(path) as file:
        for part in _page(report, job_dir and job_dir / THUMBNAILS_NAME, Path(os.path.abspath(path.parent))):
            file.write(part.encode())


def _page(report: Report, thumbnails_dir: Path | None, page_dir: Path) -> Iterator[str]:
    style = (resource_dir() / "report" / "page.css").read_text("utf-8")
    script = (resource_dir() / "report" / "page.js").read_text("utf-8")
    title = f"{_TITLES[report.task]}, {_moment(report.started_at)}"
    yield (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_policy(style, script)}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta name="generator" content="Zippo Desktop {__version__}">\n'
        f"<title>{escape(title)}</title>\n<style>{style}</style>\n</head>\n<body>\n"
    )
    yield from _header(report, title)
    yield from _tools(report)
    yield "<main>\n"
    for place, result in enumerate(_most_doubtful_first(report)):
        yield from _card(report, result, place, thumbnails_dir, page_dir)
    yield f'</main>\n<p class="none" hidden>Nothing here.</p>\n<script>{script}</script>\n</body>\n</html>\n'


def _policy(style: str, script: str) -> str:
    """No file's name, however made, can bring in a script or ask for anything."""
    allowed = {
        "default-src": "'none'",
        "img-src": "data:",
        "style-src": f"'sha256-{_digest(style)}'",
        "script-src": f"'sha256-{_digest(script)}'",
    }
    return "; ".join(f"{name} {sources}" for name, sources in allowed.items())


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _header(report: Report, title: str) -> Iterator[str]:
    yield f"<header>\n<h1>{escape(title)}</h1>\n"
    if report.stopped_by:
        yield f'<p class="stop">Stopped: {_text(report.stopped_by)}</p>\n'
    elif report.is_cancelled:
        yield '<p class="stop">Stopped before its end.</p>\n'
    yield '<dl class="counts">\n'
    for kind, count in _counts(report).items():
        if count or kind == "done":
            yield f'<div><dt>{kind}</dt><dd class="{kind}">{count}</dd></div>\n'
    yield '</dl>\n<dl class="facts">\n'
    for name, fact in _facts(report).items():
        yield f"<div><dt>{name}</dt><dd>{_text(fact)}</dd></div>\n"
    yield "</dl>\n"
    if report.notes:
        yield (
            '<ul class="notes">\n' + "".join(f"<li>{_text(note)}</li>\n" for note in report.notes) + "</ul>\n"
        )
    yield "</header>\n"


def _counts(report: Report) -> dict[str, int]:
    """Items by kind, each counted once."""
    counts, uncertain = report.counts, len(report.uncertain)
    return {
        "done": counts["done"] - uncertain,
        "uncertain": uncertain,
        "failed": counts["failed"],
        "skipped": counts["skipped"],
        "left": counts["not_started"],
    }


def _facts(report: Report) -> dict[str, str]:
    facts = {}
    if report.spec:
        facts["model"] = f"{report.spec.name} {report.spec.version}"
    if report.info:
        facts["on"] = f"{report.info.engine}/{report.info.provider}"
    if report.seconds:
        facts["took"] = duration(report.seconds)
    if report.passed_over:
        facts["passed over"] = f"{report.passed_over} other files"
    if report.uncertain:
        facts["uncertain"] = f"below {report.uncertain_below:.0%}"
    return facts


def _tools(report: Report) -> Iterator[str]:
    """Filters and orders; hidden where no script runs, as in a mail's preview."""
    counts = _counts(report)
    yield '<nav class="tools" aria-label="What is shown" hidden>\n<div class="filters">\n'
    for kind in ("all", "uncertain", "failed", "skipped"):
        count = len(report.results) if kind == "all" else counts[kind]
        pressed = "true" if kind == "all" else "false"
        name = kind.capitalize()
        yield f'<button type="button" data-kind="{kind}" aria-pressed="{pressed}">{name}'
        yield f" <small>{count}</small></button>\n"
    yield "</div>\n<label>Order <select>\n"
    for key, name in {
        "confidence": "doubtful first",
        "name": "by name",
        "time": "longest first",
    }.items():
        yield f'<option value="{key}">{name}</option>\n'
    yield '</select></label>\n<label>Name <input type="search"></label>\n</nav>\n'


def _most_doubtful_first(report: Report) -> list[ItemResult]:
    """Failures, then results by confidence, then those that were not judged, then skipped ones."""
    ranks = {Status.FAILED: 0, Status.DONE: 1, Status.SKIPPED: 2}

    def place(result: ItemResult) -> tuple[int, float]:
        return ranks[result.status], 2.0 if result.confidence is None else result.confidence

    return sorted(report.results, key=place)


def _card(
    report: Report, result: ItemResult, place: int, thumbnails_dir: Path | None, page_dir: Path
) -> Iterator[str]:
    kind = "uncertain" if result.is_uncertain(report.uncertain_below) else result.status.value
    name, seconds = _text(result.label), sum(result.seconds.values())
    yield (
        f'<article class="card" data-kind="{kind}" data-place="{place}" data-name="{name}" '
        f'data-seconds="{seconds:.3f}">\n<div class="pair">\n'
    )
    photo = cutout = ""
    if thumbnails_dir and result.index >= 0:
        photo = _picture(photo_path(thumbnails_dir, result.index), f"the {_BEGAN_WITH[report.task]}")
        cutout = _picture(cutout_path(thumbnails_dir, result.index), "the result")
    yield _linked(photo, "", result.source, page_dir)
    yield _linked(cutout, "board" if cutout else "", result.outputs[0] if result.outputs else None, page_dir)
    yield f'</div>\n<h2 title="{name}">{name}</h2>\n<p class="state"><b class="{kind}">{kind}</b>'
    if result.confidence is not None:
        yield _confidence(result.confidence, kind)
    yield f'<span class="time">{duration(seconds)}</span></p>\n' if seconds else "</p>\n"
    if result.message:
        yield f'<p class="why">{_text(result.message)}</p>\n'
    if result.doubts:
        yield '<ul class="why">' + "".join(f"<li>{_text(doubt)}</li>" for doubt in result.doubts) + "</ul>\n"
    files = [(path.name, path) for path in result.outputs]
    if result.source:
        files.insert(0, (_SOURCES[report.task], result.source))
    links = [f'<a href="{_address(path, page_dir)}">{_text(name)}</a>' for name, path in files]
    yield f'<p class="links">{" ".join(links)}</p>\n</article>\n'


def _confidence(confidence: float, kind: str) -> str:
    """A little bar and the share, in the colour of the kind."""
    return (
        f'<svg class="bar {kind}" viewBox="0 0 {_SHARE_WIDTH} 1" preserveAspectRatio="none" '
        f'aria-hidden="true"><rect width="{confidence * _SHARE_WIDTH:.0f}" height="1"/></svg>'
        f'<span class="share" title="confidence">{confidence:.0%}</span>'
    )


def _picture(path: Path, what: str) -> str:
    """A thumbnail inside the page, "" where there is none."""
    try:
        content = base64.b64encode(path.read_bytes()).decode()
    except OSError:
        return ""
    return f'<img src="data:image/webp;base64,{content}" alt="{what}" loading="lazy" decoding="async">'


def _linked(picture: str, css: str, path: Path | None, page_dir: Path) -> str:
    shown = picture or "<span>no picture</span>"
    if path is None:
        return f'<div class="{css}">{shown}</div>\n'
    return f'<a class="{css}" href="{_address(path, page_dir)}">{shown}</a>\n'


def _address(path: Path, page_dir: Path) -> str:
    """Relative for what lies below the page, so that both can be moved together; else whole."""
    absolute = Path(os.path.abspath(path))
    if absolute.is_relative_to(page_dir):
        return quote(os.fsencode(absolute.relative_to(page_dir).as_posix()))
    return escape(absolute.as_uri())


def _text(text: str) -> str:
    return escape(printable(text))


def _moment(started_at: str) -> str:
    """An ISO 8601 moment as this computer's clock showed it."""
    return f"{datetime.fromisoformat(started_at).astimezone():%Y-%m-%d %H:%M}"


def duration(seconds: float) -> str:
    """Seconds as a person says them: 0.42 s, 3 min 5 s, 2 h 1 min."""
    if seconds < 10:
        return f"{seconds:.2f} s"
    if round(seconds) < 60:
        return f"{seconds:.0f} s"
    minutes, rest_s = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest_s} s"
    return f"{minutes // 60} h {minutes % 60} min"
