from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from zippo_desktop.imaging.matting_laplacian import MattingLaplacian, solve_near

RNG = np.random.default_rng(0)
TRUST = np.float32([[1e-3]])  # the same everywhere


def dense(laplacian: MattingLaplacian, shape: tuple[int, int]) -> NDArray:
    """The operator's matrix, column by column."""
    units = np.eye(shape[0] * shape[1], dtype=np.float32)
    return np.stack([laplacian.apply(unit.reshape(shape)).ravel() for unit in units], axis=1)


def textbook_matrix(image: NDArray, radius: int, epsilon: float) -> NDArray:
    """Levin, Lischinski and Weiss, equation 12, window by window in float64."""
    h, w = image.shape[:2]
    matrix, numbers = np.zeros((h * w, h * w)), np.arange(h * w).reshape(h, w)
    for y in range(h):
        for x in range(w):
            rows = slice(max(y - radius, 0), y + radius + 1), slice(max(x - radius, 0), x + radius + 1)
            inside = numbers[rows].ravel()
            colours = image[rows].reshape(-1, 3).astype(np.float64)
            centred = colours - colours.mean(0)
            variance = centred.T @ centred / len(inside) + epsilon * np.eye(3)
            affinity = (1 + centred @ np.linalg.inv(variance) @ centred.T) / len(inside)
            matrix[np.ix_(inside, inside)] += np.eye(len(inside)) - affinity
    return matrix


@pytest.mark.parametrize("radius", [1, 2])
def test_it_is_the_matrix_of_the_paper(radius: int) -> None:
    image = RNG.random((6, 7, 3), np.float32)
    matrix = dense(MattingLaplacian.of(image, radius, 1e-3), (6, 7))

    np.testing.assert_allclose(matrix, textbook_matrix(image, radius, 1e-3), atol=1e-4)


def test_the_solution_is_that_of_the_linear_system() -> None:
    image, rough = RNG.random((6, 7, 3), np.float32), RNG.uniform(0.3, 0.7, (6, 7)).astype(np.float32)
    is_open = np.ones((6, 7), np.bool_)
    is_open[:, :2] = False
    laplacian = MattingLaplacian.of(image, 1, 1e-3)

    solved = solve_near(laplacian, rough, is_open, np.full((6, 7), 0.1, np.float32), most_steps=200)

    chosen = is_open.ravel()
    matrix = dense(laplacian, (6, 7)) + 0.1 * np.eye(42)
    right = 0.1 * rough.ravel() - matrix @ np.where(chosen, 0, rough.ravel())
    expected = rough.ravel().astype(np.float64)
    expected[chosen] = np.linalg.solve(matrix[np.ix_(chosen, chosen)], right[chosen])
    np.testing.assert_allclose(solved.ravel(), np.clip(expected, 0, 1), atol=0.01)
    np.testing.assert_array_equal(solved[~is_open], rough[~is_open])


def test_a_matte_that_is_linear_in_colour_stays() -> None:
    image = RNG.random((12, 12, 3), np.float32)
    rough = 0.2 + 0.5 * image[..., 1]
    solved = solve_near(MattingLaplacian.of(image, 1, 1e-7), rough, np.ones((12, 12), np.bool_), TRUST, 50)

    np.testing.assert_allclose(solved, rough, atol=0.01)


def test_a_blurred_edge_becomes_the_pictures() -> None:
    sharp = np.zeros((40, 40), np.float32)
    sharp[:, 20:] = 1
    image = 0.2 + 0.5 * sharp[..., None] * np.float32([1, 0.5, 0.2]) + RNG.normal(0, 0.002, (40, 40, 3))
    rough = np.tile(np.clip((np.arange(40, dtype=np.float32) - 12) / 16, 0, 1), (40, 1))
    is_open = (rough > 0) & (rough < 1)

    solved = solve_near(MattingLaplacian.of(image.astype(np.float32), 1, 1e-5), rough, is_open, TRUST, 100)

    assert np.abs(solved - sharp).mean() < 0.25 * np.abs(rough - sharp).mean()
