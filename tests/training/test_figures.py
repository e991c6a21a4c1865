"""Made-up figures: one thing with its parts, always the same by its number, and a share of the subjects."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.training.material import write_material
from zippo_desktop.training.figures import figure
from zippo_desktop.training.pairs import PairSource

SIDE = 192
GRAIN = np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8)


def drawn(seed: int, side: int = SIDE) -> np.ndarray:
    return figure(side, lambda: GRAIN, np.random.default_rng(seed))


@pytest.mark.parametrize("seed", range(24))
def test_a_figure_is_one_thing_and_fills_its_frame(seed: int) -> None:
    rgba = drawn(seed)
    assert (rgba.shape, rgba.dtype) == ((SIDE, SIDE, 4), np.uint8)
    alpha = rgba[..., 3]
    _, labels = cv2.connectedComponents((alpha > 25).astype(np.uint8), connectivity=8)
    assert np.bincount(labels.ravel(), alpha.ravel())[1:].max() > 0.9 * alpha.sum()
    rows, columns = (np.flatnonzero((alpha > 25).any(axis=axis)) for axis in (1, 0))
    assert max(np.ptp(rows), np.ptp(columns)) > 0.85 * SIDE
    assert not alpha[[0, -1]].any()
    assert not alpha[:, [0, -1]].any()


def test_most_figures_have_thin_parts() -> None:
    """Parts that do not survive an opening of a twelfth of the frame: legs, tails and handles."""
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (SIDE // 12, SIDE // 12))
    shares = []
    for seed in range(24):
        mask = (drawn(seed)[..., 3] > 127).astype(np.uint8)
        shares.append(1 - cv2.morphologyEx(mask, cv2.MORPH_OPEN, kernel).sum() / mask.sum())
    assert np.median(shares) > 0.03


def test_a_number_is_always_the_same_figure_and_another_number_another() -> None:
    np.testing.assert_array_equal(drawn(3), drawn(3))
    assert (drawn(3) != drawn(4)).mean() > 0.1


def test_figures_are_lit_and_coloured() -> None:
    for seed in range(8):
        rgba = drawn(seed)
        inside = rgba[rgba[..., 3] == 255][:, :3]
        assert inside.std() > 5


def test_a_share_of_the_scenes_subjects_is_made_up_and_has_no_caption(tmp_path: Path) -> None:
    data = write_material(tmp_path, size_px=48)
    captions = [PairSource(replace(data, figures=0.5), "train").scene(index).caption for index in range(40)]
    assert 10 < captions.count("") < 30
    assert "" not in {PairSource(data, "train").scene(index).caption for index in range(10)}


def test_studio_shots_show_no_figures(tmp_path: Path) -> None:
    data = write_material(tmp_path, size_px=48)
    made, plain = (PairSource(replace(data, figures=share), "train") for share in (1.0, 0.0))
    np.testing.assert_array_equal(made.studio(5).pair.image, plain.studio(5).pair.image)
