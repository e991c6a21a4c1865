"""The table of look options, against the dataclasses it fills."""

from __future__ import annotations

from dataclasses import fields

import pytest

from zippo_desktop.errors import UsageError
from zippo_desktop.export.writing import Writing
from zippo_desktop.imaging.arrangement import Arrangement
from zippo_desktop.imaging.matte_controls import MatteControls
from zippo_desktop.looks.options import LOOK_OPTIONS, Look, look_from, look_option
from zippo_desktop.pipelines.request import MattingRequest


def test_every_field_has_its_option():
    reached = {(option.part, option.field) for option in LOOK_OPTIONS}
    for part, kind in (("controls", MatteControls), ("arrangement", Arrangement), ("writing", Writing)):
        assert {(part, each.name) for each in fields(kind)} <= reached
    matting = {each.name for each in fields(MattingRequest)} - {"prompt", "seed", "controls"}
    assert {("matting", name) for name in matting} <= reached
    assert len(reached) == len(LOOK_OPTIONS) == len({option.name for option in LOOK_OPTIONS})


def test_nothing_said_means_defaults():
    assert look_from({}) == Look()


def test_values_land_in_their_parts():
    look = look_from(
        {"edges": "fine", "expand": 2, "crop": "5%", "format": ["psd", "png", "psd"], "depth": "16"}
    )
    assert look.matting == MattingRequest(edges="fine", controls=MatteControls(expand_px=2.0))
    assert isinstance(look.matting.controls.expand_px, float)
    assert look.arrangement == Arrangement(crop="5%")
    assert look.writing == Writing(formats=("psd", "png"), depth="16")


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"colour": "red"}, "There is no option 'colour'."),
        ({"edges": "sharp"}, "edges cannot be 'sharp'. Choose from fast, fine."),
        ({"matte": 1}, "matte is 1. It takes true or false."),
        ({"quality": 90.5}, "quality is 90.5. It takes a whole number."),
        ({"quality": True}, "quality is True. It takes a whole number."),
        ({"expand": "2"}, "expand is '2'. It takes a number."),
        ({"format": "png"}, "format is 'png'. Give a list of words."),
        ({"canvas": 2000}, "canvas is 2000. It takes text."),
    ],
)
def test_what_makes_no_sense_is_told(values, told):
    with pytest.raises(UsageError) as caught:
        look_from(values)
    assert told in str(caught.value)


def test_defaults_are_the_dataclasses_own():
    assert look_option("quality").default == 90
    assert look_option("crop").default is None
    assert look_option("second-pass").default is True
