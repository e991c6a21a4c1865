"""What an item's results are called where the person gave a template for it."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from zippo_desktop.batch.job import Options
from zippo_desktop.export.name_template import Value, parse_template
from zippo_desktop.imaging.header import read_header
from zippo_desktop.pipelines.request import GenerationRequest, Request

_FROM_THE_HEADER = frozenset(("width", "height", "date"))


class ResultNames:
    """Names for the items of one job. Without a template every item keeps the stem it has."""

    def __init__(self, options: Options) -> None:
        name = options.writing.name
        self._template = parse_template(name) if name is not None else None
        self._preset = options.preset

    def of(self, index: int, stem: str, request: Request, source: Path | None) -> str:
        """The stem of the item at `index`, whose stem would be `stem` otherwise.

        {stem} is the source's own; for a picture that is made of a prompt alone, the usual one. {index}
        counts from 1; {width} and {height} are the source's, {date} the day that it was taken, or today.
        """
        if self._template is None:
            return stem
        values: dict[str, Value] = {
            "stem": stem,
            "index": index + 1,
            "preset": self._preset,
            "prompt": request.prompt,
            "seed": request.seed,
            "date": date.today(),
        }
        if isinstance(request, GenerationRequest) and request.size:
            values |= {"width": request.size, "height": request.size}
        if source is not None:
            values |= {"parent": source.absolute().parent.name}
            if self._template.fields & _FROM_THE_HEADER:
                header = read_header(source)
                values |= {"width": header.width, "height": header.height, "date": header.day}
        return self._template.fill(values)
