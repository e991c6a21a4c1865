"""From photo and matte to layers: what is known, the photo's own transparency, sliders, colours."""

from pathlib import Path

import numpy as np
import pytest

from tests.photos import half_white
from zippo_desktop.imaging.decode import Photo
from zippo_desktop.imaging.layers import Metadata
from zippo_desktop.imaging.matte_controls import MatteControls
from zippo_desktop.imaging.trimap import Known
from zippo_desktop.pipelines.cutting import cut_out, has_matte, kept_as_it_is
from zippo_desktop.pipelines.request import MattingRequest

METADATA = Metadata(exif=b"exif", dpi=(300, 300))


def photo(alpha=None, dtype=np.uint8):
    pixels = half_white(80, 60).astype(dtype) * (257 if dtype == np.uint16 else 1)
    return Photo(Path("photo.png"), pixels, alpha, METADATA)


def soft_edge():
    return np.clip(np.linspace(2, -1, 80, dtype=np.float32), 0, 1)[None].repeat(60, 0)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_the_photo_itself_lies_beneath_and_keeps_what_it_says_of_itself(dtype):
    taken = photo(dtype=dtype)
    stack = cut_out(taken, soft_edge(), MattingRequest())
    assert stack.original is taken.pixels
    assert stack.metadata is METADATA
    assert stack.subject.dtype == dtype
    np.testing.assert_array_equal(stack.matte, soft_edge())


def test_colours_are_cleaned_unless_they_are_to_stay():
    taken, matte = photo(), np.full((60, 80), 0.5, np.float32)
    matte[:, :20], matte[:, 60:] = 1, 0
    assert cut_out(taken, matte, MattingRequest(foreground=False)).subject is taken.pixels
    cleaned = cut_out(taken, matte, MattingRequest()).subject
    assert (cleaned[:, :20] == taken.pixels[:, :20]).all()
    assert not (cleaned[:, 40:60] == taken.pixels[:, 40:60]).all()  # black there belongs to the background


@pytest.mark.parametrize(("alpha", "factor"), [("multiply", 0.5), ("ignore", 1.0)])
def test_transparency_that_the_photo_has_is_a_factor_if_asked(alpha, factor):
    taken = photo(np.full((60, 80), 0.5, np.float32))
    stack = cut_out(taken, soft_edge(), MattingRequest(alpha=alpha))
    np.testing.assert_allclose(stack.matte, factor * soft_edge())


def test_the_network_is_not_asked_where_the_photos_own_matte_is_kept():
    keep = MattingRequest(alpha="keep")
    assert has_matte(photo(soft_edge()), keep)
    assert not has_matte(photo(), keep)
    assert not has_matte(photo(soft_edge()), MattingRequest())


def test_what_is_known_holds_exactly_after_all_sliders():
    keep, erase = np.zeros((2, 60, 80), np.bool_)
    keep[10:20, 70:] = erase[10:20, :10] = True
    controls = MatteControls(expand_px=-3, feather_px=9)
    stack = cut_out(photo(), soft_edge(), MattingRequest(controls=controls), Known(keep, erase))
    assert (stack.matte[keep] == 1).all()
    assert (stack.matte[erase] == 0).all()
    assert 0 < stack.matte[40, 40] < 1


def test_what_is_kept_as_it_is_carries_its_parameters():
    taken = photo(soft_edge())
    stack = kept_as_it_is(taken, soft_edge(), {"prompt": "a cup"})
    assert stack.subject is taken.pixels
    assert stack.metadata.parameters == {"prompt": "a cup"}
    assert stack.metadata.dpi == (300, 300)
