"""An expert and an "auto" session without networks, beside `FakeSession`."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tests.bright_experts import expert_manifest
from zippo_desktop.engine.auto_session import AutoSession
from zippo_desktop.engine.fake_session import FakeSession
from zippo_desktop.engine.find_spec import auto_spec
from zippo_desktop.engine.session import ExpertSpec, SessionInfo
from zippo_desktop.errors import OutOfMemory


class FakeExpert:
    """Its subject is what is bright, as `FakeSession`'s, but to the pixel; or what `mattes_of` makes of it.

    Pictures are stretched to squares of 96. `seen` lists the shapes that it was given; more pictures at once
    than `most` are too much for its memory.
    """

    def __init__(self, mattes_of=None, refiner=None, most=99):
        self.spec = ExpertSpec(
            name="fake-expert",
            version="7",
            digest="e" * 64,
            model_dir=Path("fake-expert"),
            size_px=96,
            matting_px=96,
            closer_px=96,
            multiple_px=96,
            tasks=("matting",),
            licence="none",
            is_stretched=True,
            graph_path=Path("fake-expert/net.onnx"),
            manifest=expert_manifest("fake-expert"),
        )
        self.info = SessionInfo("fake", "cpu")
        self.seen: list[tuple[int, ...]] = []
        self.is_closed = False
        self._mattes_of = mattes_of or (lambda pictures: (pictures.mean(axis=3) > 0.5).astype(np.float32))
        self._most = most
        self.refiner = refiner or FakeSession()

    def mattes(self, pictures):
        self.seen.append(pictures.shape)
        if len(pictures) > self._most:
            raise OutOfMemory("Memory ran out.", "")
        return np.asarray(self._mattes_of(pictures), np.float32)

    def close(self):
        self.is_closed = True


def fake_auto(zippo=None, expert=None):
    """A session of both."""
    zippo = zippo or FakeSession()
    expert = expert or FakeExpert(refiner=zippo)
    return AutoSession(auto_spec(zippo.spec, [expert.spec]), zippo, expert)
