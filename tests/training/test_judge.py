"""Choosing names and views, and a judge that learns three colours in a moment."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.training.named_material import COLOURS, write_named_views
from zippo_desktop.errors import InputError, ModelError
from zippo_desktop.training import judge as judging
from zippo_desktop.training import judge_networks
from zippo_desktop.training.composites import studio
from zippo_desktop.training.judge import Judge, open_judge
from zippo_desktop.training.judge_networks import JudgeConfig, train_head
from zippo_desktop.training.named_views import NamedViews, choose_names, load_view, paraphrases

TINY = JudgeConfig(size_px=16, copies=4, epochs=20, batch=16)


@pytest.fixture(autouse=True)
def _narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Colours need no deep network."""
    monkeypatch.setattr(judge_networks, "SMALL_CHANNELS", ((8, 2), (16, 2)))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_named_views(tmp_path / "cutouts")


@pytest.fixture
def names(folder: Path) -> list[NamedViews]:
    return choose_names([folder], 50)


def framed(path: Path) -> np.ndarray:
    pair = studio(load_view(path), 32, np.random.default_rng(5))
    return np.dstack([pair.image, pair.matte])


def judged(judge: Judge, paths: tuple[Path, ...]) -> list[str]:
    return judge.name(judge.features([framed(path) for path in paths]))


def test_names_are_those_with_whole_views_that_are_no_kind_of_another(names: list[NamedViews]) -> None:
    assert [views.name for views in names] == sorted(COLOURS)
    for views in names:
        assert len(views.known) + len(views.unseen) == 6
        assert len(views.unseen) == 2
        assert not set(views.known) & set(views.unseen)
        assert all(views.name in path.name for path in views.known + views.unseen)


def test_fewer_names_are_the_first_ones(folder: Path, names: list[NamedViews]) -> None:
    assert choose_names([folder], 2) == names[:2]


def test_no_two_names_is_a_sentence(tmp_path: Path) -> None:
    folder = write_named_views(tmp_path / "few", views=3)
    with pytest.raises(InputError, match="fewer than two names with 4 whole views"):
        choose_names([folder], 50)


def test_a_paraphrase_is_no_caption_of_the_training_set(folder: Path, names: list[NamedViews]) -> None:
    found = paraphrases(names, [folder])
    assert [prompt.name for prompt in found] == sorted(COLOURS)
    assert all(prompt.name not in prompt.text.split() for prompt in found)
    (folder / "other.png").write_bytes((folder / "chair_0.png").read_bytes())
    (folder / "other.txt").write_text(found[0].text)
    assert [prompt.name for prompt in paraphrases(names, [folder])] == sorted(COLOURS)[1:]


def test_the_judge_tells_unseen_views_apart_and_is_kept(
    names: list[NamedViews], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    judge = open_judge(names, tmp_path / "judge", config=TINY)
    for views in names:
        assert set(judged(judge, views.unseen)) == {views.name}

    def fail(*_: object) -> None:
        raise AssertionError("trained again")

    monkeypatch.setattr(judging, "train_small", fail)
    again = open_judge(names, tmp_path / "judge", config=TINY)
    features = [each.features([framed(names[0].unseen[0])]) for each in (judge, again)]
    np.testing.assert_array_equal(*features)
    with pytest.raises(AssertionError, match="trained again"):  # another view is another judge
        open_judge([NamedViews("chair", names[0].unseen, ()), *names[1:]], tmp_path / "judge", config=TINY)


def test_equal_seeds_make_equal_judges(names: list[NamedViews], tmp_path: Path) -> None:
    short = JudgeConfig(size_px=16, copies=1, epochs=2, batch=8)
    first, second = (open_judge(names, tmp_path / name, config=short) for name in ("a", "b"))
    np.testing.assert_array_equal(first.weight, second.weight)


def test_the_judge_sees_nothing_of_what_the_matte_hides(names: list[NamedViews], tmp_path: Path) -> None:
    judge = open_judge(names, tmp_path, config=JudgeConfig(size_px=16, copies=1, epochs=1))
    cutout = framed(names[0].unseen[0])
    littered = cutout.copy()
    littered[cutout[..., 3] == 0, :3] = 1.0
    assert (littered != cutout).any()
    np.testing.assert_allclose(judge.features([littered]), judge.features([cutout]), atol=1e-6)


def test_another_file_than_the_published_encoder_is_refused(names: list[NamedViews], tmp_path: Path) -> None:
    (tmp_path / "weights.pth").write_bytes(b"anything")
    with pytest.raises(ModelError, match=r"weights\.pth is not the file that was published"):
        open_judge(names, tmp_path, tmp_path / "weights.pth", TINY)
    with pytest.raises(InputError, match=r"none\.pth cannot be read"):
        open_judge(names, tmp_path, tmp_path / "none.pth", TINY)


def test_the_linear_layer_takes_features_as_they_are() -> None:
    rng = np.random.default_rng(0)
    labels = np.arange(60) % 3
    features = rng.normal(size=(60, 4)).astype(np.float32)
    features[:, 0] = 500 + 10 * labels  # far from zero: the mean has to be folded in
    weights = train_head(features, labels, 3, JudgeConfig())
    assert ((features @ weights["head.weight"].T + weights["head.bias"]).argmax(axis=1) == labels).all()
