"""What composing keeps decoded: never more than its limit, and what was used last stays."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from tests.training.material import write_material
from zippo_desktop.training.pairs import PairSource
from zippo_desktop.training.pixel_cache import PixelCache


class Loads:
    """Makes pictures of ten bytes and counts how often."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> np.ndarray:
        self.count += 1
        return np.full(10, self.count, np.uint8)


def test_what_is_kept_is_loaded_once():
    cache, load = PixelCache(100), Loads()

    assert cache.get("a", load) is cache.get("a", load)
    assert load.count == 1


def test_the_least_recently_used_goes_first_and_the_limit_holds():
    cache, load = PixelCache(25), Loads()

    for key in ("a", "b", "a", "c"):
        cache.get(key, load)
        assert cache.held_bytes <= 25
    assert load.count == 3
    cache.get("a", load)
    assert load.count == 3
    cache.get("b", load)
    assert load.count == 4


def test_what_is_larger_than_the_limit_is_given_and_not_kept():
    cache, load = PixelCache(15), Loads()
    cache.get("small", load)

    large = cache.get("large", lambda: np.zeros(16, np.uint8))

    assert large.shape == (16,)
    assert cache.held_bytes == 10
    cache.get("small", load)
    assert load.count == 1


def test_pairs_stay_the_same_under_a_small_limit_that_workers_share(tmp_path: Path):
    data = write_material(tmp_path)
    rich, poor = PairSource(data, "train"), PairSource(replace(data, cache_mb=1, workers=50), "train")

    for index in range(30):
        np.testing.assert_array_equal(poor.scene(index).pair.image, rich.scene(index).pair.image)

    assert 0 < poor.cache.held_bytes <= poor.cache.limit_bytes == 20_000
    assert rich.cache.held_bytes > 20_000
