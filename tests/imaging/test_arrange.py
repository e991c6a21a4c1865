from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

from zippo_desktop.errors import InputError, UsageError
from zippo_desktop.imaging.arrange import arrange
from zippo_desktop.imaging.arrangement import Arrangement
from zippo_desktop.imaging.compositing import flatten
from zippo_desktop.imaging.layers import LayerStack, Metadata

DTYPES = [np.uint8, np.uint16]
RNG = np.random.default_rng(0)


def stack(dtype: type = np.uint8) -> LayerStack:
    """A subject of 100 x 60 pixels in a photo of 300 x 200."""
    photo = RNG.integers(0, np.iinfo(dtype).max, (200, 300, 3), dtype, endpoint=True)
    matte = np.zeros((200, 300), np.float32)
    matte[70:130, 50:150] = 1
    return LayerStack(photo.copy(), matte, photo, Metadata(dpi=(300, 300), exif=b"exif"))


def test_nothing_asked_gives_the_same_stack() -> None:
    given = stack()

    assert arrange(given, Arrangement()) is given
    assert arrange(given, Arrangement(long_edge_px=300)) is given


@pytest.mark.parametrize(
    ("options", "size"),
    [
        ({"crop": "5%"}, (110, 70)),
        ({"crop": "12.6 %"}, (126, 86)),
        ({"crop": "40px"}, (180, 140)),
        ({"crop": "0px", "aspect": "4:5"}, (100, 125)),
        ({"crop": "0px", "aspect": "1.91:1"}, (115, 60)),
        ({"crop": "40px", "long_edge_px": 90}, (90, 70)),
        ({"canvas": "200x100"}, (200, 100)),
        ({"canvas": "64 X 48", "crop": "5%", "long_edge_px": 32}, (32, 24)),
    ],
)
def test_sizes(options: dict, size: tuple[int, int]) -> None:
    result = arrange(stack(), Arrangement(**options))

    assert result.size == size
    assert result.subject.shape == result.original.shape == (*size[::-1], 3)


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_marketplace_picture(dtype: type) -> None:
    wanted = Arrangement(canvas="400x400", background="white", shadow="contact", subject_share=0.85)
    given = stack(dtype)
    result = arrange(given, wanted)
    flat = flatten(result)
    full = np.iinfo(dtype).max

    assert flat.shape == (400, 400, 3)
    assert flat.dtype == dtype
    assert result.metadata == given.metadata
    for corner in (flat[0, 0], flat[0, -1], flat[-1, 0], flat[-1, -1]):
        np.testing.assert_array_equal(corner, full)
    below = flat[200 + 340 * 60 // 200 + 2, 200]
    assert below.max() < 0.7 * full
    assert [layer.name for layer in result.layers] == ["Original", "Background", "Shadow", "Subject"]


@pytest.mark.parametrize(
    ("text", "colour"),
    [("White", (255, 255, 255)), ("#f0A", (255, 0, 170)), ("#010203", (1, 2, 3)), ("tomato", (255, 99, 71))],
)
def test_colours(text: str, colour: tuple) -> None:
    background = arrange(stack(), Arrangement(background=text)).background

    np.testing.assert_array_equal(background[0, 0], colour)
    np.testing.assert_array_equal(background[-1, -1], colour)


def test_a_file_and_a_blur_as_background(tmp_path: Path) -> None:
    given = stack()
    path = tmp_path / "wall.ppm"
    with pytest.raises(InputError, match=r"wall\.ppm"):
        arrange(given, Arrangement(background=str(path)))
    blurred = arrange(given, Arrangement(background="blur", crop="10px")).background
    assert blurred.shape == (80, 120, 3)
    assert blurred.std() < given.original.std() / 4
    with pytest.raises(InputError, match="original"):
        arrange(replace(given, original=None), Arrangement(background="blur"))


def test_background_and_shadow_are_replaced_and_kept_otherwise() -> None:
    first = arrange(stack(), Arrangement(background="red", shadow="drop"))
    second = arrange(first, Arrangement(background="lime", shadow="contact"))
    cropped = arrange(first, Arrangement(crop="0px"))

    np.testing.assert_array_equal(second.background[0, 0], (0, 255, 0))
    assert abs(second.shadow - first.shadow).max() > 0.1
    np.testing.assert_array_equal(cropped.background, first.background[70:130, 50:150])
    np.testing.assert_array_equal(cropped.shadow, first.shadow[70:130, 50:150])


def test_the_crop_is_the_subjects_and_cuts_a_longer_shadow() -> None:
    result = arrange(stack(), Arrangement(crop="0px", shadow="drop"))

    assert result.size == (100, 60)
    assert result.shadow.max() > 0.3


@pytest.mark.parametrize("value", [0, 1])
def test_all_of_it_on_an_empty_and_a_full_matte(value: int) -> None:
    given = replace(stack(), matte=np.full((200, 300), value, np.float32))
    wanted = Arrangement(canvas="90x90", crop="5%", aspect="1:1", background="blur", shadow="contact")
    result = arrange(given, wanted)

    assert flatten(result).shape == (90, 90, 3)
    assert (result.shadow.max() > 0) == bool(value)


def test_what_is_given_is_not_changed() -> None:
    given = stack()
    copies = [plane.copy() for plane in (given.subject, given.matte, given.original)]
    arrange(given, Arrangement(canvas="64x64", background="blur", shadow="drop"))

    for plane, copy in zip((given.subject, given.matte, given.original), copies, strict=True):
        np.testing.assert_array_equal(plane, copy)


@pytest.mark.parametrize(
    ("options", "part"),
    [
        ({"crop": "5"}, '"5" is no margin'),
        ({"crop": "-5px"}, "no margin"),
        ({"crop": "5% "[:1] + "em"}, "no margin"),
        ({"aspect": "4:5"}, "no crop"),
        ({"crop": "5%", "aspect": "4x5"}, "no aspect"),
        ({"crop": "5%", "aspect": "0:5"}, "no aspect"),
        ({"canvas": "2000"}, "no canvas"),
        ({"canvas": "0x20"}, "no canvas"),
        ({"canvas": "99999x99999"}, "too large"),
        ({"subject_share": 0}, "cannot take 0"),
        ({"subject_share": 1.2}, "cannot take"),
        ({"subject_share": float("nan")}, "cannot take"),
        ({"long_edge_px": 0}, "long edge"),
        ({"background": "whte"}, '"whte" is no background'),
        ({"background": "#12345"}, "no background"),
        ({"background": ""}, "no background"),
        ({"background_blur": 2}, "background blur"),
        ({"shadow": "natural"}, '"natural" is no kind'),
        ({"shadow_opacity": -0.1}, "shadow opacity"),
        ({"shadow_blur": float("nan")}, "shadow blur"),
        ({"shadow_distance": 1.5}, "shadow distance"),
        ({"shadow_angle": float("inf")}, "angle"),
    ],
)
def test_nonsense_is_refused_in_a_sentence(options: dict, part: str) -> None:
    with pytest.raises(UsageError, match=part) as refusal:
        Arrangement(**options)
    assert refusal.value.message.endswith(".")
    assert refusal.value.hint.endswith((".", '".'))


def test_it_survives_json() -> None:
    wanted = Arrangement(crop="5%", canvas="20x20", background="walls/brick.jpg", shadow="drop")

    assert Arrangement(**json.loads(json.dumps(asdict(wanted)))) == wanted
