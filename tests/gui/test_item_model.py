"""The items of a list, and what a running job's events make of them."""

from pathlib import Path

import pytest
from PySide6.QtCore import QPersistentModelIndex, Qt
from PySide6.QtTest import QAbstractItemModelTester

from tests.gui.item_lists import ended, found, job_of, make_cutout
from zippo_desktop.batch.job import Problem
from zippo_desktop.batch.report import Status
from zippo_desktop.batch.scan import Found
from zippo_desktop.gui.item_entry import State, by_name
from zippo_desktop.gui.item_filter import ItemFilter, Order
from zippo_desktop.gui.item_model import ItemModel, ItemRole
from zippo_desktop.gui.thumbnails import ThumbnailCache


@pytest.fixture
def thumbnails(qtbot):
    cache = ThumbnailCache()
    yield cache
    cache.close()


@pytest.fixture
def items(thumbnails):
    model = ItemModel(thumbnails)
    model.tester = QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Fatal)
    return model


@pytest.fixture
def shown(items):
    shown = ItemFilter(items)
    shown.tester = QAbstractItemModelTester(shown, QAbstractItemModelTester.FailureReportingMode.Fatal)
    return shown


def names(model):
    return [model.index(row, 0).data() for row in range(model.rowCount())]


def states(items):
    return [entry.state for entry in items.entries]


def test_a_file_is_listed_once(items):
    assert items.add(found("a.jpg", "b.jpg", "a.jpg")) == 2
    assert items.add(found("b.jpg", "./c.jpg")) == 1
    assert names(items) == ["a.jpg", "b.jpg", "c.jpg"]
    assert items.counts[State.WAITING] == 3


def test_a_removed_file_may_come_back_and_its_neighbours_stay(items):
    items.add(found("a.jpg", "b.jpg", "c.jpg", "d.jpg"))
    items.remove([items.entries[0], items.entries[2]])
    assert names(items) == ["b.jpg", "d.jpg"]
    assert items.add(found("a.jpg", "b.jpg")) == 1
    assert items.counts.total() == 3


def test_many_scattered_items_are_removed(items):
    items.add(found(*(f"{number}.jpg" for number in range(400))))
    items.remove(items.entries[::2])
    assert names(items) == [f"{number}.jpg" for number in range(1, 400, 2)]


def test_roles_tell_what_became_of_an_item(items, tmp_path):
    items.add(found("a.jpg"))
    job = job_of(found_paths("a.jpg"), tmp_path)
    items.begin_job(job)
    items.start(0)
    assert items.index(0).data(ItemRole.STATE) == State.RUNNING
    outputs = (tmp_path / "a.png", tmp_path / "a.matte.png")
    seconds = {"decode": 0.5, "infer": 1.0}
    items.end(0, ended(job, 0, outputs=outputs, seconds=seconds, confidence=0.9))
    index = items.index(0)
    assert index.data(ItemRole.STATE) == State.DONE
    assert index.data(ItemRole.SECONDS) == 1.5
    assert index.data(ItemRole.CONFIDENCE) == 0.9
    assert tuple(index.data(ItemRole.OUTPUTS)) == outputs
    assert "confidence 90%" in index.data(Qt.ItemDataRole.ToolTipRole)


def test_what_is_done_with_doubts_is_to_be_checked(items, tmp_path):
    items.add(found("a.jpg", "b.jpg"))
    job = job_of(found_paths("a.jpg", "b.jpg"), tmp_path)
    items.begin_job(job)
    items.end(0, ended(job, 0, doubts=("The edge is soft.",), confidence=0.3))
    items.end(1, ended(job, 1, Status.FAILED, message="It is damaged.", doubts=("No.",)))
    assert states(items) == [State.DOUBTFUL, State.FAILED]
    assert "The edge is soft." in items.index(0).data(Qt.ItemDataRole.ToolTipRole)


def test_events_find_their_items_in_any_order_and_after_removals(items, tmp_path):
    items.add(found("a.jpg", "b.jpg", "c.jpg"))
    job = job_of(found_paths("c.jpg", "a.jpg", "b.jpg"), tmp_path)
    items.begin_job(job)
    items.remove([items.entries[1]])
    items.sort_entries(lambda entry: entry.label, is_descending=True)
    for index in range(3):
        items.end(index, ended(job, index, Status.FAILED, message=f"message {index}"))
    assert [(entry.label, entry.message) for entry in items.entries] == [
        ("c.jpg", "message 0"),
        ("a.jpg", "message 1"),
    ]


def test_a_stopped_job_leaves_its_running_items_waiting(items, tmp_path):
    items.add(found("a.jpg", "b.jpg"))
    job = job_of(found_paths("a.jpg", "b.jpg"), tmp_path)
    items.begin_job(job)
    items.end(0, ended(job, 0))
    items.start(1)
    items.end_job()
    assert states(items) == [State.DONE, State.WAITING]
    items.end(1, ended(job, 1))  # a late event of the job before
    assert states(items) == [State.DONE, State.WAITING]


def test_a_file_that_could_not_become_an_item_is_told(items, tmp_path):
    items.add(found("a.jpg", "gone.jpg"))
    job = job_of(found_paths("a.jpg"), tmp_path)
    problem = Problem(str(Path("gone.jpg").absolute()), "gone.jpg does not exist.")
    items.begin_job(type(job)(job.task, job.options, job.items, (problem,)))
    assert states(items) == [State.WAITING, State.FAILED]
    assert items.entries[1].message == "gone.jpg does not exist."


def test_pictures_from_prompts_are_the_jobs_own(items, tmp_path):
    job = job_of(["a pear", "a plum"], tmp_path, "generation")
    items.show_job(job)
    picture = make_cutout(tmp_path / "1.png")
    items.end(1, ended(job, 1, outputs=(picture,)))
    assert names(items) == ["a pear", "a plum"]
    assert items.entries[1].picture == picture
    assert items.entries[1].item is job.items[1]
    items.show_job(job_of(["a fig"], tmp_path, "generation"))
    assert names(items) == ["a fig"]


def test_the_thumbnail_is_the_jobs_small_picture_else_the_result(items, tmp_path):
    items.add(found("a.jpg", "b.jpg", "c.jpg", "d.jpg"))
    job = job_of(found_paths("a.jpg", "b.jpg", "c.jpg", "d.jpg"), tmp_path)
    items.begin_job(job, tmp_path / "job")
    small = make_cutout(tmp_path / "job" / "thumbnails" / "000000.cutout.webp")
    items.end(0, ended(job, 0, outputs=(tmp_path / "a.psd",)))
    items.end(1, ended(job, 1, outputs=(tmp_path / "b.matte.png", tmp_path / "b.png")))
    items.end(2, ended(job, 2, outputs=(tmp_path / "c.psd",)))
    items.end(3, ended(job, 3, outputs=(tmp_path / "d.matte.png",)))
    pictures = [entry.picture for entry in items.entries]
    assert pictures == [small, tmp_path / "b.png", tmp_path / "c.psd", Path("d.jpg").absolute()]


def test_an_item_that_is_skipped_keeps_its_results(items, tmp_path):
    items.add(found("a.jpg"))
    job = job_of(found_paths("a.jpg"), tmp_path)
    for status, outputs in ((Status.DONE, (tmp_path / "a.png",)), (Status.SKIPPED, ())):
        items.begin_job(job)
        items.end(0, ended(job, 0, status, outputs=outputs))
    assert items.entries[0].state is State.SKIPPED
    assert items.entries[0].result == tmp_path / "a.png"


def test_counts_follow_every_change(items, shown, tmp_path):
    items.add(found(*(f"{number}.jpg" for number in range(5))))
    job = job_of([entry.path for entry in items.entries], tmp_path)
    items.begin_job(job)
    items.end(0, ended(job, 0))
    items.end(1, ended(job, 1, Status.SKIPPED))
    items.start(2)
    items.remove([items.entries[0], items.entries[4]])
    assert +items.counts == {State.SKIPPED: 1, State.RUNNING: 1, State.WAITING: 1}


def test_sorting_keeps_what_is_known_by_its_place(items):
    items.add(found("b.jpg", "a.jpg"))
    kept = QPersistentModelIndex(items.index(0))
    items.sort_entries(by_name)
    assert (kept.row(), kept.data()) == (1, "b.jpg")


def test_names_are_sorted_as_people_read_them(items, shown):
    items.add(found("p10.jpg", "P2.jpg", "p1.jpg", "10.jpg", "a.jpg", "9.jpg"))
    shown.sort_by(Order.NAME)
    assert names(shown) == ["9.jpg", "10.jpg", "a.jpg", "p1.jpg", "P2.jpg", "p10.jpg"]
    shown.sort_by(Order.ADDED)
    assert names(shown)[0] == "p10.jpg"


def test_what_needs_a_person_comes_first(items, shown, tmp_path):
    items.add(found(*"abcd"))
    job = job_of([entry.path for entry in items.entries], tmp_path)
    items.begin_job(job)
    items.end(0, ended(job, 0, confidence=0.9, seconds={"infer": 1}))
    items.end(1, ended(job, 1, confidence=0.2, doubts=("Soft.",), seconds={"infer": 3}))
    items.end(2, ended(job, 2, Status.FAILED))
    orders = {}
    for order in (Order.STATE, Order.CONFIDENCE, Order.TIME):
        shown.sort_by(order)
        orders[order] = "".join(names(shown))
    assert orders[Order.STATE] == "cbda"
    assert orders[Order.CONFIDENCE][:2] == "ba"
    assert orders[Order.TIME][:2] == "ba"


def test_a_filter_of_states_follows_the_job(items, shown, tmp_path):
    items.add(found("a.jpg", "b.jpg"))
    job = job_of([entry.path for entry in items.entries], tmp_path)
    shown.set_states(frozenset({State.WAITING, State.RUNNING}))
    items.begin_job(job)
    items.start(0)
    assert names(shown) == ["a.jpg", "b.jpg"]
    items.end(0, ended(job, 0))
    assert names(shown) == ["b.jpg"]
    assert shown.entry(0).label == "b.jpg"


def test_a_filter_of_words_looks_at_folders_too(items, shown):
    items.add(
        [Found(Path("/in/shoes/Red 1.jpg"), Path("shoes")), Found(Path("/in/hats/red 2.jpg"), Path("hats"))]
    )
    for text, expected in (("RED", 2), ("shoe 1", 1), ("red 3", 0), ("  ", 2)):
        shown.set_text(text)
        assert shown.rowCount() == expected, text


def found_paths(*names):
    return [Path(name).absolute() for name in names]
