import csv
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.training.recipe.packages import a_work
from zippo_desktop.errors import Cancelled
from zippo_desktop.training.cutouts import read_cutouts
from zippo_desktop.training.recipe import build as recipe
from zippo_desktop.training.recipe import make
from zippo_desktop.training.recipe.build import BuildOptions, Step, build
from zippo_desktop.training.recipe.tool_environment import ToolFailure
from zippo_desktop.training.recipe.works import Work

Renderer = Callable[[dict], None]


def paint(job: dict) -> None:
    """What Blender would do: a different rectangle for each seed and view."""
    folder = Path(job["output_dir"])
    for view in range(job["views"]):
        numbers = np.random.default_rng([*f"{job['seed']} {view}".encode()])
        frame = np.zeros((320, 320, 4), np.uint8)
        top, left = numbers.integers(20, 100, 2)
        low, right = numbers.integers(180, 300, 2)
        frame[top:low, left:right] = (*numbers.integers(0, 255, 3), 255)
        Image.fromarray(frame, "RGBA").save(folder / f"{view}.png")
    (folder / "done.json").write_text(json.dumps([{"light": "sky.exr"}] * job["views"]), encoding="utf-8")


@pytest.fixture
def recipe_of(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., list[str]]]:
    """Give the recipe some works and a renderer; returns the list of the works that are rendered."""

    def prepare(works: list[Work], renderer: Renderer = paint) -> list[str]:
        rendered: list[str] = []

        def run_tool(python: Path, module: str, arguments: list[str], limit_s: float, cancel) -> None:
            job = json.loads(Path(arguments[0]).read_text(encoding="utf-8"))
            rendered.append(job["seed"].split()[-1])
            renderer(job)

        monkeypatch.setattr(make, "run_tool", run_tool)
        monkeypatch.setattr(recipe, "_works", lambda part, stock, options: iter(works))
        monkeypatch.setattr(recipe._Stock, "python", lambda stock: Path("python"))
        monkeypatch.setattr(recipe._Stock, "panoramas", lambda stock: [Path("sky.exr")])
        return rendered

    return prepare


def rows(output: Path) -> list[dict[str, str]]:
    with (output / "cutouts/manifest.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def run(output: Path, notify: Callable = print, cancel: threading.Event | None = None, **options):
    return build(BuildOptions(output, ("fur",), **options), notify, cancel or threading.Event())


def test_the_set_is_readable_by_training_and_credited(tmp_path: Path, recipe_of):
    recipe_of(
        [a_work("0001"), a_work("0002", name="Chair", pack="Scopia", creator="Ann", licence="CC-BY-3.0")]
    )

    report = run(tmp_path)

    assert (report.made, report.failed) == (2, 0)
    found = rows(tmp_path)
    assert [row["file"] for row in found] == [
        "Scopia_0002_00.webp",
        "Scopia_0002_01.webp",
        "fur_0001_00.webp",
        "fur_0001_01.webp",
    ]
    in_training = {cutout.path.name for cutout in read_cutouts([tmp_path / "cutouts"], "train")}
    assert {row["file"] for row in found if row["split"] == "train"} == in_training
    assert "CC-BY-3.0, Ann (Scopia): Chair" in (tmp_path / "NOTICE").read_text(encoding="utf-8")


def test_a_second_run_makes_only_what_is_missing_or_torn(tmp_path: Path, recipe_of):
    rendered = recipe_of([a_work(f"{n:04d}") for n in range(4)])
    run(tmp_path)
    before = {path.name: path.read_bytes() for path in (tmp_path / "cutouts").iterdir()}
    (tmp_path / "cutouts/fur_0001_00.webp").unlink()
    (tmp_path / "cutouts/fur_0002_01.webp").write_bytes(b"torn")
    rendered.clear()

    report = run(tmp_path)

    assert sorted(rendered) == ["fur_0001", "fur_0002"]
    assert (report.made, report.already) == (2, 2)
    assert {path.name: path.read_bytes() for path in (tmp_path / "cutouts").iterdir()} == before


def test_more_views_or_another_seed_are_another_picture(tmp_path: Path, recipe_of):
    rendered = recipe_of([a_work()])
    run(tmp_path)
    run(tmp_path, seed=2)
    recipe_of([a_work(views=3)])
    run(tmp_path, seed=2)
    assert rendered == ["fur_0001", "fur_0001"]
    assert len(rows(tmp_path)) == 3


def test_a_journal_cut_short_by_a_kill_loses_its_last_work_only(tmp_path: Path, recipe_of):
    rendered = recipe_of([a_work("0001"), a_work("0002")])
    run(tmp_path)
    journal = tmp_path / ".work/journal.jsonl"
    journal.write_text(journal.read_text(encoding="utf-8")[:-30], encoding="utf-8")
    rendered.clear()

    run(tmp_path)
    run(tmp_path)

    assert rendered == ["fur_0002"]
    assert len(rows(tmp_path)) == 4


def test_a_failed_work_is_named_and_the_others_go_on(tmp_path: Path, recipe_of):
    def renderer(job: dict) -> None:
        if "0001" in job["seed"]:
            raise ToolFailure("it took longer than 360 s")
        paint(job)

    recipe_of([a_work("0001"), a_work("0002")], renderer)
    steps: list[Step] = []

    report = run(tmp_path, steps.append)

    assert (report.made, report.failed) == (1, 1)
    assert [str(step) for step in steps] == [
        "fur 1/2: teddy bear (fur_0001) failed: it took longer than 360 s",
        "fur 2/2 (1 failed): teddy bear (fur_0002)",
    ]


def test_a_cancelled_build_keeps_what_is_done_and_goes_on_later(tmp_path: Path, recipe_of):
    rendered = recipe_of([a_work(f"{n:04d}") for n in range(3)])
    cancel = threading.Event()

    with pytest.raises(Cancelled):
        run(tmp_path, lambda step: cancel.set(), cancel)
    assert len(rows(tmp_path)) == 2

    run(tmp_path)
    assert sorted(rendered) == ["fur_0000", "fur_0001", "fur_0002"]
    assert len(rows(tmp_path)) == 6


def test_empty_clipped_and_repeated_frames_are_counted_and_stay_away(tmp_path: Path, recipe_of):
    def renderer(job: dict) -> None:
        frames = np.zeros((4, 320, 320, 4), np.uint8)
        frames[0, 100:200, 100:250] = frames[3, 100:200, 100:250] = (180, 20, 20, 255)
        frames[2, 0:200, 100:250] = 255
        for view, frame in enumerate(frames):
            Image.fromarray(frame, "RGBA").save(Path(job["output_dir"]) / f"{view}.png")
        (Path(job["output_dir"]) / "done.json").write_text("[{}, {}, {}, {}]", encoding="utf-8")

    rendered = recipe_of([a_work(views=4)], renderer)
    first, second = run(tmp_path), run(tmp_path)

    assert rendered == ["fur_0001"]
    assert first.dropped == second.dropped == {"empty": 1, "clipped": 1, "duplicate": 1}
    assert [path.name for path in sorted((tmp_path / "cutouts").glob("*.webp"))] == ["fur_0001_00.webp"]
    assert [row["file"] for row in rows(tmp_path)] == ["fur_0001_00.webp"]
