"""Matting measures against values worked out by hand, and the properties that they must have."""

from __future__ import annotations

from math import exp

import numpy as np
import pytest

from zippo_desktop.training import metrics

ERRORS = [
    metrics.sum_absolute_difference,
    metrics.mean_squared_error,
    metrics.mean_absolute_difference,
    metrics.gradient_error,
    metrics.connectivity_error,
]


def matte(*rows: list[float]) -> metrics.Matte:
    return np.array(rows, dtype=np.float32)


def blob(seed: int, shape: tuple[int, int] = (40, 48)) -> metrics.Matte:
    """A soft disc with noise: some of everything."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[: shape[0], : shape[1]]
    distance = np.hypot(y - shape[0] / 2 + rng.uniform(-5, 5), x - shape[1] / 2 + rng.uniform(-5, 5))
    return np.clip((14 - distance) / 5 + 0.2 * rng.random(shape), 0, 1).astype(np.float32)


def test_pointwise_errors_by_hand() -> None:
    predicted, true = matte([0.0, 0.5], [1.0, 1.0]), matte([0.0, 1.0], [1.0, 0.0])
    # |a - a*| = 0, 0.5, 0, 1
    assert metrics.sum_absolute_difference(predicted, true) == pytest.approx(1.5 / 1000)
    assert metrics.mean_absolute_difference(predicted, true) == pytest.approx(1.5 / 4)
    assert metrics.mean_squared_error(predicted, true) == pytest.approx((0.25 + 1.0) / 4)


def test_region_restricts_sum_and_mean() -> None:
    predicted, true = matte([0.0, 0.5], [1.0, 1.0]), matte([0.0, 1.0], [1.0, 0.0])
    upper_row = np.array([[True, True], [False, False]])
    assert metrics.sum_absolute_difference(predicted, true, upper_row) == pytest.approx(0.5 / 1000)
    assert metrics.mean_absolute_difference(predicted, true, upper_row) == pytest.approx(0.5 / 2)
    assert metrics.mean_squared_error(predicted, true, np.zeros((2, 2), dtype=bool)) == 0.0


def test_large_sums_keep_their_digits() -> None:
    # 0.1 summed 4 million times in float32, pixel after pixel, would be off in the third digit.
    true = np.zeros((2000, 2000), dtype=np.float32)
    assert metrics.sum_absolute_difference(true + np.float32(0.1), true) == pytest.approx(400.0, rel=1e-6)


def test_gradient_of_a_ramp_by_hand() -> None:
    # In the middle of a ramp of slope s the filters answer s * sum(k d_k) * sum(g_k), k = -4..4, with
    # g_k = exp(-k^2 / (2 * 1.96)) and d_k = k g_k, both divided by their Euclidean norms.
    slope = 0.04
    g = [exp(-(k**2) / (2 * 1.4**2)) for k in range(-4, 5)]
    d = [k * g_k for k, g_k in zip(range(-4, 5), g, strict=True)]
    g_norm, d_norm = sum(v * v for v in g) ** 0.5, sum(v * v for v in d) ** 0.5
    answer = slope * sum(k * d_k for k, d_k in zip(range(-4, 5), d, strict=True)) / d_norm * sum(g) / g_norm
    ramp = np.tile(np.arange(21, dtype=np.float32) * np.float32(slope), (21, 1))
    centre = np.zeros((21, 21), dtype=bool)
    centre[10, 10] = True
    for true in (ramp, np.ascontiguousarray(ramp.T)):
        assert metrics.gradient_error(np.zeros_like(true), true, centre) == pytest.approx(
            answer**2 / 1000, rel=1e-4
        )


def test_gradient_equals_the_two_dimensional_filters_applied_one_pixel_at_a_time() -> None:
    predicted, true = blob(1, (12, 15)), blob(2, (12, 15))
    k = np.arange(-4, 5)
    g = np.exp(-(k**2) / (2 * 1.4**2))
    filter_x = np.outer(g, k * g)
    filter_x /= np.sqrt((filter_x**2).sum())

    def magnitude(alpha: metrics.Matte) -> np.ndarray:
        padded = np.pad(alpha.astype(np.float64), 4, mode="edge")
        return np.array(
            [
                [
                    np.hypot((window := padded[y : y + 9, x : x + 9]).ravel() @ filter_x.ravel(),
                             window.ravel() @ filter_x.T.ravel())
                    for x in range(alpha.shape[1])
                ]
                for y in range(alpha.shape[0])
            ]
        )  # fmt: skip

    expected = ((magnitude(predicted) - magnitude(true)) ** 2).sum() / 1000
    assert metrics.gradient_error(predicted, true) == pytest.approx(expected, rel=1e-4)


def test_gradient_sees_blur_that_a_shifted_level_does_not() -> None:
    true = blob(3) * np.float32(0.5)
    assert metrics.gradient_error(true + np.float32(0.25), true) == pytest.approx(0.0, abs=1e-9)
    blurred = np.full_like(true, true.mean())
    assert metrics.gradient_error(blurred, true) > 0.01


def test_connectivity_of_a_half_cut_bridge_by_hand() -> None:
    predicted, true = matte([1, 1, 1, 0.5, 1]), matte([1, 1, 1, 1, 1])
    # All five stay connected up to 0.5; at 0.6 the first three are the largest part: l = 1 1 1 .5 .5
    # phi(predicted) = 1 1 1 1 .5 and phi(true) = 1 1 1 .5 .5: only the bridge differs, by 0.5.
    assert metrics.connectivity_error(predicted, true) == pytest.approx(0.5 / 1000)


def test_connectivity_forgives_less_than_theta() -> None:
    true = np.ones((4, 4), dtype=np.float32)
    # l = 0.9 and d* = 0.1 stays below theta; at 0.8 d* = 0.2 counts in all 16 pixels.
    assert metrics.connectivity_error(true * np.float32(0.9), true) == 0.0
    assert metrics.connectivity_error(true * np.float32(0.8), true) == pytest.approx(
        16 * 0.2 / 1000, rel=1e-5
    )


def test_connectivity_does_not_join_corners() -> None:
    # The lower right pixel is cut off at every threshold: l = 0, phi(predicted) = 1 since 0.1 is below
    # theta, phi(true) = 0. Were corners joined, l would be 0.1 and the error 0.9.
    predicted, true = matte([1, 0], [0, 0.1]), matte([1, 0], [0, 1])
    assert metrics.connectivity_error(predicted, true) == pytest.approx(1.0 / 1000)


def test_connectivity_without_anything_shared_counts_all_that_stands_out() -> None:
    predicted, true = matte([1, 0, 0]), matte([0, 0, 0.6])
    assert metrics.connectivity_error(predicted, true) == pytest.approx((1.0 + 0.6) / 1000)


@pytest.mark.parametrize("error", ERRORS)
def test_errors_are_zero_for_equals_and_symmetric_and_positive(error) -> None:
    one, other = blob(4), blob(5)
    assert error(one, one) == pytest.approx(0.0, abs=1e-12)
    assert error(one, other) == pytest.approx(error(other, one))
    assert error(one, other) > 0.0


@pytest.mark.parametrize("error", [*ERRORS, metrics.intersection_over_union])
def test_errors_do_not_change_when_both_are_turned(error) -> None:
    one, other = blob(6), blob(7)
    turned = error(np.rot90(one).copy(), np.rot90(other).copy())
    assert turned == pytest.approx(error(one, other), rel=1e-5)


@pytest.mark.parametrize("error", [*ERRORS, metrics.intersection_over_union])
def test_mattes_of_different_shape_are_refused(error) -> None:
    with pytest.raises(ValueError, match=r"\(2, 2\) and \(2, 1\)"):
        error(np.zeros((2, 2), dtype=np.float32), np.zeros((2, 1), dtype=np.float32))


def test_iou_by_hand() -> None:
    predicted, true = matte([1, 0.5, 0.49, 0]), matte([1, 0.2, 0.9, 0])
    # Masks 1100 and 1010: one in common, three in all.
    assert metrics.intersection_over_union(predicted, true) == pytest.approx(1 / 3)


def test_iou_edge_cases() -> None:
    empty, full = np.zeros((3, 3), dtype=np.float32), np.ones((3, 3), dtype=np.float32)
    assert metrics.intersection_over_union(empty, empty) == 1.0
    assert metrics.intersection_over_union(empty, full) == 0.0
    assert metrics.intersection_over_union(full, empty) == 0.0
    assert metrics.intersection_over_union(full, full) == 1.0


def test_soft_band_surrounds_hard_and_soft_edges_only() -> None:
    hard = np.zeros((9, 20), dtype=np.float32)
    hard[:, 10:] = 1.0
    band = metrics.soft_band(hard, radius_px=2)
    # Within two pixels of the edge between columns 9 and 10.
    assert band.all(axis=0).nonzero()[0].tolist() == [8, 9, 10, 11]
    assert band.sum() == 4 * 9
    soft = hard.copy()
    soft[:, 9] = 0.5
    assert metrics.soft_band(soft, radius_px=2).all(axis=0).nonzero()[0].tolist() == [7, 8, 9, 10, 11]


def test_soft_band_of_a_constant_matte_is_empty_or_full() -> None:
    assert not metrics.soft_band(np.ones((5, 5), dtype=np.float32)).any()
    assert metrics.soft_band(np.full((5, 5), 0.5, dtype=np.float32)).all()


def test_a_score_does_not_depend_on_where_in_memory_its_arrays_happen_to_lie() -> None:
    predicted, true = blob(8), blob(9)
    kept, scores = [], set()
    for size in range(1, 20_000, 37):
        kept.append(np.empty(size, np.uint8))  # moves whatever is allocated next
        scores.add(metrics.gradient_error(predicted, true))
    assert len(scores) == 1


def test_score_gathers_every_measure() -> None:
    predicted, true = blob(8), blob(9)
    scores = metrics.score(predicted, true)
    assert scores.sad == metrics.sum_absolute_difference(predicted, true)
    assert scores.mse == metrics.mean_squared_error(predicted, true)
    assert scores.mad == pytest.approx(scores.sad * 1000 / true.size)
    assert scores.grad == metrics.gradient_error(predicted, true)
    assert scores.conn == metrics.connectivity_error(predicted, true)
    assert scores.iou == metrics.intersection_over_union(predicted, true)
    band = metrics.soft_band(true)
    assert scores.band_mad == pytest.approx(float(np.abs(predicted - true)[band].mean()), rel=1e-5)
