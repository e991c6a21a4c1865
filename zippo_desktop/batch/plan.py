"""From inputs and prompts to a job: which items there are, and which files each will write."""

from __future__ import annotations

import glob
import re
import string
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from zippo_desktop.batch.claims import Claims
from zippo_desktop.batch.job import Item, Job, Options, Problem
from zippo_desktop.batch.prompts import PromptRow
from zippo_desktop.batch.result_names import ResultNames
from zippo_desktop.batch.scan import Found, Scan, scan
from zippo_desktop.errors import UsageError
from zippo_desktop.export.naming import safe_stem
from zippo_desktop.export.write import MATTE_SUFFIX
from zippo_desktop.imaging.decode import is_image_name
from zippo_desktop.imaging.trimap import find_known
from zippo_desktop.pipelines.request import GenerationRequest, MattingRequest, PaintingRequest

PROMPT_STEM_BYTES = 60  # of a prompt in a file name
_BETWEEN_WORDS = re.compile(f"[\\s{re.escape(string.punctuation)}]+")

Prompted = TypeVar("Prompted", PaintingRequest, GenerationRequest)


def plan_matting(
    inputs: Sequence[Path],
    request: MattingRequest,
    options: Options,
    recursive: bool = True,
    trimap: Path | None = None,
) -> Job:
    """One item for each photo, named as the photo. Raises `UsageError` where there is no photo at all.

    `trimap` is what is known of a single photo's matte, or a folder that holds one of each photo's
    name; without it, the file beside the photo counts (see `imaging.trimap.find_known`).
    """
    found = _scan(inputs, options, recursive)
    if trimap and not trimap.exists():
        raise UsageError(f"{trimap} does not exist.", "Give a trimap, or a folder of them.")
    if trimap and not trimap.is_dir() and len(found.found) > 1:
        raise UsageError(f"{trimap} is one trimap for {len(found.found)} photos.", "Give a folder of them.")
    claims = Claims(options, [photo.path for photo in found.found])
    shared = Counter(_place(photo) for photo in found.found)
    naming = ResultNames(options)
    items = []
    for index, photo in enumerate(found.found):
        stem = photo.path.stem
        if shared[_place(photo)] > 1:  # a.jpg and a.png: neither name depends on the other's coming first
            stem = f"{stem}-{photo.path.suffix[1:]}"
        stem = naming.of(index, safe_stem(stem), request, photo.path)
        target = claims.target(photo.subfolder, stem)
        items.append(
            Item(
                photo.label,
                request,
                target,
                photo.path,
                trimap=find_known(photo.path, trimap),
                uncertain_target=claims.uncertain_target(photo.subfolder, target.stem),
                archive=claims.archive(photo),
            )
        )
    return Job("matting", options, tuple(items), tuple(found.problems), found.passed_over)


def plan_painting(
    inputs: Sequence[Path],
    rows: Sequence[PromptRow],
    count: int,
    request: PaintingRequest,
    options: Options,
    recursive: bool = True,
    photos: Path | None = None,
) -> Job:
    """An item for each matte, prompt and seed; what a row leaves open is taken from `request`.

    A row that names a matte is painted into that one alone, after all others. `photos` is the photo that
    every item starts from, or a folder that holds one of each matte's name; a matte without a photo is a
    problem of the job's. Raises `UsageError` where there is no matte for a row, or where a row sets a
    size: the matte has one.
    """
    sized = next((row for row in rows if row.size is not None), None)
    if sized:
        raise UsageError(f"{sized.where}: a painting has its matte's size.", "Leave the column size out.")
    homeless = next((row for row in rows if row.matte is None), None)
    if homeless and not inputs:
        where = homeless.where or homeless.prompt
        raise UsageError(f"{where}: there is no matte to paint into.", "Name one.")
    found = _scan(inputs, options, recursive) if inputs else Scan()
    wanted_by = {matte: [row for row in rows if row.matte is None] for matte in found.found}
    for row in rows:
        if row.matte is not None:
            wanted_by.setdefault(Found(row.matte), []).append(row)
    found.found = list(wanted_by)
    starts = [(matte, _photo_of(matte, photos) if photos else None) for matte in found.found]
    found.problems += [
        Problem(matte.label, f"There is no photo for {matte.path} in {photos}.")
        for matte, start in starts
        if photos and start is None
    ]
    sources = [matte.path for matte in found.found] + [start for _, start in starts if start]
    claims = Claims(options, sources)
    wanted = [
        (matte, start, row, number, each)
        for matte, start in starts
        if start or not photos
        for row in wanted_by[matte]
        for number, each in _requests(row, count, request)
    ]
    naming = ResultNames(options)
    items = []
    for index, (matte, start, row, number, each) in enumerate(wanted):
        stem = naming.of(index, prompt_stem(row, number, index, len(wanted)), each, matte.path)
        label = f"{matte.label}: {row.prompt}"
        target = claims.target(matte.subfolder, stem)
        items.append(Item(label, each, target, matte.path, start))
    return Job("painting", options, tuple(items), tuple(found.problems), found.passed_over)


def plan_generation(
    rows: Sequence[PromptRow],
    count: int,
    request: GenerationRequest,
    options: Options,
    start: Path | None = None,
) -> Job:
    """An item for each prompt and seed; what a row leaves open is taken from `request`.

    `start` is the cut-out that every item starts from. Raises `UsageError` where a size is asked
    for beside it: it has one.
    """
    painted = next((row for row in rows if row.matte is not None), None)
    if painted:
        raise UsageError(f"{painted.where}: a matte is painted into.", "Use: zippo-desktop paint")
    if start and (request.size is not None or any(row.size is not None for row in rows)):
        raise UsageError(f"What starts from {start} has its size.", "Leave the size out.")
    claims = Claims(options, [start] if start else [])
    wanted = [(row, number, each) for row in rows for number, each in _requests(row, count, request)]
    naming = ResultNames(options)
    items = []
    for index, (row, number, each) in enumerate(wanted):
        each = replace(each, size=row.size or each.size, tries=row.tries or each.tries)
        stem = naming.of(index, prompt_stem(row, number, index, len(wanted)), each, start)
        target = claims.target(Path(), stem)
        items.append(Item(row.prompt, each, target, start=start))
    return Job("generation", options, tuple(items))


def _scan(inputs: Sequence[Path], options: Options, recursive: bool) -> Scan:
    others = [folder for folder in (options.uncertain_dir, options.originals_dir) if folder]
    found = scan(inputs, options.output_dir, recursive, others)
    if not found.found and not found.problems:
        names = ", ".join(map(str, inputs[:3])) + (", ..." if len(inputs) > 3 else "")
        raise UsageError(
            f"There is no picture in {names}.", f"{found.passed_over} other files were passed over."
        )
    return found


def _photo_of(matte: Found, photos: Path) -> Path | None:
    """The one photo, or the one in the folder `photos` that is called as the matte, or None.

    "a.matte.png", as `matte --matte` writes it, belongs to "a.jpg"; sub-folders correspond.
    """
    if not photos.is_dir():
        return photos
    stem = matte.path.stem.removesuffix(Path(MATTE_SUFFIX).stem)
    folder = photos / matte.subfolder
    named = (path for path in sorted(folder.glob(f"{glob.escape(stem)}.*")) if path.stem == stem)
    return next(filter(is_image_name, named), None)


def _place(photo: Found) -> tuple[Path, str]:
    return photo.subfolder, photo.path.stem.casefold()


def _requests(row: PromptRow, count: int, request: Prompted) -> Iterator[tuple[int, Prompted]]:
    """The requests of one row, numbered from 1, with seeds counted up."""
    seed = request.seed if row.seed is None else row.seed
    for number in range(1, (row.count or count) + 1):
        yield (
            number,
            replace(
                request,
                prompt=row.prompt,
                negative=request.negative if row.negative is None else row.negative,
                steps=row.steps or request.steps,
                guidance=request.guidance if row.guidance is None else row.guidance,
                seed=seed + number - 1,
            ),
        )


def prompt_stem(row: PromptRow, number: int, index: int, total: int) -> str:
    """A picture's usual name: the row's own, numbered from its second on; or place in the job and prompt."""
    if row.name:
        return safe_stem(row.name if number == 1 else f"{row.name}-{number}")
    words = _BETWEEN_WORDS.sub("-", row.prompt.lower()).strip("-")
    digits = max(3, len(str(total)))
    return f"{index + 1:0{digits}}-{safe_stem(words, PROMPT_STEM_BYTES)}"
