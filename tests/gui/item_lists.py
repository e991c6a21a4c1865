"""What the tests of the lists share: small photos, a cache, and a job whose end is made up."""

from pathlib import Path

from PIL import Image

from zippo_desktop.batch.job import Item, Job, Options
from zippo_desktop.batch.report import ItemResult, Status
from zippo_desktop.batch.scan import Found
from zippo_desktop.export.write import Target
from zippo_desktop.pipelines.request import GenerationRequest, MattingRequest, PaintingRequest


def make_photo(path: Path, size=(40, 30), colour=(200, 40, 40)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, colour).save(path)
    return path


def make_cutout(path: Path, size=(40, 30)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGBA", size, (0, 0, 0, 0)).save(path)
    return path


def found(*names) -> list[Found]:
    return [Found(Path(name).absolute()) for name in names]


def job_of(paths, out: Path, task="matting") -> Job:
    request = {"matting": MattingRequest(), "painting": PaintingRequest("a pear")}.get(
        task, GenerationRequest("a pear")
    )
    items = tuple(
        Item(path.name, request, Target(out, path.stem, ("png",)), None if task == "generation" else path)
        for path in map(Path, paths)
    )
    return Job(task, Options(out), items)


def ended(job: Job, index: int, status=Status.DONE, **fields) -> ItemResult:
    item = job.items[index]
    return ItemResult(item.label, status, source=item.source, **fields)
