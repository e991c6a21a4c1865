"""The words that a generated picture carries."""

from zippo_desktop import __version__
from zippo_desktop.engine.fake_session import FakeSession
from zippo_desktop.pipelines.parameters import describe
from zippo_desktop.pipelines.request import GenerationRequest


def test_a_picture_says_how_to_make_it_again():
    session = FakeSession()
    request = GenerationRequest("a pear", negative="text", size=128, steps=9, guidance=2.5, seed=7)
    assert describe(request, session.spec, session.info) == {
        "prompt": "a pear",
        "negative": "text",
        "size": "128",
        "steps": "9",
        "guidance": "2.5",
        "seed": "7",
        "tries": "4",
        "model": "fake 1",
        "model_digest": session.spec.digest,
        "engine": "fake/cpu",
        "software": f"Zippo Desktop {__version__}",
    }


def test_what_was_left_open_is_left_out():
    session = FakeSession()
    assert "size" not in describe(GenerationRequest("a pear"), session.spec, session.info)
