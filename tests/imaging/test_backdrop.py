import numpy as np

from zippo_desktop.imaging.backdrop import MIN_ALPHA, STUDIO_GREY, remove_backdrop


def test_colour_over_the_known_grey_is_recovered_exactly():
    rng = np.random.default_rng(0)
    foreground = rng.random((16, 16, 3), dtype=np.float32)
    matte = rng.uniform(0.1, 1.0, (16, 16)).astype(np.float32)
    image = foreground * matte[..., None] + np.float32(STUDIO_GREY) * (1 - matte[..., None])

    np.testing.assert_allclose(remove_backdrop(image, matte), foreground, atol=2e-6)


def test_where_nothing_is_visible_the_picture_stays():
    image = np.full((4, 4, 3), 0.3, np.float32)

    np.testing.assert_array_equal(remove_backdrop(image, np.full((4, 4), MIN_ALPHA / 2, np.float32)), image)


def test_noise_at_a_thin_edge_stays_within_range():
    image = np.float32([[[0.9, 0.1, 0.5]]])

    recovered = remove_backdrop(image, np.float32([[0.03]]))

    np.testing.assert_allclose(recovered, [[[1.0, 0.0, 0.5]]], atol=1e-5)
