import numpy as np
import pytest
from PIL import Image

from zippo_desktop.training.recipe import frames


def square(colour: tuple[int, int, int], left: int = 20, side: int = 40, alpha: int = 255) -> np.ndarray:
    frame = np.zeros((100, 100, 4), np.uint8)
    frame[30:70, left : left + side] = (*colour, alpha)
    return frame


def test_empty_and_clipped_frames_have_a_fault():
    assert frames.fault_of(square((200, 0, 0))) is None
    assert frames.fault_of(square((200, 0, 0), side=5)) == "empty"
    assert frames.fault_of(square((200, 0, 0), left=0)) == "clipped"


@pytest.mark.parametrize(
    ("colour", "name"),
    [
        ((210, 20, 20), "red"),
        ((30, 160, 40), "green"),
        ((30, 60, 200), "blue"),
        ((245, 245, 245), "white"),
        ((90, 90, 90), "grey"),
        ((5, 5, 8), "black"),
        ((110, 70, 30), "brown"),
    ],
)
def test_the_main_colour_has_a_name(colour: tuple[int, int, int], name: str):
    assert frames.colour_name(square(colour)) == name


def test_two_colours_in_equal_parts_have_none():
    frame = square((210, 20, 20))
    frame[30:70, 40:60, :3] = (30, 60, 200)
    assert frames.colour_name(frame) == ""


def test_the_same_picture_is_a_duplicate_but_its_shape_in_another_colour_is_not():
    pictures = [square((200, 0, 0)), square((0, 160, 0)), square((201, 1, 0)), square((200, 0, 0), left=45)]
    prints = [frames.fingerprint(picture) for picture in pictures]
    assert frames.find_duplicates(prints) == {2: 0}
    assert frames.find_duplicates([]) == {}


def test_alpha_is_written_without_loss(tmp_path):
    frame = square((200, 30, 30))
    frame[30:70, 20:60, 3] = np.arange(1600).reshape(40, 40) % 256

    size = frames.write_webp(Image.fromarray(frame, "RGBA"), tmp_path / "a.webp")

    assert (tmp_path / "a.webp").stat().st_size == size
    with Image.open(tmp_path / "a.webp") as image:
        np.testing.assert_array_equal(np.asarray(image)[..., 3], frame[..., 3])
